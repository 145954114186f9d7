//! How a connection ended, in words for the person who had it.

use std::time::Duration;

use crate::wire::address::Address;

/// Why a connection to a room ended, or never came to be. Shown to a person, it
/// is one sentence that says what happened and what can be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum End {
    /// This side left.
    #[error("You left the room.")]
    Left,
    /// The room was closed for good.
    #[error("The room was closed.")]
    RoomClosed,
    /// The service that runs the room stops, perhaps to start again.
    #[error("The service that runs the room is stopping; it may start again soon.")]
    ServiceStopping {
        /// How long to wait before joining again is worth a try.
        retry: Option<Duration>,
    },
    /// Another connection took this side's place in the room.
    #[error("You are in the room from another window or device; this one was left.")]
    TakenOver,
    /// Nothing listens at the address.
    #[error("No room is open at {0}; check the address, or host a room there.")]
    Refused(Address),
    /// The name of the host stands for no address.
    #[error("No computer named “{0}” was found; check the name and your network.")]
    NoSuchHost(String),
    /// There is no way to the host.
    #[error("{0} cannot be reached from here; check the address and your network.")]
    Unreachable(Address),
    /// The host did not answer.
    #[error("{0} did not answer in time; check the address and your network.")]
    TimedOut(Address),
    /// Something answers, but not as a room does.
    #[error("Another program answers at {0}, not a room; check the address and the port.")]
    NotChatroom(Address),
    /// As many as may be are in the room.
    #[error("The room is full; try again when someone has left.")]
    RoomFull,
    /// As many connections as may be come from this side's address.
    #[error("Too many connections to the room come from your address; close one and try again.")]
    TooManyConnections,
    /// The two sides have no version of the protocol in common.
    #[error(
        "The server speaks another version of the protocol; use the same version of Chatroom \
         as the server."
    )]
    OtherVersion,
    /// The server ended the connection for a reason that it gave in words.
    #[error("The server ended the connection: {0}")]
    Rejected(String),
    /// The server sent something that is not in the protocol.
    #[error(
        "The server sent something that this version of Chatroom does not understand; use the \
         same version as the server."
    )]
    Garbled,
    /// The connection broke.
    #[error("The connection to the room was lost: {0}; check your network and join again.")]
    Lost(Loss),
    /// The system would not even let this side begin.
    #[error("The connection could not be started: {0}; close some programs and try again.")]
    NotBegun(String),
}

/// How a connection was lost.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Loss {
    /// Nothing was heard for this long.
    #[error("the server was silent for {} seconds", .0.as_secs())]
    Silence(Duration),
    /// This computer slept.
    #[error("this computer slept")]
    Slept,
    /// It ended without a word.
    #[error("it ended unexpectedly")]
    Ended,
    /// The system says that it is broken, and why.
    #[error("{0}")]
    Broken(String),
}
