//! The text door: for a person with `nc`, and for the original program.
//!
//! The first bytes of a peer tell which of them it is. With a line break among them it
//! speaks [lines](Framing::Lines). Without one it speaks [chunks](Framing::Chunks), as the
//! original program does: each `send` of that program carries one message.

pub mod telnet;

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::room::{Body, Event, Gap, PresenceBatch, SERVER_NAME, TEXT_LIMIT_BYTES, Why};

use super::lines::{Line, Lines};
use super::{native, sentences};

pub use super::sentences::not_said;

/// The command by which a peer of the text door leaves, and by which the server ends
/// the original program.
pub const QUIT: &str = "?{quit}";

/// The most bytes that the original program receives at once.
pub const CHUNK_BYTES: usize = 1_024;

/// How a peer of the text door delimits its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Each line is a message. The peer is not sent its own messages.
    Lines,
    /// Each chunk received is a message. The peer is sent its own messages, because it
    /// does not show them by itself.
    Chunks,
}

/// An action of a peer of the text door.
#[derive(Debug, PartialEq, Eq)]
pub enum Input<'a> {
    /// It sent a text; the first one is its name.
    Said(Cow<'a, str>),
    /// It sent a text that exceeds the memory for one.
    TooLong,
    /// It left; nothing follows.
    Quit,
}

/// Reads the bytes of a peer of the text door, chunk by chunk.
///
/// Holds no more than one unfinished line (up to the bytes of the longest text)
/// or character.
#[derive(Debug)]
pub struct Reader {
    framing: Option<Framing>,
    lines: Lines,
    /// The first bytes of an incomplete character.
    begun: Vec<u8>,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            framing: None,
            lines: Lines::new(TEXT_LIMIT_BYTES),
            begun: Vec::new(),
        }
    }
}

impl Reader {
    /// The number of bytes held of an unfinished message.
    #[must_use]
    pub const fn held_bytes(&self) -> usize {
        self.lines.held_bytes() + self.begun.capacity()
    }

    /// How the peer delimits its messages. Its first chunk decides; `chunk` may be the
    /// first.
    pub fn framing(&mut self, chunk: &[u8]) -> Framing {
        *self.framing.get_or_insert(if chunk.contains(&b'\n') {
            Framing::Lines
        } else {
            Framing::Chunks
        })
    }

    /// Assumes a peer that speaks lines, unless its first chunk has already decided: a
    /// person types into a telnet program, but each key may arrive separately.
    pub fn expect_lines(&mut self) {
        self.framing.get_or_insert(Framing::Lines);
    }

    /// Handles the next chunk, which is not empty, and passes the inputs that it
    /// completes to `give`, in order, up to an [`Input::Quit`].
    pub fn take(&mut self, chunk: &[u8], mut give: impl FnMut(Input<'_>)) {
        match self.framing(chunk) {
            Framing::Lines => self.take_lines(chunk, give),
            Framing::Chunks => {
                let mut bytes = std::mem::take(&mut self.begun);
                bytes.extend_from_slice(chunk);
                let whole = bytes.len() - begun_character(&bytes);
                self.begun = bytes.split_off(whole);
                if !bytes.is_empty() {
                    give_until_quit(&String::from_utf8_lossy(&bytes), &mut give);
                }
            }
        }
    }

    fn take_lines(&mut self, mut chunk: &[u8], mut give: impl FnMut(Input<'_>)) {
        while let Some(line) = self.lines.next(&mut chunk) {
            match line {
                Line::Whole(line) => {
                    if give_until_quit(&String::from_utf8_lossy(&line), &mut give) {
                        return;
                    }
                }
                Line::TooLong => give(Input::TooLong),
            }
        }
        // A program that speaks lines may still send the command without a line break.
        let begun = self.lines.begun();
        if begun.ends_with(QUIT.as_bytes()) {
            give_until_quit(&String::from_utf8_lossy(begun), &mut give);
        }
    }

    /// Passes on the last line, if the input did not end with a line break.
    pub fn finish(&mut self, mut give: impl FnMut(Input<'_>)) {
        if let Some(line) = self.lines.finish() {
            give_until_quit(&String::from_utf8_lossy(&line), &mut give);
        }
    }
}

/// The number of bytes at the end that begin an incomplete character: 0 to 3.
fn begun_character(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let byte = bytes[bytes.len() - back];
        let length = match byte {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            0x80..=0xbf => continue,
            _ => return 0,
        };
        return if length > back { back } else { 0 };
    }
    0
}

/// Passes on the text before the quit command, and the command itself, if `text` contains
/// it as a line or at its end. Returns whether it does.
fn give_until_quit(text: &str, give: &mut impl FnMut(Input<'_>)) -> bool {
    let mut start = 0;
    let mut quit = None;
    for line in text.split_inclusive('\n') {
        if line.trim() == QUIT {
            quit = Some(start);
            break;
        }
        start += line.len();
    }
    let quit = quit.or_else(|| text.trim_end().strip_suffix(QUIT).map(str::len));
    let said = &text[..quit.unwrap_or(text.len())];
    if !(quit.is_some() && said.trim().is_empty()) {
        give(Input::Said(said.into()));
    }
    if quit.is_some() {
        give(Input::Quit);
    }
    quit.is_some()
}

/// Appends an event of the room as lines.
pub fn encode(event: &Event<'_>, out: &mut Vec<u8>) {
    match event {
        Event::Entry(entry) => match &entry.body {
            Body::Text { text, .. } => write_lines(&entry.author.name, text, out),
            // The entry by which it was erased tells it.
            Body::Gone { .. } => {}
            Body::Erased { .. } => write_notice(&sentences::erased(None), out),
        },
        Event::Erased { sender, .. } => write_notice(&sentences::erased(Some(sender)), out),
        Event::Host { name, .. } => write_notice(&sentences::hosts(name), out),
        Event::Limits { every, .. } => write_notice(&sentences::slow(*every), out),
        Event::Joined { name, count, .. } => {
            write_notice(&format!("“{name}” joined. {}", here(*count)), out);
        }
        Event::Left {
            name,
            count,
            why: Why::Removed,
            ..
        } => {
            write_notice(
                &format!("{} {}", sentences::removed(name), here(*count)),
                out,
            );
        }
        Event::Left { name, count, .. } => {
            write_notice(&format!("“{name}” left. {}", here(*count)), out);
        }
        Event::Away { name, .. } => {
            write_notice(
                &format!("“{name}” lost the connection, and may come back."),
                out,
            );
        }
        Event::Back { name, .. } => write_notice(&format!("“{name}” is back."), out),
        Event::Notice { text, .. } => write_notice(text, out),
        Event::Alive => {}
        // The number of absent members is of no use to a person.
        Event::Presence(gathered) if gathered.joined.is_empty() && gathered.left.is_empty() => {}
        Event::Presence(gathered) => write_notice(&presence(gathered), out),
        Event::Closed(closing) => write_notice(&native::closed(*closing).text, out),
    }
}

/// Appends `text` with the name before each of its lines, so that nobody can write a line
/// that looks like another member's.
fn write_lines(name: &str, text: &str, out: &mut Vec<u8>) {
    for line in text.split('\n') {
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(line.as_bytes());
        out.push(b'\n');
    }
}

/// Appends a sentence of the server itself.
pub fn write_notice(text: &str, out: &mut Vec<u8>) {
    write_lines(SERVER_NAME, text, out);
}

/// The number of members in the room, in words.
#[must_use]
pub fn here(count: usize) -> String {
    match count {
        0 => "Nobody is here now.".to_owned(),
        1 => "1 person is here now.".to_owned(),
        _ => format!("{count} people are here now."),
    }
}

fn presence(gathered: &PresenceBatch) -> String {
    let mut text = String::new();
    for (names, more, what) in [
        (&gathered.joined, gathered.joined_more, "joined"),
        (&gathered.left, gathered.left_more, "left"),
    ] {
        if !names.is_empty() {
            let names = names.iter().map(|name| &**name);
            let _ = write!(text, "{} {what}. ", and_others(names, more));
        }
    }
    text + &here(gathered.count)
}

/// `“ada”, “bob” and 3 others`: in quotes, which no name contains, so that no name can
/// pass for a sentence of the server.
fn and_others<'a>(names: impl Iterator<Item = &'a str>, others: usize) -> String {
    let mut names: Vec<String> = names.map(|name| format!("“{name}”")).collect();
    match others {
        0 => {}
        1 => names.push("1 other".to_owned()),
        _ => names.push(format!("{others} others")),
    }
    match names.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// The most names that a welcome lists.
pub const WELCOME_NAMES: usize = 20;

/// The sentence that welcomes a newcomer. `others` are the names of at most
/// [`WELCOME_NAMES`] of the others among the `count` in the room.
#[must_use]
pub fn welcome<'a>(
    room: &str,
    name: &str,
    count: usize,
    others: impl Iterator<Item = &'a str>,
) -> String {
    let others: Vec<&str> = others.take(WELCOME_NAMES).collect();
    let who = if others.is_empty() {
        "You are the first.".to_owned()
    } else {
        let more = count.saturating_sub(1 + others.len());
        let verb = if others.len() + more == 1 {
            "is"
        } else {
            "are"
        };
        format!("{} {verb} here.", and_others(others.into_iter(), more))
    };
    format!("Welcome to “{room}”, “{name}”. {who} To leave, send {QUIT}")
}

/// The sentence for a peer that fell behind and missed messages. `None` if it missed
/// joins and leaves only.
#[must_use]
pub fn missed(gap: Gap) -> Option<String> {
    match gap.to.saturating_add(1).saturating_sub(gap.from) {
        0 => None,
        1 => Some("You fell behind and missed 1 message.".to_owned()),
        count => Some(format!("You fell behind and missed {count} messages.")),
    }
}

/// The first piece of `text` that fits into [`CHUNK_BYTES`], cut between characters.
#[must_use]
pub fn first_chunk(text: &[u8]) -> &[u8] {
    if text.len() <= CHUNK_BYTES {
        return text;
    }
    let mut end = CHUNK_BYTES;
    // A continuation byte does not begin a character.
    while end > CHUNK_BYTES - 4 && text[end] & 0xc0 == 0x80 {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::room::{Author, Entry, MemberId, RateLimit};

    /// The inputs in `chunks`: texts, `<too long>` and `<quit>`.
    fn read(chunks: &[&[u8]]) -> Vec<String> {
        let mut reader = Reader::default();
        let mut found = Vec::new();
        for chunk in chunks {
            reader.take(chunk, |input| {
                found.push(match input {
                    Input::Said(text) => text.into_owned(),
                    Input::TooLong => "<too long>".to_owned(),
                    Input::Quit => "<quit>".to_owned(),
                });
            });
        }
        found
    }

    #[test]
    fn a_person_is_not_told_how_many_of_a_big_room_are_away() {
        let mut gathered = PresenceBatch {
            count: 140,
            away: 3,
            ..PresenceBatch::default()
        };
        let mut out = Vec::new();
        encode(&Event::Presence(&gathered), &mut out);
        assert!(out.is_empty());
        gathered.joined.push("ada".into());
        encode(&Event::Presence(&gathered), &mut out);
        let text = "SERVER: “ada” joined. 140 people are here now.\n";
        assert_eq!(String::from_utf8(out).unwrap(), text);
    }

    #[test]
    fn moderation_is_told_in_words_and_an_erased_text_is_not_there() {
        let told = |event: &Event<'_>| {
            let mut out = Vec::new();
            encode(event, &mut out);
            String::from_utf8(out).unwrap()
        };
        let entry = |body| Entry {
            seq: 2,
            at: jiff::Timestamp::UNIX_EPOCH,
            author: Author::member(MemberId::MIN, "ada"),
            body,
        };
        let removed = Event::Left {
            id: MemberId::MIN,
            name: "kim",
            why: Why::Removed,
            count: 2,
        };
        let text = "SERVER: “kim” was removed. 2 people are here now.\n";
        assert_eq!(told(&removed), text);
        let erased = Event::Erased {
            entry: entry(Body::Erased { of: 1 }),
            sender: "ben",
        };
        assert_eq!(told(&erased), "SERVER: A message of “ben” was erased.\n");
        let host = Event::Host {
            id: MemberId::MIN,
            name: "kim",
            from: None,
        };
        assert_eq!(told(&host), "SERVER: “kim” hosts the room now.\n");
        let slow = |seconds| {
            told(&Event::Limits {
                rate_limit: RateLimit::default(),
                every: Duration::from_secs(seconds),
            })
        };
        let text = "SERVER: Slow mode: each of you can send one message every 10 seconds.\n";
        assert_eq!(slow(10), text);
        assert_eq!(slow(0), "SERVER: Slow mode is off.\n");
        let gone = Event::Entry(entry(Body::Gone { id: None }));
        assert_eq!(told(&gone), "");
    }

    #[test]
    fn a_first_line_break_makes_lines() {
        assert_eq!(
            read(&[b"ada\nhel", b"lo\r\nyou\n"]),
            ["ada", "hello", "you"]
        );
    }

    #[test]
    fn without_one_each_chunk_is_a_message() {
        assert_eq!(
            read(&[b"ada", b"hello", b"two\nlines\n"]),
            ["ada", "hello", "two\nlines\n"]
        );
    }

    #[test]
    fn a_character_split_across_chunks_is_put_together() {
        assert_eq!(
            read(&[b"ada", b"caf\xc3", b"\xa9", b"\xf0\x9f", b"\x98\x80!"]),
            ["ada", "caf", "é", "😀!"]
        );
        // Bytes that belong to no character are replaced, and delay nothing.
        assert_eq!(
            read(&[b"ada", b"a\xff", b"b\x80\x80\x80\x80"]),
            ["ada", "a\u{fffd}", "b\u{fffd}\u{fffd}\u{fffd}\u{fffd}"]
        );
    }

    #[test]
    fn the_quit_command_is_found_in_its_three_places_and_never_given() {
        // Alone.
        assert_eq!(read(&[b"ada", b"?{quit}"]), ["ada", "<quit>"]);
        assert_eq!(read(&[b"ada", b"?{quit}\n"]), ["ada", "<quit>"]);
        // At the end of a chunk.
        assert_eq!(read(&[b"ada", b"hello?{quit}"]), ["ada", "hello", "<quit>"]);
        assert_eq!(read(&[b"ada\nhi", b"?{quit}"]), ["ada", "hi", "<quit>"]);
        assert_eq!(read(&[b"ada\nbye ?{quit}\n"]), ["ada", "bye ", "<quit>"]);
        // As a line.
        assert_eq!(read(&[b"ada\n?{quit}\nmore\n"]), ["ada", "<quit>"]);
        assert_eq!(
            read(&[b"ada", b"hi\n?{quit}\nmore"]),
            ["ada", "hi\n", "<quit>"]
        );
        // Elsewhere it is a text like any other.
        assert_eq!(
            read(&[b"ada\nsay ?{quit} to leave\n"]),
            ["ada", "say ?{quit} to leave"]
        );
    }

    #[test]
    fn an_endless_line_is_told_once_and_not_held() {
        let mut reader = Reader::default();
        let mut told = 0;
        reader.take(b"ada\n", |_| {});
        for _ in 0..1_000 {
            reader.take(&[b'x'; 4_096], |input| {
                assert_eq!(input, Input::TooLong);
                told += 1;
            });
            assert!(reader.lines.begun().len() <= TEXT_LIMIT_BYTES + 1);
        }
        assert_eq!(told, 1);
    }

    #[test]
    fn nobody_can_forge_a_line() {
        let mut out = Vec::new();
        write_lines("eve", "hi\nSERVER: the room is closed", &mut out);
        assert_eq!(out, b"eve: hi\neve: SERVER: the room is closed\n");
    }

    #[test]
    fn a_welcome_is_a_sentence() {
        let welcome = |count, others: &[&str]| welcome("R", "ada", count, others.iter().copied());
        assert_eq!(
            welcome(1, &[]),
            "Welcome to “R”, “ada”. You are the first. To leave, send ?{quit}"
        );
        assert!(welcome(2, &["bob"]).contains(". “bob” is here."));
        assert!(welcome(3, &["bob", "eve"]).contains(". “bob” and “eve” are here."));
        assert!(welcome(9, &["bob", "eve"]).contains(". “bob”, “eve” and 6 others are here."));
    }

    #[test]
    fn a_gathering_is_a_sentence() {
        let gathered = PresenceBatch {
            count: 1204,
            joined: vec!["eve".into(), "kim".into()],
            joined_more: 81,
            left: vec!["bob".into()],
            left_more: 0,
            away: 0,
        };
        assert_eq!(
            presence(&gathered),
            "“eve”, “kim” and 81 others joined. “bob” left. 1204 people are here now."
        );
    }

    proptest! {
        #[test]
        fn any_split_of_lines_gives_the_same(
            text in "[ab\n\r?{}quité😀]{0,60}",
            cuts in proptest::collection::vec(0_usize..200, 0..10),
        ) {
            // The first chunk decides the framing; a quit command may stand at the end of
            // any chunk, so splits before its end see it, later ones do not.
            let bytes = text.replace("?{quit}", "").into_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut < bytes.len()).collect();
            cuts.sort_unstable();
            let mut pieces: Vec<&[u8]> = vec![b"ada\n"];
            let mut start = 0;
            for cut in cuts.into_iter().chain([bytes.len()]) {
                pieces.push(&bytes[start..cut]);
                start = cut;
            }
            prop_assert_eq!(read(&pieces), read(&[b"ada\n", &bytes]));
        }

        #[test]
        fn no_chunk_is_lost_in_any_split_of_its_characters(
            text in "[a-zé😀]{1,40}",
            cuts in proptest::collection::vec(0_usize..160, 0..10),
        ) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut < bytes.len()).collect();
            cuts.sort_unstable();
            let mut pieces: Vec<&[u8]> = vec![b"ada"];
            let mut start = 0;
            for cut in cuts.into_iter().chain([bytes.len()]) {
                pieces.push(&bytes[start..cut]);
                start = cut;
            }
            prop_assert_eq!(read(&pieces)[1..].concat(), text);
        }

        #[test]
        fn no_bytes_panic(chunks in proptest::collection::vec(
            proptest::collection::vec(any::<u8>(), 0..50), 0..20)) {
            let chunks: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
            let _ = read(&chunks);
        }

        #[test]
        fn chunks_for_the_original_are_small_and_whole_characters(text in ".{0,3000}") {
            let mut rest = text.as_bytes();
            while !rest.is_empty() {
                let chunk = first_chunk(rest);
                prop_assert!(!chunk.is_empty() && chunk.len() <= CHUNK_BYTES);
                prop_assert!(std::str::from_utf8(chunk).is_ok());
                rest = &rest[chunk.len()..];
            }
        }
    }
}
