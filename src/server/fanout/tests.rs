//! Tests of the fan-out.

use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Instant;

use jiff::Timestamp;

use tokio::net::TcpStream;

use super::super::hub::Hub;
use super::super::link::Link;
use super::super::settings::Settings;
use super::fan_out::{FanOut, Turn};
use super::slot::FollowerSlot;
use crate::protocol::NATIVE;
use crate::room::{Draft, Enter, Say, WantedName};

/// Both ends of a connection.
async fn connected() -> (Link, TcpStream) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap());
    let (ours, theirs) = tokio::join!(listener.accept(), peer);
    (Link::new(ours.unwrap().0), theirs.unwrap())
}

#[tokio::test]
async fn who_is_far_behind_is_written_to_until_it_is_not() {
    let mut settings = Settings::default();
    settings.rules.rate_limit.per_second = 0;
    let hub = Hub::in_memory(settings);
    let enter = || {
        hub.room().apply(Enter {
            wanted: WantedName::of("ada"),
            encoding: NATIVE,
            host: false,
            token: None,
        })
    };
    let (behind, speaker) = (enter().unwrap(), enter().unwrap());
    let mut read = speaker.cursor;
    let hi = Draft::new(None, "hi");
    for _ in 0..200 {
        let mut room = hub.room();
        room.apply(Say {
            lease: speaker.lease,
            draft: hi.clone(),
            at: Timestamp::now(),
            time: hub.time(Instant::now()),
        })
        .unwrap();
        // A sender reads its own echo.
        room.read(&mut read, NATIVE, &mut Vec::new());
    }
    let fan_out = Arc::new(FanOut::default());
    let context = Context::from_waker(Waker::noop());
    let (one, _one) = connected().await;
    let (two, _two) = connected().await;
    for link in [&one, &two] {
        link.socket().writable().await.unwrap();
    }
    let slots = [&one, &two].map(|link| FollowerSlot::new(&fan_out, link));
    let from = [(behind.cursor, behind.lease), (read, speaker.lease)];
    for (slot, from) in slots.iter().zip(from) {
        assert!(slot.poll_wait(Some(from), None, &context).is_pending());
    }
    // From now on nothing is new: the fan-out continues by itself.
    while matches!(fan_out.write(&hub, 0), Turn::Done { again: true }) {}
    for slot in &slots {
        let cursor = slot.take_back().unwrap().cursor;
        assert!(!hub.room().is_behind(cursor), "{cursor:?}");
    }
}
