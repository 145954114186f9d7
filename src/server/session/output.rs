//! The data to write to a peer: first the log entries that it has not read, then the
//! answers for it alone. So an answer never overtakes an event from before the question.

use std::mem;

use crate::protocol::native::frame::{Closed, ClosedCode, Reply, write_frame};
use crate::protocol::native::{closed, gap};
use crate::protocol::sniff::Protocol;
use crate::protocol::text::{self, Framing, first_chunk, write_notice};
use crate::protocol::{NATIVE, TEXT};
use crate::room::{Closing, Cursor, Gap, Lease, Room, Slice, Why, split};

use super::past::Replay;
use super::peer::PeerSession;
use super::phase::{Farewell, Hold, Leaving, Membership, Phase};

/// While the server writes to a peer of the text protocol, it holds this many bytes for it at
/// once, and one message more.
const TEXT_BYTES: usize = 16 << 10;

/// When a newcomer leaves before it has read the history that it asked for, the server
/// still holds this much of it, and one message more.
const LAST_BYTES: usize = 64 << 10;

/// The parts of one write: a session's own output, then these slices of the log.
pub type Slices = Vec<Slice>;

/// Whether there is something to write.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Found {
    Nothing,
    /// There is, and more may follow.
    Some,
    /// There is, and nothing follows.
    All,
}

impl PeerSession {
    /// Finds the bytes to write now: either slices of the log, which this puts into
    /// `slices`, or the session's [output](Self::output).
    pub fn gather(&mut self, slices: &mut Slices) -> Found {
        if !self.is_released() {
            return Found::Nothing;
        }
        if self.written < self.output.len() {
            return Found::Some;
        }
        // An idle session holds no buffer.
        self.output.release();
        self.written = 0;
        let hub = self.guest.hub();
        let mut room = hub.room();
        let until = self.phase.leaves_at();
        // This runs for all readers of the log, for each message: comparing the number avoids
        // looking up the member.
        if let Some(member) = self.phase.member_mut()
            && member.revocations != room.revocations()
        {
            member.revocations = room.revocations();
            if !room.honours(member.lease) {
                drop(room);
                self.end_revoked();
                self.output = mem::take(&mut self.replies);
                return Found::Some;
            }
        }
        match (self.phase.member_mut(), self.protocol) {
            (Some(member), Protocol::Native) => {
                if !member.replay.is_empty() {
                    drop(room);
                    return match self.replay() {
                        Replay::Going => Found::Some,
                        Replay::Fetching | Replay::Waiting => Found::Nothing,
                    };
                }
                if let Some(until) = until
                    && !member.cursor.is_before(until)
                {
                    drop(room);
                    self.say_goodbye();
                    return self.gather(slices);
                }
                let before = member.cursor.seq();
                let missed = room.read(&mut member.cursor, NATIVE, slices);
                if let Some(mut missed) = missed {
                    drop(room);
                    if hub.is_durable() && missed.from <= missed.to {
                        // The store has them, so they are sent from there; the joins and
                        // leaves are lost.
                        member.replay = missed.from..missed.to + 1;
                        missed.to = missed.from - 1;
                    }
                    self.guest.fell_behind(missed);
                    write_frame(&gap(missed), &mut self.output);
                    return Found::Some;
                }
                let count = member.cursor.seq() - before;
                hub.counters.delivered(count);
                let all = self.replies.is_empty()
                    && until.is_none()
                    && room.over().is_none()
                    && !room.is_behind(member.cursor);
                if all && !slices.is_empty() {
                    return Found::All;
                }
            }
            (Some(member), Protocol::Text) => {
                let mut before = member.cursor.seq();
                let framing = self.framing;
                let missed = gather_text(&mut room, member, framing, slices, &mut self.output);
                if let Some(missed) = missed {
                    self.guest.fell_behind(missed);
                    before = before.max(missed.to.saturating_add(1));
                }
                let count = member.cursor.seq().saturating_sub(before);
                hub.counters.delivered(count);
            }
            (None, _) => {}
        }
        if !slices.is_empty() || !self.output.is_empty() {
            return Found::Some;
        }
        if let Some(closing) = room.over()
            && !self.phase.has_ended()
        {
            drop(room);
            self.end_closed(closing);
        } else if let Some(member) = self.phase.member_mut()
            && !self.replies.is_empty()
            && room.is_recorded()
        {
            // An earlier event may not be stored yet.
            let told = released(member, &room, &mut self.replies);
            drop(room);
            return told.map_or(Found::Nothing, |told| {
                self.output = told.into();
                Found::Some
            });
        } else {
            drop(room);
        }
        self.output = mem::take(&mut self.replies);
        if self.output.is_empty() {
            Found::Nothing
        } else {
            Found::Some
        }
    }

    /// Ends the session of a peer that said goodbye: at once or, if its earlier messages
    /// are not stored yet, when they are.
    pub(super) fn leave(&mut self) {
        let room = self.hub().room();
        let (is_told, until) = (room.may_tell(room.reached()), room.head());
        drop(room);
        if is_told {
            return self.say_goodbye();
        }
        match mem::replace(&mut self.phase, Phase::Greeting) {
            Phase::Member(member) => {
                self.phase = Phase::Leaving(Box::new(Leaving { member, until }));
            }
            other => {
                self.phase = other;
                self.say_goodbye();
            }
        }
    }

    fn say_goodbye(&mut self) {
        self.reply(&Reply::Closed(Closed {
            code: ClosedCode::Bye,
            text: "Goodbye.".into(),
            retry_ms: None,
        }));
        self.end(Why::Quit);
        let room = self.hub().room();
        let until = room.is_recorded().then(|| Box::new(room.reached()));
        drop(room);
        if let Phase::Ending(ending) = &mut self.phase {
            ending.held = until;
        }
    }

    /// Ends the session because the room was closed; a member has read that in the log.
    fn end_closed(&mut self, closing: Closing) {
        if self.phase.member().is_none() {
            match self.protocol {
                Protocol::Native => self.reply(&Reply::Closed(closed(closing))),
                Protocol::Text => self.notice(&closed(closing).text),
            }
            return self.end(Why::Quit);
        }
        // Nothing follows what the member has read.
        self.replies.clear();
        self.finish_now(match self.framing {
            Some(Framing::Chunks) => Farewell::QuitCommand,
            Some(Framing::Lines) | None => Farewell::Silent,
        });
        self.end(Why::Quit);
    }

    /// Drops the answers and the welcome that must wait for the store: a session that
    /// ends does not wait for it.
    pub(super) fn drop_withheld(&mut self) {
        let room = self.hub().room();
        let is_told = room.may_tell(room.reached());
        drop(room);
        let held = match &mut self.phase {
            Phase::Ending(ending) => ending.held.take().is_some(),
            phase => phase.member_mut().is_some_and(|member| {
                if !is_told {
                    self.replies.clear();
                }
                let hold = member.hold.take();
                matches!(hold.as_deref(), Some(Hold::Welcome(_)))
            }),
        };
        if held {
            self.output.clear();
        }
    }

    /// Whether nothing waits for the store any more: neither a welcome, which contains an
    /// id and the available messages, nor a goodbye, which confirms that a session has
    /// ended. After a power failure, they would not be true.
    fn is_released(&mut self) -> bool {
        let (until, is_member) = match &self.phase {
            Phase::Ending(ending) => match &ending.held {
                Some(until) => (**until, false),
                None => return true,
            },
            phase => match phase.member().and_then(|member| member.hold.as_deref()) {
                Some(Hold::Welcome(until)) => (*until, true),
                Some(Hold::Answers(..)) | None => return true,
            },
        };
        let room = self.hub().room();
        let (is_recorded, may_tell) = (room.is_recorded(), room.may_tell(until));
        drop(room);
        if is_recorded && !may_tell {
            return false;
        }
        match &mut self.phase {
            Phase::Ending(ending) => ending.held = None,
            phase => {
                if let Some(member) = phase.member_mut() {
                    member.hold = None;
                }
            }
        }
        if !is_recorded && is_member {
            // The store failed before the welcome could be sent: to the peer it is as if
            // it had never joined, and all it learns is that the room is closed.
            self.phase = Phase::Greeting;
            self.output.clear();
        }
        true
    }

    /// Copies the log entries that the peer has not read, as far as one read returns
    /// them: it is the last read.
    pub(super) fn gather_last(&mut self) {
        while let Some(member) = self.phase.member()
            && !member.replay.is_empty()
            && self.output.len() < LAST_BYTES
            && self.replay() == Replay::Going
        {}
        // Entries after a history that is sent only in part would hide the gap.
        let member = self.phase.member_mut();
        let Some(member) = member.filter(|it| it.replay.is_empty()) else {
            return;
        };
        let mut room = self.guest.hub().room();
        let is_over = room.over().is_some();
        let mut slices = Slices::new();
        match self.protocol {
            Protocol::Native => {
                let missed = room.read(&mut member.cursor, NATIVE, &mut slices);
                drop(room);
                if let Some(missed) = missed {
                    write_frame(&gap(missed), &mut self.output);
                }
                for slice in &slices {
                    self.output.extend_from_slice(slice.bytes());
                }
                if is_over {
                    // The peer has read that now, and nothing follows.
                    self.replies.clear();
                }
            }
            Protocol::Text if self.output.is_empty() => {
                gather_text(
                    &mut room,
                    member,
                    self.framing,
                    &mut slices,
                    &mut self.output,
                );
            }
            Protocol::Text => {}
        }
    }

    /// The part of the session's own output for one write. The original program gets no
    /// more than it can receive at once.
    pub fn output(&self) -> &[u8] {
        let rest = &self.output[self.written..];
        match self.framing {
            Some(Framing::Chunks) => first_chunk(rest),
            _ => rest,
        }
    }

    /// Records that the first `count` bytes of what [`gather`](Self::gather) found
    /// were written. The session keeps the rest of an entry that was cut; the cursor
    /// moves past that entry. Returns whether everything from the log was written.
    pub fn wrote(&mut self, count: usize, slices: &Slices) -> bool {
        self.took |= count > 0 && (!self.wants_input() || !self.replies.is_empty());
        if slices.is_empty() {
            self.written += count;
            return false;
        }
        match split(slices, count) {
            Some((cursor, rest)) => {
                if let Some(member) = self.phase.member() {
                    let count = member.cursor.seq() - cursor.seq();
                    self.hub().counters.took_back(count);
                }
                self.go_on(cursor, rest);
                false
            }
            None => true,
        }
    }

    /// The cursor from which the peer only has to follow the log, if that is so, and its
    /// lease.
    pub fn follows_from(&self) -> Option<(Cursor, Lease)> {
        match &self.phase {
            Phase::Member(member)
                if self.protocol == Protocol::Native
                    && member.replay.is_empty()
                    && self.output.is_empty()
                    && self.replies.is_empty()
                    && self.wants_input() =>
            {
                Some((member.cursor, member.lease))
            }
            _ => None,
        }
    }

    /// Continues to write the log from `cursor` on, after `rest` of the entry before it.
    pub fn go_on(&mut self, cursor: Cursor, rest: Vec<u8>) {
        self.output = rest.into();
        if let Some(member) = self.phase.member_mut() {
            member.cursor = cursor;
        }
    }
}

/// The answers to a member that do not wait for the store any more; none while some do.
fn released(member: &mut Membership, room: &Room, replies: &mut Vec<u8>) -> Option<Vec<u8>> {
    let (until, count) = match member.hold.as_deref() {
        Some(Hold::Answers(until, count)) => (*until, *count),
        // A welcome waits no longer.
        Some(Hold::Welcome(_)) | None => (room.reached(), replies.len()),
    };
    if room.may_tell(until) {
        member.hold = None;
        return Some(replies.drain(..count).collect());
    }
    member.hold = Some(Box::new(Hold::Answers(until, count)));
    None
}

/// Copies log entries that a peer of the text protocol has not read into its output. Returns
/// the gap, if it missed messages.
fn gather_text(
    room: &mut Room,
    member: &mut Membership,
    framing: Option<Framing>,
    slices: &mut Slices,
    output: &mut Vec<u8>,
) -> Option<Gap> {
    let mut fell = None;
    let chunks = framing == Some(Framing::Chunks);
    while output.is_empty() {
        if let Some(missed) = room.read(&mut member.cursor, TEXT, slices) {
            if let Some(text) = text::missed(missed) {
                write_notice(&text, output);
            }
            fell = Some(missed);
            continue;
        }
        if slices.is_empty() {
            return fell;
        }
        for slice in slices.drain(..) {
            let mut taken = 0;
            for (from, bytes) in slice.entries() {
                taken += bytes.len();
                // A person at a terminal already sees what it typed.
                if chunks || from != Some(member.lease.id) {
                    output.extend_from_slice(bytes);
                }
                if output.len() >= TEXT_BYTES {
                    break;
                }
            }
            if output.len() >= TEXT_BYTES {
                member.cursor = slice.split(taken).0;
                break;
            }
        }
    }
    // It stands between this message and the next one, if there is one.
    if chunks && !room.is_behind(member.cursor) && output.last() == Some(&b'\n') {
        output.pop();
    }
    fell
}
