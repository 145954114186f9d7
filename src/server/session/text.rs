//! The text door: a person with `nc`, or the original program.

use std::sync::Arc;
use std::time::Instant;

use crate::clock;
use crate::room::{Encoding, NotEntered, NotSaid, Why};
use crate::wire::door::Door;
use crate::wire::native::closed;
use crate::wire::text::{Input, Manner, Reader, WELCOME_NAMES, not_said, welcome, write_notice};

use super::super::event::Refusal;
use super::{Membership, Session};

/// Messages of one chunk that were not taken.
#[derive(Default)]
struct NotTaken {
    too_fast: usize,
    too_long: usize,
    /// Why the last one that came too fast was not taken.
    why: Option<NotSaid>,
}

impl Session {
    /// Takes bytes of a peer of the text door; none, when no more will come.
    pub(super) fn take_text(&mut self, reader: &mut Reader, bytes: &[u8], now: Instant) {
        let mut not_taken = NotTaken::default();
        let take = |input: Input<'_>| {
            if self.ending.is_none() {
                self.take_input(&input, now, &mut not_taken);
            }
        };
        match bytes {
            [] => reader.finish(take),
            bytes => reader.take(bytes, take),
        }
        self.tell_said();
        if let Some(text) = not_taken
            .why
            .and_then(|why| not_said(why, not_taken.too_fast))
        {
            self.notice(&text);
        }
        if not_taken.too_long > 0
            && let Some(text) = not_said(NotSaid::TooLong, not_taken.too_long)
        {
            self.notice(&text);
        }
    }

    fn take_input(&mut self, input: &Input<'_>, now: Instant, not_taken: &mut NotTaken) {
        match (input, &self.member) {
            (Input::Quit, _) => self.end(Why::Quit),
            (Input::Said(name), None) => self.enter_text(name),
            (Input::TooLong, None) => self.enter_text(""),
            (Input::TooLong, Some(_)) => not_taken.too_long += 1,
            (Input::Said(text), Some(member)) => {
                let lease = member.lease;
                let said = self.shared.room().say(lease, None, text, now, clock::now());
                match said {
                    Ok(_) => self.said(),
                    Err(why) => {
                        self.refused(why, now);
                        match why {
                            NotSaid::TooFast { .. } => {
                                not_taken.too_fast += 1;
                                not_taken.why = Some(why);
                            }
                            NotSaid::TooLong => not_taken.too_long += 1,
                            // An empty line says nothing, and is nothing to talk about.
                            NotSaid::Empty | NotSaid::BadId | NotSaid::Closed => {}
                        }
                    }
                }
            }
        }
    }

    /// Takes the peer into the room, and welcomes it.
    pub(super) fn enter_text(&mut self, name: &str) {
        let entered = match self.guest.enter(name, Door::Text, false, None) {
            Ok(entered) => entered,
            Err(NotEntered::Full) => {
                self.report_refusal(Refusal::RoomFull);
                self.notice("The room is full. Try again later.");
                return self.end(Why::Protocol);
            }
            Err(NotEntered::Closed(closing)) => {
                self.notice(&closed(closing).text);
                return self.end(Why::Quit);
            }
        };
        let room = self.shared.room();
        let others = room.members(None).filter(|(id, _)| *id != entered.lease.id);
        let others = others.take(WELCOME_NAMES).map(|(_, member)| &*member.name);
        let room_name = Arc::clone(&self.shared.live().room_name);
        let text = welcome(&room_name, &entered.name, entered.count, others);
        self.member = Some(Membership {
            lease: entered.lease,
            takeovers: room.takeovers(),
            door: Encoding::Text,
            cursor: entered.cursor,
            replay: 0..0,
        });
        drop(room);
        // Before anything that happens from now on.
        write_notice(&text, &mut self.output);
        if self.manner == Some(Manner::Chunks) {
            self.output.pop();
        }
    }

    /// Tells the peer something.
    pub(super) fn notice(&mut self, text: &str) {
        if self.manner == Some(Manner::Chunks) && !self.replies.is_empty() {
            self.replies.push(b'\n');
        }
        write_notice(text, &mut self.replies);
        if self.manner == Some(Manner::Chunks) {
            self.replies.pop();
        }
    }
}
