//! The reasons why something that a host or an administrator wanted was not done.

use std::fmt;
use std::sync::Arc;

use crate::protocol::native::frame::Code;
use crate::room::MemberId;

/// The reason why something that a host or an administrator wanted was not done, in words
/// for them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotModerated {
    /// The member is not a host.
    #[error("Only the host can do that.")]
    NotHost,
    /// The member has left, or another connection has taken it over.
    #[error("You are no longer in the room.")]
    LeaseOver,
    /// There is no such member, or the room is closed.
    #[error("There is no such member.")]
    NoSuchMember,
    /// Several members have a name like this.
    #[error("Several members have a name like that: {}. Use the number.", Listed(.0))]
    Ambiguous(Vec<(MemberId, Arc<str>)>),
    /// A host cannot remove itself.
    #[error("You cannot remove yourself. Leave the room instead.")]
    Oneself,
    /// A host cannot be muted.
    #[error("A host cannot be muted.")]
    IsHost,
    /// The member's program has no way to use the role of the host.
    #[error("This member's program cannot host a room.")]
    CannotHost,
    /// The member has not sent this message.
    #[error("Only the host can erase the messages of others.")]
    NotSender,
    /// There is no such message, or it is no longer held.
    #[error("There is no such message, or it is no longer saved.")]
    NoSuchMessage,
    /// The message was erased before.
    #[error("This message has been erased already.")]
    Erased,
    /// The key comes from a file of the administrator.
    #[error("An administrator has chosen the room's key; it can only be replaced in its file.")]
    KeyIsFixed,
    /// No address is known where others can join.
    #[error("The server knows no address where others can join. Try again later.")]
    NoAddress,
    /// The kernel provides no random numbers.
    #[error("The server cannot make a key at the moment. Try again later.")]
    NoSecret,
    /// The store could not be read; the text is the reason.
    #[error("Saved messages cannot be read: {0}.")]
    Unread(String),
    /// It was done, but could not be saved in time: if the server ends now, it may not
    /// have been done.
    #[error("It is done, but not saved yet: messages are delayed.")]
    NotSaved,
}

impl NotModerated {
    /// The code of the protocol that comes nearest.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::NotHost | Self::LeaseOver | Self::NotSender => Code::NotHost,
            Self::NoSuchMember
            | Self::Ambiguous(_)
            | Self::Oneself
            | Self::IsHost
            | Self::CannotHost => Code::NoSuchMember,
            Self::NoSuchMessage | Self::Erased | Self::Unread(_) => Code::NoSuchMessage,
            Self::KeyIsFixed => Code::KeyFixed,
            // They may pass by themselves.
            Self::NoAddress | Self::NoSecret | Self::NotSaved => Code::TooFast,
        }
    }
}

/// Writes members as `#7 “ada”, #9 “Ada”`.
struct Listed<'a>(&'a [(MemberId, Arc<str>)]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (id, name)) in self.0.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            write!(f, "{comma}{id} “{name}”")?;
        }
        Ok(())
    }
}
