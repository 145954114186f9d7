//! The question what to do when another computer answers than the one that the user knows.
//!
//! Nothing was sent to it before, and nothing is sent until the user decides to.

use std::cell::{Cell, OnceCell};

use adw::prelude::*;
use adw::subclass::prelude::*;
use gettextrs::gettext;
use gtk::{CompositeTemplate, glib};

use crate::app::models::RoomSession;
use crate::app::pages::chat::markup::break_without_hyphens;
use crate::app::strings::{fill, fingerprint, isolated};
use crate::client::End;
use crate::protocol::Pin;

type Accepted = Box<dyn Fn(Pin)>;

mod imp {
    use super::*;

    #[derive(Default, CompositeTemplate)]
    #[template(resource = "/io/github/chatroom/Chatroom/pages/identity/page.ui")]
    pub struct IdentityPage {
        #[template_child]
        pub heading: TemplateChild<gtk::Label>,
        #[template_child]
        pub body: TemplateChild<gtk::Label>,
        #[template_child]
        pub expected: TemplateChild<gtk::Label>,
        #[template_child]
        pub found: TemplateChild<gtk::Label>,
        #[template_child]
        pub cancel: TemplateChild<gtk::Button>,
        #[template_child]
        pub accept: TemplateChild<gtk::Button>,
        /// The pin of the computer that answers.
        pub pin: Cell<Option<Pin>>,
        pub accepted: OnceCell<Accepted>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for IdentityPage {
        const NAME: &'static str = "ChatroomIdentityPage";
        type Type = super::IdentityPage;
        type ParentType = adw::NavigationPage;

        fn class_init(class: &mut Self::Class) {
            class.bind_template();
            class.install_action("identity.cancel", None, |page, _, _| page.go());
            class.install_action("identity.accept", None, |page, _, _| page.accept());
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for IdentityPage {}
    impl WidgetImpl for IdentityPage {}

    impl NavigationPageImpl for IdentityPage {
        fn shown(&self) {
            self.cancel.grab_focus();
        }
    }
}

glib::wrapper! {
    /// The page that asks what to do about another computer.
    pub struct IdentityPage(ObjectSubclass<imp::IdentityPage>)
        @extends adw::NavigationPage, gtk::Widget,
        @implements gtk::Accessible, gtk::Buildable, gtk::ConstraintTarget;
}

impl IdentityPage {
    /// The question about how a session ended, if it ended because another computer
    /// answered. After an invitation it can only be answered with no: the invitation says
    /// who has to answer.
    pub fn about(session: &RoomSession) -> Option<Self> {
        let Some(End::OtherIdentity {
            room,
            expected,
            found,
        }) = session.end()
        else {
            return None;
        };
        let page: Self = glib::Object::new();
        let imp = page.imp();
        let invited = session.way_in().pin.is_some();
        imp.pin.set(Some(found));
        imp.heading.set_label(&match &room {
            Some(room) => fill(
                &gettext("Another computer says that it hosts “{room}”"),
                &[("room", &isolated(room))],
            ),
            None => gettext("Another computer answers than the one you know"),
        });
        imp.body.set_label(&if invited {
            gettext(
                "It is not the computer of your invitation, so nothing was sent to it. Ask the host for a new invitation.",
            )
        } else {
            gettext(
                "Someone may want to read along, or the host has a new computer. Nothing was sent. Join only if the host tells you that the new fingerprint is right.",
            )
        });
        imp.expected.set_label(&fingerprint(expected));
        imp.found.set_label(&fingerprint(found));
        for label in [&imp.expected, &imp.found] {
            break_without_hyphens(label);
        }
        imp.accept.set_visible(!invited);
        page.action_set_enabled("identity.accept", !invited);
        Some(page)
    }

    /// Calls `accepted` with the pin of the computer, when the user wants to join anyway.
    pub fn connect_accepted(&self, accepted: impl Fn(Pin) + 'static) {
        let _ = self.imp().accepted.set(Box::new(accepted));
    }

    /// Shows the question in the window of `widget`.
    pub fn show_over(&self, widget: &impl IsA<gtk::Widget>) {
        let navigation = widget.ancestor(adw::NavigationView::static_type());
        if let Some(navigation) = navigation.and_downcast::<adw::NavigationView>() {
            navigation.push(self);
            self.announce(
                &self.imp().heading.label(),
                gtk::AccessibleAnnouncementPriority::High,
            );
        }
    }

    fn go(&self) {
        let _ = self.activate_action("navigation.pop", None);
    }

    fn accept(&self) {
        // Nothing else holds the page when it has gone.
        let page = self.clone();
        page.go();
        if let (Some(accepted), Some(pin)) = (page.imp().accepted.get(), page.imp().pin.get()) {
            accepted(pin);
        }
    }
}
