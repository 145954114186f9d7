//! Reports to the service manager while a room is open.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::server::{Handle, Server};

use super::notify::Manager;

/// How often this reads the state of the room.
const LOOK: Duration = Duration::from_secs(2);

/// The time over which this counts messages.
const MINUTE: Duration = Duration::from_mins(1);

/// Tells the service manager when the server is ready, and later its state. The loop that
/// serves the members calls this, so the service manager notices a hang.
pub fn report_state(server: &mut Server, manager: Arc<Manager>) {
    let every = manager.watchdog().map_or(LOOK, |time| LOOK.min(time / 3));
    let handle = server.handle();
    let mut rate = Rate::default();
    let mut told = None;
    server.on_watchdog(every, move || {
        let mut state = String::from("WATCHDOG=1");
        if told.is_none() {
            state += "\nREADY=1";
        }
        let status = status(&handle, &mut rate, Instant::now());
        if told.as_ref() != Some(&status) {
            state = format!("{state}\nSTATUS={status}");
            told = Some(status);
        }
        manager.tell(&state);
    });
}

fn status(handle: &Handle, rate: &mut Rate, now: Instant) -> String {
    let members = match handle.members() {
        0 => "Nobody is here".to_owned(),
        1 => "1 member".to_owned(),
        count => format!("{count} members"),
    };
    let messages = match rate.per_minute(handle.messages(), now) {
        1 => "1 message in the last minute".to_owned(),
        count => format!("{count} messages in the last minute"),
    };
    format!("{members}, {messages}")
}

/// How fast a count grows.
#[derive(Debug, Default)]
struct Rate {
    /// Earlier counts, at most one a second, oldest first.
    samples: VecDeque<(Instant, u64)>,
}

impl Rate {
    /// The growth of the count within the minute before `now`.
    fn per_minute(&mut self, count: u64, now: Instant) -> u64 {
        // One of them is a minute old or older, if there are counts from that long ago.
        while let Some((second, _)) = self.samples.get(1)
            && now.saturating_duration_since(*second) >= MINUTE
        {
            self.samples.pop_front();
        }
        let (_, before) = *self.samples.front().unwrap_or(&(now, count));
        let second = Duration::from_secs(1);
        let is_due = |(last, _): &(Instant, u64)| now.saturating_duration_since(*last) >= second;
        if self.samples.back().is_none_or(is_due) {
            self.samples.push_back((now, count));
        }
        count.saturating_sub(before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_counted_over_the_last_minute() {
        let mut rate = Rate::default();
        let start = Instant::now();
        let mut told = Vec::new();
        // One message a second, for a minute and a half; then none.
        for second in 0..200 {
            let now = start + Duration::from_secs(second);
            told.push(rate.per_minute(second.min(90), now));
        }
        assert_eq!((told[0], told[30], told[60], told[90]), (0, 30, 60, 60));
        assert_eq!((told[120], told[150], told[199]), (30, 0, 0));
        assert!(rate.samples.len() <= 62);
    }
}
