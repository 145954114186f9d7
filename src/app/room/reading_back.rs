//! Gets older messages for a reader further up.

use gettextrs::gettext;
use gtk::subclass::prelude::*;

use crate::app::words::count;
use crate::protocol::PAGE_LIMIT;
use crate::protocol::native::frame::Page;

use super::line::Content;
use super::past::{Beginning, Older, Past, Want};
use super::session::{Session, State};
use super::taking::heard;
use super::timeline::Timeline;

impl Session {
    /// The reader is near the oldest message that the app holds: requests older ones, if
    /// there are some and no request is under way.
    pub fn read_back(&self) {
        let imp = self.imp();
        let (Some(client), State::Joined) = (imp.client.get(), self.state()) else {
            return;
        };
        let conversation = self.conversation();
        let Some(oldest) = conversation.read(|timeline| {
            let has_room = timeline.has_room_for(PAGE_LIMIT);
            has_room.then(|| timeline.oldest())
        }) else {
            return;
        };
        let mut past = imp.past.get();
        if conversation.was_cut() {
            past.reopen();
        }
        match past.want(oldest) {
            Want::Nothing => return,
            // If the request cannot be sent, the next move to the top tries again.
            Want::Before(seq) => {
                if client.ask_history(Some(seq), PAGE_LIMIT).is_err() {
                    return;
                }
            }
            Want::Beginning => {
                conversation.put_before(vec![beginning(Beginning::First)]);
            }
        }
        self.set_past(past);
    }

    /// A page of older messages came. Returns the text for a screen reader.
    pub(super) fn take_older(&self, page: Page<'static>) -> Option<String> {
        let imp = self.imp();
        let mut past = imp.past.get();
        let Older { messages, ends } = past.take(page, self.conversation().read(Timeline::oldest));
        let number = messages.len();
        let mut contents: Vec<Content> = ends.into_iter().map(beginning).collect();
        let me = imp.me.borrow();
        contents.extend(messages.into_iter().map(|message| {
            let own = me.said(message.author.id);
            Content::Message(heard(message, own))
        }));
        drop(me);
        if !contents.is_empty() {
            self.conversation().put_before(contents);
        }
        self.set_past(past);
        (number > 0).then(|| count("{n} older message", "{n} older messages", number))
    }

    /// The requested page will not come.
    pub(super) fn forget_asked(&self) {
        let mut past = self.imp().past.get();
        past.forget();
        self.set_past(past);
    }

    fn set_past(&self, past: Past) {
        self.imp().past.set(past);
        let loading = matches!(past, Past::Asked(_));
        if self.imp().loading.replace(loading) != loading {
            self.notify_loading();
        }
    }
}

fn beginning(what: Beginning) -> Content {
    Content::Notice(match what {
        Beginning::First => gettext("This is where the room’s history begins"),
        Beginning::Held => gettext("Earlier messages are no longer saved"),
    })
}
