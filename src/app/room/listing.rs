//! The list of members that is shown.

use gettextrs::gettext;
use gtk::glib;
use gtk::prelude::*;
use gtk::subclass::prelude::*;

use crate::room::MemberId;
use crate::wire::MEMBERS_LIMIT;

use super::member::Member;
use super::members::Ask;
use super::session::Session;
use super::timeline::difference;

/// How long changes in a big room are gathered before its members are asked for.
const REFRESH_SECONDS: u32 = 5;

impl Session {
    /// Brings the list that is shown up to date: one change at most.
    pub(super) fn list_members(&self) {
        let imp = self.imp();
        let members = imp.members.borrow();
        let me = imp.me.get();
        let mut listed = imp.listed.borrow_mut();
        let ids: Vec<(MemberId, bool)> = members
            .known()
            .map(|(id, known)| (id, known.away))
            .collect();
        let (before, removed, added) = difference(&listed, &ids);
        let added: Vec<Member> = members
            .known()
            .skip(before)
            .take(added)
            .map(|(id, known)| {
                let role = match (Some(id) == me, known.host, known.away) {
                    (true, true, _) => gettext("You, the host"),
                    (true, false, _) => gettext("You"),
                    (false, true, false) => gettext("Host"),
                    (false, true, true) => gettext("Host, away"),
                    (false, false, true) => gettext("Away"),
                    (false, false, false) => String::new(),
                };
                Member::new(&known.name, &role, known.away)
            })
            .collect();
        let count = u32::try_from(members.count()).unwrap_or(u32::MAX);
        *listed = ids;
        drop((listed, members));
        let length = |length| u32::try_from(length).unwrap_or(u32::MAX);
        self.member_list()
            .splice(length(before), length(removed), &added);
        if imp.member_count.replace(count) != count {
            self.notify_member_count();
        }
    }

    pub(super) fn ask_members(&self, ask: Ask) {
        if let Some(client) = self.imp().client.get() {
            // If it cannot be sent, the list stays as it is.
            let _ = client.ask_members(ask.after, MEMBERS_LIMIT as u64);
        }
    }

    pub(super) fn refresh_members_soon(&self) {
        if self.imp().refreshing.replace(true) {
            return;
        }
        let weak = self.downgrade();
        glib::timeout_add_seconds_local_once(REFRESH_SECONDS, move || {
            let Some(session) = weak.upgrade() else {
                return;
            };
            session.imp().refreshing.set(false);
            let ask = session.imp().members.borrow_mut().refresh();
            if let Some(ask) = ask {
                session.ask_members(ask);
            }
        });
    }
}
