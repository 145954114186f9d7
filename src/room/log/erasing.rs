//! Tests that an erased text is in nothing that a log holds, whatever else happens to it.

use jiff::Timestamp;
use proptest::prelude::*;

use super::super::codec;
use super::super::entry::{Author, Body, MemberId};
use super::*;

const FULL: EncodingId = EncodingId::new(0);
const SHORT: EncodingId = EncodingId::new(5);

/// A line that can be read back; and the text of a message alone.
const ENCODINGS: Encodings = Encodings::new(FULL, codec::write, codec::read).with(SHORT, text);

fn text(event: &Event<'_>, out: &mut Vec<u8>) {
    if let Some(text) = event.entry().and_then(Entry::text) {
        out.extend_from_slice(text.as_bytes());
        out.push(b'\n');
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// A message with a text of this length.
    Say(usize),
    Notice,
    Seal,
    Stage,
    Publish,
    AddReader,
    RemoveReader,
    /// Takes this many bytes of what can be read, and then the rest of that entry.
    Read(usize),
    /// Erases the message so far back.
    Erase(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => (1_usize..60).prop_map(Step::Say),
        3 => Just(Step::Notice),
        2 => Just(Step::Seal),
        3 => Just(Step::Stage),
        3 => Just(Step::Publish),
        2 => Just(Step::AddReader),
        2 => Just(Step::RemoveReader),
        4 => (1_usize..200).prop_map(Step::Read),
        6 => (0_u64..12).prop_map(Step::Erase),
    ]
}

/// A log, and what must be in it.
struct Pair {
    log: Log,
    held_back: bool,
    /// The number of events so far: each has a line of its own.
    events: usize,
    /// Each event as it reads now, with the `seq` of an entry.
    lines: Vec<(Option<u64>, String)>,
    /// The `seq` and the text of each message that was not erased, and of each that was.
    texts: Vec<(u64, String)>,
    erased: Vec<(u64, String)>,
    staged: VecDeque<Cursor>,
    cursor: Cursor,
    /// The index of the next event for the reader; `None` after a gap.
    next: Option<usize>,
}

impl Pair {
    fn new(held_back: bool, entries: u64) -> Self {
        let retention = Retention {
            entries,
            bytes: 1 << 20,
        };
        let mut log = Log::new(ENCODINGS, retention);
        let cursor = log.head();
        if held_back {
            log.hold_back();
        }
        Self {
            log,
            held_back,
            events: 0,
            lines: Vec::new(),
            texts: Vec::new(),
            erased: Vec::new(),
            staged: VecDeque::new(),
            cursor,
            next: Some(0),
        }
    }

    fn append(&mut self, event: &Event<'_>) {
        let seq = event.entry().map(|entry| entry.seq);
        self.lines.push((seq, line(event)));
        self.log.append(event);
    }

    fn take(&mut self, step: Step) {
        self.events += 1;
        match step {
            Step::Say(length) => {
                let seq = self.log.next_seq();
                let text = format!("<{seq} {}>", "x".repeat(length));
                let entry = Entry {
                    seq,
                    at: Timestamp::UNIX_EPOCH,
                    author: Author::member(MemberId::MIN.saturating_add(seq % 3), "ada"),
                    body: Body::Text {
                        id: None,
                        text: text.clone().into(),
                    },
                };
                self.texts.push((seq, text));
                self.append(&Event::Entry(entry));
            }
            Step::Notice => {
                let text = self.events.to_string();
                self.append(&Event::Notice {
                    code: "",
                    text: &text,
                });
            }
            Step::Seal => self.log.seal(),
            Step::Stage if self.held_back => self.staged.extend(self.log.stage()),
            Step::Publish => {
                if let Some(end) = self.staged.pop_front() {
                    self.log.publish(end);
                }
            }
            Step::Stage => {}
            Step::AddReader => self.log.add_reader(SHORT),
            Step::RemoveReader => self.log.remove_reader(SHORT),
            Step::Read(taken) => self.read(taken),
            Step::Erase(back) => self.erase(back),
        }
    }

    fn erase(&mut self, back: u64) {
        let seq = self.log.next_seq().saturating_sub(back);
        // Looking at it seals the newest entries, which may push the oldest ones out.
        let entry = self.log.entry(seq);
        let held = self.log.oldest_seq()..self.log.readable_seq();
        assert_eq!(entry.is_some(), held.contains(&seq), "{seq} of {held:?}");
        let Some(entry) = entry else {
            return;
        };
        let entry = Entry {
            body: Body::Gone { id: None },
            ..entry
        };
        self.log.replace(&entry);
        let mut lines = self.lines.iter_mut();
        let line_of = lines.find(|(it, _)| *it == Some(seq)).unwrap();
        line_of.1 = line(&Event::Entry(entry));
        if let Some(index) = self.texts.iter().position(|(it, _)| *it == seq) {
            self.erased.push(self.texts.remove(index));
        }
    }

    fn read(&mut self, taken: usize) {
        let mut slices = Vec::new();
        let mut ahead = self.cursor;
        if self.log.read(&mut ahead, FULL, &mut slices).is_some() {
            (self.cursor, self.next) = (ahead, None);
            return;
        }
        let Some(slice) = slices.first() else {
            return;
        };
        let authors: Vec<_> = slice.entries().map(|(author, _)| author).collect();
        let taken = taken.min(slice.bytes().len());
        let (cursor, rest) = slice.split(taken);
        let got = String::from_utf8([&slice.bytes()[..taken], rest].concat()).unwrap();
        for (count, got) in got.split_inclusive('\n').enumerate() {
            let next = self.next.unwrap_or_else(|| {
                let mut lines = self.lines.iter();
                lines.position(|(_, line)| line == got).unwrap()
            });
            let (seq, line) = &self.lines[next];
            assert_eq!(got, line);
            let author = seq.and_then(|seq| MemberId::new(1 + seq % 3));
            assert_eq!(authors[count], author);
            self.next = Some(next + 1);
        }
        self.cursor = cursor;
    }

    fn check(&self) {
        let log = &self.log;
        let blocks = || log.blocks.iter().chain(&log.staged);
        let mut bytes: Vec<u8> = blocks().flat_map(|block| block.bytes.to_vec()).collect();
        bytes.extend(log.open.held());
        let bytes = String::from_utf8(bytes).unwrap();
        for (seq, text) in &self.erased {
            assert!(!bytes.contains(text), "{seq} is there");
        }
        let held = self
            .texts
            .iter()
            .filter(|(seq, _)| *seq >= log.oldest_seq());
        for (seq, text) in held {
            assert!(bytes.contains(text), "{seq} is not there");
        }
        let weight = |blocks: &VecDeque<Arc<Block>>| -> usize {
            blocks.iter().map(|block| block.weight()).sum()
        };
        assert_eq!(log.weight, weight(&log.blocks));
        assert_eq!(log.staged_weight, weight(&log.staged));
        // A reader of the other encoding sees what was made of it, and nothing erased.
        for block in blocks() {
            let slice = Slice::new(Arc::clone(block), 0..block.marks.len(), SHORT);
            let entries: Vec<u8> = slice.entries().flat_map(|(_, it)| it.to_vec()).collect();
            assert_eq!(entries, slice.bytes());
            let texts = String::from_utf8(entries).unwrap();
            for text in texts.lines() {
                assert!(self.texts.iter().any(|(_, it)| it == text), "{text}");
            }
        }
    }
}

fn line(event: &Event<'_>) -> String {
    let mut line = Vec::new();
    codec::write(event, &mut line);
    String::from_utf8(line).unwrap()
}

proptest! {
    #[test]
    fn an_erased_text_is_in_nothing_that_the_log_holds(
        steps in proptest::collection::vec(step(), 1..150),
        held_back: bool,
        entries in prop_oneof![Just(15_u64), Just(1_000)],
    ) {
        let mut pair = Pair::new(held_back, entries);
        for step in steps {
            pair.take(step);
            pair.check();
        }
        // In the end, the reader has everything.
        while let Some(end) = pair.log.stage() {
            pair.log.publish(end);
        }
        for _ in 0..=pair.lines.len() {
            pair.read(usize::MAX);
        }
        prop_assert_eq!(pair.cursor, pair.log.readable());
    }
}

#[test]
fn an_encoding_that_lacks_an_entry_lacks_it_after_the_erasure() {
    let mut log = Log::new(
        Encodings::new(FULL, codec::write, codec::read).with(SHORT, codec::write),
        Retention::default(),
    );
    let mut cursor = log.head();
    for seq in 1..=3 {
        if seq == 2 {
            log.add_reader(SHORT);
        }
        log.append(&Event::Entry(Entry {
            seq,
            at: Timestamp::UNIX_EPOCH,
            author: Author::member(MemberId::MIN, "ada"),
            body: Body::Text {
                id: None,
                text: "hi".into(),
            },
        }));
    }
    for seq in [1, 2] {
        let entry = log.entry(seq).unwrap();
        log.replace(&Entry {
            body: Body::Gone { id: None },
            ..entry
        });
    }
    let mut slices = Vec::new();
    log.read(&mut cursor, SHORT, &mut slices);
    let lines = "entry\t2\t0\t1\tada\tgone\t\t\nentry\t3\t0\t1\tada\ttext\t\thi\n";
    assert_eq!(String::from_utf8_lossy(slices[0].bytes()), lines);
}

#[test]
fn who_was_given_a_message_before_it_was_erased_finishes_with_it() {
    let mut pair = Pair::new(false, 1_000);
    pair.take(Step::Say(3));
    pair.take(Step::Say(3));
    let mut slices = Vec::new();
    let mut cursor = pair.cursor;
    pair.log.read(&mut cursor, FULL, &mut slices);
    let before = slices[0].bytes().to_vec();
    pair.take(Step::Erase(2));
    pair.check();
    assert_eq!(slices[0].bytes(), before);
    // And goes on after the entry of which it had taken a part.
    let (next, rest) = slices[0].split(5);
    assert!(rest.ends_with(b"<1 xxx>\n"));
    (pair.cursor, pair.next) = (next, Some(1));
    pair.read(usize::MAX);
    assert_eq!(pair.next, Some(2));
}
