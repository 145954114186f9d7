//! The row of a message.

mod bubble;

use std::cell::{Cell, RefCell};

use adw::prelude::*;
use adw::subclass::prelude::*;
use gettextrs::gettext;
use gtk::{CompositeTemplate, gio, glib};

use crate::app::models::{RoomSession, State};
use crate::app::strings::{self, fill};
use crate::chat::{Delivery, Message};

use super::markup::{break_without_hyphens, width_chars, with_links, without_tabs};

/// The free width beside a message, in pixels.
const OTHER_SIDE: i32 = 36;

mod imp {
    use super::bubble::Bubble;
    use super::*;

    #[derive(Debug, Default, CompositeTemplate)]
    #[template(resource = "/io/github/chatroom/Chatroom/pages/chat/message_row/row.ui")]
    pub struct MessageRow {
        #[template_child]
        pub avatar: TemplateChild<adw::Avatar>,
        #[template_child]
        pub content: TemplateChild<gtk::Box>,
        #[template_child]
        pub heading: TemplateChild<gtk::Box>,
        #[template_child]
        pub sender: TemplateChild<gtk::Label>,
        #[template_child]
        pub time: TemplateChild<gtk::Label>,
        #[template_child]
        pub line: TemplateChild<gtk::Box>,
        #[template_child]
        pub waiting: TemplateChild<gtk::Image>,
        #[template_child]
        pub body: TemplateChild<gtk::Label>,
        #[template_child]
        pub unsent: TemplateChild<adw::WrapBox>,
        #[template_child]
        pub reason: TemplateChild<gtk::Label>,
        #[template_child]
        pub buttons: TemplateChild<gtk::Box>,
        pub text: RefCell<String>,
        pub sentence: RefCell<String>,
        pub key: Cell<u64>,
        pub session: glib::WeakRef<RoomSession>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for MessageRow {
        const NAME: &'static str = "ChatroomMessageRow";
        type Type = super::MessageRow;
        type ParentType = gtk::Box;

        fn class_init(class: &mut Self::Class) {
            Bubble::ensure_type();
            class.bind_template();
            class.bind_template_callbacks();
            class.install_action("message.send-again", None, |row, _, _| row.send_again());
            class.install_action("message.delete", None, |row, _, _| row.delete());
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    #[gtk::template_callbacks]
    impl MessageRow {
        /// A link to a room opens in a window of this app.
        #[template_callback]
        fn on_link(_row: &super::MessageRow, uri: &str) -> glib::Propagation {
            let scheme = crate::protocol::address::SCHEME;
            let is_room = uri
                .split_once("://")
                .is_some_and(|it| it.0.eq_ignore_ascii_case(scheme));
            match gio::Application::default() {
                Some(app) if is_room => {
                    app.open(&[gio::File::for_uri(uri)], "");
                    glib::Propagation::Stop
                }
                _ => glib::Propagation::Proceed,
            }
        }
    }

    impl ObjectImpl for MessageRow {
        fn constructed(&self) {
            self.parent_constructed();
            break_without_hyphens(&self.body);
        }
    }

    impl WidgetImpl for MessageRow {}
    impl BoxImpl for MessageRow {}
}

glib::wrapper! {
    /// The row of a message.
    pub struct MessageRow(ObjectSubclass<imp::MessageRow>)
        @extends gtk::Box, gtk::Widget,
        @implements gtk::Accessible, gtk::Buildable, gtk::ConstraintTarget, gtk::Orientable;
}

impl MessageRow {
    /// An empty row of the conversation of `session`.
    pub fn new(session: Option<&RoomSession>) -> Self {
        let row: Self = glib::Object::new();
        row.imp().session.set(session);
        if let Some(session) = session {
            // A user outside of the room cannot send a message again.
            session
                .bind_property("state", &*row.imp().buttons, "visible")
                .transform_to(|_, state: State| Some(state == State::Joined))
                .sync_create()
                .build();
        }
        row
    }

    /// Shows a message; a message that `heads` a group shows the sender and the time.
    pub fn show(&self, message: &Message, heads: bool, key: u64) {
        let imp = self.imp();
        imp.key.set(key);
        let time = clock(message.at);
        let state = match &message.delivery {
            Delivery::Confirmed(_) => "",
            Delivery::Pending(_) => "pending",
            Delivery::Unsent { .. } => "unsent",
        };
        let mut classes = vec![state];
        classes.extend(message.own.then_some("own"));
        classes.extend(message.erased.then_some("erased"));
        classes.retain(|class| !class.is_empty());
        self.set_css_classes(&classes);

        imp.avatar.set_visible(!message.own && heads);
        imp.avatar.set_text(Some(&message.name));
        imp.heading.set_visible(heads);
        imp.sender.set_visible(!message.own);
        imp.sender.set_label(&message.name);
        imp.time.set_label(&time);
        let side = if message.own {
            gtk::Align::End
        } else {
            gtk::Align::Start
        };
        imp.heading.set_halign(side);
        imp.line.set_halign(side);
        // Free space on the other side distinguishes the two sides, also for long texts.
        imp.content.set_margin_start(match (message.own, heads) {
            (true, _) => OTHER_SIDE,
            (false, true) => 0,
            // Below the first bubble of the group.
            (false, false) => imp.avatar.size() + self.spacing(),
        });
        imp.content
            .set_margin_end(if message.own { 0 } else { OTHER_SIDE });
        imp.waiting.set_visible(state == "pending");
        let text = if message.erased {
            gettext("Erased")
        } else {
            message.text.clone()
        };
        if *imp.text.borrow() != text || imp.body.label().is_empty() {
            imp.body.set_markup(&with_links(&without_tabs(&text)));
            imp.body.set_width_chars(width_chars(&text));
            imp.text.replace(text);
        }
        if let Delivery::Unsent { why, .. } = &message.delivery {
            imp.reason.set_label(&strings::not_sent(why));
        }
        imp.unsent.set_visible(state == "unsent");
        imp.sentence.replace(sentence(message, &time));
    }

    /// The text of the message for a screen reader.
    pub fn sentence(&self) -> String {
        self.imp().sentence.borrow().clone()
    }

    fn delete(&self) {
        if self.focus_child().is_some() {
            // The focus does not go with the row.
            let _ = self.activate_action("room.write", None);
        }
        if let Some(session) = self.imp().session.upgrade() {
            session.delete(self.imp().key.get());
        }
    }

    fn send_again(&self) {
        let Some(session) = self.imp().session.upgrade() else {
            return;
        };
        // If not, the message stays where it is, now with another reason.
        if let Err(why) = session.send_again(self.imp().key.get()) {
            let why = strings::cannot_say(why);
            self.imp().reason.set_label(&why);
            self.announce(&why, gtk::AccessibleAnnouncementPriority::High);
        }
    }
}

/// Sender, text, time and state of delivery, in one sentence.
fn sentence(message: &Message, time: &str) -> String {
    let name = if message.own {
        gettext("You")
    } else {
        message.name.clone()
    };
    let template = match &message.delivery {
        Delivery::Confirmed(_) if message.erased => gettext("{name}: message erased, {time}"),
        Delivery::Confirmed(_) => gettext("{name}: {text}, {time}"),
        Delivery::Pending(_) => gettext("{name}: {text}, sending"),
        Delivery::Unsent { .. } => gettext("{name}: {text}. {reason}"),
    };
    let reason = match &message.delivery {
        Delivery::Unsent { why, .. } => strings::not_sent(why),
        _ => String::new(),
    };
    fill(
        &template,
        &[
            ("name", &name),
            ("text", &message.text),
            ("time", time),
            ("reason", &reason),
        ],
    )
}

/// The time of day, with the date if it is not today's.
fn clock(milliseconds: i64) -> String {
    let (Ok(time), Ok(now)) = (
        glib::DateTime::from_unix_local(milliseconds.div_euclid(1_000)),
        glib::DateTime::now_local(),
    ) else {
        return String::new();
    };
    let format = if time.ymd() == now.ymd() {
        // Translators: a time of day, see g_date_time_format.
        gettext("%H:%M")
    } else {
        // Translators: a day and a time of day, see g_date_time_format.
        gettext("%e %b, %H:%M")
    };
    time.format(&format)
        .map(|it| it.trim().to_owned())
        .unwrap_or_default()
}
