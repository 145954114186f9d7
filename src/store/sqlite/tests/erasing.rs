//! What was erased is nowhere any more.

use std::fs;

use super::*;

/// The files of a store that have this text in them.
fn files_with(disk: &Disk, text: &str) -> Vec<String> {
    let has = |name: &String| {
        let bytes = fs::read(disk.directory.path().join(name)).unwrap();
        memchr::memmem::find(&bytes, text.as_bytes()).is_some()
    };
    disk.names().into_iter().filter(has).collect()
}

/// A text of this length that occurs once.
fn secret(seq: u64, length: usize) -> String {
    format!("secret {seq} {}", "x".repeat(length))
}

fn needle(seq: u64) -> String {
    format!("secret {seq} ")
}

/// A store with messages of all lengths: in one page, over many, and of other rows.
fn with_secrets(disk: &Disk, count: u64) -> Store {
    let (mut store, _) = disk.open();
    store.write(&[entered(1, Some(key(1)))]).unwrap();
    for seq in 1..=count {
        let length = usize::try_from(seq * 997 % 9_000).unwrap() >> (seq % 7);
        let message = with_text(said(seq, 1, None), &secret(seq, length));
        store.write(&[message]).unwrap();
    }
    store
}

#[test]
fn an_erased_text_is_in_no_file_and_in_nothing_that_is_read() {
    let disk = Disk::new();
    let mut store = with_secrets(&disk, 300);
    let mut reader = store.reader().unwrap();
    // Some of the texts are in the main file, some in the log beside it, some in both.
    write::checkpoint(&store.connection).unwrap();
    for (next, of) in (301..).zip((1..=300).step_by(7)) {
        assert_ne!(files_with(&disk, &needle(of)), [""; 0], "{of} was there");
        store.write(&[erased(next, of)]).unwrap();
        assert_eq!(files_with(&disk, &needle(of)), [""; 0], "{of}");
        let read = reader.entries(of, of + 1, 1, usize::MAX).unwrap();
        assert_eq!(read[0].body, Body::Gone { id: None });
        // The neighbours are unharmed.
        assert_ne!(files_with(&disk, &needle(of + 1)), [""; 0]);
    }
    drop(reader);
    store.close().unwrap();
    let (_, past) = disk.open();
    for of in 1..=300 {
        let text = past.entries[usize::try_from(of - 1).unwrap()].text();
        let is_erased = of % 7 == 1;
        assert_eq!(text.is_none(), is_erased, "{of}");
        assert_eq!(files_with(&disk, &needle(of)).is_empty(), is_erased, "{of}");
    }
}

#[test]
fn while_someone_reads_an_erased_text_stays_in_the_log_until_the_next_trim() {
    let disk = Disk::new();
    let mut store = with_secrets(&disk, 20);
    let backup = Connection::open(disk.path()).unwrap();
    backup.execute_batch("BEGIN; SELECT * FROM room").unwrap();
    store.write(&[erased(21, 5)]).unwrap();
    assert_eq!(files_with(&disk, &needle(5)), ["room.db-wal"]);
    store.write(&[said(22, 1, None)]).unwrap();
    store.trim(reading(22)).unwrap();
    assert_eq!(files_with(&disk, &needle(5)), ["room.db-wal"]);
    drop(backup);
    store.trim(reading(23)).unwrap();
    assert_eq!(files_with(&disk, &needle(5)), [""; 0]);
    assert_eq!(
        store
            .reader()
            .unwrap()
            .entries(22, 23, 1, 99)
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn what_a_killed_server_left_of_an_erased_text_goes_when_the_next_one_trims() {
    let disk = Disk::new();
    let mut store = with_secrets(&disk, 20);
    let backup = Connection::open(disk.path()).unwrap();
    backup.execute_batch("BEGIN; SELECT * FROM room").unwrap();
    store.write(&[erased(21, 5)]).unwrap();
    // With the reader, the log stays beside the file.
    drop(store);
    let (mut store, past) = disk.open();
    assert_eq!(past.entries[4].body, Body::Gone { id: None });
    assert_eq!(files_with(&disk, &needle(5)), ["room.db-wal"]);
    drop(backup);
    store.trim(reading(23)).unwrap();
    assert_eq!(files_with(&disk, &needle(5)), [""; 0]);
}

#[test]
fn nothing_of_an_erased_text_is_left_from_before_the_store_moved_up() {
    let disk = Disk::new();
    versions::of_version_3(&disk);
    let connection = Connection::open(disk.path()).unwrap();
    connection
        .execute_batch("PRAGMA secure_delete = OFF; DELETE FROM message; DELETE FROM said")
        .unwrap();
    for seq in 1..=2_000_u64 {
        let text = secret(seq, usize::try_from(seq * 997 % 600).unwrap());
        connection
            .execute(
                "INSERT INTO message VALUES (?1, 1, 1, 'a', NULL, ?2, 1, 0)",
                (seq, text),
            )
            .unwrap();
    }
    // Without the first thousand: what is left was moved about.
    connection
        .execute_batch("DELETE FROM message WHERE seq <= 1000; UPDATE room SET oldest_seq = 1001")
        .unwrap();
    drop(connection);
    let is_left = |seq| !files_with(&disk, &needle(seq)).is_empty();
    assert!((1..=1_000).any(is_left), "as it was until then");
    let (mut store, _) = disk.open();
    let erasures = (2_001..).zip((1_001..=2_000).step_by(3));
    let batch: Vec<Record> = erasures.map(|(seq, of)| erased(seq, of)).collect();
    store.write(&batch).unwrap();
    for seq in (1..=1_000).chain((1_001..=2_000).step_by(3)) {
        assert_eq!(files_with(&disk, &needle(seq)), [""; 0], "{seq}");
    }
}

#[test]
fn a_replaced_key_is_in_no_file() {
    let disk = Disk::new();
    let (mut store, _) = disk.open();
    let old = RoomKey::from_random([7; 10]);
    let set = |key: &RoomKey| {
        Record::Keys(Keys {
            key: Some(key.clone()),
            host_key: None,
        })
    };
    store.write(&[set(&old)]).unwrap();
    assert_ne!(files_with(&disk, old.secret()), [""; 0]);
    store.write(&[set(&RoomKey::from_random([8; 10]))]).unwrap();
    assert!(files_with(&disk, old.secret()).is_empty());
    store.close().unwrap();
    assert!(files_with(&disk, old.secret()).is_empty());
}

#[test]
fn an_entry_that_erases_itself_or_a_later_one_is_not_taken() {
    let disk = Disk::with_messages(2);
    let (mut store, _) = disk.open();
    let result = store.write(&[erased(3, 3)]);
    assert!(
        matches!(result, Err(WriteError::OutOfOrder(_))),
        "{result:?}"
    );
}

#[test]
fn an_administrator_erases_as_nobody_in_the_room() {
    let disk = Disk::with_messages(2);
    let (mut store, _) = disk.open();
    let entry = Entry {
        author: Author::administrator(),
        body: Body::Erased { of: 1 },
        ..entry(3, 1, None)
    };
    store.write(&[Record::Entry(entry.clone())]).unwrap();
    store.close().unwrap();
    assert_eq!(disk.open().1.entries[2], entry);
}
