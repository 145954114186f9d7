//! Messages that were written can be read back.

use crate::store::StoredSession;

use super::*;

#[test]
fn the_sqlite_inside_has_no_wal_reset_bug() {
    assert!(rusqlite::version_number() >= 3_051_003);
}

#[test]
fn a_new_store_is_empty_and_has_an_epoch_of_its_own() {
    let (one, other) = (Disk::new(), Disk::new());
    let (_store, past) = one.open();
    assert_eq!(
        (past.next_seq, past.oldest_seq, past.last_member),
        (1, 1, 0)
    );
    assert!(past.entries.is_empty() && past.sessions.is_empty());
    assert_eq!(past.epoch.len(), 32);
    assert_ne!(past.epoch, other.open().1.epoch);
}

#[test]
fn everything_written_is_there_after_a_restart() {
    let disk = Disk::new();
    let (mut store, before) = disk.open();
    let text = "line\n\u{1f980} \u{5e9}\u{5dc}\u{5d5}\u{5dd} e\u{301} \"' \\";
    let time: Timestamp = "2026-11-22T10:00:00.123456Z".parse().unwrap();
    let second = Entry {
        seq: 2,
        at: time,
        author: Author::member(member(2), "\u{5d0}da"),
        body: Body::Text {
            id: None,
            text: text.into(),
        },
    };
    let batch = [
        entered(1, Some(key(1))),
        entered(2, None),
        said(1, 1, Some("k3Qd-1")),
        Record::Entry(second.clone()),
    ];
    store.write(&batch).unwrap();
    store.write(&[said(3, 1, Some("k3Qd-2"))]).unwrap();
    drop(store);

    let (_store, past) = disk.open();
    assert_eq!(past.epoch, before.epoch);
    assert_eq!(
        (past.next_seq, past.oldest_seq, past.last_member),
        (4, 1, 2)
    );
    assert_eq!(seqs(&past.entries), [1, 2, 3]);
    assert_eq!(past.entries[1], second);
    assert_eq!(past.entries[0].message_id(), Some("k3Qd-1"));
    let ids = vec![("k3Qd-1".into(), 1), ("k3Qd-2".into(), 3)];
    let session = StoredSession {
        id: member(1),
        name: "member 1".into(),
        host: true,
        token: key(1),
        muted: None,
        said: ids,
    };
    assert_eq!(past.sessions, [session]);
}

#[test]
fn a_member_that_left_leaves_no_session_and_its_id_never_returns() {
    let disk = Disk::new();
    let (mut store, _) = disk.open();
    let batch = [
        entered(1, Some(key(1))),
        entered(2, Some(key(2))),
        said(1, 1, Some("a")),
        said(2, 2, Some("a")),
        Record::Left { id: member(2) },
        entered(3, None),
        Record::Left { id: member(3) },
    ];
    store.write(&batch).unwrap();
    drop(store);
    let (mut store, past) = disk.open();
    assert_eq!(past.last_member, 3);
    assert_eq!(past.sessions.len(), 1);
    assert_eq!(past.sessions[0].said, [("a".into(), 1)]);
    let again = store.write(&[entered(3, None)]);
    assert!(matches!(again, Err(WriteError::OutOfOrder(_))), "{again:?}");
}

#[test]
fn a_room_closed_for_good_keeps_its_log_and_no_session() {
    let disk = Disk::with_messages(3);
    let (mut store, before) = disk.open();
    assert_eq!(before.sessions.len(), 1);
    store.write(&[Record::Closed]).unwrap();
    drop(store);
    let (_store, past) = disk.open();
    assert!(past.sessions.is_empty());
    assert_eq!(seqs(&past.entries), [1, 2, 3]);
    assert_eq!((past.epoch, past.last_member), (before.epoch, 1));
}

#[test]
fn the_last_ids_of_each_session_are_kept_over_restarts() {
    let disk = Disk::new();
    let (mut store, _) = disk.open();
    store
        .write(&[entered(1, Some(key(1))), entered(2, Some(key(2)))])
        .unwrap();
    store.write(&[said(1, 2, Some("other"))]).unwrap();
    let mut seq = 1;
    for part in [700, 700, 1_000] {
        let batch: Vec<Record> = (0..part)
            .map(|_| {
                seq += 1;
                said(seq, 1, Some(&format!("id {seq}")))
            })
            .collect();
        store.write(&batch).unwrap();
        drop(store);
        let past;
        (store, past) = disk.open();
        let ids = &past.sessions[0].said;
        let first = (seq + 1).saturating_sub(RECENT_IDS).max(2);
        let expected: Vec<(Box<str>, u64)> = (first..=seq)
            .map(|seq| (format!("id {seq}").into(), seq))
            .collect();
        assert_eq!(*ids, expected);
        assert_eq!(past.sessions[1].said, [("other".into(), 1)]);
    }
}

#[test]
fn of_a_batch_that_cannot_follow_nothing_is_stored_and_nothing_more_is_taken() {
    let disk = Disk::with_messages(2);
    let (mut store, _) = disk.open();
    let hole = store.write(&[said(3, 1, None), said(5, 1, None)]);
    assert!(matches!(hole, Err(WriteError::OutOfOrder(_))), "{hole:?}");
    let after = store.write(&[said(3, 1, None)]);
    assert!(
        matches!(after, Err(WriteError::FailedBefore(_))),
        "{after:?}"
    );
    drop(store);
    assert_eq!(disk.open().1.next_seq, 3);
}

#[test]
fn an_empty_batch_writes_nothing() {
    let disk = Disk::with_messages(1);
    let (mut store, _) = disk.open();
    let size = || std::fs::metadata(disk.directory.path().join("room.db-wal")).map(|m| m.len());
    let before = size().unwrap_or(0);
    store.write(&[]).unwrap();
    assert_eq!(size().unwrap_or(0), before);
    store.write(&[said(2, 1, None)]).unwrap();
    assert!(size().unwrap() > before);
}

#[test]
fn no_more_of_the_past_is_read_than_was_asked_for() {
    let disk = Disk::with_messages(50);
    let open = |messages, bytes| {
        let recent = Recent {
            entries: messages,
            bytes,
        };
        let (_, past) = Store::open(&disk.path(), Keep::default(), recent, reading(0)).unwrap();
        assert_eq!((past.next_seq, past.oldest_seq), (51, 1));
        seqs(&past.entries)
    };
    assert_eq!(open(3, usize::MAX), [48, 49, 50]);
    assert_eq!(open(0, usize::MAX), [0_u64; 0]);
    assert_eq!(open(u64::MAX, 0), [0_u64; 0]);
    let few = open(u64::MAX, 5 * size_of::<Entry<'static>>());
    assert!((1..5).contains(&few.len()), "{few:?}");
    assert_eq!(few.last(), Some(&50));
}

#[test]
fn nothing_that_is_read_to_open_a_store_looks_at_every_message() {
    let disk = Disk::with_messages(1);
    let connection = Connection::open(disk.path()).unwrap();
    for sql in [
        read::FIRST_SEQ,
        read::LAST_SEQ,
        read::NEWEST,
        read::RANGE,
        write::AGES,
    ] {
        let mut statement = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap();
        let count = statement.parameter_count();
        let plan: Vec<String> = statement
            .query_map(rusqlite::params_from_iter(vec![1; count]), |row| row.get(3))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let plan = plan.join("; ");
        // A walk along the key that a LIMIT ends does not read all rows.
        let walks = plan.contains("SCAN") && !sql.contains("LIMIT");
        assert!(!walks && !plan.contains("TEMP"), "{sql}: {plan}");
    }
}

#[test]
fn old_messages_are_read_while_new_ones_are_written() {
    let disk = Disk::with_messages(20);
    let (mut store, _) = disk.open();
    let mut reader = store.reader().unwrap();
    let read = |reader: &mut Reader, from, end, limit, bytes| {
        seqs(&reader.entries(from, end, limit, bytes).unwrap())
    };
    assert_eq!(read(&mut reader, 5, 9, 100, usize::MAX), [5, 6, 7, 8]);
    assert_eq!(read(&mut reader, 5, 9, 2, usize::MAX), [5, 6]);
    assert_eq!(read(&mut reader, 5, 9, 100, 1), [5]);
    assert_eq!(read(&mut reader, 9, 5, 100, usize::MAX), [0_u64; 0]);
    assert_eq!(
        read(&mut reader, 0, u64::MAX, u64::MAX, usize::MAX).len(),
        20
    );
    store.write(&[said(21, 1, None)]).unwrap();
    assert_eq!(read(&mut reader, 20, u64::MAX, 100, usize::MAX), [20, 21]);
    assert_eq!(reader.oldest_seq().unwrap(), 1);
    // An idle reader holds nothing back.
    store.close().unwrap();
    assert_eq!(read(&mut reader, 20, u64::MAX, 100, usize::MAX), [20, 21]);
}

#[test]
fn the_log_beside_the_file_does_not_grow_without_end() {
    let disk = Disk::new();
    let (mut store, _) = disk.open();
    let mut reader = store.reader().unwrap();
    store.write(&[entered(1, None)]).unwrap();
    let mut most = 0;
    for seq in 1..=400 {
        let long = with_text(said(seq, 1, None), &"x".repeat(200_000));
        store.write(&[long]).unwrap();
        reader.entries(seq, seq + 1, 1, usize::MAX).unwrap();
        let wal = std::fs::metadata(disk.directory.path().join("room.db-wal")).unwrap();
        most = most.max(wal.len());
    }
    let limit = u64::from(schema::CHECKPOINT_PAGES) * 4_200;
    assert!(most > limit / 2 && most < limit + 500_000, "{most}");
    drop(reader);
    store.close().unwrap();
    assert_eq!(disk.names(), ["room.db", "room.db-lock"]);
}
