//! Messages of a peer of the text protocol that were rejected together.

use crate::protocol::text::not_said;
use crate::room::NotSaid;

/// Messages that were rejected together.
#[derive(Default)]
pub struct Rejected {
    too_fast: usize,
    too_long: usize,
    empty: usize,
    muted: usize,
    /// The reason for the last one that came while the peer was muted.
    why_muted: Option<NotSaid>,
    /// The reason for the last one that came too fast.
    why: Option<NotSaid>,
    /// Whether there was a line without a name where one was expected.
    pub nameless: bool,
}

impl Rejected {
    /// Counts a message that was rejected for this reason.
    pub const fn count(&mut self, why: NotSaid) {
        match why {
            NotSaid::TooFast { .. } => {
                self.too_fast += 1;
                self.why = Some(why);
            }
            NotSaid::TooLong => self.too_long += 1,
            NotSaid::Empty => self.empty += 1,
            NotSaid::Muted { .. } => {
                self.muted += 1;
                self.why_muted = Some(why);
            }
            NotSaid::BadId | NotSaid::Closed | NotSaid::LeaseOver => {}
        }
    }

    /// Tells how many messages were rejected, one sentence for each reason.
    pub fn sentences(&self) -> impl Iterator<Item = String> {
        let reasons = [
            (self.why, self.too_fast),
            (Some(NotSaid::TooLong), self.too_long),
            (Some(NotSaid::Empty), self.empty),
            (self.why_muted, self.muted),
        ];
        let told = reasons.into_iter().filter(|(_, count)| *count > 0);
        told.filter_map(|(why, count)| not_said(why?, count))
    }
}
