//! The settings that can change, as a snapshot.

use std::sync::Arc;

use crate::lock::{Mutex, Rank};

use super::super::settings::{Live, Settings};

/// The current settings. The server replaces them as a whole and never changes them: a
/// reader copies the pointer and holds no lock.
#[derive(Debug)]
pub struct Snapshot(Mutex<Arc<Live>>);

impl Snapshot {
    /// The settings with which the server starts.
    pub fn new(settings: &Settings) -> Self {
        Self(Mutex::new(Rank::Settings, Arc::new(Live::new(settings))))
    }

    /// The current settings.
    pub fn get(&self) -> Arc<Live> {
        Arc::clone(&self.0.lock())
    }

    /// Replaces them.
    pub fn set(&self, settings: &Settings) {
        let live = Arc::new(Live::new(settings));
        *self.0.lock() = live;
    }
}
