//! In a build without the feature `store`: a store that cannot be opened.

use std::io;
use std::ops::Range;
use std::path::Path;

use crate::room::{Entry, Record};

use super::{
    ClockDoubt, DiskSpace, History, Journal, Keep, OpenError, Past, ReadError, Reading, Recent,
    WriteError,
};

/// A store. There is none in this build.
#[derive(Debug)]
pub enum Store {}

/// A reader of a store. There is none in this build.
#[derive(Debug)]
pub enum Reader {}

impl Store {
    /// Opens no store.
    ///
    /// # Errors
    /// In any case.
    pub fn open(
        path: &Path,
        _keep: Keep,
        _recent: Recent,
        _now: Reading,
    ) -> Result<(Self, Past), OpenError> {
        Err(OpenError::NotBuilt(path.to_owned()))
    }

    /// A reader of this store.
    ///
    /// # Errors
    /// Never: there is no store.
    pub const fn reader(&self) -> Result<Reader, ReadError> {
        match *self {}
    }
}

impl Journal for Store {
    fn append(&mut self, _batch: &[Record], _now: Reading) -> Result<(), WriteError> {
        match *self {}
    }

    fn trim(&mut self, _now: Reading) -> Result<bool, WriteError> {
        match *self {}
    }

    fn oldest_seq(&self) -> u64 {
        match *self {}
    }

    fn take_clock_doubt(&mut self) -> Option<ClockDoubt> {
        match *self {}
    }

    fn space(&self) -> io::Result<DiskSpace> {
        match *self {}
    }

    fn close(self: Box<Self>) -> Result<(), WriteError> {
        match *self {}
    }
}

impl History for Reader {
    fn entries(
        &mut self,
        _seqs: Range<u64>,
        _bytes: usize,
    ) -> Result<Vec<Entry<'static>>, ReadError> {
        match *self {}
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;

    #[test]
    fn opening_a_store_says_that_there_is_none_and_makes_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("room.db");
        let now = Reading {
            clock: Timestamp::UNIX_EPOCH,
            running: Duration::ZERO,
        };
        let recent = Recent {
            entries: 1,
            bytes: 1,
        };
        let error = Store::open(&path, Keep::default(), recent, now).unwrap_err();
        assert!(error.to_string().contains("has no store"), "{error}");
        assert!(!path.exists());
    }
}
