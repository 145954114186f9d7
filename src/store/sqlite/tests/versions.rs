//! Stores of versions 2 and 3, and entries of a kind that nobody knows.

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
    assert_eq!(version, 4);
}

/// A store as version 3 made it, with two messages.
pub(super) fn of_version_3(disk: &Disk) {
    of_version_2(disk);
    let connection = Connection::open(disk.path()).unwrap();
    connection
        .execute_batch(
            "
    ALTER TABLE message ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;
    PRAGMA user_version = 3;
",
        )
        .unwrap();
}

#[test]
fn a_store_of_version_3_moves_up_and_takes_what_is_new() {
    let disk = Disk::new();
    of_version_3(&disk);
    let (mut store, past) = disk.open();
    assert_eq!(past.entries, [entry(1, 1, Some("a")), entry(2, 1, None)]);
    assert_eq!((past.keys, past.slow), (Keys::default(), Duration::ZERO));
    assert_eq!((past.bans.len(), past.sessions[0].muted), (0, None));
    let batch = [
        erased(3, 1),
        Record::Keys(keys(2)),
        Record::Banned(ban(1, 1_000)),
        Record::Slow {
            every: Duration::from_secs(3),
        },
    ];
    store.write(&batch).unwrap();
    store.close().unwrap();
    let (_, past) = disk.open();
    let of: Vec<_> = past.entries.iter().map(|entry| &entry.body).collect();
    let gone = Body::Gone {
        id: Some("a".into()),
    };
    let second = entry(2, 1, None).body;
    assert_eq!(of, [&gone, &second, &Body::Erased { of: 1 }]);
    assert_eq!((past.keys, past.slow), (keys(2), Duration::from_secs(3)));
    assert_eq!(past.bans.len(), 1);
    // The files of both have the same tables, whichever way they came about.
    let tables = |disk: &Disk| {
        let connection = Connection::open(disk.path()).unwrap();
        let mut columns = connection
            .prepare(
                "SELECT m.name || ' ' || c.name || ' ' || c.type || c.\"notnull\" || \
                 coalesce(c.dflt_value, '') FROM sqlite_schema m, pragma_table_info(m.name) c \
                 ORDER BY m.name, c.cid",
            )
            .unwrap();
        let columns = columns
            .query_map([], |row| row.get::<_, String>(0))
            .unwrap();
        columns.map(Result::unwrap).collect::<Vec<_>>()
    };
    assert_eq!(tables(&disk), tables(&Disk::with_messages(1)));
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
