//! What can happen to a room, as plain data.
//!
//! A command has everything in it that the room cannot know by itself: the time, the
//! random numbers, the hash of a token. So rooms with the same [`Seed`](super::Seed) that
//! apply the same commands in the same order are the same. [`Room::apply`] takes each
//! kind by itself and gives its own kind of outcome; [`Command`] is any of them, for a
//! list of commands.

use std::sync::Arc;

use jiff::Timestamp;

use super::{
    Ban, Closing, Draft, EncodingId, Entered, Erase, Expired, Lease, MakeHost, Mute, NoSuchMember,
    NotBanned, NotEntered, NotErased, NotMadeHost, NotMuted, NotResumed, NotSaid, Parting, Remove,
    Removed, Room, Rules, Said, SetKeys, Slow, Time, TokenHash, Unban, WantedName, Why,
};

/// A change of a room, with its outcome for whoever asked for it.
pub trait Change {
    /// The outcome.
    type Outcome;

    /// Applies the change. Call [`Room::apply`] instead.
    #[doc(hidden)]
    fn change(self, room: &mut Room) -> Self::Outcome;
}

/// Adds a new member, and notifies everyone who was there before.
#[derive(Clone, Debug)]
pub struct Enter {
    /// The name that the member gets while it is free.
    pub wanted: WantedName,
    /// The encoding in which the member reads.
    pub encoding: EncodingId,
    /// Whether this member hosts the room.
    pub host: bool,
    /// The hash of the token by which the member can come back, if it has one.
    pub token: Option<TokenHash>,
}

/// Gives a member to a new connection, and notifies everyone if the member was away.
///
/// This fails if no member has this token or the room is closed, or if a connection that
/// was opened later has already resumed it. In the last case the client has given this
/// connection up since, and its old `hello` must not end the newer connection.
#[derive(Clone, Copy, Debug)]
pub struct Resume {
    /// The hash of the member's token.
    pub token: TokenHash,
    /// When the connection was opened.
    pub opened: Time,
}

/// Sends a message, unless its sender has already sent it. Only a message that is neither
/// empty nor too long counts towards the sender's rate.
#[derive(Clone, Debug)]
pub struct Say<'a> {
    /// The sender.
    pub lease: Lease,
    /// The message.
    pub draft: Draft<'a>,
    /// The time of day, for the entry.
    pub at: Timestamp,
    /// The time, for the rate limit.
    pub time: Time,
}

/// Removes a member for good, and notifies everyone who stays. The outcome is `None` if
/// the lease is over.
#[derive(Clone, Copy, Debug)]
pub struct Leave {
    /// The member.
    pub lease: Lease,
    /// The reason.
    pub why: Why,
}

/// Ends a lost connection's lease: the member is away from now on, and everyone learns of
/// it. A member without a token leaves instead, and so does every member if the grace
/// time is 0 or the room is closed. The outcome is `None` if the lease is over.
#[derive(Clone, Copy, Debug)]
pub struct Lose {
    /// The member.
    pub lease: Lease,
    /// The reason why the connection ended.
    pub why: Why,
    /// The time from which the grace time counts.
    pub time: Time,
}

/// Removes one member whose deadline is over, and notifies everyone. Apply it again until
/// its outcome is `None`.
#[derive(Clone, Copy, Debug)]
pub struct Expire {
    /// The time.
    pub time: Time,
}

/// Notifies everyone that the room is closed; it accepts nothing afterwards. Only the
/// first one has an effect.
#[derive(Clone, Copy, Debug)]
pub struct Close {
    /// How the room is closed.
    pub closing: Closing,
}

/// Announces the collected joins and leaves.
#[derive(Clone, Copy, Debug)]
pub struct Announce;

/// Sets other rules from now on; the limits of the history in memory stay as they are.
#[derive(Clone, Copy, Debug)]
pub struct SetRules {
    /// The rules.
    pub rules: Rules,
}

/// Defines [`Command`], [`Outcome`], and how each kind of command is applied.
macro_rules! commands {
    ($($kind:ident $(<$life:lifetime>)? -> $result:ty;)+) => {
        /// Any command.
        #[derive(Clone, Debug)]
        pub enum Command {
            $(
                #[doc = concat!("See [`", stringify!($kind), "`].")]
                $kind($kind $(<$life>)?),
            )+
        }

        /// The outcome of a [`Command`].
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Outcome {
            $(
                #[doc = concat!("The outcome of [`", stringify!($kind), "`].")]
                $kind($result),
            )+
        }

        impl Change for Command {
            type Outcome = Outcome;

            fn change(self, room: &mut Room) -> Outcome {
                match self {
                    $(Self::$kind(command) => Outcome::$kind(command.change(room)),)+
                }
            }
        }
    };
}

/// Makes a command a [`Change`] by the method of the room that applies it.
macro_rules! change {
    ($($kind:ty => $method:ident -> $result:ty;)+) => {
        $(
            impl Change for $kind {
                type Outcome = $result;

                fn change(self, room: &mut Room) -> $result {
                    room.$method(self)
                }
            }
        )+
    };
}

commands! {
    Enter -> Result<Entered, NotEntered>;
    Resume -> Result<Entered, NotResumed>;
    Say<'static> -> Result<Said, NotSaid>;
    Leave -> Option<Parting>;
    Lose -> Option<Parting>;
    Expire -> Option<Expired>;
    Close -> ();
    Announce -> ();
    SetRules -> ();
    Remove -> Result<Removed, NoSuchMember>;
    Mute -> Result<Arc<str>, NotMuted>;
    Slow -> ();
    Erase -> Result<u64, NotErased>;
    MakeHost -> Result<Arc<str>, NotMadeHost>;
    Ban -> Result<(), NotBanned>;
    Unban -> Vec<Ban>;
    SetKeys -> ();
}

change! {
    Enter => enter -> Result<Entered, NotEntered>;
    Resume => resume -> Result<Entered, NotResumed>;
    Say<'_> => say -> Result<Said, NotSaid>;
    Leave => leave -> Option<Parting>;
    Lose => lose -> Option<Parting>;
    Expire => expire -> Option<Expired>;
    Close => close -> ();
    Announce => announce -> ();
    SetRules => set_rules -> ();
    Remove => remove -> Result<Removed, NoSuchMember>;
    Mute => mute -> Result<Arc<str>, NotMuted>;
    Slow => slow_down -> ();
    Erase => erase -> Result<u64, NotErased>;
    MakeHost => make_host -> Result<Arc<str>, NotMadeHost>;
    Ban => ban -> Result<(), NotBanned>;
    Unban => unban -> Vec<Ban>;
    SetKeys => set_keys -> ();
}

impl Say<'_> {
    /// The same command, which borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> Say<'static> {
        Say {
            lease: self.lease,
            draft: self.draft.into_owned(),
            at: self.at,
            time: self.time,
        }
    }
}
