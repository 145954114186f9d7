//! Sentences for people that every protocol of a room sends.

use std::time::Duration;

use crate::room::{LINES_LIMIT, MESSAGE_ID_LIMIT, NotSaid, TEXT_LIMIT};

/// The sentence for a peer about `count` of its messages that were rejected.
/// `None` if another sentence informs it: the room is closed, or the lease is over.
#[must_use]
pub fn not_said(why: NotSaid, count: usize) -> Option<String> {
    let what = match count {
        1 => "Your message was not sent".to_owned(),
        _ => format!("{count} of your messages were not sent"),
    };
    match why {
        NotSaid::TooFast { retry } => Some(format!(
            "{what}: you are writing too fast. Wait {}.",
            duration(retry)
        )),
        NotSaid::TooLong => Some(format!(
            "{what}: more than {TEXT_LIMIT} characters or {LINES_LIMIT} lines."
        )),
        NotSaid::Empty => Some(format!("{what}: no visible characters.")),
        NotSaid::BadId => Some(format!(
            "{what}: the id of a message has 1 to {MESSAGE_ID_LIMIT} bytes."
        )),
        NotSaid::Muted { retry } => Some(format!("{what}: you are muted for {}.", duration(retry))),
        NotSaid::Closed | NotSaid::LeaseOver => None,
    }
}

/// A member was removed from the room.
#[must_use]
pub fn removed(name: &str) -> String {
    format!("“{name}” was removed.")
}

/// A message was erased; `sender` wrote it, if that is known.
#[must_use]
pub fn erased(sender: Option<&str>) -> String {
    sender.map_or("A message was erased.".to_owned(), |sender| {
        format!("A message of “{sender}” was erased.")
    })
}

/// A member became a host.
#[must_use]
pub fn hosts(name: &str) -> String {
    format!("“{name}” hosts the room now.")
}

/// Slow mode: the least time between two messages of a member, or zero without it.
#[must_use]
pub fn slow(every: Duration) -> String {
    if every.is_zero() {
        "Slow mode is off.".to_owned()
    } else {
        let every = duration(every);
        format!("Slow mode: each of you can send one message every {every}.")
    }
}

/// A time in words, in one unit of which it has two at least, rounded up.
#[must_use]
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    let (count, unit) = match seconds {
        0..120 => (seconds.max(1), "second"),
        120..7_200 => (seconds.div_ceil(60), "minute"),
        7_200..172_800 => (seconds.div_ceil(3_600), "hour"),
        _ => (seconds.div_ceil(86_400), "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_rounded_up_and_has_one_unit() {
        for (millis, words) in [
            (0, "1 second"),
            (1, "1 second"),
            (1_001, "2 seconds"),
            (119_000, "119 seconds"),
            (119_001, "2 minutes"),
            (7_199_000, "120 minutes"),
            (7_200_000, "2 hours"),
            (86_400_000 * 2, "2 days"),
        ] {
            assert_eq!(duration(Duration::from_millis(millis)), words, "{millis}");
        }
    }
}
