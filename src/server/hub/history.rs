//! The messages that only the store holds.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time;

use crate::room::Entry;
use crate::store::{self, ReadError};

/// The longest time for which a read waits for a locked store.
const HOLD_TIME: Duration = Duration::from_mins(1);

/// The pause between two attempts.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// Reads the messages that the log in memory no longer holds.
#[derive(Debug)]
pub struct History {
    reader: Arc<Mutex<Box<dyn store::History>>>,
}

impl History {
    /// Reads with this reader.
    pub fn new(reader: Box<dyn store::History>) -> Self {
        Self {
            reader: Arc::new(Mutex::new(reader)),
        }
    }

    /// The messages from `from` to before `end`, in order, up to and including the one
    /// with which they take `bytes` of memory.
    ///
    /// # Errors
    /// If the store cannot be read.
    // The reader moves to a thread and comes back: all connections share it.
    #[expect(clippy::significant_drop_tightening)]
    pub async fn messages(
        &self,
        from: u64,
        end: u64,
        bytes: usize,
    ) -> Result<Vec<Entry<'static>>, ReadError> {
        // One read after the other, so that there is at most one such thread.
        let mut reader = Arc::clone(&self.reader).lock_owned().await;
        let since = Instant::now();
        loop {
            let (back, result) = spawn_blocking(move || {
                let result = reader.entries(from..end, bytes);
                (reader, result)
            })
            .await
            .map_err(|error| ReadError::Failed {
                path: PathBuf::new(),
                error: io::Error::other(error),
            })?;
            match result {
                Err(ReadError::Locked(_)) if since.elapsed() < HOLD_TIME => {
                    reader = back;
                    time::sleep(RETRY_PAUSE).await;
                }
                result => return result,
            }
        }
    }
}
