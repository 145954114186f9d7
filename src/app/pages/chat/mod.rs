//! The chat page: the conversation, the members, and the composer.

mod addresses_row;
mod autoscroll;
mod banner;
mod composer;
mod dropping;
mod focus_ring;
mod invite_dialog;
mod line_row;
pub mod markup;
mod member_row;
mod message_row;
mod moderation;
mod room_title;
mod scroll_anchor;

use std::cell::RefCell;

use adw::prelude::*;
use adw::subclass::prelude::*;
use gettextrs::gettext;
use gtk::{CompositeTemplate, gdk, gio, glib};

use crate::app::models::{LineObject, Member, RoomSession, State};
use crate::app::strings::{self, count};
use crate::chat::News;

use self::autoscroll::Autoscrolling;
use self::banner::Interruption;
use self::composer::Composer;
pub use self::line_row::LineRow;
use self::member_row::MemberRow;
use self::room_title::RoomTitle;

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
        pub session: RefCell<Option<RoomSession>>,
        /// The number of members, in words.
        #[property(get)]
        pub count: RefCell<String>,
        /// Whether the room saves its messages, in words.
        #[property(get)]
        pub saving: RefCell<String>,
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
        pub autoscrolling: Autoscrolling,
        #[template_child]
        pub menu_button: TemplateChild<gtk::MenuButton>,
        #[template_child]
        pub primary_menu: TemplateChild<gio::MenuModel>,
        #[template_child]
        pub host_menu: TemplateChild<gio::MenuModel>,
        pub interruption: Interruption,
        /// The time until the sentence about the user's mute changes.
        pub mute_timer: RefCell<Option<glib::SourceId>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for ChatPage {
        const NAME: &'static str = "ChatroomChatPage";
        type Type = super::ChatPage;
        type ParentType = adw::NavigationPage;

        fn class_init(class: &mut Self::Class) {
            Composer::ensure_type();
            RoomSession::ensure_type();
            Member::ensure_type();
            MemberRow::ensure_type();
            RoomTitle::ensure_type();
            class.bind_template();
            class.bind_template_callbacks();
            super::ChatPage::add_host_actions(class);
            class.install_action("room.leave", None, |page, _, _| {
                let _ = page.activate_action("window.leave-room", None);
            });
            class.install_action("room.retry", None, |page, _, _| {
                if let Some(session) = page.session() {
                    session.retry_now();
                }
            });
            class.install_action("room.identity", None, |page, _, _| {
                page.ask_about_identity();
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

    #[gtk::template_callbacks]
    impl ChatPage {
        /// The Menu key on a member opens their menu.
        #[template_callback]
        fn on_member_key(
            &self,
            key: gdk::Key,
            _code: u32,
            modifiers: gdk::ModifierType,
        ) -> glib::Propagation {
            let modifiers = modifiers & gtk::accelerator_get_default_mod_mask();
            let shift_f10 = key == gdk::Key::F10 && modifiers == gdk::ModifierType::SHIFT_MASK;
            if (key == gdk::Key::Menu || shift_f10) && self.obj().open_member_menu() {
                return glib::Propagation::Stop;
            }
            glib::Propagation::Proceed
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
    pub fn new(session: &RoomSession) -> Self {
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
            move |_, messages, news| page.received(messages, news)
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
            move |session| page.show_saving(session)
        ));
        session.connect_interrupted_notify(glib::clone!(
            #[weak(rename_to = page)]
            self,
            move |session| page.show_interruption(session)
        ));
        self.show_count(&session);
        self.show_moderation(&session);
        self.show_state(&session);
    }

    fn show_conversation(&self, session: &RoomSession) {
        let imp = self.imp();
        let factory = gtk::SignalListItemFactory::new();
        factory.connect_setup(glib::clone!(
            #[weak(rename_to = page)]
            self,
            move |_, item| page.set_up_row(item)
        ));
        factory.connect_bind(|_, item| {
            if let Some((item, row)) = row_of(item) {
                row.set_line(item.item().and_downcast::<LineObject>());
            }
        });
        factory.connect_unbind(|_, item| {
            if let Some((_, row)) = row_of(item) {
                row.set_line(None);
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
                    page.anchor_scroll();
                }
            }
        ));
        let model = gtk::NoSelection::new(Some(conversation));
        imp.list.set_model(Some(&model));
        self.start_autoscroll();
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

    fn show_saving(&self, session: &RoomSession) {
        let saving = if session.durable() {
            gettext("Messages are saved.")
        } else {
            gettext("Messages are lost when the room closes.")
        };
        let words = match strings::slow_mode(session.standing().slow) {
            Some(slow) => format!("{saving}\n{slow}"),
            None => saving,
        };
        self.imp().saving.replace(words);
        self.notify_saving();
    }

    fn show_count(&self, session: &RoomSession) {
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
    fn show_state(&self, session: &RoomSession) {
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

    fn received(&self, messages: u32, news: &[News]) {
        self.count_unread(messages);
        let words = if news.len() <= SPOKEN_AT_ONCE {
            let spoken: Vec<String> = news.iter().map(strings::news).collect();
            spoken.join("\n")
        } else {
            count("{n} new message", "{n} new messages", news.len())
        };
        self.announce(&words, gtk::AccessibleAnnouncementPriority::Medium);
    }

    fn send(&self, text: &str) -> Result<(), String> {
        let Some(session) = self.session() else {
            return Ok(());
        };
        session.say(text).map_err(strings::cannot_say)?;
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
