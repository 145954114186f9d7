//! The parts of a client that all its connections share.

use std::sync::Arc;

use async_channel::Sender;

use super::event::Event;
use super::send_queue::SendQueue;
use super::settings::Settings;

/// The parts of a client that all its connections share.
pub(super) struct Context {
    pub settings: Settings,
    pub send_queue: Arc<SendQueue>,
    pub events: Sender<Event>,
}

impl Context {
    /// Waits until the client leaves, or nobody listens.
    pub async fn left(&self) {
        tokio::select! {
            () = self.send_queue.left() => {}
            () = self.events.closed() => {}
        }
    }
}
