//! What a host does to members and messages: the questions before it, and the answers.

use std::time::Duration;

use adw::prelude::*;
use adw::subclass::prelude::*;
use gettextrs::gettext;
use gtk::{gio, glib};

use crate::app::models::{Member, RoomSession};
use crate::app::strings::{self, breakable, fill};
use crate::chat::{Answer, CannotSay};
use crate::room::MemberId;

use super::ChatPage;
use super::invite_dialog::InviteDialog;
use super::member_row::MemberRow;

/// For how long a removed member can be kept out; zero if not at all.
const BANS: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_mins(10),
    Duration::from_hours(1),
    Duration::from_hours(24),
];

impl ChatPage {
    /// The actions of the page. A member is a number, and so is a message.
    pub(super) fn add_host_actions(class: &mut <super::imp::ChatPage as ObjectSubclass>::Class) {
        class.install_action("room.invite", None, |page, _, _| page.invite());
        let number = Some(glib::VariantTy::UINT64);
        class.install_action("room.erase", number, |page, _, seq| {
            if let Some(seq) = seq.and_then(u64::from_variant) {
                page.ask_to_erase(seq);
            }
        });
        class.install_action("room.remove-member", number, |page, _, id| {
            page.about_member(id, ChatPage::ask_to_remove);
        });
        class.install_action("room.make-host", number, |page, _, id| {
            page.about_member(id, ChatPage::ask_to_hand_over);
        });
        // The member, and the seconds.
        let mute = <(u64, u64)>::static_variant_type();
        class.install_action("room.mute-member", Some(&mute), |page, _, mute| {
            let mute = mute.and_then(<(u64, u64)>::from_variant);
            if let Some((id, seconds)) = mute
                && let Some(id) = MemberId::new(id)
            {
                page.request(|session| session.mute(id, Duration::from_secs(seconds)));
            }
        });
    }

    /// Shows what a host can do, and the answers.
    pub(super) fn show_moderation(&self, session: &RoomSession) {
        let every = gio::SimpleAction::new_stateful(
            "every",
            Some(glib::VariantTy::STRING),
            &"0".to_variant(),
        );
        every.connect_activate(glib::clone!(
            #[weak(rename_to = page)]
            self,
            move |_, seconds| {
                let seconds = seconds.and_then(glib::Variant::str);
                if let Some(seconds) = seconds.and_then(|it| it.parse().ok()) {
                    page.request(|session| session.slow(Duration::from_secs(seconds)));
                }
            }
        ));
        let actions = gio::SimpleActionGroup::new();
        actions.add_action(&every);
        self.insert_action_group("slow", Some(&actions));
        let show = glib::clone!(
            #[weak(rename_to = page)]
            self,
            move |session: &RoomSession| {
                let standing = session.standing();
                every.set_state(&standing.slow.as_secs().to_string().to_variant());
                let menu = if standing.hosts {
                    &page.imp().host_menu
                } else {
                    &page.imp().primary_menu
                };
                page.imp().menu_button.set_menu_model(Some(&**menu));
                page.show_saving(session);
                page.show_mute();
            }
        );
        show(session);
        session.connect_standing(show);
        session.connect_answered(glib::clone!(
            #[weak(rename_to = page)]
            self,
            move |_, answer| page.answered(answer)
        ));
    }

    fn answered(&self, answer: &Answer) {
        let window = self.root().and_downcast::<adw::ApplicationWindow>();
        let dialog = window.and_then(|window| window.visible_dialog());
        // The dialog with the invitation tells it itself, and would hide it.
        if !dialog.is_some_and(|dialog| dialog.is::<InviteDialog>()) {
            self.tell(&strings::answer(answer));
        }
    }

    fn tell(&self, sentence: &str) {
        let _ = self.activate_action("window.tell", Some(&sentence.to_variant()));
        self.announce(sentence, gtk::AccessibleAnnouncementPriority::Medium);
    }

    /// Sends a request of the host. If that is not possible, it says why.
    fn request(&self, request: impl FnOnce(&RoomSession) -> Result<(), CannotSay>) {
        if let Some(session) = self.session()
            && let Err(why) = request(&session)
        {
            self.tell(&strings::cannot_say(why));
        }
    }

    /// Shows the invitation.
    fn invite(&self) {
        if let Some(session) = self.session() {
            InviteDialog::new(&session).present(Some(self));
        }
    }

    /// Opens the menu of the member that has the focus. Returns whether there is one.
    pub(super) fn open_member_menu(&self) -> bool {
        let focus = self.root().and_then(|root| root.focus());
        let row = focus.and_then(|focus| {
            let row = focus.first_child().and_downcast::<MemberRow>();
            row.or_else(|| focus.ancestor(MemberRow::static_type()).and_downcast())
        });
        let can = |row: &MemberRow| row.member().is_some_and(|it| Member::can_be_moderated(&it));
        let Some(row) = row.filter(can) else {
            return false;
        };
        row.open_menu(None);
        true
    }

    fn about_member(&self, id: Option<&glib::Variant>, ask: impl FnOnce(&Self, MemberId, &str)) {
        let id = id.and_then(u64::from_variant).and_then(MemberId::new);
        let Some((id, session)) = id.zip(self.session()) else {
            return;
        };
        match session.member_name(id) {
            Some(name) => ask(self, id, &name),
            None => self.tell(&strings::refusal(crate::chat::Refusal::NoSuchMember)),
        }
    }

    fn ask_to_erase(&self, seq: u64) {
        let dialog = question(
            &gettext("Erase This Message?"),
            &gettext(
                "Its text is permanently erased for everyone. They see that a message was erased.",
            ),
            ("erase", &gettext("_Erase")),
        );
        self.when(dialog, "erase", move |page| {
            page.request(|session| session.erase(seq));
        });
    }

    fn ask_to_hand_over(&self, id: MemberId, name: &str) {
        let name = breakable(name);
        let mut body = fill(
            &gettext("{name} can remove members and erase messages then, and you no longer can."),
            &[("name", &name)],
        );
        if self.session().is_some_and(|session| session.hosts()) {
            body += " ";
            body += &gettext("The room still closes when you leave.");
        }
        // A heading with a long name does not fit (libadwaita measures it as one line).
        let heading = gettext("Hand the Room Over?");
        let dialog = question(&heading, &body, ("hand-over", &gettext("Make _Host")));
        dialog.set_response_appearance("hand-over", adw::ResponseAppearance::Suggested);
        self.when(dialog, "hand-over", move |page| {
            page.request(|session| session.make_host(id));
        });
    }

    fn ask_to_remove(&self, id: MemberId, name: &str) {
        let private = self.session().is_some_and(|it| it.standing().private);
        let body = if private {
            gettext("{name} can come back with the old invitation, unless you make a new one.")
        } else {
            gettext("{name} can come back, unless you keep them out.")
        };
        let body = fill(&body, &[("name", &breakable(name))]);
        let heading = gettext("Remove From the Room?");
        let dialog = question(&heading, &body, ("remove", &gettext("_Remove")));
        let ban = adw::ComboRow::builder()
            .title(gettext("Also Keep Them Out"))
            .model(&gtk::StringList::new(&[
                &gettext("No"),
                &gettext("For 10 minutes"),
                &gettext("For 1 hour"),
                &gettext("For 1 day"),
            ]))
            .build();
        let renew = adw::SwitchRow::builder()
            .title(gettext("Make a New Invitation"))
            .subtitle(gettext(
                "The old link lets nobody in. Everyone in the room stays.",
            ))
            .visible(private)
            .build();
        let choices = gtk::ListBox::builder()
            .selection_mode(gtk::SelectionMode::None)
            .css_classes(["boxed-list"])
            .build();
        choices.append(&ban);
        choices.append(&renew);
        dialog.set_extra_child(Some(&choices));
        self.when(dialog, "remove", move |page| {
            let place = usize::try_from(ban.selected()).unwrap_or_default();
            let ban = BANS.get(place).copied().filter(|it| !it.is_zero());
            let renew = private && renew.is_active();
            page.request(|session| session.remove(id, ban, renew));
        });
    }

    /// Asks, and does something if the answer is `yes`.
    fn when(
        &self,
        dialog: adw::AlertDialog,
        yes: &'static str,
        does: impl FnOnce(&Self) + 'static,
    ) {
        let choice = dialog.choose_future(Some(self));
        let page = self.downgrade();
        glib::spawn_future_local(async move {
            if choice.await == yes
                && let Some(page) = page.upgrade()
            {
                does(&page);
            }
        });
    }

    /// Says for how long the user is muted, while they are.
    pub(super) fn show_mute(&self) {
        let imp = self.imp();
        if let Some(timer) = imp.mute_timer.take() {
            timer.remove();
        }
        let left = self.session().and_then(|session| session.muted_for());
        imp.composer.set_muted(left);
        if left.is_some() {
            let page = self.downgrade();
            let timer = glib::timeout_add_seconds_local_once(1, move || {
                if let Some(page) = page.upgrade() {
                    // The timer has ended by itself.
                    page.imp().mute_timer.take();
                    page.show_mute();
                }
            });
            imp.mute_timer.replace(Some(timer));
        }
    }
}

/// A question whose answer cannot be taken back.
fn question(heading: &str, body: &str, (yes, label): (&str, &str)) -> adw::AlertDialog {
    let dialog = adw::AlertDialog::new(Some(heading), Some(body));
    dialog.add_responses(&[("cancel", &gettext("_Cancel")), (yes, label)]);
    dialog.set_response_appearance(yes, adw::ResponseAppearance::Destructive);
    dialog.set_default_response(Some("cancel"));
    dialog.set_close_response("cancel");
    dialog
}
