//! Connect: the address of a room, and joining it.

mod target;

use std::cell::{Cell, OnceCell, RefCell};

use adw::prelude::*;
use adw::subclass::prelude::*;
use gettextrs::gettext;
use gtk::{CompositeTemplate, gio, glib};

use crate::app::models::{RoomSession, State};
use crate::app::strings::{self, fill};
use crate::client::End;
use crate::protocol::DEFAULT_PORT;
use crate::protocol::Pin;
use crate::protocol::address::DEFAULT_HOST;
use crate::protocol::invitation::Invitation;

use super::identity::IdentityPage;

use self::target::{TypedKey, Wrong, pasted_link, target, typed_key};

/// The name that the user wants.
type UserName = Box<dyn Fn() -> String>;

mod imp {
    use std::sync::LazyLock;

    use glib::subclass::Signal;

    use super::*;

    #[derive(Default, CompositeTemplate, glib::Properties)]
    #[template(resource = "/io/github/chatroom/Chatroom/pages/connect/page.ui")]
    #[properties(wrapper_type = super::ConnectPage)]
    pub struct ConnectPage {
        /// The client is connecting.
        #[property(get)]
        pub connecting: Cell<bool>,
        #[template_child]
        pub fields: TemplateChild<adw::PreferencesGroup>,
        #[template_child]
        pub address: TemplateChild<adw::EntryRow>,
        #[template_child]
        pub port: TemplateChild<adw::EntryRow>,
        #[template_child]
        pub name: TemplateChild<adw::EntryRow>,
        #[template_child]
        pub key: TemplateChild<adw::EntryRow>,
        #[template_child]
        pub invited: TemplateChild<adw::ActionRow>,
        #[template_child]
        pub trouble: TemplateChild<gtk::Box>,
        #[template_child]
        pub sentence: TemplateChild<gtk::Label>,
        #[template_child]
        pub progress: TemplateChild<gtk::Label>,
        #[template_child]
        pub join: TemplateChild<gtk::Button>,
        #[template_child]
        pub cancel: TemplateChild<gtk::Button>,
        /// The session in the room that the user is joining.
        pub session: RefCell<Option<RoomSession>>,
        pub settings: OnceCell<gio::Settings>,
        pub user_name: OnceCell<UserName>,
        /// The length of the address before its last change, in characters.
        pub typed: Cell<usize>,
        /// The invitation that the user opened or pasted. It counts while its address is in
        /// the fields.
        pub invitation: RefCell<Option<Invitation>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for ConnectPage {
        const NAME: &'static str = "ChatroomConnectPage";
        type Type = super::ConnectPage;
        type ParentType = adw::NavigationPage;

        fn class_init(class: &mut Self::Class) {
            class.bind_template();
            class.bind_template_callbacks();
            class.install_action("connect.join", None, |page, _, _| page.join_typed());
            class.install_action("connect.cancel", None, |page, _, _| page.cancel());
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    #[gtk::template_callbacks]
    impl ConnectPage {
        #[template_callback]
        fn on_activated(&self) {
            let _ = self.obj().activate_action("connect.join", None);
        }

        #[template_callback]
        fn on_changed(&self) {
            self.obj().check();
        }
    }

    #[glib::derived_properties]
    impl ObjectImpl for ConnectPage {
        fn signals() -> &'static [Signal] {
            static SIGNALS: LazyLock<[Signal; 1]> = LazyLock::new(|| {
                [Signal::builder("entered")
                    .param_types([RoomSession::static_type()])
                    .build()]
            });
            SIGNALS.as_ref()
        }

        fn constructed(&self) {
            self.parent_constructed();
            let title = |name: String, default: &str| {
                fill(
                    &gettext("{field} ({default})"),
                    &[("field", &name), ("default", default)],
                )
            };
            self.address
                .set_title(&title(gettext("Address"), DEFAULT_HOST));
            self.port
                .set_title(&title(gettext("Port"), &DEFAULT_PORT.to_string()));
        }
    }

    impl WidgetImpl for ConnectPage {}

    impl NavigationPageImpl for ConnectPage {
        fn shown(&self) {
            if self.connecting.get() {
                self.cancel.grab_focus();
            } else if self.name.is_visible() {
                self.name.grab_focus();
            } else {
                self.address.grab_focus();
            }
        }

        fn hidden(&self) {
            self.obj().give_up();
        }
    }
}

glib::wrapper! {
    /// The page on which the user chooses the room to join.
    pub struct ConnectPage(ObjectSubclass<imp::ConnectPage>)
        @extends adw::NavigationPage, gtk::Widget,
        @implements gtk::Accessible, gtk::Buildable, gtk::ConstraintTarget;
}

impl ConnectPage {
    /// Offers the room that the user joined last.
    pub fn new(settings: Option<gio::Settings>) -> Self {
        let page: Self = glib::Object::new();
        if let Some(settings) = settings {
            page.imp()
                .address
                .set_text(&settings.string("last-address"));
            page.imp().port.set_text(&settings.string("last-port"));
            let _ = page.imp().settings.set(settings);
        }
        page.check();
        page
    }

    /// Joins the room of an invitation.
    pub fn join(&self, invitation: Invitation) {
        self.show_invitation(invitation);
        self.join_typed();
    }

    /// Offers the room of an invitation, and asks for the user's name first, which is the
    /// text of `name`.
    pub fn offer(&self, invitation: Invitation, name: &adw::EntryRow) {
        let imp = self.imp();
        self.show_invitation(invitation);
        name.bind_property("text", &*imp.name, "text")
            .bidirectional()
            .sync_create()
            .build();
        imp.name.set_visible(true);
        imp.name.grab_focus();
    }

    /// Shows a text that was opened as an invitation, and is none, with what is wrong.
    pub fn show_broken(&self, text: &str) {
        let imp = self.imp();
        imp.port.set_text("");
        imp.address.set_text(text);
        let why = imp.sentence.label();
        self.announce(&why, gtk::AccessibleAnnouncementPriority::High);
    }

    fn show_invitation(&self, invitation: Invitation) {
        let imp = self.imp();
        let address = invitation.address.clone();
        imp.invitation.replace(Some(invitation));
        imp.address.set_text(&address.host);
        imp.address.set_position(-1);
        imp.port.set_text(&address.port.to_string());
    }

    /// Asks `user_name` for the name that the user wants, when they join.
    pub fn set_user_name(&self, user_name: impl Fn() -> String + 'static) {
        let _ = self.imp().user_name.set(Box::new(user_name));
    }

    /// Calls `entered` when the user is in a room.
    pub fn connect_entered(&self, entered: impl Fn(&RoomSession) + 'static) {
        let entered = glib::closure_local!(move |_: &Self, session: &RoomSession| {
            entered(session);
        });
        self.connect_closure("entered", false, entered);
    }

    /// Says what is wrong with the input so far.
    fn check(&self) {
        let imp = self.imp();
        let address = imp.address.text();
        let length = address.chars().count();
        let pasted = length > imp.typed.replace(length) + 1;
        if let Some(invitation) = pasted_link(&address).filter(|_| pasted) {
            self.show_invitation(invitation);
            return;
        }
        if let Some(invitation) = pasted_link(&imp.key.text()) {
            imp.key.set_text("");
            self.show_invitation(invitation);
            return;
        }
        let key = typed_key(&imp.key.text());
        self.group_key(&key);
        let wrong = match (target(&address, &imp.port.text()), &key) {
            (Err(wrong), _) => Some(wrong),
            (Ok(_), TypedKey::Wrong) => Some(Wrong::Key),
            (Ok(_), _) => None,
        };
        mark(&imp.address, matches!(wrong, Some(Wrong::Address(_))));
        mark(&imp.port, matches!(wrong, Some(Wrong::Port(_))));
        mark(&imp.key, matches!(wrong, Some(Wrong::Key)));
        imp.sentence.set_label(&match &wrong {
            Some(Wrong::Address(why) | Wrong::Port(why)) => strings::not_an_invitation(why),
            Some(Wrong::Key) => {
                gettext("A key has 16 letters and digits, such as abcd-efgh-ijkl-mnop.")
            }
            None => String::new(),
        });
        imp.trouble.set_visible(wrong.is_some());
        self.show_invited();
        let can_join = wrong.is_none() && key != TypedKey::Begun;
        self.action_set_enabled("connect.join", can_join);
    }

    /// Shows a whole key in groups, as the host reads it out.
    fn group_key(&self, key: &TypedKey) {
        let field = &self.imp().key;
        if let TypedKey::Whole(key) = key
            && field.text() != key.grouped()
        {
            field.set_text(&key.grouped());
            field.set_position(-1);
        }
    }

    /// Says what the invitation brings, while it counts.
    fn show_invited(&self) {
        let imp = self.imp();
        let way_in = self.way_in();
        let invitation = imp.invitation.borrow();
        let invitation = invitation.as_ref().filter(|it| {
            let counts = way_in.as_ref().is_some_and(|way| way.address == it.address);
            counts && (it.pin.is_some() || it.is_secret())
        });
        imp.invited.set_visible(invitation.is_some());
        if let Some(invitation) = invitation {
            imp.invited.set_subtitle(&match invitation.key {
                Some(_) => gettext("To a private room"),
                None => gettext("To an encrypted room"),
            });
        }
    }

    /// The way into the room of the fields: the invitation, while its address is in there,
    /// with the key that was typed.
    fn way_in(&self) -> Option<Invitation> {
        let imp = self.imp();
        let address = target(&imp.address.text(), &imp.port.text()).ok()?;
        let invitation = imp.invitation.borrow().clone();
        let invitation = invitation.filter(|it| it.address == address);
        let mut way_in = invitation.unwrap_or_else(|| address.into());
        if let TypedKey::Whole(key) = typed_key(&imp.key.text()) {
            way_in.key = Some(key);
        }
        Some(way_in)
    }

    fn join_typed(&self) {
        if let Some(way_in) = self.way_in() {
            self.join_by(way_in, None);
        }
    }

    /// Joins the room of an invitation, although a computer with another pin answers there
    /// than the one that the user knew.
    pub fn join_anyway(&self, invitation: Invitation, pin: Pin) {
        self.show_invitation(invitation.clone());
        self.join_by(invitation, Some(pin));
    }

    /// Joins a room; with `accepted`, its host has this pin and no other.
    fn join_by(&self, way_in: Invitation, accepted: Option<Pin>) {
        let imp = self.imp();
        let name = imp.user_name.get().map(|name| name()).unwrap_or_default();
        imp.trouble.set_visible(false);
        let words = fill(
            &gettext("Joining {address}…"),
            &[("address", &way_in.address.to_string())],
        );
        imp.progress.set_label(&words);
        self.set_connecting(true);
        self.announce(&words, gtk::AccessibleAnnouncementPriority::Medium);
        let session = RoomSession::join(way_in, &name, accepted);
        session.connect_state_notify(glib::clone!(
            #[weak(rename_to = page)]
            self,
            move |session| page.moved_on(session)
        ));
        imp.session.replace(Some(session));
    }

    /// The session got into the room, or did not.
    fn moved_on(&self, session: &RoomSession) {
        if self.imp().session.borrow().as_ref() != Some(session) {
            return;
        }
        self.imp().session.replace(None);
        self.set_connecting(false);
        if session.state() == State::Joined {
            self.remember();
            self.emit_by_name::<()>("entered", &[session]);
        } else if let Some(end) = session.end() {
            self.show_end(session, &end);
        }
    }

    /// Says why the user did not get in, and leads to what they can do about it.
    fn show_end(&self, session: &RoomSession, end: &End) {
        let imp = self.imp();
        let why = strings::end(end);
        imp.sentence.set_label(&why);
        imp.trouble.set_visible(true);
        self.announce(&why, gtk::AccessibleAnnouncementPriority::High);
        match end {
            End::KeyNeeded | End::KeyWrong => {
                imp.key.set_visible(true);
                imp.key.grab_focus();
                imp.key.select_region(0, -1);
            }
            _ => {
                imp.address.grab_focus();
            }
        }
        if let Some(question) = IdentityPage::about(session) {
            let way_in = session.way_in();
            question.connect_accepted(glib::clone!(
                #[weak(rename_to = page)]
                self,
                move |found| page.join_by(way_in.clone(), Some(found))
            ));
            question.show_over(self);
        }
    }

    fn remember(&self) {
        if let Some(settings) = self.imp().settings.get() {
            // If the setting cannot be written, the app does not remember it.
            let _ = settings.set_string("last-address", self.imp().address.text().trim());
            let _ = settings.set_string("last-port", self.imp().port.text().trim());
        }
    }

    fn cancel(&self) {
        self.give_up();
        self.imp().address.grab_focus();
    }

    /// Stops joining, if it is joining.
    fn give_up(&self) {
        let session = self.imp().session.take();
        if let Some(session) = session {
            // The home page still offers the way back.
            glib::spawn_future_local(async move { session.break_off().await });
        }
        self.set_connecting(false);
    }

    fn set_connecting(&self, connecting: bool) {
        let imp = self.imp();
        if imp.connecting.replace(connecting) == connecting {
            return;
        }
        self.notify_connecting();
        // Before the field that has the focus can no longer have it.
        if connecting {
            imp.cancel.grab_focus();
        }
        imp.fields.set_sensitive(!connecting);
    }
}

/// Marks a field as wrong or right.
fn mark(field: &adw::EntryRow, wrong: bool) {
    let state = if wrong {
        field.add_css_class("error");
        gtk::AccessibleInvalidState::True
    } else {
        field.remove_css_class("error");
        gtk::AccessibleInvalidState::False
    };
    // The part of the field that a screen reader reads while the user types.
    if let Some(text) = field.delegate().and_upcast::<gtk::Widget>() {
        text.update_state(&[gtk::accessible::State::Invalid(state)]);
    }
}
