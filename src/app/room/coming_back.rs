//! Joining a room, and coming back to it: after a lost connection, and after the app has
//! ended.

use gettextrs::gettext;
use gtk::subclass::prelude::*;

use crate::app::kept::{Kept, Stay};
use crate::app::words::count;
use crate::client::End;
use crate::protocol::native::frame::Welcome;

use super::line::{Content, Message};
use super::members::Members;
use super::past::Past;
use super::session::{Session, State};
use super::taking::{self, Taken};
use super::timeline::Timeline;

/// The feature of a server that sends pages of older messages.
const HISTORY: &str = "history";

/// The missed messages, while they come.
#[derive(Clone, Copy, Debug)]
pub struct CatchingUp {
    /// The `seq` of the last missed message.
    last: u64,
    /// The number of messages from others that have come so far.
    came: u32,
}

impl Session {
    /// The user is in the room.
    pub(super) fn welcomed(&self, welcome: &Welcome<'_>, timeline: &mut Timeline) {
        let imp = self.imp();
        self.come_in(welcome, false);
        let name = &welcome.you.name;
        for (id, text) in imp.said_before.take() {
            timeline.say(taking::pending(id, welcome.you.id, name, &text));
        }
        if welcome.features.iter().any(|it| it == HISTORY) {
            imp.past.set(Past::before(welcome.next));
        }
        let read_before = imp.read_before.take();
        if let Some((_, after)) = read_before.filter(|(epoch, _)| *epoch == *welcome.epoch) {
            self.expect(welcome, after);
        }
        self.keep_stay(welcome);
    }

    /// The user is in the room again, after a lost connection.
    pub(super) fn returned(
        &self,
        welcome: &Welcome<'_>,
        timeline: &mut Timeline,
        members: &mut Members,
    ) {
        let imp = self.imp();
        let is_another = *imp.epoch.borrow() != *welcome.epoch;
        self.come_in(welcome, is_another);
        if is_another {
            timeline.begin_log();
            members.begin_room();
            // Missed messages of the earlier room will not come.
            imp.catching_up.set(None);
            let words = gettext("This is a new room. The server does not have the messages above.");
            timeline.tell(Content::Notice(words));
            imp.past.set(Past::default());
        } else {
            self.expect(welcome, timeline.newest());
        }
        self.keep_stay(welcome);
    }

    /// Expects the messages that the user missed since the message `after`.
    fn expect(&self, welcome: &Welcome<'_>, after: u64) {
        let last = welcome.next.saturating_sub(1);
        if last > after {
            let catching_up = CatchingUp { last, came: 0 };
            self.imp().catching_up.set(Some(catching_up));
        }
    }

    fn come_in(&self, welcome: &Welcome<'_>, is_another: bool) {
        let imp = self.imp();
        let mut me = imp.me.borrow_mut();
        me.come_in(welcome.you.id, &welcome.you.name, is_another);
        drop(me);
        imp.limits.set(Some(welcome.limits));
        imp.room_name.replace(welcome.room.to_string());
        imp.durable.set(welcome.durable);
        imp.epoch.replace(welcome.epoch.to_string());
    }

    /// Counts more messages from others. Reports how many the user missed when all of
    /// them are there.
    pub(super) fn catch_up(&self, came: u32, timeline: &mut Timeline, taken: &mut Taken) {
        let imp = self.imp();
        let Some(mut catching_up) = imp.catching_up.get() else {
            return;
        };
        catching_up.came += came;
        let is_there = timeline.newest() >= catching_up.last;
        imp.catching_up.set((!is_there).then_some(catching_up));
        if is_there && catching_up.came > 0 {
            let words = count(
                "You are back; {n} message while you were away",
                "You are back; {n} messages while you were away",
                usize::try_from(catching_up.came).unwrap_or(usize::MAX),
            );
            taken.spoken.push(words.clone());
            timeline.tell(Content::Notice(words));
        }
    }

    fn keep_stay(&self, welcome: &Welcome<'_>) {
        let imp = self.imp();
        if let Some(kept) = &*imp.kept.borrow() {
            kept.begin(Stay {
                name: imp.wanted_name.borrow().clone(),
                room: welcome.room.to_string(),
                session: welcome.session.to_string(),
                epoch: welcome.epoch.to_string(),
                after: welcome.next.saturating_sub(1),
                hosted: self.hosts(),
                durable: welcome.durable,
                ..Stay::default()
            });
        }
    }

    /// Saves the position up to which the user has read, and the unconfirmed messages.
    pub(super) fn keep(&self) {
        let conversation = self.conversation();
        let kept = self.imp().kept.borrow();
        if let (Some(kept), State::Joined) = (&*kept, self.state()) {
            conversation.read(|timeline| {
                let id_and_text = |message: &'_ Message| {
                    let id = message.unconfirmed_id()?;
                    Some((id.to_owned(), message.text.clone()))
                };
                let unsent: Vec<_> = timeline.not_confirmed().filter_map(id_and_text).collect();
                kept.go_on(timeline.newest(), unsent);
            });
        }
    }

    /// Ends the saved stay. The user cannot return to a room that was closed, that they
    /// left, or that they are in from elsewhere; but the app keeps what they could not
    /// send there.
    pub(super) fn end_kept(&self, end: &End) {
        let is_for_good = matches!(end, End::RoomClosed | End::TakenOver | End::Left);
        if let Some(kept) = &*self.imp().kept.borrow()
            && is_for_good
        {
            kept.give_up();
        }
    }

    /// The text that the user typed here and did not send.
    pub fn draft(&self) -> String {
        let kept = self.imp().kept.borrow();
        kept.as_ref().map(Kept::draft).unwrap_or_default()
    }

    /// Whether the user has unsent text here, which would be lost with the room.
    pub fn has_unsent(&self) -> bool {
        !self.draft().trim().is_empty()
            || self
                .conversation()
                .read(|timeline| timeline.not_confirmed().next().is_some())
    }

    /// Deletes the unsent text.
    pub fn discard_unsent(&self) {
        if let Some(kept) = &*self.imp().kept.borrow() {
            kept.discard();
        }
    }

    /// Whether the room has any messages, as far as the user knows.
    pub fn has_messages(&self) -> bool {
        self.conversation().read(Timeline::has_messages)
    }

    /// Saves the typed text.
    pub fn set_draft(&self, draft: &str) {
        if let Some(kept) = &*self.imp().kept.borrow() {
            kept.set_draft(draft);
        }
    }
}
