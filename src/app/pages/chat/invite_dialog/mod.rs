//! The dialog with the invitation to a room: its link, and its addresses.

use std::cell::RefCell;

use adw::prelude::*;
use adw::subclass::prelude::*;
use gettextrs::gettext;
use gtk::{CompositeTemplate, glib};

use crate::app::models::RoomSession;
use crate::app::pages::toast::toast;
use crate::app::strings::{self, fill};
use crate::client::Security;
use crate::protocol::invitation::Invitation;

use super::addresses_row::{COPIED_SECONDS, copy_row};
use super::markup::break_without_hyphens;

mod imp {
    use super::*;

    #[derive(Debug, Default, CompositeTemplate, glib::Properties)]
    #[template(resource = "/io/github/chatroom/Chatroom/pages/chat/invite_dialog/dialog.ui")]
    #[properties(wrapper_type = super::InviteDialog)]
    pub struct InviteDialog {
        /// The session in the room.
        #[property(get, construct_only)]
        pub session: RefCell<Option<RoomSession>>,
        #[template_child]
        pub toasts: TemplateChild<adw::ToastOverlay>,
        #[template_child]
        pub about: TemplateChild<gtk::Label>,
        #[template_child]
        pub link: TemplateChild<gtk::Label>,
        #[template_child]
        pub copy: TemplateChild<gtk::Button>,
        #[template_child]
        pub copy_content: TemplateChild<adw::ButtonContent>,
        #[template_child]
        pub addresses: TemplateChild<adw::ExpanderRow>,
        #[template_child]
        pub renew: TemplateChild<gtk::Button>,
        /// The rows of `addresses`.
        pub rows: RefCell<Vec<adw::ActionRow>>,
        pub handlers: RefCell<Vec<glib::SignalHandlerId>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for InviteDialog {
        const NAME: &'static str = "ChatroomInviteDialog";
        type Type = super::InviteDialog;
        type ParentType = adw::Dialog;

        fn class_init(class: &mut Self::Class) {
            class.bind_template();
            class.bind_template_callbacks();
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    #[gtk::template_callbacks]
    impl InviteDialog {
        #[template_callback]
        fn on_copy(&self) {
            self.obj().copy_link();
        }

        #[template_callback]
        fn on_renew(&self) {
            self.obj().ask_to_renew();
        }
    }

    #[glib::derived_properties]
    impl ObjectImpl for InviteDialog {
        fn constructed(&self) {
            self.parent_constructed();
            self.obj().begin();
        }

        fn dispose(&self) {
            if let Some(session) = &*self.session.borrow() {
                for handler in self.handlers.take() {
                    session.disconnect(handler);
                }
            }
        }
    }

    impl WidgetImpl for InviteDialog {}
    impl AdwDialogImpl for InviteDialog {}
}

glib::wrapper! {
    /// The dialog with the invitation to a room.
    pub struct InviteDialog(ObjectSubclass<imp::InviteDialog>)
        @extends adw::Dialog, gtk::Widget,
        @implements gtk::Accessible, gtk::Buildable, gtk::ConstraintTarget, gtk::ShortcutManager;
}

impl InviteDialog {
    /// The dialog for the room that `session` is in.
    pub fn new(session: &RoomSession) -> Self {
        glib::Object::builder().property("session", session).build()
    }

    fn begin(&self) {
        let imp = self.imp();
        let Some(session) = self.session() else {
            return;
        };
        break_without_hyphens(&imp.link);
        self.show_copied(false);
        self.show();
        imp.addresses.set_expanded(!session.standing().private);
        let show = glib::clone!(
            #[weak(rename_to = dialog)]
            self,
            move |_: &RoomSession| dialog.show()
        );
        let handlers = vec![
            session.connect_invitation(show.clone()),
            session.connect_standing(show),
            session.connect_answered(glib::clone!(
                #[weak(rename_to = dialog)]
                self,
                move |_, answer| dialog.tell(&strings::answer(answer))
            )),
        ];
        imp.handlers.replace(handlers);
        self.set_focus(Some(&*imp.copy));
        glib::spawn_future_local(async move { session.refresh_invitation().await });
    }

    fn show(&self) {
        let imp = self.imp();
        let Some(session) = self.session() else {
            return;
        };
        let invitation = session.invitation();
        let standing = session.standing();
        let encrypted = match standing.security {
            Some(security @ Security::Plain) => strings::security(security).0,
            _ => strings::host_sentence(),
        };
        let who = if standing.private {
            gettext("Only with this link.")
        } else {
            gettext("Everyone with this link can join.")
        };
        imp.about.set_label(&format!("{who} {encrypted}"));
        imp.link.set_label(&invitation.link());
        self.show_addresses(&invitation);
        imp.renew.set_visible(standing.private && standing.hosts);
    }

    /// Shows what can be typed instead of the link.
    fn show_addresses(&self, invitation: &Invitation) {
        let imp = self.imp();
        for row in imp.rows.take() {
            imp.addresses.remove(&row);
        }
        let (title, subtitle) = if invitation.key.is_some() {
            let subtitle = gettext("For those who cannot open the link");
            (gettext("Address and Key"), subtitle)
        } else {
            (gettext("Addresses"), String::new())
        };
        imp.addresses.set_title(&title);
        imp.addresses.set_subtitle(&subtitle);
        let mut rows = Vec::new();
        for address in std::iter::once(&invitation.address).chain(&invitation.more) {
            let address = address.to_string();
            let label = fill(&gettext("Copy {address}"), &[("address", &address)]);
            rows.push(copy_row(&address, None, &label));
        }
        if let Some(key) = &invitation.key {
            let (title, label) = (gettext("Key"), gettext("Copy Key"));
            rows.push(copy_row(&key.grouped(), Some(&title), &label));
        }
        for row in &rows {
            imp.addresses.add_row(row);
        }
        imp.rows.replace(rows);
    }

    fn copy_link(&self) {
        let link = self.imp().link.label();
        self.clipboard().set_text(&link);
        self.show_copied(true);
        self.announce(
            &gettext("Link copied"),
            gtk::AccessibleAnnouncementPriority::Medium,
        );
        let dialog = self.downgrade();
        glib::timeout_add_seconds_local_once(COPIED_SECONDS, move || {
            if let Some(dialog) = dialog.upgrade() {
                dialog.show_copied(false);
            }
        });
    }

    fn show_copied(&self, copied: bool) {
        let copy = &self.imp().copy_content;
        let (title, icon) = if copied {
            (gettext("Link Copied"), "object-select-symbolic")
        } else {
            (gettext("Copy Link"), "edit-copy-symbolic")
        };
        copy.set_label(&title);
        copy.set_icon_name(icon);
    }

    /// Makes a new invitation, if the user is sure.
    fn ask_to_renew(&self) {
        let dialog = adw::AlertDialog::new(
            Some(&gettext("Make a New Invitation?")),
            Some(&gettext(
                "The old link will no longer let anyone in. Everyone in the room stays.",
            )),
        );
        dialog.add_responses(&[
            ("cancel", &gettext("_Cancel")),
            ("new", &gettext("_New Invitation")),
        ]);
        dialog.set_response_appearance("new", adw::ResponseAppearance::Suggested);
        dialog.set_default_response(Some("new"));
        dialog.set_close_response("cancel");
        let choice = dialog.choose_future(Some(self));
        let this = self.downgrade();
        glib::spawn_future_local(async move {
            let chosen = choice.await == "new";
            let Some(dialog) = this.upgrade().filter(|_| chosen) else {
                return;
            };
            let asked = dialog.session().map(|session| session.renew_invitation());
            if let Some(Err(why)) = asked {
                dialog.tell(&strings::cannot_say(why));
            }
        });
    }

    fn tell(&self, sentence: &str) {
        self.imp().toasts.add_toast(toast(sentence));
        self.announce(sentence, gtk::AccessibleAnnouncementPriority::Medium);
    }
}
