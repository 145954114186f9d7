//! The events that a client makes, and what the terminal listener prints of them.

use crate::client::fuzzing::hear;
use crate::harmless::assert_harmless;
use crate::terminal::fuzzing::printed;

use super::pieces;

/// The bytes from a server. The result does not depend on how they are cut, and nothing
/// that the listener prints can act on the terminal.
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
