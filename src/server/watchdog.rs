//! Shows, from the loop that serves the members, that they are served.

use std::fmt;
use std::time::Duration;

/// A function that the loop that serves the members calls at once and then at regular
/// intervals: as long as it is called, the members are served.
pub struct Watchdog {
    /// The interval between two calls.
    pub every: Duration,
    /// The function, which must not block.
    pub beat: Box<dyn FnMut() + Send>,
}

impl fmt::Debug for Watchdog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watchdog").field(&self.every).finish()
    }
}
