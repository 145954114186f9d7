//! What a host does: removing, muting, slowing down, erasing, handing over, inviting.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::room::MemberId;

use super::define::content;
use super::optional::{is_false, milliseconds, or_default};

content! {
    /// Removes a member.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Kick {
        /// The member.
        pub id: MemberId,
        /// For how many seconds nobody may join from its address; without it, or with 0,
        /// it may join again at once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub ban_s: Option<u64>,
    }
}

content! {
    /// Rejects the messages of a member for a while.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Mute {
        /// The member.
        pub id: MemberId,
        /// For how many seconds from now; 0 lifts it.
        pub for_s: u64,
    }
}

content! {
    /// Sets the time between two messages of each member.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Slow {
        /// The seconds; 0 lifts it.
        pub every_s: u64,
    }
}

content! {
    /// Erases the text of a message.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Erase {
        /// The `seq` of the message.
        pub seq: u64,
    }
}

content! {
    /// Makes a member the host, instead of the one who sends this.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct MakeHost {
        /// The member.
        pub id: MemberId,
    }
}

content! {
    /// Requests an invitation.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct InviteRequest {
        /// Whether the room gets a new key first: earlier invitations let nobody in then.
        #[serde(
            default,
            deserialize_with = "or_default",
            skip_serializing_if = "is_false"
        )]
        pub new: bool,
    }
}

content! {
    /// Answers `kick`.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Kicked<'a> {
        /// The member's id.
        pub id: MemberId => same,
        /// Its name.
        #[serde(borrow)]
        pub name: Cow<'a, str> => name,
        /// For how many seconds nobody may join from its address.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub ban_s: Option<u64> => same,
        /// How many other members have the same address.
        #[serde(default, deserialize_with = "or_default")]
        pub shared: usize => same,
    }
}

content! {
    /// Answers `mute`.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Muted<'a> {
        /// The member's id.
        pub id: MemberId => same,
        /// Its name.
        #[serde(borrow)]
        pub name: Cow<'a, str> => name,
        /// For how many seconds from now; 0 if it is not muted any more.
        pub for_s: u64 => same,
    }
}

content! {
    /// The text of a message was erased. This is a lasting entry itself.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Erased<'a> {
        /// Its own place among all entries.
        pub seq: u64 => same,
        /// When. RFC 3339, UTC, milliseconds.
        #[serde(serialize_with = "milliseconds")]
        pub at: Timestamp => same,
        /// The `seq` of the message.
        pub of: u64 => same,
        /// Who erased it.
        #[serde(borrow)]
        pub by: By<'a> => content,
    }
}

content! {
    /// Who did something in a room.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct By<'a> {
        /// The member's id; missing if it was an administrator of the server.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub id: Option<MemberId> => same,
        /// The member's name, or that of the server.
        #[serde(borrow)]
        pub name: Cow<'a, str> => line,
    }
}

content! {
    /// A member is the host now.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Host<'a> {
        /// The member's id.
        pub id: MemberId => same,
        /// Its name.
        #[serde(borrow)]
        pub name: Cow<'a, str> => name,
        /// The id of the member who was the host until now, and handed it over.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub from: Option<MemberId> => same,
    }
}

content! {
    /// Answers `invite`.
    #[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Invite<'a> {
        /// The invitation, a link. A secret where the room is private.
        #[serde(borrow)]
        pub link: Cow<'a, str> => word,
    }
}

impl std::fmt::Debug for Invite<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Invite { link: … }")
    }
}
