//! The bytes that go over a connection.

use serde::Serialize;

use crate::harmless::{assert_harmless, assert_harmless_line};
use crate::protocol::address::Address;
use crate::protocol::lines::{Line, Lines};
use crate::protocol::native::frame::{Reply, read_reply, read_request, write_frame};
use crate::protocol::sniff::{Protocol, Sniffed, Unserved};
use crate::protocol::text::{CHUNK_BYTES, Input, Reader, first_chunk};
use crate::room::{LINES_LIMIT, TEXT_LIMIT, clean_text, fits};

use super::pieces;

/// Lines as frames of either side. A frame that was read and written again reads the
/// same.
pub(super) fn frames(data: &[u8]) {
    fn written(frame: &impl Serialize) -> Vec<u8> {
        let mut line = Vec::new();
        write_frame(frame, &mut line);
        assert_eq!(line.pop(), Some(b'\n'), "a frame is one line");
        assert!(!line.contains(&b'\n'), "a frame is one line");
        line
    }
    for line in data.split(|byte| *byte == b'\n') {
        match read_request(line) {
            Ok(Some(request)) => {
                let once = written(&request);
                let again = read_request(&once).expect("what was written can be read");
                let again = again.expect("what was written is a frame");
                assert_eq!(written(&again), once);
            }
            Ok(None) => {}
            Err(error) => assert!(!error.to_string().is_empty()),
        }
        match read_reply(line) {
            // It is never written.
            Ok(Some(Reply::Unknown { seq })) => assert!(seq > 0),
            Ok(Some(reply)) => {
                let once = written(&reply);
                let again = read_reply(&once).expect("what was written can be read");
                let again = again.expect("what was written is a frame");
                assert_eq!(written(&again), once);
            }
            Ok(None) => {}
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

/// Lines as addresses and links. An accepted address is harmless when printed, and reads
/// the same from its text and from its link.
pub(super) fn address(data: &[u8]) {
    for written in String::from_utf8_lossy(data).split('\n') {
        let address: Address = match written.parse() {
            Ok(address) => address,
            Err(error) => {
                assert_harmless_line(&error.to_string());
                continue;
            }
        };
        assert_ne!(address.port, 0);
        assert!(!address.host.is_empty());
        let shown = address.to_string();
        assert_harmless_line(&shown);
        assert!(!shown.contains(char::is_whitespace), "{shown:?}");
        let again: Address = shown.parse().expect("what is shown can be typed");
        assert_eq!((&again.host, again.port), (&address.host, address.port));
        let link: Address = address.to_link().parse().expect("a link can be followed");
        assert_eq!(link, address);
    }
}

/// The first bytes of a connection. Once some bytes have selected the protocol, more bytes
/// do not change it. Only a text connection may still become a foreign one, by bytes that
/// nobody can type, and the log's name for a foreign program may become more exact.
pub(super) fn door(data: &[u8]) {
    let data = &data[..data.len().min(256)];
    let mut told = None;
    for end in 0..=data.len() {
        let sniffed = Sniffed::of(&data[..end]);
        let is_foreign = |it| matches!(it, Sniffed::Unserved(Unserved::Foreign(_)));
        let stays = told.is_none_or(|before| {
            let is_text = before == Sniffed::Served(Protocol::Text);
            sniffed == Some(before)
                || (is_text || is_foreign(before)) && sniffed.is_some_and(is_foreign)
        });
        assert!(stays, "{told:?}, {sniffed:?} after {end} bytes of {data:?}");
        told = sniffed;
    }
    if let Some(Sniffed::Unserved(unserved)) = told {
        assert!(unserved.answer(data).len() < 1_024);
    }
}

/// Bytes as lines. The way they are cut into pieces changes nothing, and the reader holds
/// at most one line.
pub(super) fn lines(data: &[u8]) {
    const LIMIT: usize = 24;
    fn read<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> Vec<Option<Vec<u8>>> {
        let (mut lines, mut found) = (Lines::new(LIMIT), Vec::new());
        for mut chunk in chunks {
            while let Some(line) = lines.next(&mut chunk) {
                found.push(match line {
                    Line::Whole(line) => {
                        assert!(line.len() <= LIMIT && !line.contains(&b'\n'));
                        Some(line.into_owned())
                    }
                    Line::TooLong => None,
                });
            }
            assert!(lines.begun().len() <= LIMIT + 1);
        }
        found.extend(lines.finish().map(Some));
        found
    }
    let whole = read(std::iter::once(data).filter(|data| !data.is_empty()));
    assert_eq!(read(pieces(data, data.len())), whole);
}

/// The bytes of a peer at the text door; the first byte selects how they are cut into
/// chunks. The texts from them are harmless after cleaning, and the server sends them in
/// small pieces.
pub(super) fn text(data: &[u8]) {
    let (seed, data) = data.split_first().unwrap_or((&0, &[]));
    let mut reader = Reader::default();
    let mut over = false;
    for chunk in pieces(data, usize::from(*seed)) {
        reader.take(chunk, |input| {
            assert!(!over, "nothing follows the end");
            match input {
                Input::Said(said) => check_text(&said),
                Input::TooLong => {}
                Input::Quit => over = true,
            }
        });
        if over {
            return;
        }
    }
    reader.finish(|input| {
        if let Input::Said(said) = input {
            check_text(&said);
        }
    });
    check_text(&String::from_utf8_lossy(data));
}

fn check_text(said: &str) {
    let text = clean_text(said);
    assert_harmless(&text);
    assert_eq!(clean_text(&text), text, "a clean text stays as it is");
    if fits(&text) {
        assert!(text.chars().count() <= TEXT_LIMIT);
        assert!(text.lines().count() <= LINES_LIMIT);
    }
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        let chunk = first_chunk(rest);
        assert!(!chunk.is_empty() && chunk.len() <= CHUNK_BYTES);
        assert!(std::str::from_utf8(chunk).is_ok(), "cut between characters");
        rest = &rest[chunk.len()..];
    }
    let mut lines = Vec::new();
    crate::protocol::text::write_notice(&text, &mut lines);
    for line in String::from_utf8_lossy(&lines).lines() {
        assert!(line.starts_with("SERVER: "), "nobody forges a line");
        assert_harmless_line(&line.replace('\t', " "));
    }
}
