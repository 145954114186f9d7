//! The messages that a server sent to its peers, from the record of its disk.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::disk::Operation;

/// The messages that the server sent, by their `seq`.
#[derive(Clone, Debug, Default)]
pub struct Told(BTreeMap<u64, String>);

impl Told {
    /// The messages in these operations.
    pub fn by(operations: &[Operation]) -> Self {
        let mut told = Self::default();
        for operation in operations {
            told.add(operation);
        }
        told
    }

    /// Adds an operation, and returns whether it sent a message.
    pub fn add(&mut self, operation: &Operation) -> bool {
        let Operation::Said(said) = operation else {
            return false;
        };
        let mut has_told = false;
        // A partial write continues in a later operation, without the beginning of the
        // frame.
        for line in said
            .split('\n')
            .filter(|line| line.starts_with("{\"message\""))
        {
            let Ok(frame) = serde_json::from_str::<Value>(line) else {
                continue;
            };
            let seq = frame["message"]["seq"].as_u64().unwrap();
            let text = frame["message"]["text"].as_str().unwrap();
            let before = self.0.insert(seq, text.to_owned());
            assert!(before.is_none_or(|before| before == text), "{seq} is two");
            has_told = true;
        }
        has_told
    }

    pub fn text(&self, seq: u64) -> Option<&str> {
        self.0.get(&seq).map(String::as_str)
    }

    /// The `seq` of the last message, or 0.
    pub fn last(&self) -> u64 {
        self.0.last_key_value().map_or(0, |(seq, _)| *seq)
    }
}
