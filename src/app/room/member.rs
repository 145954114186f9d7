//! Someone in the room, for a row to show.

use std::cell::{Cell, RefCell};

use gtk::glib;
use gtk::prelude::*;
use gtk::subclass::prelude::*;

/// The opacity of members who are away; the same as what the style sheet calls dimmed.
const AWAY_OPACITY: f64 = 0.78;

mod imp {
    use super::*;

    #[derive(Debug, Default, glib::Properties)]
    #[properties(wrapper_type = super::Member)]
    pub struct Member {
        /// Their name.
        #[property(get, construct_only)]
        pub name: RefCell<String>,
        /// What they are in the room, in words: the host, or the user.
        #[property(get, construct_only)]
        pub role: RefCell<String>,
        /// Whether there is something to say about what they are.
        #[property(get, construct_only)]
        pub has_role: Cell<bool>,
        /// How plainly they are shown: who is away is shown less so.
        #[property(get, construct_only)]
        pub opacity: Cell<f64>,
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
    /// Someone in the room.
    pub struct Member(ObjectSubclass<imp::Member>);
}

impl Member {
    pub(super) fn new(name: &str, role: &str, away: bool) -> Self {
        glib::Object::builder()
            .property("name", name)
            .property("role", role)
            .property("has-role", !role.is_empty())
            .property("opacity", if away { AWAY_OPACITY } else { 1.0 })
            .build()
    }
}
