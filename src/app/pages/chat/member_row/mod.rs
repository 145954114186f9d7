//! The row of a member, and the menu of what a host can do to them.

use std::cell::RefCell;

use adw::prelude::*;
use adw::subclass::prelude::*;
use gettextrs::gettext;
use gtk::{CompositeTemplate, gdk, gio, glib};

use crate::app::models::Member;
use crate::app::pages::popup;
use crate::app::strings::{fill, isolated};

/// For how long a member can be muted from the menu, in seconds.
const MUTES: [u64; 3] = [5 * 60, 60 * 60, 24 * 60 * 60];

mod imp {
    use super::*;

    #[derive(Debug, Default, CompositeTemplate, glib::Properties)]
    #[template(resource = "/io/github/chatroom/Chatroom/pages/chat/member_row/row.ui")]
    #[properties(wrapper_type = super::MemberRow)]
    pub struct MemberRow {
        /// The member in the row.
        #[property(get, set = Self::set_member, nullable)]
        pub member: RefCell<Option<Member>>,
        #[template_child]
        pub actions: TemplateChild<gtk::Button>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for MemberRow {
        const NAME: &'static str = "ChatroomMemberRow";
        type Type = super::MemberRow;
        type ParentType = gtk::Box;

        fn class_init(class: &mut Self::Class) {
            class.bind_template();
            class.install_action("member.menu", None, |row, _, _| row.open_menu(None));
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl MemberRow {
        fn set_member(&self, member: Option<Member>) {
            if let Some(member) = &member {
                let label = fill(
                    &gettext("Actions for {name}"),
                    &[("name", &isolated(&member.name()))],
                );
                self.actions.set_tooltip_text(Some(&label));
            }
            self.member.replace(member);
        }
    }

    #[glib::derived_properties]
    impl ObjectImpl for MemberRow {
        fn constructed(&self) {
            self.parent_constructed();
            let row = self.obj();
            let click = gtk::GestureClick::builder()
                .button(gdk::BUTTON_SECONDARY)
                .build();
            click.connect_pressed(glib::clone!(
                #[weak]
                row,
                move |_, _, x, y| row.open_menu(Some((x, y)))
            ));
            row.add_controller(click);
            let press = gtk::GestureLongPress::builder().touch_only(true).build();
            press.connect_pressed(glib::clone!(
                #[weak]
                row,
                move |_, x, y| row.open_menu(Some((x, y)))
            ));
            row.add_controller(press);
        }
    }

    impl WidgetImpl for MemberRow {}
    impl BoxImpl for MemberRow {}
}

glib::wrapper! {
    /// The row of a member.
    pub struct MemberRow(ObjectSubclass<imp::MemberRow>)
        @extends gtk::Box, gtk::Widget,
        @implements gtk::Accessible, gtk::Buildable, gtk::ConstraintTarget, gtk::Orientable;
}

impl MemberRow {
    /// Opens the menu at a point of the row, or at its button. Does nothing if the user
    /// cannot do anything to the member.
    pub fn open_menu(&self, at: Option<(f64, f64)>) {
        let member = self.member().filter(Member::can_be_moderated);
        let Some(id) = member.and_then(|member| member.id()) else {
            return;
        };
        #[allow(clippy::cast_possible_truncation)] // pixels on a screen
        let place = match at {
            Some((x, y)) => gdk::Rectangle::new(x as i32, y as i32, 1, 1),
            None => gdk::Rectangle::new(self.width() - 1, self.height(), 1, 1),
        };
        popup::open(&popup::menu(&menu(id.get()), &place), self);
    }
}

/// What a host can do to the member with this id: actions of the page.
fn menu(id: u64) -> gio::Menu {
    let item = |label: &str, action: &str, target: &glib::Variant| {
        let item = gio::MenuItem::new(Some(label), None);
        item.set_action_and_target_value(Some(action), Some(target));
        item
    };
    let mutes = gio::Menu::new();
    let labels = [
        gettext("For _5 Minutes"),
        gettext("For 1 _Hour"),
        gettext("For 1 _Day"),
    ];
    for (seconds, label) in MUTES.iter().zip(labels) {
        mutes.append_item(&item(
            &label,
            "room.mute-member",
            &(id, *seconds).to_variant(),
        ));
    }
    let unmute = (id, 0_u64).to_variant();
    mutes.append_item(&item(&gettext("_Unmute"), "room.mute-member", &unmute));
    let menu = gio::Menu::new();
    menu.append_submenu(Some(&gettext("_Mute")), &mutes);
    menu.append_item(&item(
        &gettext("Make _Host…"),
        "room.make-host",
        &id.to_variant(),
    ));
    menu.append_item(&item(
        &gettext("_Remove…"),
        "room.remove-member",
        &id.to_variant(),
    ));
    menu
}
