//! The settings of a client: how it joins a room and comes back to it.

use std::path::PathBuf;
use std::time::Duration;

use crate::protocol::address::Address;
use crate::protocol::invitation::Invitation;
use crate::protocol::{DEAD_AFTER, HEARTBEAT, Pin};
use crate::room::{DEFAULT_NAME, RoomKey};

/// The default time for which a server that owes an answer may be silent.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// How to join a room.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The address of the room.
    pub address: Address,
    /// The wanted name; the server may give another.
    pub name: String,
    /// Further addresses of the same server. They are tried only with a pin or a key:
    /// otherwise nobody could tell whether they lead to the same server.
    pub more_addresses: Vec<Address>,
    /// Whether the connection is encrypted.
    pub encryption: Encryption,
    /// The pin of the server: the client talks to no other one. Without it the server is
    /// known by its `key`, or trusted on first use.
    pub pin: Option<Pin>,
    /// The key of a private room. It never crosses the wire.
    pub key: Option<RoomKey>,
    /// The key by which the client shows to be the host. It never crosses the wire.
    pub host_key: Option<RoomKey>,
    /// The file in which the client remembers servers, shared by all clients of this
    /// user; without it, it remembers none.
    pub known_rooms: Option<PathBuf>,
    /// The session of an earlier run of the program, to come back to. It goes only to the
    /// server that it comes from: give its pin too.
    pub resume: Option<Resume>,
    /// Unconfirmed messages of an earlier run, each as its id and its text, in their
    /// order. The client sends them first, and none appears twice if `resume` is given
    /// too. A message that cannot be sent at all is reported as
    /// [`Event::Unsent`](super::Event::Unsent) after the welcome. The client accepts all
    /// of them, however many there are.
    pub unsent: Vec<(String, String)>,
    /// Whether the client restores a lost connection. If not, the loss ends the session.
    pub comes_back: bool,
    /// How long the client tries to restore a lost connection. `None`: for as long as the
    /// user stays.
    pub give_up_after: Option<Duration>,
    /// The wait before the first try to come back. It doubles from try to try; each
    /// wait is drawn at random from its upper half.
    pub first_retry: Duration,
    /// The longest wait between two tries.
    pub longest_retry: Duration,
    /// The longest time for looking up the host, connecting to it, and the handshake.
    pub connect_within: Duration,
    /// The longest time until the server's welcome after that, with all proofs.
    pub welcome_within: Duration,
    /// After sending nothing for this long, the client sends a `ping`.
    pub heartbeat: Duration,
    /// The connection counts as lost after this much silence.
    pub dead_after: Duration,
    /// The same while something waits for an answer (a message for its echo, a request,
    /// missed messages). Before this time is over the client sends `ping`; any byte from
    /// the server ends the silence.
    pub answer_within: Duration,
    /// The longest time for leaving: half of it for messages that wait, and all of it
    /// with the server's answer to the goodbye.
    pub leave_within: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            address: Address::default(),
            name: DEFAULT_NAME.to_owned(),
            more_addresses: Vec::new(),
            encryption: Encryption::default(),
            pin: None,
            key: None,
            host_key: None,
            known_rooms: None,
            resume: None,
            unsent: Vec::new(),
            comes_back: true,
            give_up_after: None,
            first_retry: Duration::from_millis(250),
            longest_retry: Duration::from_secs(15),
            connect_within: Duration::from_secs(10),
            welcome_within: Duration::from_secs(10),
            heartbeat: HEARTBEAT,
            dead_after: DEAD_AFTER,
            answer_within: ANSWER_WITHIN,
            leave_within: Duration::from_secs(2),
        }
    }
}

impl Settings {
    /// The settings with which an invitation is accepted.
    #[must_use]
    pub fn invited(invitation: Invitation) -> Self {
        Self {
            address: invitation.address,
            more_addresses: invitation.more,
            pin: invitation.pin,
            key: invitation.key,
            host_key: invitation.host_key,
            ..Self::default()
        }
    }
}

/// Whether a connection is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encryption {
    /// By TLS. Only a server of which nothing is known, and that does not speak TLS, is
    /// asked again without.
    #[default]
    Tls,
    /// Never: everyone on the way can read everything.
    Plain,
}

/// A session, and the position up to which the client has read: from the last
/// [`Event::Welcomed`](super::Event::Welcomed) or
/// [`Event::Returned`](super::Event::Returned), and the messages after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resume {
    /// The `session` of the welcome; a secret.
    pub session: String,
    /// The `epoch` of the welcome.
    pub epoch: String,
    /// The `seq` of the last message that came; without one, the one before the
    /// welcome's `next`.
    pub after: u64,
}
