//! How long a server may be silent. Does no I/O and has no clock.
//!
//! A server that owes no answer has a long time ([`Patience::dead_after`]). One that owes
//! an answer has a short time ([`Patience::answer_within`]), and the client sends it a
//! `ping` long before that time is over. Any byte from it counts as life: a slow server
//! that answers the `ping` keeps its connection, however long the other answer takes.

use std::time::Duration;

use tokio::time::Instant;

/// While an answer is due, the client sends this many `ping`s within
/// [`Patience::answer_within`].
const QUESTIONS: u32 = 3;

/// If the client notices a deadline this much too late, it did not run itself, and the
/// server's bytes may still be on their way.
const LATE: Duration = Duration::from_secs(2);

/// How long the server may be silent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// While nothing waits for an answer.
    pub dead_after: Duration,
    /// While something waits for an answer.
    pub answer_within: Duration,
}

/// The server's silence on one connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Silence {
    patience: Patience,
    /// When the last byte came, or when the client began to read again.
    heard: Instant,
    /// The time since which something waits for an answer.
    waits: Option<Instant>,
    /// When the client sent the last `ping`.
    asked: Option<Instant>,
}

impl Silence {
    /// A connection that begins at `now`.
    pub const fn new(patience: Patience, now: Instant) -> Self {
        Self {
            patience,
            heard: now,
            waits: None,
            asked: None,
        }
    }

    /// A byte came, or the client reads again.
    pub const fn heard(&mut self, now: Instant) {
        self.heard = now;
    }

    /// Sets whether something waits for an answer. Returns whether the wait began now.
    pub fn set_waits(&mut self, waits: bool, now: Instant) -> bool {
        let begins = waits && self.waits.is_none();
        if begins {
            self.waits = Some(now);
        } else if !waits {
            self.waits = None;
        }
        begins
    }

    /// The client sent a `ping`.
    pub const fn asked(&mut self, now: Instant) {
        self.asked = Some(now);
    }

    /// When to send the next `ping`, if an answer is due.
    pub fn ask_at(&self) -> Option<Instant> {
        let since = self.waits?.max(self.heard);
        let since = self.asked.map_or(since, |asked| asked.max(since));
        Some(since + self.patience.answer_within / QUESTIONS)
    }

    /// When the connection is lost if no byte comes, and after how long a silence.
    pub fn lost_at(&self) -> (Instant, Duration) {
        let long = self.patience.dead_after;
        let short = self.patience.answer_within;
        let by_silence = (self.heard + long, long);
        match self.waits {
            Some(waits) => by_silence.min((waits.max(self.heard) + short, short)),
            None => by_silence,
        }
    }

    /// The silence after which the connection is lost at `now`, if it is. If the deadline
    /// is long over, the client slept through it and begins again.
    pub fn lost(&mut self, now: Instant) -> Option<Duration> {
        let (lost_at, silence) = self.lost_at();
        if now < lost_at {
            None
        } else if now.duration_since(lost_at) > LATE {
            self.heard = now;
            None
        } else {
            Some(silence)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience {
        dead_after: Duration::from_mins(1),
        answer_within: Duration::from_secs(9),
    };

    fn seconds(number: u64) -> Duration {
        Duration::from_secs(number)
    }

    fn silence() -> (Silence, Instant) {
        let begin = Instant::now();
        (Silence::new(PATIENCE, begin), begin)
    }

    #[test]
    fn a_server_that_owes_nothing_may_be_silent_for_long() {
        let (mut silence, begin) = silence();
        assert_eq!(silence.ask_at(), None);
        assert_eq!(silence.lost_at(), (begin + seconds(60), seconds(60)));
        assert_eq!(silence.lost(begin + seconds(59)), None);
        assert_eq!(silence.lost(begin + seconds(60)), Some(seconds(60)));
    }

    #[test]
    fn a_server_that_owes_an_answer_is_asked_and_then_lost() {
        let (mut silence, begin) = silence();
        let said = begin + seconds(30);
        assert!(silence.set_waits(true, said));
        // A second message does not restart the first one's time.
        assert!(!silence.set_waits(true, said + seconds(1)));
        assert_eq!(silence.ask_at(), Some(said + seconds(3)));
        silence.asked(said + seconds(3));
        assert_eq!(silence.ask_at(), Some(said + seconds(6)));
        assert_eq!(silence.lost(said + seconds(8)), None);
        assert_eq!(silence.lost(said + seconds(9)), Some(seconds(9)));
    }

    #[test]
    fn a_slow_server_that_is_alive_is_not_lost() {
        let (mut silence, said) = silence();
        silence.set_waits(true, said);
        // It answers `ping`, and nothing else, for an hour.
        for pong in (3..3_600).step_by(8) {
            let now = said + seconds(pong);
            assert_eq!(silence.lost(now), None);
            silence.heard(now);
            assert_eq!(silence.ask_at(), Some(now + seconds(3)));
        }
    }

    #[test]
    fn an_answer_ends_the_short_patience() {
        let (mut silence, said) = silence();
        silence.set_waits(true, said);
        silence.heard(said + seconds(1));
        silence.set_waits(false, said + seconds(1));
        assert_eq!(silence.ask_at(), None);
        assert_eq!(silence.lost(said + seconds(60)), None);
        assert_eq!(silence.lost(said + seconds(61)), Some(seconds(60)));
    }

    #[test]
    fn a_program_that_did_not_run_listens_before_it_gives_up() {
        let (mut silence, said) = silence();
        silence.set_waits(true, said);
        let woken = said + seconds(300);
        assert_eq!(silence.lost(woken), None);
        assert_eq!(silence.lost(woken + seconds(9)), Some(seconds(9)));
    }
}
