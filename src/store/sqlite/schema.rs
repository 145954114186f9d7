//! The tables, and how a connection to them is set up.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::file::{APPLICATION_ID, beside};
use super::trouble::Trouble;
use crate::store::OpenError;

/// The version of the tables; each change of them increases it.
///
/// A later attribute of entries (a reply to another, an edit of one, an attachment)
/// becomes a column of `message`, or a table of its own by `seq`. `ALTER TABLE … ADD
/// COLUMN` does not touch the rows, so it takes no longer with a million. A new kind of
/// entry increases the version too: a program that does not know the kind must refuse the
/// file, because without the entry its history would have a hole.
pub(super) const VERSION: i32 = 4;

/// - `room` has one row, about the log as a whole. New ids go on from `last_member`, even
///   when all members who had them have left; messages before `oldest_seq` are gone, even
///   when those are all.
/// - `room` has the keys of the room, too, and the least time between two messages of a
///   member, `slow`, in microseconds.
/// - `message` is the log: the lasting entries. `at` is in microseconds since 1970, and
///   `kind` says what the entry is; see [`KIND_TEXT`]. `member` is 0 for an administrator.
/// - `session` has the members who may come back, by the hash of their token.
/// - `ban` has the bans: an address with a prefix, or the hash of a token, or both.
/// - `said` has the ids of the last messages of each session, in a ring: `slot` is the
///   position in the ring, and a new id takes the slot of the oldest.
///
/// A mute and a ban end at `muted` or `until`, in microseconds since 1970, as people are
/// told. The store goes by `muted_ends` or `ends`: the seen time, in seconds.
const TABLES: &str = "
    CREATE TABLE room (
        epoch TEXT NOT NULL,
        last_member INTEGER NOT NULL,
        oldest_seq INTEGER NOT NULL,
        time INTEGER,
        clock INTEGER,
        doubt INTEGER,
        began INTEGER,
        key TEXT,
        host_key TEXT,
        slow INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE message (
        seq INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        member INTEGER NOT NULL,
        name TEXT NOT NULL,
        id TEXT,
        text TEXT NOT NULL,
        stored INTEGER,
        kind INTEGER NOT NULL DEFAULT 0,
        erases INTEGER
    ) STRICT;
    CREATE TABLE session (
        member INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        host INTEGER NOT NULL,
        key BLOB NOT NULL,
        muted INTEGER,
        muted_ends INTEGER
    ) STRICT;
    CREATE TABLE said (
        member INTEGER NOT NULL,
        slot INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        id TEXT NOT NULL,
        PRIMARY KEY (member, slot)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE ban (
        address TEXT,
        prefix INTEGER,
        token BLOB,
        name TEXT,
        until INTEGER NOT NULL,
        ends INTEGER NOT NULL
    ) STRICT;
";

/// The `kind` of an entry that is a message.
pub(super) const KIND_TEXT: i64 = 0;

/// The `kind` of an entry by which the message `erases` was erased.
pub(super) const KIND_ERASED: i64 = 1;

/// The `kind` of a message that was erased: its text is empty.
pub(super) const KIND_GONE: i64 = 2;

/// For each version, from 2 on, the changes to the tables of the version before.
const CHANGES: [&str; 3] = [
    "
    ALTER TABLE room ADD COLUMN time INTEGER;
    ALTER TABLE room ADD COLUMN clock INTEGER;
    ALTER TABLE room ADD COLUMN doubt INTEGER;
    ALTER TABLE room ADD COLUMN began INTEGER;
    ALTER TABLE message ADD COLUMN stored INTEGER;
",
    "ALTER TABLE message ADD COLUMN kind INTEGER NOT NULL DEFAULT 0",
    "
    ALTER TABLE room ADD COLUMN key TEXT;
    ALTER TABLE room ADD COLUMN host_key TEXT;
    ALTER TABLE room ADD COLUMN slow INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE message ADD COLUMN erases INTEGER;
    ALTER TABLE session ADD COLUMN muted INTEGER;
    ALTER TABLE session ADD COLUMN muted_ends INTEGER;
    CREATE TABLE ban (
        address TEXT,
        prefix INTEGER,
        token BLOB,
        name TEXT,
        until INTEGER NOT NULL,
        ends INTEGER NOT NULL
    ) STRICT;
",
];

/// Changes the tables of an earlier version into those of this version, all or nothing.
pub(super) fn migrate(connection: &mut Connection, from: i32) -> Result<(), Trouble> {
    let done = usize::try_from(from - 1).unwrap_or(0);
    let Some(changes @ [_, ..]) = CHANGES.get(done..) else {
        return Ok(());
    };
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for change in changes {
        transaction.execute_batch(change)?;
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()?;
    if from < CLEAN_SINCE {
        match clean(connection) {
            // The store works without, too.
            Err(trouble) if trouble.is_passing() => {}
            result => result?,
        }
    }
    Ok(())
}

/// The first version that overwrites what it deletes.
const CLEAN_SINCE: i32 = 4;

/// The largest file that is [cleaned](clean), in bytes: it takes a second and as much
/// memory as the file. A larger one would keep everyone waiting.
const CLEAN_LIMIT: i64 = 64 << 20;

/// Makes the file anew, without what versions before [`CLEAN_SINCE`] left in its free parts:
/// deleted messages, and old copies of those that are still there.
fn clean(connection: &Connection) -> Result<(), Trouble> {
    let ask = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    if ask("page_count")?.saturating_mul(ask("page_size")?) <= CLEAN_LIMIT {
        // There may be no place for temporary files.
        connection.execute_batch("PRAGMA temp_store = MEMORY; VACUUM")?;
    }
    Ok(())
}

/// The write-ahead log may have this many pages of 4 KiB. The store moves them into the
/// main file before the next commit.
pub(super) const CHECKPOINT_PAGES: u32 = 2_000;

/// How long `SQLite` itself waits for another program that has locked the file. The
/// caller tries again.
pub(super) const BUSY_WAIT: Duration = Duration::from_millis(250);

/// `SQLite` cuts a write-ahead log that grew during a long backup to this many bytes
/// afterwards.
const JOURNAL_BYTES: u32 = 16 << 20;

/// Makes an empty store. It exists as a whole, or not at all.
pub(super) fn create(path: &Path, epoch: &str) -> Result<(), OpenError> {
    let system = |error| OpenError::of_system(path, error);
    let new = beside(path, "-new");
    // A server that was killed at this point left these.
    for name in [&new, &beside(&new, "-journal")] {
        match fs::remove_file(name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(system(error)),
            _ => {}
        }
    }
    let made = make(&new, path, epoch).and_then(|()| {
        fs::rename(&new, path).map_err(system)?;
        sync_names(path).map_err(system)
    });
    if made.is_err() {
        // Best effort: the caller already gets an error.
        let _ = fs::remove_file(&new);
    }
    made
}

/// Ensures that the names of the file and of those beside it are on disk. `SQLite` does
/// this for its own files too, but does not report a failure.
pub(super) fn sync_names(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()
}

/// Makes the store at `new`; errors name it `path`.
fn make(new: &Path, path: &Path, epoch: &str) -> Result<(), OpenError> {
    // Messages are private to the user, and SQLite gives the files beside it this mode.
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(new)
        .map_err(|error| OpenError::of_system(path, error))?;
    let fill = || -> Result<(), rusqlite::Error> {
        let mut connection = connect(new, Access::Write)?;
        let transaction = connection.transaction()?;
        transaction.execute_batch(TABLES)?;
        transaction.execute(
            "INSERT INTO room (epoch, last_member, oldest_seq) VALUES (?1, 0, 1)",
            [epoch],
        )?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
        transaction.commit()?;
        connection.close().map_err(|(_, error)| error)
    };
    fill().map_err(|error| Trouble::from(error).opening(path))
}

/// The purpose of a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// Opens the file, which must exist.
pub(super) fn connect(path: &Path, access: Access) -> rusqlite::Result<Connection> {
    let flags = match access {
        Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
        Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_WAIT)?;
    // The file is data: `SQLite` must not run anything in it.
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    if access == Access::Write {
        // An erased text must not stay in the free parts of the file, and a replaced key
        // neither.
        connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", "FULL")?;
    }
    Ok(connection)
}

/// Lets readers read while the writer writes, and makes a commit one write to one file.
pub(super) fn use_wal(connection: &Connection) -> Result<(), Trouble> {
    let set = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
    let mode = connection.pragma_update_and_check(None, "journal_mode", "WAL", set)?;
    if mode != "wal" {
        return Err(Trouble::Damaged);
    }
    connection.pragma_update_and_check(None, "journal_size_limit", JOURNAL_BYTES, |_| Ok(()))?;
    // `SQLite` itself would not report a failure of this.
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
    Ok(())
}
