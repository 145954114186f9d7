//! The chat page: the conversation, the members, and the composer.

mod addresses_row;
mod banner;
mod composer;
mod dropping;
mod following;
mod line_row;
mod message_row;
mod parts;
mod still;

use std::cell::RefCell;

use adw::prelude::*;
use adw::subclass::prelude::*;
use gettextrs::gettext;
use gtk::{CompositeTemplate, glib};

use crate::app::room::{Entry, Session, State};
use crate::app::window::Window;
use crate::app::words::count;

use self::banner::Interruption;
use self::composer::Composer;
use self::following::Following;
pub use self::line_row::LineRow;

/// If more news than this comes at once, a screen reader gets only their number.
const SPOKEN_AT_ONCE: usize = 3;

mod imp {
    use super::*;

    #[derive(Debug, Default, CompositeTemplate, glib::Properties)]
    #[template(resource = "/io/github/chatroom/Chatroom/pages/chat/page.ui")]
    #[properties(wrapper_type = super::ChatPage)]
    pub struct ChatPage {
        /// The session in the room that the page shows.
        #[property(get, construct_only)]
        pub session: RefCell<Option<Session>>,
        /// The number of members, in words.
        #[property(get)]
        pub count: RefCell<String>,
        /// Whether the room saves its messages, in words.
        #[property(get)]
        pub keeping: RefCell<String>,
        #[template_child]
        pub split: TemplateChild<adw::OverlaySplitView>,
        #[template_child]
        pub header: TemplateChild<adw::HeaderBar>,
        #[template_child]
        pub banner: TemplateChild<adw::Banner>,
        #[template_child]
        pub scroller: TemplateChild<gtk::ScrolledWindow>,
        #[template_child]
        pub list: TemplateChild<gtk::ListView>,
        #[template_child]
        pub to_end: TemplateChild<gtk::Revealer>,
        #[template_child]
        pub to_end_button: TemplateChild<gtk::Button>,
        #[template_child]
        pub unread: TemplateChild<gtk::Label>,
        #[template_child]
        pub composer: TemplateChild<Composer>,
        #[template_child]
        pub members: TemplateChild<gtk::ListView>,
        pub following: Following,
        pub interruption: Interruption,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for ChatPage {
        const NAME: &'static str = "ChatroomChatPage";
        type Type = super::ChatPage;
        type ParentType = adw::NavigationPage;

        fn class_init(class: &mut Self::Class) {
            Composer::ensure_type();
            Session::ensure_type();
            crate::app::room::Member::ensure_type();
            class.bind_template();
            class.install_action("room.leave", None, |page, _, _| {
                if let Some(window) = page.root().and_downcast::<Window>() {
                    window.leave();
                }
            });
            class.install_action("room.retry", None, |page, _, _| {
                if let Some(session) = page.session() {
                    session.retry_now();
                }
            });
            class.install_action("room.newest", None, |page, _, _| page.go_to_end());
            class.install_action("room.members", None, |page, _, _| {
                let split = &page.imp().split;
                split.set_show_sidebar(!split.shows_sidebar());
            });
            class.install_action("room.next-part", None, |page, _, _| page.next_part());
            class.install_action("room.previous-part", None, |page, _, _| {
                page.previous_part();
            });
            class.install_action("room.copy", None, |page, _, _| page.copy());
            class.install_action("room.write", None, |page, _, _| page.write());
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    #[glib::derived_properties]
    impl ObjectImpl for ChatPage {
        fn constructed(&self) {
            self.parent_constructed();
            self.obj().show_session();
            self.obj().take_drops();
            self.split.connect_collapsed_notify(glib::clone!(
                #[weak(rename_to = page)]
                self.obj(),
                // The members take the focus with them, wherever it was in them.
                move |_| page.begin()
            ));
        }
    }

    impl WidgetImpl for ChatPage {}

    impl NavigationPageImpl for ChatPage {
        fn shown(&self) {
            self.composer.begin();
        }
    }
}

glib::wrapper! {
    /// The page of a room.
    pub struct ChatPage(ObjectSubclass<imp::ChatPage>)
        @extends adw::NavigationPage, gtk::Widget,
        @implements gtk::Accessible, gtk::Buildable, gtk::ConstraintTarget;
}

impl ChatPage {
    /// The page of the room that `session` is in.
    pub fn new(session: &Session) -> Self {
        glib::Object::builder().property("session", session).build()
    }

    fn show_session(&self) {
        let imp = self.imp();
        let Some(session) = self.session() else {
            return;
        };
        self.show_conversation(&session);
        let members = gtk::NoSelection::new(Some(session.member_list()));
        imp.members.set_model(Some(&members));
        session.connect_member_count_notify(glib::clone!(
            #[weak(rename_to = page)]
            self,
            move |session| page.show_count(session)
        ));
        session.connect_state_notify(glib::clone!(
            #[weak(rename_to = page)]
            self,
            move |session| page.show_state(session)
        ));
        session.connect_loading_notify(glib::clone!(
            #[weak(rename_to = page)]
            self,
            move |session| {
                let busy = gtk::accessible::State::Busy(session.loading());
                page.imp().list.update_state(&[busy]);
            }
        ));
        session.connect_received(glib::clone!(
            #[weak(rename_to = page)]
            self,
            move |_, messages, spoken| page.received(messages, &spoken)
        ));
        imp.composer.connect_send(glib::clone!(
            #[weak(rename_to = page)]
            self,
            #[upgrade_or]
            Ok(()),
            move |text| page.send(text)
        ));
        imp.composer.connect_keep(
            &session.draft(),
            glib::clone!(
                #[weak]
                session,
                move |text| session.set_draft(text)
            ),
        );
        session.connect_durable_notify(glib::clone!(
            #[weak(rename_to = page)]
            self,
            move |session| page.show_keeping(session)
        ));
        session.connect_interrupted_notify(glib::clone!(
            #[weak(rename_to = page)]
            self,
            move |session| page.show_interruption(session)
        ));
        self.show_count(&session);
        self.show_keeping(&session);
        self.show_state(&session);
    }

    fn show_conversation(&self, session: &Session) {
        let imp = self.imp();
        let factory = gtk::SignalListItemFactory::new();
        factory.connect_setup(glib::clone!(
            #[weak(rename_to = page)]
            self,
            move |_, item| page.set_up_row(item)
        ));
        factory.connect_bind(|_, item| {
            if let Some((item, row)) = row_of(item) {
                row.set_entry(item.item().and_downcast::<Entry>());
            }
        });
        factory.connect_unbind(|_, item| {
            if let Some((_, row)) = row_of(item) {
                row.set_entry(None);
            }
        });
        imp.list.set_factory(Some(&factory));
        let conversation = session.conversation();
        // Before the list hears of it.
        conversation.connect_items_changed(glib::clone!(
            #[weak(rename_to = page)]
            self,
            move |_, at, _, _| {
                if at == 0 {
                    page.hold_still();
                }
            }
        ));
        let model = gtk::NoSelection::new(Some(conversation));
        imp.list.set_model(Some(&model));
        self.follow();
    }

    fn set_up_row(&self, item: &glib::Object) {
        let Some(item) = item.downcast_ref::<gtk::ListItem>() else {
            return;
        };
        item.set_activatable(false);
        item.set_selectable(false);
        let row = LineRow::new(self.session().as_ref());
        row.bind_property("sentence", item, "accessible-label")
            .build();
        item.set_child(Some(&row));
    }

    /// Called when the page becomes visible.
    pub fn begin(&self) {
        self.imp().composer.begin();
    }

    fn show_keeping(&self, session: &Session) {
        self.imp().keeping.replace(if session.durable() {
            gettext("Messages are saved.")
        } else {
            gettext("Messages are lost when the room closes.")
        });
        self.notify_keeping();
    }

    fn show_count(&self, session: &Session) {
        if session.interrupted() {
            self.imp().count.replace(gettext("Reconnecting…"));
            self.notify_count();
            return;
        }
        let number = usize::try_from(session.member_count()).unwrap_or(usize::MAX);
        self.imp()
            .count
            .replace(count("{n} member", "{n} members", number));
        self.notify_count();
    }

    /// Says how the session ended, if it did: the conversation stays readable.
    fn show_state(&self, session: &Session) {
        let imp = self.imp();
        if let Some(end) = session.end() {
            self.show_end(&end);
            // Before the composer closes, which would go on showing the cursor.
            imp.list.grab_focus();
            imp.count.replace(gettext("Not connected"));
            self.notify_count();
        }
        let in_room = session.state() == State::Joined;
        imp.composer.set_limit(session.text_limit());
        imp.composer.set_open(in_room);
        if in_room {
            if !session.room_name().is_empty() {
                self.set_title(&session.room_name());
            }
            self.begin();
        }
    }

    fn received(&self, messages: u32, spoken: &[String]) {
        self.received_while_following(messages);
        let words = if spoken.len() <= SPOKEN_AT_ONCE {
            spoken.join("\n")
        } else {
            count("{n} new message", "{n} new messages", spoken.len())
        };
        self.announce(&words, gtk::AccessibleAnnouncementPriority::Medium);
    }

    fn send(&self, text: &str) -> Result<(), String> {
        let Some(session) = self.session() else {
            return Ok(());
        };
        session.say(text)?;
        self.go_to_end();
        Ok(())
    }
}

/// A list item of the conversation, and its row.
fn row_of(item: &glib::Object) -> Option<(&gtk::ListItem, LineRow)> {
    let item = item.downcast_ref::<gtk::ListItem>()?;
    let row = item.child().and_downcast::<LineRow>()?;
    Some((item, row))
}
