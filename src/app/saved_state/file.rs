//! The file of the saved state. It has secrets: only its owner can read it.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::rooms::LIMIT;

pub use crate::owner_file::replace as write;

/// Reads the file; may take as long as the disk does. A missing file counts as an empty
/// one.
pub fn read(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LIMIT as u64).read_to_end(&mut bytes));
    if read.is_err() {
        bytes.clear();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_missing_is_empty() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chatroom").join("rooms.json");
        assert_eq!(read(&path), b"");
        for text in ["longer text", "text"] {
            write(&path, text.as_bytes()).unwrap();
            assert_eq!(read(&path), text.as_bytes());
        }
    }
}
