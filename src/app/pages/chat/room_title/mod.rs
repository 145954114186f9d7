//! The title of a room: its name, how many are there, and whether the connection is
//! encrypted. A press tells more about the encryption.

use std::cell::RefCell;

use adw::prelude::*;
use adw::subclass::prelude::*;
use gettextrs::gettext;
use gtk::{CompositeTemplate, glib};

use crate::app::models::RoomSession;
use crate::app::strings::{self, fill, isolated};
use crate::client::Security;

use super::markup::break_without_hyphens;

mod imp {
    use super::*;

    #[derive(Debug, Default, CompositeTemplate, glib::Properties)]
    #[template(resource = "/io/github/chatroom/Chatroom/pages/chat/room_title/title.ui")]
    #[properties(wrapper_type = super::RoomTitle)]
    pub struct RoomTitle {
        /// The session in the room.
        #[property(get, set = Self::set_session, nullable)]
        pub session: RefCell<Option<RoomSession>>,
        /// The number of members in words, or what is wrong with the connection.
        #[property(get, set = Self::set_subtitle)]
        pub subtitle: RefCell<String>,
        #[template_child]
        pub button: TemplateChild<gtk::MenuButton>,
        #[template_child]
        pub lock: TemplateChild<gtk::Image>,
        #[template_child]
        pub subtitle_label: TemplateChild<gtk::Label>,
        #[template_child]
        pub heading: TemplateChild<gtk::Label>,
        #[template_child]
        pub sentence: TemplateChild<gtk::Label>,
        #[template_child]
        pub trust: TemplateChild<gtk::Label>,
        #[template_child]
        pub fingerprint_box: TemplateChild<gtk::Box>,
        #[template_child]
        pub fingerprint: TemplateChild<gtk::Label>,
        #[template_child]
        pub who: TemplateChild<gtk::Label>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for RoomTitle {
        const NAME: &'static str = "ChatroomRoomTitle";
        type Type = super::RoomTitle;
        type ParentType = adw::Bin;

        fn class_init(class: &mut Self::Class) {
            RoomSession::ensure_type();
            class.bind_template();
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl RoomTitle {
        fn set_session(&self, session: Option<RoomSession>) {
            if let Some(session) = &session {
                let title = self.obj();
                let show = glib::clone!(
                    #[weak]
                    title,
                    move |_: &RoomSession| title.show()
                );
                session.connect_standing(show.clone());
                session.connect_room_name_notify(show);
            }
            self.session.replace(session);
            self.obj().show();
        }

        fn set_subtitle(&self, subtitle: String) {
            self.subtitle.replace(subtitle);
            self.obj().show();
        }
    }

    #[glib::derived_properties]
    impl ObjectImpl for RoomTitle {
        fn constructed(&self) {
            self.parent_constructed();
            break_without_hyphens(&self.fingerprint);
        }
    }

    impl WidgetImpl for RoomTitle {}
    impl BinImpl for RoomTitle {}
}

glib::wrapper! {
    /// The title of a room.
    pub struct RoomTitle(ObjectSubclass<imp::RoomTitle>)
        @extends adw::Bin, gtk::Widget,
        @implements gtk::Accessible, gtk::Buildable, gtk::ConstraintTarget;
}

impl RoomTitle {
    fn show(&self) {
        let imp = self.imp();
        let Some(session) = self.session() else {
            return;
        };
        let standing = session.standing();
        let subtitle = self.subtitle();
        let summary = standing.security.map(strings::security_summary);
        // A room that is not encrypted says so in words, an encrypted one with its lock.
        let is_plain = standing.security == Some(Security::Plain);
        let words = match &summary {
            Some(summary) if is_plain => fill(
                // Translators: the number of members, and “Not encrypted”.
                &gettext("{count} · {encryption}"),
                &[("count", &subtitle), ("encryption", summary)],
            ),
            _ => subtitle.clone(),
        };
        imp.subtitle_label.set_label(&words);
        imp.lock.set_visible(standing.security.is_some());
        imp.lock.set_icon_name(Some(if is_plain {
            "channel-insecure-symbolic"
        } else {
            "channel-secure-symbolic"
        }));
        let summary = summary.unwrap_or_default();
        let name = session.room_name();
        let label = fill(
            // Translators: the title of a room for a screen reader.
            &gettext("{room}, {count}, {encryption}"),
            &[
                ("room", &isolated(&name)),
                ("count", &subtitle),
                ("encryption", &summary),
            ],
        );
        let label = gtk::accessible::Property::Label(&label);
        imp.button.update_property(&[label]);
        imp.button
            .set_tooltip_text(Some(&gettext("About This Room")));
        self.show_more(&summary);
    }

    /// Fills the popover.
    fn show_more(&self, summary: &str) {
        let imp = self.imp();
        let standing = self.session().map(|it| it.standing()).unwrap_or_default();
        imp.heading.set_label(summary);
        if let Some(security) = standing.security {
            let (sentence, trust) = strings::security(security);
            imp.sentence.set_label(&sentence);
            imp.trust.set_label(&trust);
        }
        imp.fingerprint_box.set_visible(false);
        if let Some(Security::Tls { pin, .. }) = standing.security {
            imp.fingerprint.set_label(&strings::fingerprint(pin));
            imp.fingerprint_box.set_visible(true);
        }
        imp.who.set_label(&if standing.private {
            gettext("Only those with an invitation can join.")
        } else {
            gettext("Everyone who can reach the host can join.")
        });
    }
}
