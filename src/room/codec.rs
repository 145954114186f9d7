//! An encoding for tests: a line for each event, which can be read back.

use std::borrow::Cow;

use jiff::Timestamp;

use super::{Author, Body, Entry, Event, MemberId};

/// Appends an event as a line.
pub(super) fn write(event: &Event<'_>, out: &mut Vec<u8>) {
    let line = match event.entry() {
        Some(entry) => {
            let author = entry.author.id.map_or(0, MemberId::get);
            let body = match &entry.body {
                Body::Text { id, text } => format!("text\t{}\t{text}", id.as_deref().unwrap_or("")),
                Body::Gone { id } => format!("gone\t{}\t", id.as_deref().unwrap_or("")),
                Body::Erased { of } => format!("erased\t{of}\t"),
            };
            let (seq, at, name) = (entry.seq, entry.at.as_second(), &entry.author.name);
            format!("entry\t{seq}\t{at}\t{author}\t{name}\t{body}\n")
        }
        None => format!("{event:?}\n"),
    };
    out.extend_from_slice(line.as_bytes());
}

/// Reads an entry back from its line.
pub(super) fn read(line: &[u8]) -> Option<Entry<'_>> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    let fields: Vec<&str> = line.split('\t').collect();
    let ["entry", seq, at, author, name, kind, id, text] = fields[..] else {
        return None;
    };
    let borrowed = |text| Some(Cow::Borrowed(text)).filter(|text: &Cow<'_, str>| !text.is_empty());
    Some(Entry {
        seq: seq.parse().ok()?,
        at: Timestamp::from_second(at.parse().ok()?).ok()?,
        author: Author {
            id: MemberId::new(author.parse().ok()?),
            name: Cow::Borrowed(name),
        },
        body: match kind {
            "text" => Body::Text {
                id: borrowed(id),
                text: Cow::Borrowed(text),
            },
            "gone" => Body::Gone { id: borrowed(id) },
            _ => Body::Erased {
                of: id.parse().ok()?,
            },
        },
    })
}
