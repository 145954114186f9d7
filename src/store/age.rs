//! How old messages are, on computers whose clocks are sometimes wrong.
//!
//! The age of a message decides whether the store deletes it, and the time of day does
//! not prove an age: a clock can be years ahead, begin in 1970 at every start, or be set
//! while the server runs. So a store counts *seen time*:
//!
//! - While a server has the store open, seen time advances with the kernel's boot clock,
//!   which nobody can set. Steps of the time of day do not count.
//! - Between two servers, seen time advances by the difference of the time of day, if
//!   that is plausible: not negative, and at most [`FAR`]. At most half of the time for
//!   which messages are kept counts.
//! - The store doubts a difference that is not plausible, and counts nothing of it, until
//!   the clock has shown the same time for [`TRUSTED_AFTER`].
//!
//! Each message is stored with the seen time of that moment. A wrong clock can delay
//! the deletion of messages; it cannot cause it.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use rustix::time::{ClockId, clock_gettime};

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3_600 * SECOND;
pub(super) const DAY: i64 = 24 * HOUR;

/// The store does not believe a difference of the time of day that is longer than this,
/// in microseconds, at once.
pub(super) const FAR: i64 = 31 * DAY;

/// How far someone may set the clock back before the store doubts it.
const BACK: i64 = HOUR;

/// How long a doubted clock has to run before the store believes it.
const TRUSTED_AFTER: i64 = DAY;

/// A further start with the same doubted clock counts as this much time, because a room
/// that systemd starts on demand never runs for long.
const ONE_START: i64 = 6 * HOUR;

/// How long after the start of the computer a step of the time of day still counts as a
/// correction for the time while the computer was off, in microseconds.
const STARTING: i64 = HOUR;

/// 2020-01-01. A clock that shows an earlier time is wrong, because Chatroom did not
/// exist.
pub(super) const EARLIEST: i64 = 1_577_836_800 * SECOND;

/// The most that counts of a gap between two servers if messages are kept for ever, in
/// microseconds.
const GAP_COUNTS: i64 = 15 * DAY;

/// The clocks of the computer at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The time of day, which anyone can set.
    pub clock: Timestamp,
    /// How long the computer has been running, sleep included. Nobody can set it.
    pub running: Duration,
}

impl Reading {
    /// The clocks now.
    #[must_use]
    pub fn now() -> Self {
        Self {
            clock: crate::clock::now(),
            running: Duration::try_from(clock_gettime(ClockId::Boottime)).unwrap_or_default(),
        }
    }
}

/// News about the clock for the administrator of the server. Days are rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockDoubt {
    /// The clock is far ahead of the last stored time.
    Ahead {
        /// The difference in days.
        days: u64,
    },
    /// The clock is behind the last stored time.
    Behind {
        /// The difference in days.
        days: u64,
    },
    /// The clock shows a time before 2020.
    TooEarly,
    /// The store doubted the clock, and believes it from now on.
    Believed,
}

impl fmt::Display for ClockDoubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SKIPPED: &str = "No message is deleted because of this; see that the clock is right.";
        match self {
            Self::Ahead { days } => write!(
                f,
                "The clock of this computer is {days} days ahead of the last time that was \
                 stored. {SKIPPED}"
            ),
            Self::Behind { days } => write!(
                f,
                "The clock of this computer is {days} days behind the last time that was \
                 stored. {SKIPPED}"
            ),
            Self::TooEarly => write!(
                f,
                "The clock of this computer shows a time before the year 2020. {SKIPPED}"
            ),
            Self::Believed => write!(
                f,
                "The clock of this computer is believed again, so messages are deleted by age."
            ),
        }
    }
}

/// The stored state of the seen time, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Saved {
    /// The seen time; never decreases.
    pub time: i64,
    /// The time of day at that moment, as far as the store believes it, in microseconds
    /// since 1970.
    pub clock: i64,
    /// How long the store has doubted the clock, if it does.
    pub doubt: Option<i64>,
    /// The seen time when the store began to count it. Older messages have none.
    pub began: i64,
}

/// Counts seen time while a store is open.
#[derive(Debug)]
pub(super) struct SeenTime {
    saved: Saved,
    last: Reading,
    /// How much of a gap between two servers can still count, in microseconds.
    allowance: i64,
    /// How long this has been counting, in microseconds.
    counted_for: i64,
    told: Option<ClockDoubt>,
    to_tell: Option<ClockDoubt>,
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

impl SeenTime {
    /// Goes on from the `saved` state; in a store that has counted no time yet, from the
    /// time of its `newest` message. `kept` is how long messages are kept, in
    /// microseconds.
    pub(super) fn new(
        saved: Option<Saved>,
        newest: Option<i64>,
        kept: Option<i64>,
        now: Reading,
    ) -> Self {
        let clock = now.clock.as_microsecond();
        let is_first = saved.is_none();
        let saved = saved.unwrap_or_else(|| {
            let newest = newest.filter(|newest| *newest >= EARLIEST);
            // The clock counts unless it is far ahead or surely wrong.
            let start = match newest {
                Some(newest) if clock < EARLIEST || clock - newest > FAR => newest,
                _ => clock,
            };
            Saved {
                time: start,
                clock: start,
                doubt: None,
                began: start,
            }
        });
        let mut seen = Self {
            saved,
            last: now,
            allowance: kept.map_or(GAP_COUNTS, |kept| kept / 2),
            counted_for: 0,
            told: None,
            to_tell: None,
        };
        if let (false, Some(doubt)) = (is_first, &mut seen.saved.doubt) {
            *doubt = doubt.saturating_add(ONE_START);
        }
        let gap = clock.saturating_sub(seen.saved.clock);
        if !(-BACK..=FAR).contains(&gap) && seen.saved.clock >= EARLIEST {
            seen.saved.doubt.get_or_insert(0);
        }
        seen.advance(now);
        seen
    }

    /// Takes in what the clocks show now.
    pub(super) fn advance(&mut self, now: Reading) {
        let elapsed = micros(now.running.saturating_sub(self.last.running));
        let clock = now.clock.as_microsecond();
        let expected = self.last.clock.as_microsecond().saturating_add(elapsed);
        let has_stepped = clock.abs_diff(expected) > BACK.unsigned_abs();
        self.last.clock = now.clock;
        self.last.running = now.running.max(self.last.running);
        self.counted_for = self.counted_for.saturating_add(elapsed);
        self.count(elapsed);
        self.saved.clock = self.saved.clock.saturating_add(elapsed);
        let gap = clock.saturating_sub(self.saved.clock);
        if clock < EARLIEST {
            // Such a clock tells nothing.
            return self.tell(ClockDoubt::TooEarly);
        }
        if self.saved.clock < EARLIEST {
            // Until now the clock was surely wrong.
            return self.believe(clock);
        }
        if (-BACK..=FAR).contains(&gap) {
            if gap > 0 && self.counted_for <= STARTING {
                self.count_gap(gap);
            }
            return self.believe(clock);
        }
        let doubt = if gap > 0 {
            ClockDoubt::Ahead { days: days(gap) }
        } else {
            ClockDoubt::Behind { days: days(gap) }
        };
        if let Some(doubted) = &mut self.saved.doubt {
            *doubted = if has_stepped {
                0
            } else {
                doubted.saturating_add(elapsed)
            };
            if *doubted < TRUSTED_AFTER {
                return self.tell(doubt);
            }
            self.count_gap(gap);
            self.believe(clock);
        } else {
            // Someone set the clock while the server ran: no time has passed.
            self.to_tell = Some(doubt);
            self.saved.clock = clock;
        }
    }

    fn count(&mut self, time: i64) {
        self.saved.time = self.saved.time.saturating_add(time);
    }

    fn count_gap(&mut self, gap: i64) {
        let counts = gap.clamp(0, self.allowance);
        self.allowance -= counts;
        self.count(counts);
    }

    fn believe(&mut self, clock: i64) {
        self.saved.clock = clock;
        self.saved.doubt = None;
        if self.told.take().is_some() {
            self.to_tell = Some(ClockDoubt::Believed);
        }
    }

    /// Reports a doubt, once for each kind in a row.
    fn tell(&mut self, doubt: ClockDoubt) {
        let is_new =
            |told: &ClockDoubt| std::mem::discriminant(told) != std::mem::discriminant(&doubt);
        if self.told.as_ref().is_none_or(is_new) {
            self.told = Some(doubt);
            self.to_tell = Some(doubt);
        }
    }

    /// The doubt that nobody has been told of yet, or the end of one.
    pub(super) const fn take_told(&mut self) -> Option<ClockDoubt> {
        self.to_tell.take()
    }

    /// The state to store.
    pub(super) const fn saved(&self) -> Saved {
        self.saved
    }

    /// How long it is, by the clock as it was last read, until this time of day; in
    /// seconds, rounded up.
    pub(super) fn seconds_until(&self, at: Timestamp) -> i64 {
        let left = at
            .as_microsecond()
            .saturating_sub(self.last.clock.as_microsecond());
        left.max(0).saturating_add(SECOND - 1) / SECOND
    }

    /// The time from now to this seen time in seconds; `None` if that has passed.
    pub(super) fn time_to(&self, seconds: i64) -> Option<Duration> {
        let left = seconds
            .saturating_mul(SECOND)
            .saturating_sub(self.saved.time);
        let left = u64::try_from(left).ok().filter(|left| *left > 0)?;
        Some(Duration::from_micros(left))
    }

    /// The seen time in seconds, as the store writes it with messages.
    pub(super) const fn seconds(&self) -> i64 {
        self.saved.time.div_euclid(SECOND)
    }

    /// The seen time, in seconds, at which a message was stored. For a message from
    /// before the store counted seen time, it is estimated from the message's time of
    /// day.
    pub(super) fn stored(&self, own: Option<i64>, at: i64) -> i64 {
        own.unwrap_or_else(|| {
            let is_plausible = (EARLIEST..=self.saved.began).contains(&at);
            let at = if is_plausible { at } else { self.saved.began };
            at.div_euclid(SECOND)
        })
    }
}

fn days(gap: i64) -> u64 {
    let day = DAY.unsigned_abs();
    gap.unsigned_abs().saturating_add(day / 2) / day
}
