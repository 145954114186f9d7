//! Tests of waiting for the store.

use std::future::Future as _;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use jiff::Timestamp;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::yield_now;

use super::super::super::connection::{Service, Talk};
use super::super::super::pool::Service as _;
use super::super::super::session::Found;
use super::super::super::settings::Settings;
use super::super::super::surroundings::Surroundings;
use super::super::super::testing::host;
use super::super::super::wakers::Wakers;
use super::super::commands::{Arrival, Wish};
use super::super::core::random_seed;
use super::super::guest::Guest;
use super::*;
use crate::protocol::NATIVE;
use crate::protocol::sniff::Protocol;
use crate::room::{Closing, Coming, Draft, Enter, Lease, SMALL_ROOM, Say, TokenHash, WantedName};

/// The hub state of a server with a store. Nothing is stored automatically.
fn durable(directory: &Path) -> (Arc<Hub>, Writer) {
    let mut settings = Settings::default();
    settings.rules.rate_limit.per_second = 0;
    let path = directory.join("room.db");
    let opened = OpenedStore::open(&path, settings.keep, &settings.rules).unwrap();
    let (foundation, writer) = opened.split(settings.rules, random_seed().unwrap());
    let unknown = Surroundings::unknown();
    let hub = Hub::new(settings, unknown, foundation, Wakers::new(1)).unwrap();
    (hub, writer)
}

/// A connection that has not joined yet.
fn guest(hub: &Arc<Hub>) -> Guest {
    let address = ([127, 0, 0, 1], 1).into();
    Guest::arriving(hub, address, Instant::now()).unwrap()
}

/// Asks to join as `ada`, or to resume.
fn come(guest: &mut Guest, protocol: Protocol, resume: Option<TokenHash>) -> Arrival {
    let wish = Wish {
        name: "ada".into(),
        protocol,
        is_encrypted: false,
        proven: None,
        host: false,
        resume,
        opened: Instant::now(),
        members: 1,
    };
    match guest.come(&wish, Instant::now()) {
        Poll::Ready(arrival) => arrival.unwrap(),
        Poll::Pending => panic!("the outcome comes at once"),
    }
}

/// Adds a member of the text protocol.
fn enter(guest: &mut Guest) -> Lease {
    come(guest, Protocol::Text, None).entered.lease
}

fn say(hub: &Hub, lease: Lease, text: &str) {
    let command = Say {
        lease,
        draft: Draft::new(None, text),
        at: Timestamp::now(),
        time: hub.time(Instant::now()),
    };
    hub.room().apply(command).unwrap();
}

/// Acts as if all events were on disk.
fn publish(hub: &Hub) {
    let staged = hub.stage().unwrap();
    hub.publish(staged.end);
}

/// Whether the tasks that follow the log were woken.
fn is_news(hub: &Hub) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    let news = pin!(hub.wakers.first().news());
    news.poll(&mut context).is_ready()
}

#[test]
fn whose_place_is_taken_is_woken_though_there_is_nothing_to_store() {
    let directory = tempfile::tempdir().unwrap();
    let (hub, _writer) = durable(directory.path());
    let (mut old, mut new) = (guest(&hub), guest(&hub));
    let token = come(&mut old, Protocol::Native, None).token.unwrap();
    publish(&hub);
    assert!(is_news(&hub));
    let arrival = come(&mut new, Protocol::Native, Some(TokenHash::of(&token)));
    assert_eq!(arrival.entered.coming, Coming::Instead);
    assert!(is_news(&hub));
    assert!(hub.stage().is_none());
}

/// The bytes that a session would write now.
fn told(session: &mut Talk) -> String {
    let mut told = String::new();
    let mut slices = Vec::new();
    while session.gather(&mut slices) != Found::Nothing {
        told += str::from_utf8(session.output()).unwrap();
        for slice in &slices {
            told += str::from_utf8(slice.bytes()).unwrap();
        }
        let count = session.output().len();
        session.wrote(if slices.is_empty() { count } else { usize::MAX }, &slices);
        slices.clear();
    }
    told
}

fn greeting(hub: &Arc<Hub>) -> Talk {
    let now = Instant::now();
    let mut session = Talk::new(guest(hub), now);
    session.take(b"{\"hello\":{\"protocol\":1}}\n", now);
    session
}

#[test]
fn a_welcome_waits_until_what_it_tells_is_stored() {
    let directory = tempfile::tempdir().unwrap();
    let (hub, _writer) = durable(directory.path());
    for count in [1, SMALL_ROOM, SMALL_ROOM + 1] {
        while hub.room().count() + 1 < count {
            let mut room = hub.room();
            room.apply(Enter {
                wanted: WantedName::of("x"),
                encoding: NATIVE,
                host: false,
                token: Some(TokenHash::of("x")),
            })
            .unwrap();
        }
        let mut session = greeting(&hub);
        assert_eq!(told(&mut session), "");
        publish(&hub);
        assert!(told(&mut session).starts_with("{\"welcome\""));
    }
}

#[test]
fn who_came_in_when_the_store_failed_is_told_only_that() {
    let directory = tempfile::tempdir().unwrap();
    let (hub, _writer) = durable(directory.path());
    let mut session = greeting(&hub);
    hub.fail(1, &WriteError::DiskFull(directory.path().to_owned()));
    let told = told(&mut session);
    assert!(told.starts_with("{\"closed\""), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
}

#[test]
fn who_reads_a_long_past_slowly_is_there_though_it_is_not_heard() {
    let directory = tempfile::tempdir().unwrap();
    let (hub, _writer) = durable(directory.path());
    let mut speaker = guest(&hub);
    let lease = enter(&mut speaker);
    let now = Instant::now();
    for _ in 0..1_000 {
        let text = "x".repeat(4_000);
        say(&hub, lease, &text);
    }
    let mut session = Talk::new(guest(&hub), now);
    session.take(b"{\"hello\":{\"protocol\":1,\"after\":0}}\n", now);
    publish(&hub);
    let mut slices = Vec::new();
    let heartbeat = hub.settings.heartbeat;
    for beat in 1..20 {
        session.tick(now + heartbeat * beat);
        assert!(session.ending().is_none(), "lost at beat {beat}");
        assert!(session.gather(&mut slices) == Found::Some);
        session.wrote(session.output().len().min(1_000), &slices);
    }
}

#[test]
fn a_closed_room_is_closed_once_though_the_store_fails_afterwards() {
    let directory = tempfile::tempdir().unwrap();
    let (hub, _writer) = durable(directory.path());
    let mut session = greeting(&hub);
    publish(&hub);
    told(&mut session);
    hub.close(Closing::ForGood);
    publish(&hub);
    hub.fail(1, &WriteError::DiskFull(directory.path().to_owned()));
    let told = told(&mut session);
    assert_eq!(told.matches("{\"closed\"").count(), 1, "{told}");
    assert!(told.contains("host-closed"), "{told}");
}

#[tokio::test]
async fn who_spoke_while_nobody_was_listened_to_is_heard_afterwards() {
    let directory = tempfile::tempdir().unwrap();
    let (hub, _writer) = durable(directory.path());
    let service = Arc::new(Service::new(Arc::clone(&hub)));
    let serving = Arc::clone(&service);
    tokio::spawn(async move { serving.run(0).await });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap());
    let (served, peer) = tokio::join!(listener.accept(), peer);
    let mut peer = BufReader::new(peer.unwrap());
    let seat = hub.wakers.first().seat();
    tokio::spawn(service.serve(served.unwrap().0, guest(&hub), 0, seat));
    let mut line = String::new();
    peer.write_all(b"{\"hello\":{\"protocol\":1}}\n")
        .await
        .unwrap();
    while hub.room().count() == 0 {
        yield_now().await;
    }
    publish(&hub);
    peer.read_line(&mut line).await.unwrap();
    // It follows the log now.
    let mut speaker = guest(&hub);
    let lease = enter(&mut speaker);
    while hub.room().waiting() < 5 << 20 {
        say(&hub, lease, &"x".repeat(4_000));
    }
    hub.tell_news();
    assert!(hub.is_congested());
    peer.write_all(b"{\"ping\":{}}\n").await.unwrap();
    for _ in 0..1_000 {
        yield_now().await;
    }
    publish(&hub);
    assert!(!hub.is_congested());
    let heard = async {
        while !line.starts_with("{\"pong\"") {
            line.clear();
            peer.read_line(&mut line).await.unwrap();
        }
    };
    time::timeout(Duration::from_secs(10), heard).await.unwrap();
}

#[tokio::test]
async fn a_writer_that_is_gone_has_stored_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let (hub, _writer) = durable(directory.path());
    let writing = GroupCommit {
        jobs: mpsc::channel(1).0,
        obstacle: Arc::new(lock::Mutex::new(Rank::Obstacle, None)),
        thread: None,
    };
    enter(&mut guest(&hub));
    writing.keep(&hub).await;
    assert!(hub.store_failed().is_some());
}

/// Another program, which locks the file of the store until the test ends it.
fn locked(directory: &Path) -> rusqlite::Connection {
    let other = rusqlite::Connection::open(directory.join("room.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    other
}

#[tokio::test]
async fn a_store_that_stays_locked_closes_the_room_when_patience_is_over() {
    let directory = tempfile::tempdir().unwrap();
    let (hub, mut writer) = durable(directory.path());
    writer.patience = Duration::from_millis(1);
    let writing = writer.start().unwrap();
    let _other = locked(directory.path());
    enter(&mut guest(&hub));
    let kept = time::timeout(Duration::from_secs(20), writing.keep(&hub));
    kept.await.unwrap();
    let why = hub.store_failed().unwrap();
    assert!(why.contains("was locked by another program"), "{why}");
}

#[tokio::test]
async fn a_server_that_ends_does_not_wait_for_a_locked_store() {
    let directory = tempfile::tempdir().unwrap();
    let (hub, writer) = durable(directory.path());
    let writing = writer.start().unwrap();
    let _other = locked(directory.path());
    enter(&mut guest(&hub));
    let obstacle = Arc::clone(&writing.obstacle);
    {
        let mut kept = pin!(writing.keep(&hub));
        while obstacle.lock().is_none() {
            let turn = time::timeout(Duration::from_millis(10), &mut kept);
            assert!(turn.await.is_err());
        }
    }
    let start = Instant::now();
    drop(writing);
    assert!(start.elapsed() < HOLD_TIME / 4);
}

#[test]
fn a_host_is_answered_when_what_it_did_is_stored() {
    let directory = tempfile::tempdir().unwrap();
    let (hub, _writer) = durable(directory.path());
    let now = Instant::now();
    let mut kim = host(&hub, "kim", now);
    let mut ada = greeting(&hub);
    publish(&hub);
    told(&mut kim);
    told(&mut ada);
    for (request, answer) in [
        ("{\"mute\":{\"id\":2,\"for_s\":60}}\n", "\"muted\""),
        ("{\"slow\":{\"every_s\":5}}\n", "\"limits\""),
        ("{\"kick\":{\"id\":2,\"ban_s\":60}}\n", "\"kicked\""),
    ] {
        kim.take(request.as_bytes(), now);
        assert_eq!(told(&mut kim), "", "{request}");
        publish(&hub);
        let told = told(&mut kim);
        assert!(told.contains(answer), "{told}");
    }
    assert!(told(&mut ada).contains("\"removed\""));
}
