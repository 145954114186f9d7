//! Messages of the past: those that the log holds in memory, and those that only the
//! store holds, which the [connection](super::super::connection) fetches.

use std::ops::Range;

use crate::protocol::native::frame::{HistoryRequest, write_frame};
use crate::protocol::native::{encode, gap, write_page};
use crate::protocol::{PAGE_BYTES, PAGE_LIMIT};
use crate::room::{Entry, Event, Gap, Slice};
use crate::store::ReadError;

use super::super::event;
use super::native::clamp;
use super::peer::PeerSession;
use super::wanted::{Purpose, Wanted};

/// While the server sends past messages to a newcomer, it holds this many bytes of them
/// at once, and one message more.
const REPLAY_BYTES: usize = 32 << 10;

/// The progress of a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replay {
    /// Some of it waits to be written.
    Going,
    /// Its next messages must be fetched.
    Fetching,
    /// Its next messages are not stored yet.
    Waiting,
}

impl PeerSession {
    /// The messages to fetch from the store before the session can continue.
    pub fn wanted(&self) -> Option<&Wanted> {
        self.phase.member()?.wanted.as_deref()
    }

    /// Copies the next past messages of the replay into the output, or writes that they
    /// are no longer held.
    pub(super) fn replay(&mut self) -> Replay {
        let Some(member) = self.phase.member_mut() else {
            return Replay::Waiting;
        };
        let hub = self.guest.hub();
        let mut room = hub.room();
        let Range { start, end } = member.replay;
        let oldest = hub.oldest_seq(&room).min(end);
        if start < oldest {
            drop(room);
            write_gap(start..oldest, &mut self.output);
            member.replay.start = oldest;
            return Replay::Going;
        }
        if start < room.oldest_seq() {
            member.wanted = Some(Box::new(Wanted {
                range: start..end.min(room.oldest_seq()),
                bytes: REPLAY_BYTES,
                purpose: Purpose::Replay,
            }));
            return Replay::Fetching;
        }
        if start >= room.readable_seq() && room.is_recorded() {
            return Replay::Waiting;
        }
        let (messages, next) = room.lasting(start, end, REPLAY_BYTES);
        drop(room);
        for message in &messages {
            self.output.extend_from_slice(message.bytes());
        }
        member.replay.start = if messages.is_empty() { end } else { next };
        Replay::Going
    }

    /// Answers a request for past messages, at once if the log holds them in memory.
    pub(super) fn answer_history(&mut self, request: HistoryRequest) {
        let Some(member) = self.phase.member_mut() else {
            return;
        };
        let hub = self.guest.hub();
        let mut room = hub.room();
        let next = room.readable_seq();
        let end = request.before.map_or(next, |before| before.min(next));
        let limit = clamp(request.limit, PAGE_LIMIT);
        let oldest = hub.oldest_seq(&room);
        let start = end.saturating_sub(limit).max(oldest);
        if start < end && start < room.oldest_seq() {
            member.wanted = Some(Box::new(Wanted {
                range: start..end,
                bytes: usize::MAX,
                purpose: Purpose::Page,
            }));
            return;
        }
        let (messages, _) = room.lasting(start, end, usize::MAX);
        drop(room);
        let frames: Vec<&[u8]> = messages.iter().map(Slice::bytes).collect();
        self.write_fitting(&frames, start > oldest);
    }

    /// Handles messages that were fetched from the store.
    pub fn take_past(&mut self, fetched: Result<Vec<Entry<'static>>, ReadError>) {
        let wanted = self.phase.member_mut().and_then(|it| it.wanted.take());
        let Some(wanted) = wanted else {
            return;
        };
        let messages = match fetched {
            Ok(messages) => messages,
            Err(error) => {
                self.hub().report(event::Event::Unread(error.to_string()));
                Vec::new()
            }
        };
        match wanted.purpose {
            Purpose::Replay => self.take_replay(wanted.range, &messages),
            Purpose::Page => self.take_page(&wanted.range, &messages),
            Purpose::Erase(asked) => {
                let found = messages.into_iter().next();
                self.take_looked_up(wanted.range.start, found, asked);
            }
        }
    }

    fn take_replay(&mut self, range: Range<u64>, messages: &[Entry<'_>]) {
        let Some(member) = self.phase.member_mut() else {
            return;
        };
        let first = messages.first().map_or(range.end, |message| message.seq);
        if range.start < first {
            // They were deleted meanwhile, or cannot be read.
            write_gap(range.start..first, &mut self.output);
        }
        for message in messages {
            encode(&Event::Entry(message.as_borrowed()), &mut self.output);
        }
        member.replay.start = messages.last().map_or(range.end, |last| last.seq + 1);
    }

    fn take_page(&mut self, range: &Range<u64>, messages: &[Entry<'_>]) {
        let frames: Vec<Vec<u8>> = messages
            .iter()
            .map(|message| {
                let mut frame = Vec::new();
                encode(&Event::Entry(message.as_borrowed()), &mut frame);
                frame
            })
            .collect();
        let frames: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
        let oldest = self.hub().oldest_seq(&self.hub().room());
        let first = messages.first().map_or(range.start, |first| first.seq);
        // None of the messages: they cannot be read now, but perhaps later.
        self.write_fitting(&frames, first > oldest || messages.is_empty());
    }

    /// Answers with the newest of these messages that fit into a page.
    fn write_fitting(&mut self, frames: &[&[u8]], older: bool) {
        let mut bytes = 0;
        let fitting = frames
            .iter()
            .rev()
            .take_while(|frame| {
                bytes += frame.len();
                bytes <= PAGE_BYTES
            })
            .count()
            .max(1);
        let left_out = frames.len().saturating_sub(fitting);
        let fitting = frames[left_out..].iter().copied();
        write_page(fitting, older || left_out > 0, &mut self.replies);
    }
}

fn write_gap(range: Range<u64>, output: &mut Vec<u8>) {
    let missed = Gap {
        from: range.start,
        to: range.end - 1,
    };
    write_frame(&gap(missed), output);
}
