//! The process that writes a store, and the checks of its contents afterwards.

use std::path::{Path, PathBuf};
use std::process::Output;

use chatroom::room::{Author, Body, Entry, MemberId, Record, TokenHash};
use chatroom::store::{Keep, OpenError, Past, Reading, Recent, Store};
use jiff::Timestamp;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::disk::{FaultyDisk, Operation};

/// The number of batches that it writes.
pub const BATCHES: u64 = 30;

/// The number of messages in each batch.
const MESSAGES: u64 = 3;

/// After this many batches another member joins, and stays until the next one joins.
const STAY: u64 = 5;

/// The amount of history to read back.
const ALL: Recent = Recent {
    entries: u64::MAX,
    bytes: usize::MAX,
};

/// An empty directory, in memory if possible: the disk is simulated, so waiting for a real
/// one would prove nothing.
pub fn directory() -> TempDir {
    TempDir::new_in("/dev/shm")
        .or_else(|_| TempDir::new())
        .unwrap()
}

fn path(directory: &Path) -> PathBuf {
    directory.join("room.db")
}

pub fn open(directory: &Path) -> Result<(Store, Past), OpenError> {
    Store::open(&path(directory), Keep::default(), ALL, Reading::default())
}

fn entered(id: u64) -> Record {
    Record::Entered {
        id: MemberId::new(id).unwrap(),
        name: format!("member {id}").into(),
        host: id == 1,
        token: Some(TokenHash([u8::try_from(id).unwrap(); 32])),
    }
}

fn text(seq: u64) -> String {
    let length = usize::try_from(seq * 37 % 3_000).unwrap();
    format!("{seq} {}", "x".repeat(length))
}

/// The batches 1, 2, 3, …; they are the same in every run.
fn batch(number: u64) -> Vec<Record> {
    let mut records = Vec::new();
    if number == 1 {
        records.push(entered(1));
    }
    if number.is_multiple_of(STAY) {
        let id = 1 + number / STAY;
        if id > 2 {
            let id = MemberId::new(id - 1).unwrap();
            records.push(Record::Left { id });
        }
        records.push(entered(id));
    }
    for seq in (number - 1) * MESSAGES + 1..=number * MESSAGES {
        records.push(Record::Entry(Entry {
            seq,
            at: Timestamp::UNIX_EPOCH,
            author: Author::member(MemberId::MIN, "member 1"),
            body: Body::Text {
                id: Some(seq.to_string().into()),
                text: text(seq).into(),
            },
        }));
    }
    records
}

/// The number of batches in a store. Fails with a description unless the store has all
/// batches up to the last one, each whole.
pub fn batches(past: &Past) -> Result<u64, String> {
    let count = (past.next_seq - 1) / MESSAGES;
    let last = count * MESSAGES;
    let mut wrong = vec![
        (past.next_seq != last + 1, "part of a batch"),
        (past.oldest_seq != 1, "the beginning is missing"),
        (past.entries.len() as u64 != last, "not all messages"),
    ];
    for (seq, message) in (1..).zip(&past.entries) {
        let is_it = message.seq == seq && message.text() == Some(&*text(seq));
        wrong.push((!is_it, "another message"));
    }
    let visitors = count / STAY;
    let members = if count == 0 { 0 } else { 1 + visitors };
    wrong.push((past.last_member != members, "the last member"));
    let ids: Vec<u64> = past
        .sessions
        .iter()
        .map(|session| session.id.get())
        .collect();
    let expected = match (count, visitors) {
        (0, _) => vec![],
        (_, 0) => vec![1],
        _ => vec![1, members],
    };
    wrong.push((ids != expected, "the sessions"));
    if let Some(session) = past.sessions.first() {
        let said: Vec<(Box<str>, u64)> = (1..=last)
            .map(|seq| (seq.to_string().into(), seq))
            .collect();
        wrong.push((session.said != said, "the ids said"));
    }
    match wrong.iter().find(|(is_wrong, _)| *is_wrong) {
        Some((_, what)) => Err(format!("{what}, of {count} batches")),
        None => Ok(count),
    }
}

/// Writes all batches on a disk, in a process of its own.
pub fn run(disk: &FaultyDisk, directory: &Path, manner: &str) -> Output {
    disk.command(std::env::current_exe().unwrap())
        .args(["--exact", "writer::the_process", "--ignored", "--nocapture"])
        .env("CHATROOM_FAULTS_STORE", directory)
        .env("CHATROOM_FAULTS_MANNER", manner)
        .output()
        .unwrap()
}

/// The number of batches that the process confirmed.
pub fn confirmed<'a>(operations: impl IntoIterator<Item = &'a Operation>) -> u64 {
    let number = |operation: &Operation| match operation {
        Operation::Said(line) => line.trim().strip_prefix("confirmed ")?.parse().ok(),
        _ => None,
    };
    operations.into_iter().filter_map(number).max().unwrap_or(0)
}

#[test]
#[ignore = "the process that the other tests start"]
fn the_process() {
    let directory = PathBuf::from(std::env::var_os("CHATROOM_FAULTS_STORE").unwrap());
    let manner = std::env::var("CHATROOM_FAULTS_MANNER").unwrap();
    if let Err(error) = write(&directory, &manner) {
        println!("failed: {error}");
    }
    // A killed process closes nothing; a store after an error was closed above.
    std::process::exit(0);
}

fn write(directory: &Path, manner: &str) -> Result<(), Box<dyn std::error::Error>> {
    let is_careless = manner == "careless";
    let (mut store, _) = open(directory)?;
    if is_careless {
        store.give_up_durability()?;
    }
    for number in 1..=BATCHES {
        if let Err(error) = store.write(&batch(number)) {
            if manner == "killed" {
                std::mem::forget(store);
            }
            return Err(error.into());
        }
        println!("confirmed {number}");
        if number == BATCHES / 3 {
            // So that the WAL file starts anew while the store is open.
            let other = Connection::open(path(directory))?;
            // The store does not depend on its success.
            let _ = other.query_row("PRAGMA wal_checkpoint", [], |_| Ok(()));
        }
        if number == BATCHES * 2 / 3 {
            store.close()?;
            (store, _) = open(directory)?;
            if is_careless {
                store.give_up_durability()?;
            }
        }
    }
    std::mem::forget(store);
    Ok(())
}
