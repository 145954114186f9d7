//! Obstacles that last a moment, and files that are not regular.

use std::fs;
use std::os::unix::fs::symlink;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::*;

/// Another program, which has the file open.
fn other(disk: &Disk) -> Connection {
    let connection = Connection::open(disk.path()).unwrap();
    connection.busy_timeout(Duration::ZERO).unwrap();
    connection
}

#[test]
fn a_batch_that_met_a_lock_can_be_written_when_it_is_gone() {
    let disk = Disk::new();
    let (mut store, _) = disk.open();
    let batch = [
        entered(1, Some(key(1))),
        said(1, 1, Some("a")),
        said(2, 1, Some("b")),
    ];
    let other = other(&disk);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    for _ in 0..3 {
        let error = store.write(&batch).unwrap_err();
        assert!(matches!(error, WriteError::Locked(_)), "{error:?}");
        assert!(error.obstacle().unwrap().starts_with("another program"));
    }
    let error = store.trim(reading(0)).map(drop).err();
    assert_eq!(error.and_then(|it| it.obstacle()), None);
    other.execute_batch("COMMIT").unwrap();
    store.write(&batch).unwrap();
    store.close().unwrap();
    let (_, past) = disk.open();
    assert_eq!(seqs(&past.entries), [1, 2]);
    assert_eq!(past.sessions[0].said, [("a".into(), 1), ("b".into(), 2)]);
}

#[test]
fn what_was_changed_before_an_obstacle_is_undone() {
    let disk = Disk::with_messages(1);
    let (mut store, _) = disk.open();
    // As on a full disk: there is no room for more pages.
    let pages: u32 = store
        .connection
        .pragma_query_value(None, "page_count", |row| row.get(0))
        .unwrap();
    let limit = |store: &Store, pages: u32| {
        let set = format!("PRAGMA max_page_count = {pages}");
        store.connection.query_row(&set, [], |_| Ok(())).unwrap();
    };
    limit(&store, pages);
    let long = with_text(said(3, 2, Some("c")), &"x".repeat(100_000));
    let batch = [
        Record::Left { id: member(1) },
        entered(2, Some(key(2))),
        said(2, 2, Some("b")),
        long,
    ];
    let before = store.rings.clone();
    for _ in 0..2 {
        let error = store.write(&batch).unwrap_err();
        assert!(matches!(error, WriteError::DiskFull(_)), "{error:?}");
        assert!(error.obstacle().is_some());
        assert_eq!(store.rings, before);
    }
    limit(&store, 1_000_000);
    store.write(&batch).unwrap();
    store.close().unwrap();
    let (_, past) = disk.open();
    assert_eq!(seqs(&past.entries), [1, 2, 3]);
    assert_eq!(past.sessions.len(), 1);
    assert_eq!(past.sessions[0].said, [("b".into(), 2), ("c".into(), 3)]);
}

#[test]
fn a_store_that_another_program_has_locked_is_opened_and_read_meanwhile() {
    let disk = Disk::with_messages(5);
    let (store, _) = disk.open();
    let other = other(&disk);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    store.close().unwrap();
    // There is something to delete, and the store does it later.
    let keep = Keep {
        messages: Some(2),
        ..Keep::default()
    };
    let (mut store, past) = disk.keeping(keep);
    assert_eq!(seqs(&past.entries), [1, 2, 3, 4, 5]);
    let mut reader = store.reader().unwrap();
    assert_eq!(reader.entries(1, 9, 9, 1 << 20).unwrap().len(), 5);
    other.execute_batch("COMMIT").unwrap();
    store.trim(reading(0)).unwrap();
    assert_eq!(store.oldest_seq(), 4);
}

#[test]
fn a_store_that_has_to_move_up_is_told_as_locked_until_it_is_not() {
    let disk = Disk::with_messages(1);
    let other = other(&disk);
    // As of the version before.
    other
        .execute_batch(
            "ALTER TABLE room DROP COLUMN key; ALTER TABLE room DROP COLUMN host_key;
             ALTER TABLE room DROP COLUMN slow; ALTER TABLE message DROP COLUMN erases;
             ALTER TABLE session DROP COLUMN muted; ALTER TABLE session DROP COLUMN muted_ends;
             DROP TABLE ban;
             PRAGMA user_version = 3;
             BEGIN IMMEDIATE",
        )
        .unwrap();
    let error = disk.error();
    assert!(matches!(error, OpenError::Locked(_)), "{error:?}");
    assert!(error.to_string().contains("is locked by another program"));
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(disk.open().1.next_seq, 2);
}

#[test]
fn a_file_beside_the_store_that_is_no_regular_file_is_told_and_left() {
    for suffix in ["-lock", "-wal", "-shm", "-journal"] {
        for kind in ["link", "dangling link", "pipe", "directory"] {
            let disk = Disk::with_messages(1);
            let path = file::beside(&disk.path(), suffix);
            let elsewhere = disk.directory.path().join("elsewhere");
            let _ = fs::remove_file(&path);
            match kind {
                "link" => {
                    fs::write(&elsewhere, "mine").unwrap();
                    symlink(&elsewhere, &path).unwrap();
                }
                "dangling link" => symlink(&elsewhere, &path).unwrap(),
                "pipe" => mknodat(CWD, &path, FileType::Fifo, Mode::RWXU, 0).unwrap(),
                _ => fs::create_dir(&path).unwrap(),
            }
            let error = disk.error();
            assert!(
                matches!(error, OpenError::NotAFile(_)),
                "{suffix} {kind}: {error:?}"
            );
            let words = error.to_string();
            assert!(words.contains(&format!("room.db{suffix} is not a regular file")));
            assert!(fs::symlink_metadata(&path).is_ok());
            match kind {
                "link" => assert_eq!(fs::read(&elsewhere).unwrap(), b"mine"),
                _ => assert!(!elsewhere.exists()),
            }
        }
    }
}

#[test]
fn what_is_in_the_way_of_a_new_store_is_replaced_and_not_followed() {
    let disk = Disk::new();
    let elsewhere = disk.directory.path().join("elsewhere");
    symlink(&elsewhere, file::beside(&disk.path(), "-new")).unwrap();
    disk.open();
    assert!(!elsewhere.exists());
    let disk = Disk::new();
    let new = file::beside(&disk.path(), "-new");
    mknodat(CWD, &new, FileType::Fifo, Mode::RWXU, 0).unwrap();
    disk.open();
    // A pipe is no store either, and deleting does not wait for one.
    let disk = Disk::new();
    mknodat(CWD, disk.path(), FileType::Fifo, Mode::RWXU, 0).unwrap();
    assert!(matches!(disk.error(), OpenError::NotAStore(_)));
    Store::delete(&disk.path()).unwrap();
}
