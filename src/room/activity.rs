//! What a member did that counts, and what a host has set for it.

use super::rate::Meter;
use super::recent_ids::RecentIds;
use super::time::Time;

/// What a member did that counts, and what a host has set for it. A member that has said
/// nothing has none of it, and takes no memory for it: in most rooms that is nearly everyone.
#[derive(Debug, Default)]
pub(super) struct Activity {
    /// Counts its messages.
    pub(super) meter: Meter,
    /// The ids of its last messages.
    pub(super) recent: RecentIds,
    /// When it sent its last message, for slow mode.
    pub(super) spoke: Option<Time>,
    /// Until when the room takes no messages from it.
    pub(super) muted: Option<Time>,
}
