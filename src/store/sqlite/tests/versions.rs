//! Stores of version 2, and entries of a kind that nobody knows.

use super::*;

/// A store as version 2 made it, with two messages.
fn of_version_2(disk: &Disk) {
    let connection = Connection::open(disk.path()).unwrap();
    connection.execute_batch(SESSION_BEFORE_3).unwrap();
    connection
        .execute_batch(
            "
    CREATE TABLE room (
        epoch TEXT NOT NULL,
        last_member INTEGER NOT NULL,
        oldest_seq INTEGER NOT NULL,
        time INTEGER,
        clock INTEGER,
        doubt INTEGER,
        began INTEGER
    ) STRICT;
    CREATE TABLE message (
        seq INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        member INTEGER NOT NULL,
        name TEXT NOT NULL,
        id TEXT,
        text TEXT NOT NULL,
        stored INTEGER
    ) STRICT;
    INSERT INTO room VALUES
        ('0123456789abcdef0123456789abcdef', 1, 1, 1700000002000000, 1700000002000000, NULL,
         1700000001000000);
    INSERT INTO message VALUES
        (1, 1700000001000000, 1, 'member 1', 'a', 'text 1', 1700000001),
        (2, 1700000002000000, 1, 'member 1', NULL, 'text 2', 1700000002);
    PRAGMA user_version = 2;
    PRAGMA journal_mode = WAL;
",
        )
        .unwrap();
}

#[test]
fn a_store_of_version_2_moves_up_by_itself_with_all_that_is_in_it() {
    let disk = Disk::new();
    of_version_2(&disk);
    let (mut store, past) = disk.open();
    assert_eq!(past.entries, [entry(1, 1, Some("a")), entry(2, 1, None)]);
    assert_eq!(past.sessions[0].said, [("a".into(), 1)]);
    assert_eq!((past.next_seq, past.last_member), (3, 1));
    store.write(&[said(3, 1, Some("b"))]).unwrap();
    store.close().unwrap();
    let (_, past) = disk.open();
    assert_eq!(past.entries[2], entry(3, 1, Some("b")));
    let connection = Connection::open(disk.path()).unwrap();
    let version: i32 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert_eq!(version, 3);
}

#[test]
fn a_kind_of_entry_that_nobody_knows_is_not_passed_over() {
    let disk = Disk::with_messages(3);
    let connection = Connection::open(disk.path()).unwrap();
    connection
        .execute("UPDATE message SET kind = 9 WHERE seq = 2", [])
        .unwrap();
    drop(connection);
    assert!(matches!(disk.error(), OpenError::Damaged(_)));
}
