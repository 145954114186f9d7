//! The list of members for the view.

use gettextrs::gettext;
use gio::prelude::*;
use glib::subclass::prelude::*;

use crate::chat::{Ask, Row, difference};
use crate::protocol::MEMBERS_LIMIT;

use super::member::Member;
use super::room_session::RoomSession;

/// How long this waits for more changes in a big room before it requests the members.
const REFRESH_SECONDS: u32 = 5;

impl RoomSession {
    /// Updates the list, with one change at most.
    pub(super) fn list_members(&self) {
        let imp = self.imp();
        let (rows, count) = {
            let chat = imp.chat.borrow();
            (chat.member_rows(), chat.member_count())
        };
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let (before, removed, added) = difference(&imp.listed.borrow(), &rows);
        let added: Vec<Member> = rows[before..before + added].iter().map(member).collect();
        imp.listed.replace(rows);
        let length = |length| u32::try_from(length).unwrap_or(u32::MAX);
        self.member_list()
            .splice(length(before), length(removed), &added);
        if imp.member_count.replace(count) != count {
            self.notify_member_count();
        }
    }

    /// Requests members from the server.
    pub(super) fn ask_members(&self, ask: Ask) {
        if let Some(client) = self.imp().client.get() {
            // If the request cannot be sent, the list stays as it is.
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
            let ask = session.imp().chat.borrow_mut().refresh_members();
            if let Some(ask) = ask {
                session.ask_members(ask);
            }
        });
    }
}

/// The contents of a row.
fn member(row: &Row) -> Member {
    let known = &row.known;
    let role = match (row.is_me, known.host, known.away) {
        (true, true, _) => gettext("You, the host"),
        (true, false, _) => gettext("You"),
        (false, true, false) => gettext("Host"),
        (false, true, true) => gettext("Host, away"),
        (false, false, true) => gettext("Away"),
        (false, false, false) => String::new(),
    };
    Member::new(row, &role)
}
