//! A room in one `SQLite` file: the journal of its records, and the history to read.

mod file;
mod read;
mod schema;
mod trouble;
mod write;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

pub use self::read::Reader;

use self::file::StoreFile;
use self::schema::Access;
use self::trouble::Trouble;
use crate::room::{Entry, MemberId, Record};
use crate::store::age::{Saved, SeenTime};
use crate::store::{
    ClockDoubt, DiskSpace, History, Journal, Keep, OpenError, Past, ReadError, Reading, Recent,
    WriteError, disk,
};

/// A room's file, open for writing. Among all processes, only one has a file open so at a
/// time.
///
/// Dropping the store leaves everything that was written on disk. [`Store::close`] also
/// moves everything into one file.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    /// Held until the last connection is gone.
    file: Arc<StoreFile>,
    keep: Keep,
    next_seq: u64,
    oldest_seq: u64,
    last_member: u64,
    /// For each session, the slot in its ring of ids that the next id takes.
    rings: HashMap<MemberId, u64>,
    seen: SeenTime,
    /// The stored seen time; `None` if there is none.
    seen_saved: Option<Saved>,
    /// Whether erased texts or replaced keys may still be in the write-ahead log.
    to_scrub: bool,
    failed: bool,
}

impl Store {
    /// Opens the store at `path`, or makes one there, and reads the state from which a
    /// room goes on. Only this user can read the file and those beside it (`-wal`,
    /// `-shm`, `-lock`).
    ///
    /// # Errors
    /// If there is a file of another kind, another server has the store open, or this
    /// user cannot read and write it. The files are unchanged then.
    pub fn open(
        path: &Path,
        keep: Keep,
        recent: Recent,
        now: Reading,
    ) -> Result<(Self, Past), OpenError> {
        let (file, is_there) = StoreFile::claim(path)?;
        let path = file.path().to_owned();
        if !is_there {
            schema::create(&path, &epoch(&path)?)?;
        }
        Self::read(file, keep, recent, now).map_err(|error| match error {
            NotRead::Newer => OpenError::Newer(path),
            NotRead::Trouble(trouble) => trouble.opening(&path),
            NotRead::NotSynced(error) => OpenError::of_system(&path, error),
        })
    }

    /// Deletes the store at `path` permanently, even if it is damaged or missing. Only
    /// its lock file stays, empty, because it keeps two servers apart.
    ///
    /// # Errors
    /// If a server has it open, or this user may not delete it.
    pub fn delete(path: &Path) -> Result<(), OpenError> {
        StoreFile::delete(path)
    }

    fn read(
        file: StoreFile,
        keep: Keep,
        recent: Recent,
        now: Reading,
    ) -> Result<(Self, Past), NotRead> {
        let mut connection = schema::connect(file.path(), Access::Write)?;
        let version: i32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version > schema::VERSION {
            return Err(NotRead::Newer);
        } else if version < 1 {
            return Err(Trouble::Damaged.into());
        }
        schema::use_wal(&connection)?;
        schema::migrate(&mut connection, version)?;
        let head = read::head(&connection)?;
        let newest = read::newest_time(&connection)?;
        let seen = SeenTime::new(head.seen, newest, keep.micros(), now);
        // The write-ahead log exists since the first read, and stays as long as the
        // connection.
        schema::sync_names(file.path()).map_err(NotRead::NotSynced)?;
        let mut store = Self {
            connection,
            file: Arc::new(file),
            keep,
            next_seq: head.next_seq,
            oldest_seq: head.oldest_seq,
            last_member: head.last_member,
            rings: HashMap::new(),
            seen,
            seen_saved: head.seen,
            // A server that was killed may have left some.
            to_scrub: true,
            failed: false,
        };
        match store.trim_step().and_then(|_| store.drop_ended()) {
            // The next write does it, or the next time that the store is opened.
            Err(trouble) if trouble.is_passing() => {}
            result => result?,
        }
        let entries = read::newest(&store.connection, recent, head.next_seq)?;
        let (sessions, rings) = read::sessions(&store.connection, &head, &store.seen)?;
        store.rings = rings;
        let (keys, slow) = read::keys(&store.connection)?;
        let bans = read::bans(&store.connection, &store.seen)?;
        let past = Past {
            epoch: head.epoch,
            next_seq: head.next_seq,
            oldest_seq: store.oldest_seq,
            last_member: head.last_member,
            keys,
            slow,
            bans,
            sessions,
            entries,
        };
        Ok((store, past))
    }

    /// The `seq` of the oldest stored entry, or of the next one if none is stored.
    #[must_use]
    pub const fn oldest_seq(&self) -> u64 {
        self.oldest_seq
    }

    /// Opens the file once more, for reading beside this store.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn reader(&self) -> Result<Reader, ReadError> {
        let path = self.file.path();
        let connection = schema::connect(path, Access::Read)
            .map_err(|error| Trouble::from(error).reading(path))?;
        Ok(Reader::new(connection, Arc::clone(&self.file)))
    }

    /// Advances the seen time by these clocks. The store writes it with the messages that
    /// follow.
    pub fn look(&mut self, now: Reading) {
        self.seen.advance(now);
    }

    /// News about the clock that nobody has been told of yet; only if messages are
    /// deleted by age.
    pub fn take_clock_doubt(&mut self) -> Option<ClockDoubt> {
        self.seen.take_told().filter(|_| self.keep.days.is_some())
    }

    /// The space on the file system of the store.
    ///
    /// # Errors
    /// If the system does not report it.
    pub fn space(&self) -> io::Result<DiskSpace> {
        disk::space(self.file.path())
    }

    /// Closes the store. Everything is in the main file then, if no [`Reader`] is left.
    ///
    /// # Errors
    /// If something cannot be moved there. Nothing is lost: it is in the file beside it,
    /// where the next [`Store::open`] finds it.
    pub fn close(mut self) -> Result<(), WriteError> {
        if !self.failed {
            // Best effort: the next server counts the missing time by the time of day.
            let _ = self.save_seen_time();
        }
        let Self {
            connection, file, ..
        } = self;
        write::checkpoint(&connection)
            .and_then(|()| connection.close().map_err(|(_, error)| error.into()))
            .map_err(|trouble| trouble.writing(file.path()))
    }

    /// From now on, a loss of power may lose what was written. Only the test that has to
    /// see such a loss uses this.
    ///
    /// # Errors
    /// If `SQLite` refuses the setting.
    #[doc(hidden)]
    pub fn give_up_durability(&mut self) -> Result<(), WriteError> {
        self.connection
            .pragma_update(None, "synchronous", "OFF")
            .map_err(|error| Trouble::from(error).writing(self.file.path()))
    }
}

/// Why a file that looks like a store cannot be used.
enum NotRead {
    Newer,
    NotSynced(io::Error),
    Trouble(Trouble),
}

impl<T: Into<Trouble>> From<T> for NotRead {
    fn from(error: T) -> Self {
        Self::Trouble(error.into())
    }
}

fn epoch(path: &Path) -> Result<String, OpenError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| OpenError::of_system(path, error.into()))?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

impl Journal for Store {
    fn append(&mut self, batch: &[Record], now: Reading) -> Result<(), WriteError> {
        self.look(now);
        self.write(batch)
    }

    fn trim(&mut self, now: Reading) -> Result<bool, WriteError> {
        Self::trim(self, now)
    }

    fn oldest_seq(&self) -> u64 {
        Self::oldest_seq(self)
    }

    fn take_clock_doubt(&mut self) -> Option<ClockDoubt> {
        Self::take_clock_doubt(self)
    }

    fn space(&self) -> io::Result<DiskSpace> {
        Self::space(self)
    }

    fn close(self: Box<Self>) -> Result<(), WriteError> {
        Self::close(*self)
    }
}

impl History for Reader {
    fn entries(
        &mut self,
        seqs: Range<u64>,
        bytes: usize,
    ) -> Result<Vec<Entry<'static>>, ReadError> {
        Self::entries(self, seqs.start, seqs.end, u64::MAX, bytes)
    }
}
