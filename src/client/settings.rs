//! How to join a room, and come back to it.

use std::time::Duration;

use crate::room::DEFAULT_NAME;
use crate::wire::address::Address;
use crate::wire::{DEAD_AFTER, HEARTBEAT};

/// How long a server that owes an answer may be silent, unless told otherwise.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// How to join a room.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the room is.
    pub address: Address,
    /// The name that is wanted; the server may give another.
    pub name: String,
    /// The key that the program which embeds the server gave to the host.
    pub host_key: Option<String>,
    /// The membership of an earlier run of the program, to come back to.
    pub resume: Option<Resume>,
    /// Messages of an earlier run that are not known to be said, each as its id and
    /// its text, in their order: they are said first, and none twice if `resume` is
    /// given too. One that cannot be sent at all is told as
    /// [`Event::Unsent`](super::Event::Unsent) after the welcome. All are taken,
    /// however many there are.
    pub unsent: Vec<(String, String)>,
    /// Whether a lost connection is restored; without it, losing it is the end.
    pub comes_back: bool,
    /// How long a lost connection is tried to be restored. For as long as the user
    /// stays, if there is no limit.
    pub give_up_after: Option<Duration>,
    /// The wait before the first try to come back. It doubles from try to try; each
    /// wait is drawn at random from its upper half.
    pub first_retry: Duration,
    /// The longest wait between two tries.
    pub longest_retry: Duration,
    /// How long finding the host and connecting to it may take.
    pub connect_within: Duration,
    /// How long the server may then take to welcome this side.
    pub welcome_within: Duration,
    /// After sending nothing for this long, this side asks whether the other is there.
    pub heartbeat: Duration,
    /// The connection is lost if nothing was heard for this long.
    pub dead_after: Duration,
    /// While something waits for an answer (a message for its echo, a question, what
    /// was missed), the connection is lost if nothing at all was heard for this long.
    /// Before that the server is asked whether it is there, and any byte from it
    /// counts.
    pub answer_within: Duration,
    /// How long leaving may take: half of it for what is still to be said, and all
    /// of it with the server's answer to a goodbye.
    pub leave_within: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            address: Address::default(),
            name: DEFAULT_NAME.to_owned(),
            host_key: None,
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

/// A membership, and up to where the room was read: what
/// [`Event::Welcomed`](super::Event::Welcomed) or
/// [`Event::Returned`](super::Event::Returned) told last, and what came after it.
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
