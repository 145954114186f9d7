//! A file that is not as it was left.

use std::fs;

use proptest::prelude::*;

use super::*;

/// Opens it and reads all there is. Whatever comes is in order and was said.
fn look(disk: &Disk) -> Result<(), String> {
    let error = |error: &dyn std::error::Error| error.to_string();
    let (store, past) = Store::open(&disk.path(), Keep::default(), ALL, reading(0))
        .map_err(|failed| error(&failed))?;
    let in_order = |messages: &[Entry<'static>]| {
        messages
            .windows(2)
            .all(|pair| pair[1].seq == pair[0].seq + 1)
    };
    assert!(in_order(&past.entries));
    assert_eq!(
        past.entries
            .last()
            .map_or(past.oldest_seq, |last| last.seq + 1),
        past.next_seq
    );
    let mut reader = store.reader().map_err(|failed| error(&failed))?;
    let read = reader
        .entries(1, u64::MAX, u64::MAX, usize::MAX)
        .map_err(|failed| error(&failed))?;
    assert!(in_order(&read));
    assert_eq!(seqs(&read), seqs(&past.entries));
    Ok(())
}

#[test]
fn a_whole_file_has_nothing_to_complain_of() {
    look(&Disk::with_messages(40)).unwrap();
}

#[test]
fn a_file_cut_short_is_found_damaged() {
    let disk = Disk::with_messages(300);
    let whole = fs::read(disk.path()).unwrap();
    for pages in 1..whole.len() / 4_096 {
        fs::write(disk.path(), &whole[..pages * 4_096]).unwrap();
        let sentence = look(&disk).unwrap_err();
        assert!(sentence.contains("is damaged"), "{pages}: {sentence}");
    }
    for length in [1, 99, 100, 2_000] {
        fs::write(disk.path(), &whole[..length]).unwrap();
        let sentence = look(&disk).unwrap_err();
        let words = sentence.contains("is damaged") || sentence.contains("not a store");
        assert!(words, "{length}: {sentence}");
    }
}

#[test]
fn a_hole_in_the_log_is_damage() {
    let disk = Disk::with_messages(10);
    let connection = Connection::open(disk.path()).unwrap();
    connection
        .execute("DELETE FROM message WHERE seq = 5", [])
        .unwrap();
    drop(connection);
    assert!(matches!(disk.error(), OpenError::Damaged(_)));
    // A reader finds damage further back.
    let recent = Recent {
        entries: 3,
        bytes: usize::MAX,
    };
    let (store, _) = Store::open(&disk.path(), Keep::default(), recent, reading(0)).unwrap();
    let read = store.reader().unwrap().entries(1, 11, 100, usize::MAX);
    assert!(matches!(read, Err(ReadError::Damaged(_))), "{read:?}");
}

#[test]
fn what_contradicts_itself_is_damage() {
    for sql in [
        "UPDATE room SET epoch = 'x'",
        "UPDATE room SET epoch = upper(hex(randomblob(16))) || ''",
        "UPDATE room SET oldest_seq = 0",
        "UPDATE room SET oldest_seq = 2",
        "UPDATE room SET last_member = 0",
        "UPDATE room SET last_member = -1",
        "INSERT INTO room SELECT * FROM room",
        "DELETE FROM room",
        "DELETE FROM session",
        "DROP TABLE said",
        "UPDATE session SET key = x'00'",
        "UPDATE said SET slot = 1024 WHERE slot = 0",
        "UPDATE said SET seq = 1000",
        "UPDATE message SET member = 0",
        "UPDATE message SET seq = -1 WHERE seq = 1",
        "UPDATE message SET at = 9223372036854775807",
        "UPDATE message SET text = CAST(x'ff' AS TEXT)",
        "PRAGMA user_version = 0",
        "UPDATE room SET key = 'abcdefghijklmno'",
        "UPDATE room SET key = 'ABCDEFGHIJKLMNOP'",
        "UPDATE room SET host_key = 'abcd-efgh-ijkl-mnop'",
        "UPDATE room SET slow = -1",
        "UPDATE message SET erases = 1 WHERE seq = 3",
        "UPDATE message SET kind = 1 WHERE seq = 3",
        "UPDATE message SET kind = 1, erases = 3 WHERE seq = 3",
        "UPDATE message SET kind = 1, erases = 0 WHERE seq = 3",
        "UPDATE message SET kind = 2 WHERE seq = 3",
        "UPDATE message SET kind = 2, text = '', member = 0 WHERE seq = 3",
        "UPDATE session SET muted = 1",
        "UPDATE session SET muted_ends = 9000000000000000",
        "UPDATE session SET muted = 9223372036854775807, muted_ends = 9000000000000000",
        "INSERT INTO ban VALUES (NULL, NULL, NULL, NULL, 0, 9000000000)",
        "INSERT INTO ban VALUES ('10.0.0.1', NULL, zeroblob(32), NULL, 0, 9000000000)",
        "INSERT INTO ban VALUES ('10.0.0.1', 33, NULL, NULL, 0, 9000000000)",
        "INSERT INTO ban VALUES ('10.0.0.1', 24, NULL, NULL, 0, 9000000000)",
        "INSERT INTO ban VALUES ('10.0.0.1', -1, NULL, NULL, 0, 9000000000)",
        "INSERT INTO ban VALUES ('kim', 32, NULL, NULL, 0, 9000000000)",
        "INSERT INTO ban VALUES (NULL, NULL, zeroblob(31), NULL, 0, 9000000000)",
        "INSERT INTO ban VALUES ('10.0.0.1', 32, NULL, NULL, 9223372036854775807, 9000000000)",
        "DROP TABLE ban",
    ] {
        let disk = Disk::with_messages(3);
        let connection = Connection::open(disk.path()).unwrap();
        connection.execute_batch(sql).unwrap();
        drop(connection);
        let error = disk.error();
        assert!(matches!(error, OpenError::Damaged(_)), "{sql}: {error:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn whatever_bytes_are_wrong_nothing_comes_out_of_order(
        wrong in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
        run in proptest::option::of((any::<prop::sample::Index>(), 1_usize..5_000)),
    ) {
        // Made once; each case gets a copy of its bytes.
        static WHOLE: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
        let whole = WHOLE.get_or_init(|| fs::read(Disk::with_messages(300).path()).unwrap());
        let mut bytes = whole.clone();
        for (index, byte) in &wrong {
            bytes[index.index(whole.len())] = *byte;
        }
        if let Some((start, length)) = run {
            let start = start.index(whole.len());
            let end = whole.len().min(start + length);
            bytes[start..end].fill(0xa5);
        }
        let disk = Disk::new();
        fs::write(disk.path(), bytes).unwrap();
        let _ = look(&disk);
    }
}
