//! What a client's thread and the hands on the client share.

use std::collections::VecDeque;
use std::time::Instant;

use tokio::sync::Notify;

use crate::lock::{Guard, Mutex, Rank};
use crate::wire::frame::{Request, Say, write_frame};

use super::outbox::{Next, Outbox, Own};
use super::{NotQueued, REQUESTS};

/// Messages and questions on their way to the server, and what the user wants. Its
/// locks are held for moments: nothing is encoded, sent or waited for meanwhile.
#[derive(Debug)]
pub(super) struct Desk {
    state: Mutex<State>,
    /// While this side waits to try to come back: until when.
    next_try: Mutex<Option<Instant>>,
    /// There may be something to send.
    news: Notify,
    left: Notify,
    hurried: Notify,
}

#[derive(Debug, Default)]
struct State {
    outbox: Outbox,
    /// Questions, as lines.
    questions: VecDeque<Vec<u8>>,
    /// How many questions were sent and not answered.
    asked: usize,
    /// The connection was lost, and is being restored.
    away: bool,
    /// This side leaves: nothing more is taken.
    leaving: bool,
    /// A try to come back is wanted at once.
    hurry: bool,
}

/// What was gathered to be sent.
pub(super) struct Gathered {
    /// When there may be more, if nothing else happens before.
    pub more_at: Option<Instant>,
    /// This side leaves, and has sent all that can be sent.
    pub is_last: bool,
    /// This side leaves.
    pub leaving: bool,
    /// Something that was sent, now or before, waits for an answer.
    pub waits: bool,
}

impl State {
    fn waits(&self) -> bool {
        self.asked > 0 || self.outbox.is_in_flight()
    }
}

impl Desk {
    /// With these messages of an earlier run of the program.
    pub fn new(outbox: Outbox) -> Self {
        let state = State {
            outbox,
            ..State::default()
        };
        Self {
            state: Mutex::new(Rank::SendQueue, state),
            next_try: Mutex::new(Rank::NextTry, None),
            news: Notify::new(),
            left: Notify::new(),
            hurried: Notify::new(),
        }
    }

    fn lock(&self) -> Guard<'_, State> {
        self.state.lock()
    }

    pub fn say(&self, own: Own) -> Result<(), NotQueued> {
        let mut state = self.lock();
        if state.leaving {
            return Err(NotQueued::Over);
        }
        state.outbox.push(own)?;
        drop(state);
        self.news.notify_one();
        Ok(())
    }

    pub fn ask(&self, line: Vec<u8>) -> Result<(), NotQueued> {
        let mut state = self.lock();
        if state.leaving {
            return Err(NotQueued::Over);
        }
        if state.away {
            return Err(NotQueued::Away);
        }
        if state.questions.len() >= REQUESTS {
            return Err(NotQueued::Full);
        }
        state.questions.push_back(line);
        drop(state);
        self.news.notify_one();
        Ok(())
    }

    /// Leaves: nothing more is taken.
    pub fn leave(&self) {
        self.lock().leaving = true;
        self.left.notify_one();
        self.news.notify_one();
    }

    pub fn is_leaving(&self) -> bool {
        self.lock().leaving
    }

    /// Waits until this side leaves.
    pub async fn left(&self) {
        while !self.is_leaving() {
            self.left.notified().await;
        }
    }

    /// Wants a try to come back at once. Nothing, unless one is waited for.
    pub fn hurry(&self) {
        let mut state = self.lock();
        state.hurry = state.away;
        drop(state);
        self.hurried.notify_one();
    }

    /// Waits until a try is wanted at once.
    pub async fn hurried(&self) {
        while !std::mem::take(&mut self.lock().hurry) {
            self.hurried.notified().await;
        }
    }

    /// The connection was lost: what was asked will not be answered.
    pub fn interrupted(&self) {
        let mut state = self.lock();
        state.away = true;
        state.hurry = false;
        state.outbox.cut();
        state.questions.clear();
        state.asked = 0;
    }

    /// A question was answered.
    pub fn answered(&self) {
        let mut state = self.lock();
        state.asked = state.asked.saturating_sub(1);
    }

    /// Whether something that was sent waits for an answer.
    pub fn waits(&self) -> bool {
        self.lock().waits()
    }

    /// When the next try to come back is.
    pub fn next_try(&self) -> Option<Instant> {
        *self.next_try.lock()
    }

    /// Tells when the next try to come back is, if this side waits for it.
    pub fn set_next_try(&self, at: Option<Instant>) {
        *self.next_try.lock() = at;
    }

    /// Hands the outbox to `take`, which may give it what it waits for.
    pub fn answer(&self, take: impl FnOnce(&mut Outbox)) {
        let mut state = self.lock();
        take(&mut state.outbox);
        let is_waiting = !state.outbox.is_all_sent();
        drop(state);
        if is_waiting {
            self.news.notify_one();
        }
    }

    /// This side is in the room.
    pub fn is_in(&self) {
        let mut state = self.lock();
        (state.away, state.hurry) = (false, false);
    }

    /// Waits until there may be something to send.
    pub async fn news(&self) {
        self.news.notified().await;
    }

    /// Appends what there is to send, up to somewhat more than `bytes`.
    pub fn gather(&self, now: Instant, bytes: usize, out: &mut Vec<u8>) -> Gathered {
        let (mut said, mut asked): (Vec<Own>, Vec<Vec<u8>>) = Default::default();
        let mut length = out.len();
        let mut guard = self.lock();
        let state = &mut *guard;
        let more_at = loop {
            if length >= bytes {
                break Some(now);
            }
            match state.outbox.next(now) {
                Next::Send(own) => {
                    length += own.text.len();
                    said.push(own.clone());
                }
                Next::At(at) => break Some(at),
                Next::Nothing => break None,
            }
            state.outbox.sent(now);
        };
        while length < bytes
            && let Some(line) = state.questions.pop_front()
        {
            length += line.len();
            state.asked += 1;
            asked.push(line);
        }
        let gathered = Gathered {
            more_at,
            is_last: state.leaving && state.outbox.is_all_sent() && state.questions.is_empty(),
            leaving: state.leaving,
            waits: state.waits(),
        };
        drop(guard);
        // A hand on the client does not wait for the encoding.
        for own in said {
            let say = Say {
                id: Some(own.id.as_str().into()),
                text: own.text.as_str().into(),
            };
            write_frame(&Request::Say(say), out);
        }
        out.extend(asked.into_iter().flatten());
        gathered
    }

    /// The end: nothing more is taken. Gives back what is not known to be said.
    pub fn close(&self) -> Vec<Own> {
        let mut state = self.lock();
        state.leaving = true;
        state.questions.clear();
        state.outbox.take_all()
    }
}
