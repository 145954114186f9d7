//! The members of a room: who is in it, who comes and who goes.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::room::{MemberId, Why};

use super::define::content;
use super::optional::{is_false, is_zero, or_default};

content! {
    /// A member of the room.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Member<'a> {
        /// Never changes, and is never used again.
        pub id: MemberId => same,
        /// Its name.
        #[serde(borrow)]
        pub name: Cow<'a, str> => name,
        /// Whether it hosts the room.
        #[serde(
            default,
            deserialize_with = "or_default",
            skip_serializing_if = "is_false"
        )]
        pub host: bool => same,
        /// Whether its connection is lost and it may come back. Only lists contain it.
        #[serde(
            default,
            deserialize_with = "or_default",
            skip_serializing_if = "is_false"
        )]
        pub away: bool => same,
    }
}

content! {
    /// Requests members with an id after `after`.
    #[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
    pub struct MembersRequest {
        /// The last id that the client has; without it, or with 0, the list starts at the
        /// first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub after: Option<u64>,
        /// The most members wanted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub limit: Option<u64>,
    }
}

content! {
    /// A part of the list of members, in the order of their ids.
    #[derive(Debug, Serialize, Deserialize)]
    pub struct MemberList<'a> {
        /// The number of members in the room.
        pub count: usize => same,
        /// Some of them.
        #[serde(borrow)]
        pub list: Vec<Member<'a>> => contents,
        /// Whether there are more after the last one listed.
        pub more: bool => same,
    }
}

content! {
    /// A member joined.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Joined<'a> {
        /// The member's id.
        pub id: MemberId => same,
        /// Its name.
        #[serde(borrow)]
        pub name: Cow<'a, str> => name,
        /// Whether it hosts the room.
        #[serde(
            default,
            deserialize_with = "or_default",
            skip_serializing_if = "is_false"
        )]
        pub host: bool => same,
        /// The number of members in the room now.
        pub count: usize => same,
    }
}

content! {
    /// A member left.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Left<'a> {
        /// The member's id.
        pub id: MemberId => same,
        /// Its name.
        #[serde(borrow)]
        pub name: Cow<'a, str> => name,
        /// The reason.
        pub why: Why => same,
        /// The number of members in the room now.
        pub count: usize => same,
    }
}

content! {
    /// A member's connection was lost. It stays a member for a while, in which it may come
    /// back.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Away<'a> {
        /// The member's id.
        pub id: MemberId => same,
        /// Its name.
        #[serde(borrow)]
        pub name: Cow<'a, str> => name,
    }
}

content! {
    /// An absent member is back.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Back<'a> {
        /// The member's id.
        pub id: MemberId => same,
        /// Its name.
        #[serde(borrow)]
        pub name: Cow<'a, str> => name,
    }
}

content! {
    /// Members of a big room joined and left.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Presence<'a> {
        /// The number of members in the room now.
        pub count: usize => same,
        /// The names of some who joined.
        #[serde(borrow)]
        pub joined: Vec<Cow<'a, str>> => names,
        /// The number of others who joined.
        pub joined_more: usize => same,
        /// The names of some who left.
        #[serde(borrow)]
        pub left: Vec<Cow<'a, str>> => names,
        /// The number of others who left.
        pub left_more: usize => same,
        /// The number of absent members in the room.
        #[serde(
            default,
            deserialize_with = "or_default",
            skip_serializing_if = "is_zero"
        )]
        pub away: usize => same,
    }
}
