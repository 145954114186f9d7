//! The state that a client's thread and the client's handles share.

use std::collections::VecDeque;
use std::time::Instant;

use tokio::sync::Notify;

use crate::lock::{Mutex, Rank};
use crate::protocol::native::frame::{Request, Say, write_frame};

use super::outbox::{Next, Outbox, Own};
use super::{NotQueued, REQUESTS};

/// Messages and requests on their way to the server, and the wishes of the user. Its
/// locks are held for moments only: nothing is encoded, sent or waited for meanwhile.
#[derive(Debug)]
pub(super) struct SendQueue {
    state: Mutex<State>,
    /// While the client waits before it tries to come back: the time of the next try.
    next_try: Mutex<Option<Instant>>,
    /// Notified when there may be something to send.
    news: Notify,
    left: Notify,
    hurried: Notify,
}

#[derive(Debug, Default)]
struct State {
    outbox: Outbox,
    /// Requests, as lines.
    questions: VecDeque<Vec<u8>>,
    /// The number of requests that were sent and not answered.
    asked: usize,
    /// The connection is lost, and the client is restoring it.
    away: bool,
    /// The client is leaving: it accepts nothing more.
    leaving: bool,
    /// Someone wants a try to come back at once.
    hurry: bool,
}

/// A batch of requests to send.
pub(super) struct Batch {
    /// When there may be more, if nothing happens before.
    pub more_at: Option<Instant>,
    /// The client is leaving, and has sent everything that it can.
    pub is_last: bool,
    /// The client is leaving.
    pub leaving: bool,
    /// A request, sent now or before, waits for an answer.
    pub waits: bool,
}

impl State {
    fn waits(&self) -> bool {
        self.asked > 0 || self.outbox.is_in_flight()
    }
}

impl SendQueue {
    /// Starts with these messages of an earlier run of the program.
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

    pub fn say(&self, own: Own) -> Result<(), NotQueued> {
        let mut state = self.state.lock();
        if state.leaving {
            return Err(NotQueued::Over);
        }
        state.outbox.push(own)?;
        drop(state);
        self.news.notify_one();
        Ok(())
    }

    pub fn ask(&self, line: Vec<u8>) -> Result<(), NotQueued> {
        let mut state = self.state.lock();
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

    /// Begins to leave: from now on the client accepts nothing more.
    pub fn leave(&self) {
        self.state.lock().leaving = true;
        self.left.notify_one();
        self.news.notify_one();
    }

    pub fn is_leaving(&self) -> bool {
        self.state.lock().leaving
    }

    /// Waits until the client leaves.
    pub async fn left(&self) {
        while !self.is_leaving() {
            self.left.notified().await;
        }
    }

    /// Asks for a try to come back at once. Does nothing unless the client waits for its
    /// next try.
    pub fn hurry(&self) {
        let mut state = self.state.lock();
        state.hurry = state.away;
        drop(state);
        self.hurried.notify_one();
    }

    /// Waits until someone wants a try at once.
    pub async fn hurried(&self) {
        while !std::mem::take(&mut self.state.lock().hurry) {
            self.hurried.notified().await;
        }
    }

    /// The connection is lost: the server will not answer the requests.
    pub fn interrupted(&self) {
        let mut state = self.state.lock();
        state.away = true;
        state.hurry = false;
        state.outbox.cut();
        state.questions.clear();
        state.asked = 0;
    }

    /// The server answered a request.
    pub fn answered(&self) {
        let mut state = self.state.lock();
        state.asked = state.asked.saturating_sub(1);
    }

    /// Whether a request that was sent waits for an answer.
    pub fn waits(&self) -> bool {
        self.state.lock().waits()
    }

    /// The time of the next try to come back.
    pub fn next_try(&self) -> Option<Instant> {
        *self.next_try.lock()
    }

    /// Sets the time of the next try to come back, if the client waits for it.
    pub fn set_next_try(&self, at: Option<Instant>) {
        *self.next_try.lock() = at;
    }

    /// Passes the outbox to `take`, which may give it what it waits for.
    pub fn answer(&self, take: impl FnOnce(&mut Outbox)) {
        let mut state = self.state.lock();
        take(&mut state.outbox);
        let is_waiting = !state.outbox.is_all_sent();
        drop(state);
        if is_waiting {
            self.news.notify_one();
        }
    }

    /// The client is in the room.
    pub fn is_in(&self) {
        let mut state = self.state.lock();
        (state.away, state.hurry) = (false, false);
    }

    /// Waits until there may be something to send.
    pub async fn news(&self) {
        self.news.notified().await;
    }

    /// Appends the requests to send, up to somewhat more than `bytes`.
    pub fn next_batch(&self, now: Instant, bytes: usize, out: &mut Vec<u8>) -> Batch {
        let (mut said, mut asked): (Vec<Own>, Vec<Vec<u8>>) = Default::default();
        let mut length = out.len();
        let mut guard = self.state.lock();
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
        let batch = Batch {
            more_at,
            is_last: state.leaving && state.outbox.is_all_sent() && state.questions.is_empty(),
            leaving: state.leaving,
            waits: state.waits(),
        };
        drop(guard);
        // The client's owners do not wait for the encoding.
        for own in said {
            let say = Say {
                id: Some(own.id.as_str().into()),
                text: own.text.as_str().into(),
            };
            write_frame(&Request::Say(say), out);
        }
        out.extend(asked.into_iter().flatten());
        batch
    }

    /// The end: the client accepts nothing more. Returns the messages that are not
    /// confirmed.
    pub fn close(&self) -> Vec<Own> {
        let mut state = self.state.lock();
        state.leaving = true;
        state.questions.clear();
        state.outbox.take_all()
    }
}
