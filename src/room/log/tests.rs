use std::borrow::Cow;

use jiff::Timestamp;
use proptest::prelude::*;

use super::super::entry::MemberId;
use super::super::entry::{Author, Body, Entry};
use super::*;

const FULL: EncodingId = EncodingId::new(0);
const SHORT: EncodingId = EncodingId::new(5);

/// The text of an entry and `+` for all else; in the second encoding the length of the
/// text, and nothing for all else.
const ENCODINGS: Encodings = Encodings::new(FULL, full, |_| None).with(SHORT, short);

fn text<'a>(event: &'a Event<'_>) -> Option<&'a str> {
    match event {
        Event::Entry(entry) => entry.text(),
        Event::Notice { text, .. } => Some(text),
        _ => None,
    }
}

fn full(event: &Event<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(text(event).unwrap_or("+").as_bytes());
}

fn short(event: &Event<'_>, out: &mut Vec<u8>) {
    if let Some(text) = text(event) {
        out.extend_from_slice(format!("<{}>", text.len()).as_bytes());
    }
}

fn new_log() -> Log {
    Log::new(ENCODINGS, Retention::default())
}

fn say(log: &mut Log, text: &str) {
    let entry = Entry {
        seq: log.next_seq(),
        at: Timestamp::UNIX_EPOCH,
        author: Author::member(MemberId::MIN, Cow::Borrowed("ada")),
        body: Body::Text {
            id: None,
            text: text.into(),
        },
    };
    log.append(&Event::Entry(entry));
}

fn join(log: &mut Log) {
    log.append(&Event::Alive);
}

fn read(log: &mut Log, cursor: &mut Cursor) -> String {
    let mut slices = Vec::new();
    assert_eq!(log.read(cursor, FULL, &mut slices), None);
    slices
        .iter()
        .map(|slice| String::from_utf8_lossy(slice.bytes()).into_owned())
        .collect()
}

#[test]
fn every_reader_sees_the_same_order_from_its_own_place() {
    let mut log = new_log();
    let mut early = log.head();
    say(&mut log, "a");
    say(&mut log, "b");
    let mut late = log.head();
    assert_eq!(read(&mut log, &mut early), "ab");
    join(&mut log);
    say(&mut log, "c");
    assert_eq!(read(&mut log, &mut early), "+c");
    assert_eq!(read(&mut log, &mut late), "+c");
    assert_eq!(read(&mut log, &mut late), "");
    assert_eq!(log.next_seq(), 4);
}

#[test]
fn a_reader_may_stand_in_the_middle_of_a_block() {
    let mut log = new_log();
    say(&mut log, "aa");
    let mut middle = log.head();
    say(&mut log, "bb");
    let mut start = Cursor {
        position: 0,
        seq: 1,
    };
    assert_eq!(read(&mut log, &mut start), "aabb");
    assert_eq!(read(&mut log, &mut middle), "bb");
}

#[test]
fn what_was_taken_of_a_slice_tells_the_cursor() {
    let mut log = new_log();
    let mut cursor = log.head();
    say(&mut log, "aaa");
    join(&mut log);
    say(&mut log, "bbb");
    let mut slices = Vec::new();
    log.read(&mut cursor, FULL, &mut slices);
    let at = |position, seq| Cursor { position, seq };
    assert_eq!(slices[0].split(0), (at(0, 1), &b""[..]));
    assert_eq!(slices[0].split(1), (at(1, 2), &b"aa"[..]));
    assert_eq!(slices[0].split(3), (at(1, 2), &b""[..]));
    assert_eq!(slices[0].split(4), (at(2, 2), &b""[..]));
    assert_eq!(slices[0].split(5), (at(3, 3), &b"bb"[..]));
    assert_eq!(slices[0].split(7), (cursor, &b""[..]));
}

#[test]
fn the_log_keeps_to_its_bounds_and_says_what_a_reader_missed() {
    let mut log = Log::new(
        ENCODINGS,
        Retention {
            entries: 10,
            bytes: 1 << 20,
        },
    );
    let mut cursor = log.head();
    for n in 0..25 {
        say(&mut log, &n.to_string());
        log.seal();
    }
    assert_eq!(log.oldest_seq(), 16);
    let mut slices = Vec::new();
    let gap = log.read(&mut cursor, FULL, &mut slices);
    assert_eq!(gap, Some(Gap { from: 1, to: 15 }));
    assert!(slices.is_empty());
    assert_eq!(read(&mut log, &mut cursor), "15161718192021222324");

    let mut log = Log::new(
        ENCODINGS,
        Retention {
            entries: 1_000_000,
            bytes: 1 << 20,
        },
    );
    for _ in 0..5_000 {
        say(&mut log, &"x".repeat(1_000));
        assert!(log.weight <= (1 << 20) + BLOCK_BYTES);
    }
}

#[test]
fn past_messages_are_found_by_their_seq_without_what_lies_between() {
    let mut log = new_log();
    for n in 1..=9 {
        say(&mut log, &n.to_string());
        join(&mut log);
        if n % 4 == 0 {
            log.seal();
        }
    }
    let text = |(slices, next): (Vec<Slice>, u64)| {
        let bytes: Vec<u8> = slices
            .iter()
            .flat_map(|slice| slice.bytes().to_vec())
            .collect();
        (String::from_utf8(bytes).unwrap(), next)
    };
    assert_eq!(text(log.lasting(1, 10, 1_000)), ("123456789".into(), 10));
    assert_eq!(text(log.lasting(4, 7, 1_000)), ("456".into(), 7));
    assert_eq!(text(log.lasting(4, 99, 2)), ("45".into(), 6));
    assert_eq!(text(log.lasting(4, 99, 0)), ("4".into(), 5));
    assert_eq!(text(log.lasting(10, 99, 9)), (String::new(), 10));
}

#[test]
fn what_is_held_back_is_read_when_it_is_published() {
    let mut log = Log::starting_at(7, ENCODINGS, Retention::default());
    say(&mut log, "a");
    log.hold_back();
    let mut cursor = Cursor {
        position: 0,
        seq: 7,
    };
    assert_eq!(read(&mut log, &mut cursor), "a");
    assert_eq!(log.stage(), None);
    say(&mut log, "b");
    join(&mut log);
    assert_eq!(read(&mut log, &mut cursor), "");
    let first = log.stage().unwrap();
    assert_eq!(first, log.head());
    say(&mut log, "c");
    let mut newcomer = log.head();
    let second = log.stage().unwrap();
    log.publish(first);
    assert_eq!(log.readable(), first);
    assert_eq!(read(&mut log, &mut cursor), "b+");
    assert_eq!(log.lasting(1, 99, 99).1, 9);
    assert_eq!(read(&mut log, &mut newcomer), "");
    log.publish(second);
    assert_eq!(read(&mut log, &mut cursor), "c");
    assert_eq!((log.waiting(), log.readable()), (0, log.head()));
    say(&mut log, "d");
    let third = log.stage().unwrap();
    log.publish(third);
    assert_eq!(read(&mut log, &mut newcomer), "d");
    assert_eq!(log.next_seq(), 11);
}

#[test]
fn what_cannot_be_stored_is_read_by_nobody() {
    let mut log = new_log();
    log.hold_back();
    let mut early = log.head();
    say(&mut log, "a");
    log.stage();
    let mut late = log.head();
    say(&mut log, "b");
    log.drop_staged();
    join(&mut log);
    assert_eq!(read(&mut log, &mut early), "+");
    assert_eq!(read(&mut log, &mut late), "+");
    assert_eq!(log.waiting(), 0);
}

proptest! {
    /// A reader that takes its bytes in pieces gets all of them, once, in any mix of
    /// messages, joins, seals and reads of any size.
    #[test]
    fn any_reader_gets_every_byte_once(
        steps in proptest::collection::vec((0_u8..4, 1_usize..50), 1..200),
    ) {
        let mut log = new_log();
        let mut cursor = log.head();
        let (mut all, mut got) = (Vec::new(), Vec::new());
        for (step, size) in steps {
            match step {
                0 => {
                    let text = "m".repeat(size);
                    all.extend_from_slice(text.as_bytes());
                    say(&mut log, &text);
                }
                1 => {
                    all.push(b'+');
                    join(&mut log);
                }
                2 => log.seal(),
                _ => {
                    let mut slices = Vec::new();
                    let mut ahead = cursor;
                    log.read(&mut ahead, FULL, &mut slices);
                    if let Some(slice) = slices.first() {
                        let taken = size.min(slice.bytes().len());
                        let (next, rest) = slice.split(taken);
                        got.extend_from_slice(&slice.bytes()[..taken]);
                        got.extend_from_slice(rest);
                        cursor = next;
                    }
                }
            }
        }
        let mut slices = Vec::new();
        log.read(&mut cursor, FULL, &mut slices);
        for slice in &slices {
            got.extend_from_slice(slice.bytes());
        }
        prop_assert_eq!(cursor, log.head());
        prop_assert_eq!(got, all);
    }
}

#[test]
fn what_is_slipped_in_is_read_before_what_waits_and_by_everyone_once() {
    let mut log = new_log();
    log.hold_back();
    let mut reader = log.head();
    let slip = |log: &mut Log, text: &str| log.slip_in(&Event::Notice { code: "", text });
    assert!(slip(&mut log, "[0]"));
    assert_eq!(read(&mut log, &mut reader), "[0]");
    assert_eq!(reader, log.head());
    say(&mut log, "a");
    let staged = log.stage().unwrap();
    say(&mut log, "b");
    let newcomer = log.head();
    assert!(slip(&mut log, "[1]") && slip(&mut log, "[2]"));
    assert_eq!(read(&mut log, &mut reader), "[1][2]");
    assert_eq!(read(&mut log, &mut reader), "");
    log.publish(staged);
    assert!(slip(&mut log, "[3]"));
    assert_eq!(read(&mut log, &mut reader), "a[3]");
    assert_eq!(reader.seq(), 2);
    let staged = log.stage().unwrap();
    assert!(slip(&mut log, "[4]"));
    log.publish(staged);
    assert_eq!(read(&mut log, &mut reader), "[4]b");
    assert_eq!((reader, log.readable()), (newcomer, log.head()));
    // There is room for many, but not for an unlimited number.
    say(&mut log, "c");
    let mut slipped = 0;
    while slip(&mut log, ".") {
        slipped += 1;
    }
    assert_eq!(slipped, FREE);
    let staged = log.stage().unwrap();
    log.publish(staged);
    assert!(read(&mut log, &mut reader).starts_with("...."));
    while !read(&mut log, &mut reader).is_empty() {}
    assert_eq!(reader, log.head());
}

fn read_in(log: &mut Log, cursor: &mut Cursor, encoding: EncodingId) -> String {
    let mut slices = Vec::new();
    assert_eq!(log.read(cursor, encoding, &mut slices), None);
    let bytes: Vec<u8> = slices
        .iter()
        .flat_map(|slice| slice.bytes().to_vec())
        .collect();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn an_encoding_is_made_only_while_it_has_readers() {
    let mut log = new_log();
    let (mut start, mut full) = (log.head(), log.head());
    say(&mut log, "a");
    // In the middle of a block.
    log.add_reader(SHORT);
    let mut early = log.head();
    say(&mut log, "bb");
    log.add_reader(SHORT);
    join(&mut log);
    log.remove_reader(SHORT);
    say(&mut log, "ccc");
    log.remove_reader(SHORT);
    say(&mut log, "dddd");
    let one = log.open.bytes();
    assert_eq!(read_in(&mut log, &mut early, SHORT), "<2><3>");
    assert_eq!(read_in(&mut log, &mut start, SHORT), "<2><3>");
    assert_eq!(read(&mut log, &mut full), "abb+cccdddd");
    assert_eq!((early, start), (full, full));
    assert_eq!(one, "abb+cccdddd<2><3>".len());
    // Now it has none, and takes no memory.
    say(&mut log, "eeeee");
    assert_eq!(log.open.bytes(), 5);
    assert_eq!(read_in(&mut log, &mut early, SHORT), "");
    assert_eq!(read(&mut log, &mut full), "eeeee");
    assert_eq!(early, full);
    // That of the history is always made, and an unknown one is empty.
    log.remove_reader(FULL);
    log.add_reader(EncodingId::new(7));
    say(&mut log, "f");
    assert_eq!(read_in(&mut log, &mut early, EncodingId::new(7)), "");
    assert_eq!(read(&mut log, &mut full), "f");
    assert_eq!(log.lasting(1, 99, 99).1, 7);
}

#[test]
fn an_entry_takes_no_more_memory_than_its_bytes_and_16() {
    let mut log = new_log();
    log.add_reader(SHORT);
    for _ in 0..1_000 {
        say(&mut log, "a");
    }
    log.seal();
    let bytes = 1_000 * "a<1>".len();
    assert_eq!(log.weight, size_of::<Block>() + bytes + 16_000);
    assert!(size_of::<Block>() <= 80);
}

#[test]
fn what_was_taken_of_a_slice_tells_the_cursor_in_each_encoding() {
    let mut log = new_log();
    log.add_reader(SHORT);
    let mut cursor = log.head();
    join(&mut log);
    say(&mut log, "aaa");
    join(&mut log);
    say(&mut log, "bbb");
    let mut slices = Vec::new();
    log.read(&mut cursor, SHORT, &mut slices);
    let at = |position, seq| Cursor { position, seq };
    assert_eq!(slices[0].bytes(), b"<3><3>");
    assert_eq!(slices[0].split(0), (at(0, 1), &b""[..]));
    assert_eq!(slices[0].split(1), (at(2, 2), &b"3>"[..]));
    assert_eq!(slices[0].split(3), (at(2, 2), &b""[..]));
    assert_eq!(slices[0].split(5), (at(4, 3), &b">"[..]));
    let authors: Vec<_> = slices[0].entries().map(|(author, _)| author).collect();
    let ada = Some(MemberId::MIN);
    assert_eq!(authors, [None, ada, None, ada]);
}
