//! A member of the room, for a row.

use std::cell::{Cell, RefCell};

use glib::prelude::*;
use glib::subclass::prelude::*;

use crate::chat::Row;
use crate::room::MemberId;

/// The opacity of members who are away; the same as the style sheet's dimmed labels.
const AWAY_OPACITY: f64 = 0.78;

mod imp {
    use super::*;

    #[derive(Debug, Default, glib::Properties)]
    #[properties(wrapper_type = super::Member)]
    pub struct Member {
        /// The member's name.
        #[property(get, construct_only)]
        pub name: RefCell<String>,
        /// The member's role in words: the host, the user, away.
        #[property(get, construct_only)]
        pub role: RefCell<String>,
        /// Whether the member has a role.
        #[property(get, construct_only)]
        pub has_role: Cell<bool>,
        /// The opacity of the row: less for a member who is away.
        #[property(get, construct_only)]
        pub opacity: Cell<f64>,
        /// Whether the user, as the host, can remove or mute the member.
        #[property(get, construct_only)]
        pub can_be_moderated: Cell<bool>,
        pub id: Cell<Option<MemberId>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Member {
        const NAME: &'static str = "ChatroomMember";
        type Type = super::Member;
    }

    #[glib::derived_properties]
    impl ObjectImpl for Member {}
}

glib::wrapper! {
    /// A member of the room.
    pub struct Member(ObjectSubclass<imp::Member>);
}

impl Member {
    pub(super) fn new(row: &Row, role: &str) -> Self {
        let away = row.known.away;
        let member: Self = glib::Object::builder()
            .property("name", &row.known.name)
            .property("role", role)
            .property("has-role", !role.is_empty())
            .property("opacity", if away { AWAY_OPACITY } else { 1.0 })
            .property("can-be-moderated", row.can_be_moderated)
            .build();
        member.imp().id.set(Some(row.id()));
        member
    }

    /// The member's id in the room.
    pub fn id(&self) -> Option<MemberId> {
        self.imp().id.get()
    }
}
