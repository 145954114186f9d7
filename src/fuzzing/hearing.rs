//! What a client hears, and what the terminal listener prints of it.

use crate::client::fuzzing::hear;
use crate::terminal::fuzzing::printed;

use super::{assert_harmless, pieces};

/// What a server sends. It comes to the same however it is cut, and what is printed of
/// it cannot act on the terminal.
pub(super) fn inbox(data: &[u8]) {
    let (events, end) = hear(std::iter::once(data));
    let cut = hear(pieces(data, data.len()));
    assert_eq!(format!("{:?}", (&events, &end)), format!("{cut:?}"));
    let end = end.map(crate::client::Event::Ended);
    for event in events.iter().chain(&end) {
        for columns in [0, 20, 80] {
            assert_harmless(&printed(event, columns));
        }
    }
}
