//! How far a session is.

use std::fmt;
use std::ops::Range;

use crate::protocol::proof::{Binding, Mac, Nonce};
use crate::room::{Cursor, Lease, Reached};

use super::super::hub::Proven;
use super::wanted::Wanted;

/// How far a session is. Rare parts are boxed: most sessions are members that do nothing.
#[derive(Debug)]
pub enum Phase {
    /// The peer has not asked to join.
    Greeting,
    /// The peer asked to join, and the outcome is awaited. The session takes no input.
    Joining(Box<Hail>),
    /// The peer asked to join, and must prove a key first.
    Challenged(Box<Challenged>),
    /// The peer has a member.
    Member(Membership),
    /// The peer said goodbye; the session ends when the peer has read the log.
    Leaving(Box<Leaving>),
    /// The peer has no member any more. Nothing follows the output.
    Ending(Ending),
}

/// What a native client asked for when it joined, and what it has proved since.
#[derive(Default)]
pub struct Hail {
    /// The name that it wants.
    pub name: String,
    /// The `seq` of the last message that it has, if it has any of this log.
    pub after: Option<u64>,
    /// The secret of the session that it wants to resume.
    pub session: Option<String>,
    /// Whether it wants to be the host.
    pub host: bool,
    /// Its nonce, if it can prove a key.
    pub nonce: Option<Nonce>,
    /// The key that it has proved.
    pub proven: Option<Proven>,
    /// The server's own proof, for the welcome.
    pub proof: Option<Mac>,
}

impl fmt::Debug for Hail {
    /// The session is a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hail")
            .field("name", &self.name)
            .field("host", &self.host)
            .field("proven", &self.proven)
            .finish_non_exhaustive()
    }
}

/// A native client that must prove a key: once, and before the time to give a name is over.
#[derive(Debug)]
pub struct Challenged {
    pub hail: Hail,
    /// What its proof is bound to.
    pub binding: Binding,
    /// The key that it must prove.
    pub asked: Proven,
}

/// A peer's membership of the room.
#[derive(Debug)]
pub struct Membership {
    pub lease: Lease,
    /// The room's count of revocations when the lease was last known to be valid.
    pub revocations: u64,
    pub cursor: Cursor,
    /// The `seq` numbers of past messages that the session sends before it follows the
    /// log.
    pub replay: Range<u64>,
    /// Output that waits for the store.
    pub hold: Option<Box<Hold>>,
    /// The messages to fetch from the store first.
    pub wanted: Option<Box<Wanted>>,
}

/// Output of a member that waits until the store is written up to a point.
#[derive(Clone, Copy, Debug)]
pub enum Hold {
    /// The welcome: all of the output.
    Welcome(Reached),
    /// So many first bytes of the answers.
    Answers(Reached, usize),
}

/// A member that leaves.
#[derive(Debug)]
pub struct Leaving {
    pub member: Membership,
    /// The end of what the peer still reads.
    pub until: Cursor,
}

/// The end of a session.
#[derive(Debug)]
pub struct Ending {
    pub farewell: Farewell,
    /// The point up to which the store must be written before the peer may be told.
    pub held: Option<Box<Reached>>,
}

/// The connection's last act, after it has written the output of an ended session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Farewell {
    /// Nothing more.
    Silent,
    /// After a pause, the quit command by itself: it ends the original program.
    QuitCommand,
}

impl Phase {
    /// The membership, if the peer has one.
    pub const fn member(&self) -> Option<&Membership> {
        match self {
            Self::Member(member) => Some(member),
            Self::Leaving(leaving) => Some(&leaving.member),
            Self::Greeting | Self::Joining(_) | Self::Challenged(_) | Self::Ending(_) => None,
        }
    }

    /// The membership, if the peer has one.
    pub const fn member_mut(&mut self) -> Option<&mut Membership> {
        match self {
            Self::Member(member) => Some(member),
            Self::Leaving(leaving) => Some(&mut leaving.member),
            Self::Greeting | Self::Joining(_) | Self::Challenged(_) | Self::Ending(_) => None,
        }
    }

    /// The end of what a peer that said goodbye still reads.
    pub const fn leaves_at(&self) -> Option<Cursor> {
        match self {
            Self::Leaving(leaving) => Some(leaving.until),
            Self::Greeting
            | Self::Joining(_)
            | Self::Challenged(_)
            | Self::Member(_)
            | Self::Ending(_) => None,
        }
    }

    /// Whether the session has ended.
    pub const fn has_ended(&self) -> bool {
        matches!(self, Self::Ending(_))
    }
}
