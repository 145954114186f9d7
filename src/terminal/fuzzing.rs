//! The output to a terminal and to the journal, for the [fuzz targets](crate::fuzzing).

use std::net::SocketAddr;

use crate::client;
use crate::harmless::{assert_harmless_bytes, assert_harmless_line};
use crate::protocol::sniff::Protocol;
use crate::room::{Why, name_or_default};
use crate::server::{Event, Refusal};

use super::listen::write_event;
use super::log_entry::LogEntry;
use super::wrap::wrap;

/// The text that the listener prints for an event on a terminal of this width.
pub(crate) fn printed(event: &client::Event, columns: usize) -> String {
    let mut lines = Vec::new();
    write_event(event, &mut lines);
    assert_harmless_bytes(&lines);
    wrap(&String::from_utf8_lossy(&lines), columns)
}

/// Events with any wanted name and any address, as the server's log reports them. No part
/// of them makes a second line, acts on a terminal or makes a field of its own.
pub(crate) fn journal(data: &[u8]) {
    let (head, rest) = data.split_at(data.len().min(19));
    let mut bytes = [0; 19];
    bytes[..head.len()].copy_from_slice(head);
    let [first, high, low, ip @ ..] = bytes;
    let ip = <[u8; 16]>::try_from(&ip[..]).unwrap_or_default();
    let port = u16::from_be_bytes([high, low]);
    let address: SocketAddr = if first & 1 == 0 {
        (ip, port).into()
    } else {
        ([ip[0], ip[1], ip[2], ip[3]], port).into()
    };
    let words = String::from_utf8_lossy(rest);
    let name = || name_or_default(&words).into();
    let count = usize::from(first);
    let protocol = Protocol::Native;
    for event in [
        Event::Joined {
            name: name(),
            address,
            protocol,
            count,
        },
        Event::Left {
            name: name(),
            address,
            protocol: Protocol::Text,
            why: Why::Lost,
            count,
        },
        Event::Away {
            name: name(),
            address,
            protocol,
        },
        Event::Back {
            name: name(),
            address,
            protocol,
        },
        Event::FellBehind {
            name: name(),
            address,
            protocol,
            missed: u64::from(port),
        },
        Event::Refused {
            address,
            why: Refusal::TooManyConnections,
        },
    ] {
        check(&LogEntry::from(&event));
    }
    // Text from the system, with a path in it that can have any name.
    for event in [
        Event::Unread(words.to_string()),
        Event::Stalled(words.to_string()),
    ] {
        check(&LogEntry::from(&event));
    }
    check(&LogEntry::failed(&words));
    check(&LogEntry::unchanged(&words));
}

fn check(entry: &LogEntry) {
    let line = entry.line(false);
    let line = line.strip_suffix('\n').expect("a whole line");
    assert_harmless_line(line);
    let record = entry.to_journal();
    let fields = std::str::from_utf8(record.bytes()).expect("UTF-8");
    for field in fields.strip_suffix('\n').expect("whole lines").split('\n') {
        let (name, value) = field.split_once('=').expect("a field");
        let is_fit = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
        assert!(!name.is_empty() && name.bytes().all(is_fit), "{name:?}");
        assert_harmless_line(value);
    }
}
