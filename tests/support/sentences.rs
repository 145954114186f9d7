//! The sentences for people that tests look for, as the program writes them: each once,
//! so that a change of its wording is a change of one line here. Every test crate includes
//! this file. The tests in Python have theirs in sentences.py.

// Each test crate uses only some of these.
#![allow(dead_code)]

/// The server's sentence as a line of the text door, without the line break.
pub fn from_server(sentence: &str) -> String {
    format!("SERVER: {sentence}")
}

// In a room: the server at the text door, its log, and the listener.

/// The beginning of every [`welcome`].
pub const WELCOME: &str = "Welcome to “";
pub const WHAT_IS_YOUR_NAME: &str = "What is your name?";
pub const ROOM_CLOSED: &str = "The room was closed.";
pub const ROOM_FULL: &str = "The room is full. Try again later.";
/// The end of every [`joined`] and [`left`], unless nobody is there.
pub const HERE_NOW: &str = "here now.";

pub fn welcome(room: &str, name: &str) -> String {
    format!("{WELCOME}{room}”, “{name}”.")
}

/// The number of members in the room.
pub fn here(count: usize) -> String {
    match count {
        0 => "Nobody is here now.".to_owned(),
        1 => format!("1 person is {HERE_NOW}"),
        _ => format!("{count} people are {HERE_NOW}"),
    }
}

pub fn joined(name: &str, count: usize) -> String {
    format!("{} {}", has_joined(name), here(count))
}

/// The first sentence of [`joined`].
pub fn has_joined(name: &str) -> String {
    format!("“{name}” joined.")
}

/// The end of a [`joined`], whoever it was.
pub fn someone_joined(count: usize) -> String {
    format!("joined. {}", here(count))
}

pub fn left(name: &str, count: usize) -> String {
    format!("“{name}” left. {}", here(count))
}

pub fn lost(name: &str) -> String {
    format!("“{name}” lost the connection, and may come back.")
}

/// Parts of the sentences about a message that was not sent, and messages that are lost.
pub const TOO_FAST: &str = "too fast";
pub const TOO_SLOW: &str = "You fell behind";
pub const TOO_LONG: &str = "Your message was not sent: more than 4000 characters or 100 lines.";
/// The beginning of the refusal of an address.
pub const TOO_MANY_CONNECTIONS: &str = "Too many connections";

// The server's log in a terminal.

/// The end of the line before the addresses.
pub const IS_OPEN: &str = " is open. Others can join at";
/// The beginning of the line after the addresses, of a room without a store.
pub const IN_MEMORY: &str = "Messages are lost";
pub const LOG_ROOM_CLOSED: &str = "The room is closed.";
pub const LOG_ROOM_EMPTY: &str = "Nobody is here; the room is closed.";
pub const SETTINGS_CHANGED: &str = "The new configuration applies from now on.";
/// The beginning of the line about a wrong configuration; what is wrong follows.
pub const SETTINGS_UNCHANGED: &str = "The settings stay as they are. ";

/// The beginning of a join in the log; its door and its address follow.
pub fn log_joining(name: &str) -> String {
    format!("“{name}” joined")
}

pub fn log_joined(name: &str, door: &str, address: impl std::fmt::Display, count: usize) -> String {
    format!("{} ({door}, {address}). {}", log_joining(name), here(count))
}

pub fn log_left(name: &str, door: &str, address: impl std::fmt::Display, count: usize) -> String {
    format!("“{name}” left ({door}, {address}). {}", here(count))
}

// `--status`.

/// The beginning of what it shows of a server.
pub fn serving(room: &str, port: u16) -> String {
    format!("{room}, port {port}, serving for ")
}

/// The beginning of what it says when there is none.
pub fn no_server_on(port: u16) -> String {
    format!("No server on port {port} answers.")
}

// The listener.

/// What a server says of a private room where others can read its output.
pub const INVITE_PRINTS_IT: &str =
    "Only those with an invitation can join: “chatroom --invite” prints it.";
/// The beginnings of the log's lines about a reloaded certificate.
pub const CERTIFICATE_CHANGED: &str = "New connections get the new certificate";
pub const KEY_REPLACED: &str = "The key was replaced by";
pub const CERTIFICATE_KEPT: &str = "The certificate and the settings stay as they are. ";
/// The beginnings of the reasons why a listener is not in a room.
pub const REMOVED: &str = "The host has removed you from the room";
pub const BANNED: &str = "The host keeps you out of this room";
pub const KEY_WRONG: &str = "The key does not let you in";
pub const NOT_ENCRYPTED: &str = "Not encrypted. Everyone between you and the room can read along.";
/// The beginning of the line about encryption, of a listener that meets the server for the
/// first time or knows it.
pub const ENCRYPTED: &str = "Encrypted on the way. Whoever hosts the room can read it.";
pub const LISTENER_LOST: &str =
    "The connection was lost: it ended unexpectedly; trying to come back.";
pub const LISTENER_BACK: &str = "You are back in the room.";
pub const LISTENER_STOPPING: &str =
    "The service that runs the room is stopping; trying to come back.";
pub const LISTENER_FULL: &str = "The room is full; try again when someone has left.";

pub fn no_room_at(address: impl std::fmt::Display) -> String {
    format!("No room is open at {address}; check the address, or host a room there.")
}

// Errors that end a server, or keep it from starting.

pub fn room_already_open(port: u16) -> String {
    format!("A room is already open on this computer, port {port}.")
}

pub fn not_an_address_here(address: &str) -> String {
    format!("{address} is not an address of this computer.")
}

/// A part of the error about a number in the configuration file.
pub fn not_within(number: i64, least: u64, most: u64) -> String {
    format!("{number} is not from {least} to {most}.")
}

/// A part of the error about an unknown key in the configuration file.
pub fn unknown_key(key: &str) -> String {
    format!("unknown field `{key}`")
}

/// Parts of the errors of a store.
pub const STORE_IN_USE: &str = "is in use by another server";
pub const STORE_NO_FOLDER: &str = "does not exist";
pub const STORE_NOT_WRITTEN: &str = "cannot be written";
pub const STORE_NOT_OPENED: &str = "cannot be opened";
pub const STORE_DISK_FULL: &str = "because the disk is full";
