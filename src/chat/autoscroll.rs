//! Decides whether a list follows its end.
//!
//! The list stays at its end while the user is there, and never moves while they read
//! further up. The widget reports the changes of its adjustment; this module decides
//! which of them come from the user and which from the list itself.

/// A view this close to the end is at the end, in pixels.
const SLACK: f64 = 8.0;

/// The visible part of a long list, in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct View {
    /// The start of the visible part.
    pub value: f64,
    /// The length of the list, which the list may only estimate.
    pub upper: f64,
    /// The length of the visible part.
    pub page: f64,
}

impl View {
    /// The value at which the end is visible.
    #[must_use]
    pub fn end(self) -> f64 {
        (self.upper - self.page).max(0.0)
    }

    /// Whether the start is within two lengths of the visible part. A view that shows
    /// nothing yet is near nothing.
    #[must_use]
    pub fn is_near_top(self) -> bool {
        self.page > 1.0 && self.value < 2.0 * self.page
    }

    /// Whether the whole list is visible.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self.end() < 1.0
    }

    fn is_at_end(self) -> bool {
        self.value + SLACK >= self.end()
    }

    /// Whether the lengths of the list and of the visible part are the same.
    #[allow(clippy::float_cmp)] // Compares values that were set, not computed.
    fn is_as_long_as(self, other: Self) -> bool {
        self.upper == other.upper && self.page == other.page
    }
}

/// The state of following: whether the list follows its end, and the unread messages.
#[derive(Debug)]
pub struct Autoscroll {
    follows: bool,
    last: View,
    unread: u32,
}

impl Default for Autoscroll {
    fn default() -> Self {
        Self {
            follows: true,
            last: View::default(),
            unread: 0,
        }
    }
}

impl Autoscroll {
    /// Whether the list should be at its end.
    #[must_use]
    pub fn follows(&self) -> bool {
        self.follows
    }

    /// The number of messages that have come since the user was at the end.
    #[must_use]
    pub fn unread(&self) -> u32 {
        self.unread
    }

    /// The view has changed. Returns whether the widget must move it to the end.
    ///
    /// If the list is as long as before, the user has moved the view: when the list moves
    /// itself, it has a new length.
    #[must_use]
    pub fn viewed(&mut self, view: View) -> bool {
        let last = std::mem::replace(&mut self.last, view);
        if view.is_as_long_as(last) {
            if view.value < last.value - 0.5 {
                self.follows = view.is_whole();
            } else if view.is_at_end() {
                self.follows = true;
            }
        } else if view.is_whole() {
            self.follows = true;
        }
        if self.follows {
            self.unread = 0;
        }
        self.follows && view.value + 0.5 < view.end()
    }

    /// This many messages from others came.
    pub fn received(&mut self, messages: u32) {
        if !self.follows {
            self.unread = self.unread.saturating_add(messages);
        }
    }

    /// The user wants to be at the end.
    pub fn go_to_end(&mut self) {
        self.follows = true;
        self.unread = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(value: f64, upper: f64, page: f64) -> View {
        View { value, upper, page }
    }

    /// A list of 1000 pixels at its end.
    fn at_the_end() -> Autoscroll {
        let mut autoscroll = Autoscroll::default();
        assert!(autoscroll.viewed(view(0.0, 1_000.0, 200.0)));
        assert!(!autoscroll.viewed(view(800.0, 1_000.0, 200.0)));
        autoscroll
    }

    #[test]
    fn a_list_at_its_end_stays_there_when_it_grows() {
        let mut autoscroll = at_the_end();
        autoscroll.received(3);
        assert!(autoscroll.viewed(view(800.0, 1_100.0, 200.0)));
        assert_eq!(autoscroll.unread(), 0);
    }

    #[test]
    fn a_list_that_moves_itself_while_it_grows_is_still_followed() {
        let mut autoscroll = at_the_end();
        assert!(autoscroll.viewed(view(750.0, 1_100.0, 200.0)));
        assert!(autoscroll.follows());
    }

    #[test]
    fn a_list_at_its_end_stays_there_when_the_window_shrinks() {
        let mut autoscroll = at_the_end();
        assert!(autoscroll.viewed(view(800.0, 1_000.0, 100.0)));
        assert!(!autoscroll.viewed(view(900.0, 1_000.0, 100.0)));
        assert!(autoscroll.follows());
    }

    #[test]
    fn who_reads_further_up_is_left_alone() {
        let mut autoscroll = at_the_end();
        assert!(!autoscroll.viewed(view(790.0, 1_000.0, 200.0)));
        assert!(!autoscroll.viewed(view(790.0, 1_100.0, 200.0)));
        assert!(!autoscroll.viewed(view(790.0, 1_100.0, 150.0)));
        assert!(!autoscroll.follows());
        autoscroll.received(2);
        autoscroll.received(1);
        assert_eq!(autoscroll.unread(), 3);
    }

    #[test]
    fn who_comes_back_to_the_end_follows_it_again() {
        let mut autoscroll = at_the_end();
        assert!(!autoscroll.viewed(view(500.0, 1_000.0, 200.0)));
        autoscroll.received(2);
        assert!(!autoscroll.viewed(view(700.0, 1_000.0, 200.0)));
        assert_eq!(autoscroll.unread(), 2);
        assert!(autoscroll.viewed(view(797.0, 1_000.0, 200.0)));
        assert!(autoscroll.follows());
        assert_eq!(autoscroll.unread(), 0);
    }

    #[test]
    fn a_wish_for_the_end_is_granted_when_the_list_is_seen_next() {
        let mut autoscroll = at_the_end();
        assert!(!autoscroll.viewed(view(100.0, 1_000.0, 200.0)));
        autoscroll.go_to_end();
        assert!(autoscroll.viewed(view(100.0, 1_050.0, 200.0)));
    }

    #[test]
    fn the_top_is_near_before_it_is_seen() {
        assert!(view(399.0, 9_000.0, 200.0).is_near_top());
        assert!(!view(400.0, 9_000.0, 200.0).is_near_top());
        // The view shows nothing yet.
        assert!(!View::default().is_near_top());
    }

    #[test]
    fn a_list_that_can_be_seen_whole_is_at_its_end() {
        let mut autoscroll = at_the_end();
        assert!(!autoscroll.viewed(view(100.0, 1_000.0, 200.0)));
        assert!(!autoscroll.viewed(view(0.0, 1_000.0, 1_000.0)));
        assert!(autoscroll.follows());
    }
}
