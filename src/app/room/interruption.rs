//! A lost connection that the client is restoring: since when, and the next try.

use std::time::{Duration, Instant};

use gtk::subclass::prelude::*;

use crate::app::words;
use crate::client::{End, Loss};

use super::session::Session;

/// A lost connection that the client is restoring.
#[derive(Clone, Debug)]
pub struct Interruption {
    /// How the connection was lost.
    end: End,
    /// When the last bytes came from the server.
    since: Instant,
}

impl Interruption {
    /// A connection that was lost now, or when the server's silence began.
    pub fn new(end: End, now: Instant) -> Self {
        let silence = match end {
            End::Lost(Loss::Silence(silence)) => silence,
            _ => Duration::ZERO,
        };
        let since = now.checked_sub(silence).unwrap_or(now);
        Self { end, since }
    }

    /// The sentence about it at `now`, if the next try is at `next_try`.
    pub fn words(&self, next_try: Option<Instant>, now: Instant) -> String {
        let wait = next_try.and_then(|at| at.checked_duration_since(now));
        words::interrupted(&self.end, now.duration_since(self.since), wait)
    }
}

impl Session {
    /// The sentence about the lost connection, which says for how long it has been lost
    /// and when the client tries again, as of now. Empty while the connection works.
    pub fn interruption(&self) -> String {
        let imp = self.imp();
        let next_try = imp.client.get().and_then(crate::client::Client::next_try);
        let interruption = imp.interruption.borrow();
        interruption
            .as_ref()
            .map(|it| it.words(next_try, Instant::now()))
            .unwrap_or_default()
    }

    pub(super) fn set_interruption(&self, interruption: Option<Interruption>) {
        let is = interruption.is_some();
        self.imp().interruption.replace(interruption);
        if self.imp().interrupted.replace(is) != is {
            self.notify_interrupted();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_a_connection_is_lost_counts_from_the_last_word_of_the_server() {
        let now = Instant::now() + Duration::from_mins(10);
        let second = Duration::from_secs(1);
        let lost = Interruption::new(End::Lost(Loss::Silence(10 * second)), now);
        assert_eq!(
            lost.words(Some(now + 8 * second), now),
            "Connection lost 10 seconds ago. Trying again in 8 seconds."
        );
        let later = now + 55 * second;
        assert_eq!(
            lost.words(None, later),
            "Connection lost 1 minute ago. Reconnecting…"
        );
        // The time of the try has come.
        assert_eq!(lost.words(Some(now), later), lost.words(None, later));
        let stopping = Interruption::new(End::ServiceStopping { retry: None }, now);
        assert_eq!(
            stopping.words(None, now),
            "The service stopped 1 second ago. Reconnecting…"
        );
    }
}
