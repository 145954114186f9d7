//! Sentences for people that every protocol of a room sends.

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
        NotSaid::TooFast { retry } => {
            let seconds = retry.as_secs_f32().ceil();
            let unit = if seconds > 1.0 { "seconds" } else { "second" };
            Some(format!(
                "{what}: you are writing too fast. Wait {seconds} {unit}."
            ))
        }
        NotSaid::TooLong => Some(format!(
            "{what}: more than {TEXT_LIMIT} characters or {LINES_LIMIT} lines."
        )),
        NotSaid::Empty => Some(format!("{what}: no visible characters.")),
        NotSaid::BadId => Some(format!(
            "{what}: the id of a message has 1 to {MESSAGE_ID_LIMIT} bytes."
        )),
        NotSaid::Closed | NotSaid::LeaseOver => None,
    }
}
