//! A store on a real file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use tempfile::TempDir;

use super::*;
use crate::room::{Author, Ban, Body, Entry, Keys, Network, Record, RoomKey, Time, TokenHash};
use crate::store::{RECENT_IDS, SIZE_LEAVES, TRIM_STEP};

mod ages;
mod damage;
mod erasing;
mod keeping;
mod model;
mod moderation;
mod obstacles;
mod opening;
mod talk;
mod versions;

const ALL: Recent = Recent {
    entries: u64::MAX,
    bytes: usize::MAX,
};

/// What a store of version 1 and one of version 2 have in common, as those versions made it: a
/// member who may come back, and the id of its message 1.
const SESSION_BEFORE_3: &str = "
    CREATE TABLE session (
        member INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        host INTEGER NOT NULL,
        key BLOB NOT NULL
    ) STRICT;
    CREATE TABLE said (
        member INTEGER NOT NULL,
        slot INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        id TEXT NOT NULL,
        PRIMARY KEY (member, slot)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO session VALUES (1, 'member 1', 1, zeroblob(32));
    INSERT INTO said VALUES (1, 0, 1, 'a');
    PRAGMA application_id = 0x63686174;
";

/// The time at which message `seq` is said: one a second.
fn at(seq: u64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + i64::try_from(seq).unwrap()).unwrap()
}

/// The clocks at that time, on a computer that has run since message 0.
fn reading(seq: u64) -> Reading {
    Reading {
        clock: at(seq),
        running: Duration::from_secs(seq),
    }
}

fn member(id: u64) -> MemberId {
    MemberId::new(id).unwrap()
}

fn key(n: u8) -> TokenHash {
    TokenHash([n; 32])
}

fn entered(id: u64, token: Option<TokenHash>) -> Record {
    Record::Entered {
        id: member(id),
        name: format!("member {id}").into(),
        host: id == 1,
        token,
    }
}

fn entry(seq: u64, from: u64, id: Option<&str>) -> Entry<'static> {
    Entry {
        seq,
        at: at(seq),
        author: Author::member(member(from), format!("member {from}")),
        body: Body::Text {
            id: id.map(|id| id.to_owned().into()),
            text: format!("text {seq}").into(),
        },
    }
}

/// The message, with another text.
fn with_text(mut message: Record, new: &str) -> Record {
    if let Record::Entry(Entry {
        body: Body::Text { text, .. },
        ..
    }) = &mut message
    {
        *text = new.to_owned().into();
    }
    message
}

fn said(seq: u64, from: u64, id: Option<&str>) -> Record {
    Record::Entry(entry(seq, from, id))
}

/// The entry by which member 1 erases the message `of`.
fn erased(seq: u64, of: u64) -> Record {
    Record::Entry(Entry {
        body: Body::Erased { of },
        ..entry(seq, 1, None)
    })
}

/// A ban of this address until a second.
fn ban(last: u8, until: u64) -> Ban {
    Ban {
        network: Some(Network::new([10, 0, 0, last].into(), 32)),
        token: last.is_multiple_of(2).then(|| key(last)),
        name: last
            .is_multiple_of(3)
            .then(|| format!("member {last}").into()),
        // The store does not look at the room's time.
        until: (Time::BEGINNING, at(until)),
    }
}

fn keys(n: u8) -> Keys {
    Keys {
        key: Some(RoomKey::from_random([n; 10])),
        host_key: n
            .is_multiple_of(2)
            .then(|| RoomKey::from_random([n ^ 0xff; 10])),
    }
}

/// A directory with a path in it for a store.
struct Disk {
    directory: TempDir,
}

impl Disk {
    fn new() -> Self {
        Self {
            directory: TempDir::new().unwrap(),
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("room.db")
    }

    fn keeping(&self, keep: Keep) -> (Store, Past) {
        Store::open(&self.path(), keep, ALL, reading(0)).unwrap()
    }

    fn open(&self) -> (Store, Past) {
        self.keeping(Keep::default())
    }

    /// A closed store with `count` messages.
    fn with_messages(count: u64) -> Self {
        let disk = Self::new();
        let (mut store, _) = disk.open();
        store.write(&[entered(1, Some(key(1)))]).unwrap();
        for seq in 1..=count {
            let id = seq.to_string();
            store.write(&[said(seq, 1, Some(&id))]).unwrap();
        }
        store.close().unwrap();
        disk
    }

    fn error(&self) -> OpenError {
        error_of(&self.path())
    }

    /// The names of all files there.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn error_of(path: &Path) -> OpenError {
    Store::open(path, Keep::default(), ALL, reading(0)).unwrap_err()
}

fn seqs(messages: &[Entry<'_>]) -> Vec<u64> {
    messages.iter().map(|message| message.seq).collect()
}
