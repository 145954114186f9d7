//! Files that others may have changed or that are damaged.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use jiff::Timestamp;

use crate::cli::parse;
use crate::harmless::assert_harmless_line;
use crate::room::{
    Author, Ban, Body, Entry, Keys, MemberId, Network, Record, RoomKey, Time, TokenHash,
};
use crate::server::Settings;
use crate::store::{Keep, Reading, Recent, Store};

#[cfg(not(feature = "gui"))]
use self::rooms::{LIMIT, ROOMS, Rooms};
#[cfg(feature = "gui")]
use crate::app::saved_state::rooms::{LIMIT, ROOMS, Rooms};

// The app's module, included here so that it works without GTK.
#[cfg(not(feature = "gui"))]
#[path = "../app/saved_state/rooms.rs"]
mod rooms;

/// A configuration file. It is accepted, or rejected with one harmless line.
pub(super) fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match parse(text, Path::new("chatroom.toml")) {
        Ok(options) => {
            let settings = Settings::from(&options);
            assert!(!settings.name_timeout.is_zero());
        }
        Err(error) => assert_harmless_line(&error.to_string()),
    }
}

/// The app's saved state. A damaged file counts as none. The file that the app writes
/// after it is bounded, and reads back the same.
pub(super) fn saved_state(data: &[u8]) {
    let mut rooms = Rooms::read(data);
    for now in [0, 1_790_000_000, i64::MAX] {
        rooms.give_up_old(now);
    }
    rooms.set_draft("localhost:53000", "a draft");
    rooms.set_invitation("localhost:53000", "chatroom://localhost:53000");
    let mut before = Rooms::read(data);
    let places: Vec<String> = before.stays().map(|(place, _)| place.to_owned()).collect();
    for place in places {
        before.give_up(&place);
        assert_eq!(before.stay(&place), None);
    }
    rooms.put_before(before);
    let written = rooms.write();
    assert!(written.len() <= LIMIT);
    let again = Rooms::read(&written);
    assert_eq!(again.draft("localhost:53000"), "a draft");
    assert!(again.stays().count() <= ROOMS);
    assert_eq!(again.write(), written);
}

/// A store's file with other bytes in it: each four bytes of the input are a position and
/// a new byte. If the input begins like a store, it is the whole file. Opening it fails,
/// or what it returns is in order; and messages that are written then can be read back.
pub(super) fn store(data: &[u8]) {
    static WHOLE: OnceLock<Vec<u8>> = OnceLock::new();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("room.db");
    if data.starts_with(b"SQLite format 3\0") {
        fs::write(&path, data).expect("written");
    } else {
        let mut bytes = WHOLE.get_or_init(a_store).clone();
        for change in data.chunks_exact(4) {
            let place = u32::from_be_bytes([0, change[0], change[1], change[2]]);
            let place = usize::try_from(place).unwrap_or(0) % bytes.len();
            bytes[place] = change[3];
        }
        fs::write(&path, bytes).expect("written");
    }
    let recent = Recent {
        entries: 50,
        bytes: 1 << 20,
    };
    let keep = Keep {
        messages: Some(200),
        ..Keep::default()
    };
    let Ok((mut store, past)) = Store::open(&path, keep, recent, reading()) else {
        return;
    };
    assert_in_order(&past.entries);
    let end = past.entries.last().map_or(past.next_seq, |it| it.seq + 1);
    assert_eq!(end, past.next_seq);
    if let Ok(mut reader) = store.reader()
        && let Ok(read) = reader.entries(0, u64::MAX, 500, 1 << 20)
    {
        assert_in_order(&read);
        assert!(read.len() <= 500);
    }
    // After the largest `seq` there is no next one to write.
    if past.next_seq < u64::MAX / 4 && store.write(&[said(past.next_seq, 1)]).is_ok() {
        let newest = store.reader().and_then(|mut reader| {
            let end = past.next_seq.saturating_add(1);
            reader.entries(past.next_seq, end, 1, 1 << 20)
        });
        if let Ok(newest) = newest {
            assert_eq!(newest.len(), 1, "what was written is there");
        }
    }
    let _ = store.close();
}

fn assert_in_order(messages: &[Entry<'_>]) {
    for pair in messages.windows(2) {
        assert_eq!(pair[1].seq, pair[0].seq + 1);
    }
}

/// The bytes of a store of some pages: two sessions, 150 messages.
fn a_store() -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("room.db");
    let recent = Recent {
        entries: 1,
        bytes: 1,
    };
    let (mut store, past) =
        Store::open(&path, Keep::default(), recent, reading()).expect("a store");
    let mut records: Vec<Record> = (1..=2).map(entered).collect();
    records.extend((0..150).map(|count| said(past.next_seq + count, 1 + count % 2)));
    records.extend(moderation(past.next_seq + 150));
    store.write(&records).expect("written");
    store.close().expect("closed");
    fs::read(path).expect("read")
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).expect("a time")
}

/// The clocks of the computer.
fn reading() -> Reading {
    Reading {
        clock: at(0),
        running: Duration::from_secs(100),
    }
}

fn member(id: u64) -> MemberId {
    MemberId::new(id).expect("not 0")
}

fn entered(id: u64) -> Record {
    Record::Entered {
        id: member(id),
        name: format!("member {id}").into(),
        host: id == 1,
        token: Some(TokenHash([u8::try_from(id).unwrap_or(0); 32])),
    }
}

/// What hosts do, with an erasure as the entry `seq`.
fn moderation(seq: u64) -> Vec<Record> {
    let bans = (0..5).map(|last| {
        Record::Banned(Ban {
            network: Some(Network::new([10, 0, 0, last].into(), 32)),
            token: Some(TokenHash([last; 32])),
            name: Some("kim".into()),
            until: (Time::BEGINNING, at(1_000_000)),
        })
    });
    let others = [
        Record::Entry(Entry {
            seq,
            at: at(1),
            author: Author::administrator(),
            body: Body::Erased { of: 1 },
        }),
        Record::Muted {
            id: member(2),
            until: Some(at(1_000_000)),
        },
        Record::Keys(Keys {
            key: Some(RoomKey::from_random([7; 10])),
            host_key: Some(RoomKey::from_random([8; 10])),
        }),
    ];
    bans.chain(others).collect()
}

fn said(seq: u64, from: u64) -> Record {
    Record::Entry(Entry {
        seq,
        at: at(i64::try_from(seq % 100_000).unwrap_or(0)),
        author: Author::member(member(from), format!("member {from}")),
        body: Body::Text {
            id: Some(seq.to_string().into()),
            text: format!("text {seq}").into(),
        },
    })
}
