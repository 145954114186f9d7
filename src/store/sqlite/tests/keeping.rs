//! How much of the past is kept.

use super::*;

fn messages(count: u64) -> Keep {
    Keep {
        messages: Some(count),
        days: None,
        ..Keep::default()
    }
}

const DAY: u64 = 24 * 60 * 60;

#[test]
fn everything_is_kept_by_default() {
    let disk = Disk::with_messages(30);
    let (mut store, _) = disk.open();
    assert!(!store.trim(reading(1_000_000_000)).unwrap());
    assert_eq!(store.oldest_seq(), 1);
}

#[test]
fn only_so_many_messages_are_kept_from_the_commit_on() {
    let disk = Disk::with_messages(30);
    let (mut store, past) = disk.keeping(messages(10));
    assert_eq!((past.oldest_seq, past.next_seq), (21, 31));
    assert_eq!(seqs(&past.entries), (21..31).collect::<Vec<_>>());
    let mut reader = store.reader().unwrap();
    for seq in 31..50 {
        store.write(&[said(seq, 1, None)]).unwrap();
        assert_eq!(store.oldest_seq(), seq - 9);
        assert_eq!(reader.oldest_seq().unwrap(), seq - 9);
        let read = reader.entries(1, u64::MAX, 100, usize::MAX).unwrap();
        assert_eq!(seqs(&read), (seq - 9..=seq).collect::<Vec<_>>());
    }
}

#[test]
fn only_so_many_days_are_kept() {
    let disk = Disk::new();
    let keep = Keep {
        messages: None,
        days: Some(2),
        ..Keep::default()
    };
    let (mut store, _) = disk.keeping(keep);
    store.write(&[entered(1, Some(key(1)))]).unwrap();
    for seq in 1..=10 {
        store.look(reading(seq));
        store.write(&[said(seq, 1, Some("id"))]).unwrap();
    }
    assert!(!store.trim(reading(2 * DAY + 5)).unwrap());
    assert_eq!(store.oldest_seq(), 5);
    drop(store);
    let (_, past) = Store::open(&disk.path(), keep, ALL, reading(2 * DAY + 8)).unwrap();
    assert_eq!(seqs(&past.entries), [8, 9, 10]);
    // Ids stay as long as their session.
    assert_eq!(past.sessions[0].said.len(), 10);
}

#[test]
fn the_count_goes_on_when_nothing_is_left() {
    let disk = Disk::with_messages(5);
    let keep = Keep {
        messages: None,
        days: Some(1),
        ..Keep::default()
    };
    let (mut store, _) = disk.keeping(keep);
    store.trim(reading(9 * DAY)).unwrap();
    drop(store);
    let (mut store, past) = disk.keeping(keep);
    assert!(past.entries.is_empty());
    assert_eq!((past.oldest_seq, past.next_seq), (6, 6));
    store.write(&[said(6, 1, None)]).unwrap();
    drop(store);
    assert_eq!(seqs(&disk.open().1.entries), [6]);
}

#[test]
fn much_is_let_go_of_in_steps() {
    let disk = Disk::new();
    let (mut store, _) = disk.open();
    let batch: Vec<Record> = (1..=2 * TRIM_STEP + 500)
        .map(|seq| said(seq, 1, None))
        .collect();
    store.write(&batch).unwrap();
    drop(store);
    let (mut store, _) = disk.keeping(messages(100));
    assert_eq!(store.oldest_seq(), TRIM_STEP + 1);
    assert!(store.trim(reading(0)).unwrap());
    assert_eq!(store.oldest_seq(), 2 * TRIM_STEP + 1);
    assert!(!store.trim(reading(0)).unwrap());
    assert_eq!(store.oldest_seq(), 2 * TRIM_STEP + 401);
}

#[test]
fn a_clock_that_was_set_back_loses_nothing_young() {
    let disk = Disk::new();
    let keep = Keep {
        messages: None,
        days: Some(1),
        ..Keep::default()
    };
    let (mut store, _) = disk.keeping(keep);
    let mut batch = vec![said(1, 1, None), said(2, 1, None), said(3, 1, None)];
    if let Record::Entry(Entry { at, .. }) = &mut batch[1] {
        *at = Timestamp::UNIX_EPOCH;
    }
    store.write(&batch).unwrap();
    assert_eq!(store.oldest_seq(), 1);
}

#[test]
fn only_so_many_bytes_are_kept_and_the_file_stays_bounded() {
    let disk = Disk::new();
    let keep = Keep {
        bytes: Some(2 << 20),
        ..Keep::default()
    };
    let (mut store, _) = disk.keeping(keep);
    let mut most = 0;
    for seq in 1..=1_500 {
        // As long as a text of 4,000 emoji, in some of them.
        let text = "x".repeat(if seq % 3 == 0 { 16_000 } else { 500 });
        let message = with_text(said(seq, 1, None), &text);
        store.write(&[message]).unwrap();
        if seq % 100 == 0 {
            write::checkpoint(&store.connection).unwrap();
            most = most.max(std::fs::metadata(disk.path()).unwrap().len());
        }
    }
    assert!((1 << 20..(2 << 20) + 100_000).contains(&most), "{most}");
    // The store keeps as much as it may: not only the newest, and not more.
    let kept = 1_501 - store.oldest_seq();
    assert!((200..400).contains(&kept), "{kept}");
    let mut reader = store.reader().unwrap();
    let read = reader.entries(1, u64::MAX, u64::MAX, usize::MAX).unwrap();
    assert_eq!(read.len() as u64, kept);
}

#[test]
fn a_smaller_size_is_reached_in_steps_and_the_newest_messages_stay() {
    let disk = Disk::new();
    let (mut store, _) = disk.open();
    let batch: Vec<Record> = (1..=3_000)
        .map(|seq| with_text(said(seq, 1, None), &"x".repeat(1_000)))
        .collect();
    store.write(&batch).unwrap();
    drop(store);
    let size = |bytes| Keep {
        bytes: Some(bytes),
        ..Keep::default()
    };
    let (mut store, _) = disk.keeping(size(1 << 20));
    assert_eq!(store.oldest_seq(), TRIM_STEP + 1);
    while store.trim(reading(0)).unwrap() {}
    let kept = 3_001 - store.oldest_seq();
    assert!((600..1_100).contains(&kept), "{kept}");
    drop(store);
    let (mut store, _) = disk.keeping(size(1));
    while store.trim(reading(0)).unwrap() {}
    assert_eq!(3_001 - store.oldest_seq(), SIZE_LEAVES);
}
