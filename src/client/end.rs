//! The ways in which a connection ends, in words for the user.

use std::time::Duration;

use crate::protocol::Pin;
use crate::protocol::address::Address;

/// Why a connection to a room ended, or was never established. Its text is one sentence
/// for people, with what happened and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum End {
    /// The user left.
    #[error("You left the room.")]
    Left,
    /// The room was closed for good.
    #[error("The room was closed.")]
    RoomClosed,
    /// The service that runs the room stops, perhaps to start again.
    #[error("The service that runs the room is stopping; it may start again soon.")]
    ServiceStopping {
        /// How long to wait before a try to join again.
        retry: Option<Duration>,
    },
    /// Another connection took over this member.
    #[error("You are in the room from another window or device; this one was left.")]
    TakenOver,
    /// Nothing listens at the address.
    #[error("No room is open at {0}; check the address, or host a room there.")]
    Refused(Address),
    /// The host name has no address.
    #[error("No computer named “{0}” was found; check the name and your network.")]
    NoSuchHost(String),
    /// There is no route to the host.
    #[error("{0} cannot be reached from here; check the address and your network.")]
    Unreachable(Address),
    /// The host did not answer.
    #[error("{0} did not answer in time; check the address and your network.")]
    TimedOut(Address),
    /// Another program answers.
    #[error("Another program answers at {0}, not a room; check the address and the port.")]
    NotChatroom(Address),
    /// The room has as many members as it may have.
    #[error("The room is full; try again when someone has left.")]
    RoomFull,
    /// Too many connections come from the client's address.
    #[error("Too many connections to the room come from your address; close one and try again.")]
    TooManyConnections,
    /// The room is private, and the client has no key.
    #[error("This room is private; ask for an invitation, or for its key.")]
    KeyNeeded,
    /// The client has another key than the room.
    #[error(
        "The key does not let you in: it was mistyped, or there is a new one; ask for a new \
         invitation."
    )]
    KeyWrong,
    /// The server takes encrypted connections only.
    #[error("This room takes encrypted connections only; join without “plain”.")]
    TlsNeeded,
    /// A host keeps the client out for a while.
    #[error(
        "The host keeps you out of this room{}; try again then, or ask the host.",
        for_how_long(*.retry)
    )]
    Banned {
        /// For how long, as the server says.
        retry: Option<Duration>,
    },
    /// The host removed the member.
    #[error("The host has removed you from the room; ask the host before you join again.")]
    Removed,
    /// The server has another certificate than the one that is expected. Nothing was sent
    /// to it.
    #[error(
        "Another computer answers than the one you know: its fingerprint is {} instead of {}; \
         ask the host which one is right.", .found.fingerprint(), .expected.fingerprint()
    )]
    OtherIdentity {
        /// The name of the room, if it was known under the expected pin.
        room: Option<String>,
        /// The expected pin.
        expected: Pin,
        /// The pin of the server that answered.
        found: Pin,
    },
    /// The server did not prove that it knows the room's key.
    #[error(
        "This server could not prove that it hosts the room of your key; check the address, \
         or ask for a new invitation."
    )]
    NotProven,
    /// The server does not encrypt, although it should.
    #[error(
        "The server does not encrypt, although it should, so nothing was sent; check the \
         address and your network, and try again."
    )]
    NotEncrypted,
    /// Client and server have no version of the protocol in common.
    #[error(
        "The server speaks another version of the protocol; use the same version of Chatroom \
         as the server."
    )]
    OtherVersion,
    /// The server ended the connection, and gave its reason in words.
    #[error("The server ended the connection: {0}")]
    Rejected(String),
    /// The server broke the protocol.
    #[error(
        "The server sent something that this version of Chatroom does not understand; use the \
         same version as the server."
    )]
    Garbled,
    /// The connection broke.
    #[error("The connection to the room was lost: {0}; check your network and join again.")]
    Lost(Loss),
    /// The system lacks what the client needs to start.
    #[error("The connection could not be started: {0}; close some programs and try again.")]
    NotBegun(String),
}

impl End {
    /// Whether another try makes sense for a client that was in the room.
    pub(super) const fn is_temporary(&self) -> bool {
        match self {
            // A network with a login page answers in the server's place.
            Self::NotChatroom(_)
            | Self::NotEncrypted
            | Self::ServiceStopping { .. }
            | Self::Refused(_)
            | Self::NoSuchHost(_)
            | Self::Unreachable(_)
            | Self::TimedOut(_)
            | Self::TooManyConnections
            | Self::Lost(_)
            | Self::NotBegun(_) => true,
            // Keys and identities do not change by themselves, and a host who keeps someone
            // out does not want them to try.
            Self::KeyNeeded
            | Self::KeyWrong
            | Self::TlsNeeded
            | Self::Banned { .. }
            | Self::Removed
            | Self::OtherIdentity { .. }
            | Self::NotProven
            | Self::Left
            | Self::RoomClosed
            | Self::TakenOver
            | Self::RoomFull
            | Self::OtherVersion
            | Self::Rejected(_)
            | Self::Garbled => false,
        }
    }

    /// The kind of the end for the trace, without the words of others.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::RoomClosed => "room closed",
            Self::ServiceStopping { .. } => "service stopping",
            Self::TakenOver => "taken over",
            Self::Refused(_) => "refused",
            Self::NoSuchHost(_) => "no such host",
            Self::Unreachable(_) => "unreachable",
            Self::TimedOut(_) => "timed out",
            Self::NotChatroom(_) => "not a room",
            Self::RoomFull => "room full",
            Self::TooManyConnections => "too many connections",
            Self::KeyNeeded => "key needed",
            Self::KeyWrong => "wrong key",
            Self::TlsNeeded => "TLS needed",
            Self::Banned { .. } => "banned",
            Self::Removed => "removed",
            Self::OtherIdentity { .. } => "other identity",
            Self::NotProven => "host not proven",
            Self::NotEncrypted => "not encrypted",
            Self::OtherVersion => "other version",
            Self::Rejected(_) => "rejected",
            Self::Garbled => "garbled",
            Self::Lost(Loss::Silence(_)) => "silence",
            Self::Lost(Loss::Slept) => "this computer slept",
            Self::Lost(Loss::Ended) => "ended unexpectedly",
            Self::Lost(Loss::Broken(_)) => "broken",
            Self::NotBegun(_) => "not begun",
        }
    }
}

/// The rest of a ban, rounded up.
fn for_how_long(retry: Option<Duration>) -> String {
    match retry.map(|it| it.as_secs().div_ceil(60)) {
        None => " for a while".to_owned(),
        Some(0 | 1) => " for a minute".to_owned(),
        Some(minutes @ 2..=119) => format!(" for {minutes} minutes"),
        Some(minutes) => format!(" for {} hours", minutes.div_ceil(60)),
    }
}

/// How a connection was lost.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Loss {
    /// The server was silent for this long.
    #[error("the server was silent for {} seconds", .0.as_secs())]
    Silence(Duration),
    /// The computer slept.
    #[error("this computer slept")]
    Slept,
    /// The server ended the connection without a `closed` frame or a fatal error.
    #[error("it ended unexpectedly")]
    Ended,
    /// The system reports an error.
    #[error("{0}")]
    Broken(String),
}
