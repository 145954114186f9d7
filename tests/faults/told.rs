//! What a server told its peers, as the record of its disk knows it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::disk::Operation;

/// The messages that were told, by their `seq`.
#[derive(Clone, Debug, Default)]
pub struct Told(BTreeMap<u64, String>);

impl Told {
    /// All that these operations told.
    pub fn by(operations: &[Operation]) -> Self {
        let mut told = Self::default();
        for operation in operations {
            told.add(operation);
        }
        told
    }

    /// Takes note of an operation, and says whether it told a message.
    pub fn add(&mut self, operation: &Operation) -> bool {
        let Operation::Said(said) = operation else {
            return false;
        };
        let mut has_told = false;
        // What was not taken at once is said again from there on: not the beginning
        // of a frame, which was said before.
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

    /// The `seq` of the last one, or 0.
    pub fn last(&self) -> u64 {
        self.0.last_key_value().map_or(0, |(seq, _)| *seq)
    }
}
