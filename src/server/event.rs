//! The events that a server reports to its administrator.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::protocol::address::Address;
use crate::room::{Network, Why};
use crate::store::{ClockDoubt, DiskSpace};

use crate::protocol::sniff::{Protocol, Unserved};

/// Something that happened at a server. An event never contains the text of a message, and
/// no key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A member joined.
    Joined {
        /// The name that the room gave it.
        name: Arc<str>,
        /// The address of its connection.
        address: SocketAddr,
        /// The protocol by which it joined.
        protocol: Protocol,
        /// The number of members in the room now.
        count: usize,
    },
    /// A member left.
    Left {
        /// Its name.
        name: Arc<str>,
        /// The address of its last connection.
        address: SocketAddr,
        /// The protocol by which it joined.
        protocol: Protocol,
        /// The reason.
        why: Why,
        /// The number of members in the room now.
        count: usize,
    },
    /// A member's connection was lost; it may come back.
    Away {
        /// Its name.
        name: Arc<str>,
        /// The address of the lost connection.
        address: SocketAddr,
        /// The protocol by which it joined.
        protocol: Protocol,
    },
    /// An absent member is back.
    Back {
        /// Its name.
        name: Arc<str>,
        /// The address of its new connection.
        address: SocketAddr,
        /// The protocol of its new connection.
        protocol: Protocol,
    },
    /// The server refused a connection.
    Refused {
        /// The address of the connection.
        address: SocketAddr,
        /// The reason.
        why: Refusal,
    },
    /// The server refused several connections within about a second.
    RefusedMany {
        /// Their common origin: an IPv4 address, or the first address of an IPv6 network
        /// of 64 bits; `None` if they came from many other addresses.
        network: Option<IpAddr>,
        /// The reason.
        why: Refusal,
        /// The number of connections.
        count: u64,
    },
    /// Someone sent a key, or a proof of one, that is not this room's.
    WrongKey {
        /// The address of the connection.
        address: SocketAddr,
    },
    /// A member was removed.
    Removed {
        /// Its name.
        name: Arc<str>,
        /// Who removed it.
        by: By,
        /// For how long nobody may join from its address; `None` if they may.
        ban: Option<Duration>,
        /// The number of members in the room now.
        count: usize,
    },
    /// A member was muted, or is no longer.
    Muted {
        /// Its name.
        name: Arc<str>,
        /// Who muted it.
        by: By,
        /// For how long from now; zero lifts it.
        period: Duration,
    },
    /// The time between two messages of each member was set.
    Slow {
        /// The time; zero lifts it.
        every: Duration,
        /// Who set it.
        by: By,
    },
    /// The text of a message was erased.
    Erased {
        /// The `seq` of the message.
        seq: u64,
        /// Who erased it.
        by: By,
    },
    /// A member is the host now.
    HostChanged {
        /// Its name.
        name: Arc<str>,
        /// Who made it the host.
        by: By,
    },
    /// The room has another key: earlier invitations are no longer valid.
    KeyReplaced {
        /// Who replaced it.
        by: By,
    },
    /// A ban was lifted before its end.
    Unbanned {
        /// The addresses that it held for, if it held for any.
        network: Option<Network>,
        /// The name of the member that was removed.
        name: Option<Arc<str>>,
    },
    /// From now on the server shows the administrator's new certificate.
    CertificateChanged,
    /// A member read so slowly that the log no longer held everything it missed.
    FellBehind {
        /// Its name.
        name: Arc<str>,
        /// The address of its connection.
        address: SocketAddr,
        /// The protocol by which it joined.
        protocol: Protocol,
        /// The number of messages that the server did not send to it.
        missed: u64,
    },
    /// Others can join at these addresses from now on, the likeliest first.
    Addresses(Arc<Vec<Address>>),
    /// The server cannot read something in the store; the text is the reason.
    Unread(String),
    /// Messages wait because the server can store nothing at the moment; the text is the
    /// reason.
    Delayed(String),
    /// The server stored and sent the messages that waited, after this time.
    Resumed(Duration),
    /// The computer's clock is doubtful; this is the consequence for saved messages.
    Clock(ClockDoubt),
    /// Little space is left on the disk of the store.
    DiskLow(DiskSpace),
    /// The server can accept no connection for the moment; the text is the reason.
    Stalled(String),
    /// The server dropped this many events before the next one, because nobody read them
    /// in time, or because they came faster than it reports them.
    Missed(u64),
}

/// Who moderated a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// A member, by its name.
    Member(Arc<str>),
    /// An administrator of the server.
    Administrator,
}

impl fmt::Display for By {
    /// A name stands in quotes: no member can pass for the administrator.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(name) => write!(f, "“{name}”"),
            Self::Administrator => f.write_str("the administrator"),
        }
    }
}

/// The reason why the server refused a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The number of connections has reached its limit.
    #[error("the room is full")]
    RoomFull,
    /// The number of connections from its address has reached its limit.
    #[error("too many connections from this address")]
    TooManyConnections,
    /// It came by a door that the server does not serve.
    #[error("this server does not support its protocol: {}", .0.name())]
    ClosedDoor(Unserved),
    /// The room is private, and it gave no key.
    #[error("it gave no key of this private room")]
    KeyNeeded,
    /// Its key, or its proof of one, was wrong.
    #[error("its key is not the room's")]
    KeyWrong,
    /// It was not encrypted, and has to be.
    #[error("it was not encrypted")]
    TlsNeeded,
    /// Nobody may join from its address for a while.
    #[error("its address is banned")]
    Banned,
}
