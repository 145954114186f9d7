//! Tests of waiting for the store.

use std::future::Future as _;
use std::pin::pin;
use std::task::{Context, Waker};

use jiff::Timestamp;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::yield_now;

use super::super::connection::{Connection, serve};
use super::super::guest::Guest;
use super::super::session::{Found, Session};
use super::super::settings::Settings;
use super::super::surroundings::Surroundings;
use super::*;
use crate::protocol::NATIVE;
use crate::protocol::sniff::Protocol;
use crate::room::{
    Close, Closing, Coming, Draft, Enter, Lease, SMALL_ROOM, Say, TokenHash, WantedName,
};

/// The shared state of a server with a store. Nothing is stored automatically.
fn durable(directory: &Path) -> (Arc<Shared>, Writer) {
    let mut settings = Settings::default();
    settings.rules.rate_limit.per_second = 0;
    let path = directory.join("room.db");
    let kept = OpenedStore::open(&path, settings.keep, &settings.rules).unwrap();
    let (shared, writer) = Shared::new(settings, Surroundings::unknown(), Some(kept)).unwrap();
    (Arc::new(shared), writer.unwrap())
}

/// A connection that has not joined yet.
fn guest(shared: &Arc<Shared>) -> Guest {
    let address = ([127, 0, 0, 1], 1).into();
    shared.admit(address, Instant::now()).unwrap()
}

fn ada() -> WantedName {
    WantedName::of("ada")
}

/// Adds a member by the text door.
fn enter(guest: &mut Guest) -> Lease {
    let arrival = guest.enter(&ada(), Protocol::Text, false, None, 1).unwrap();
    arrival.entered.lease
}

fn say(shared: &Shared, lease: Lease, text: &str) {
    let command = Say {
        lease,
        draft: Draft::new(None, text),
        at: Timestamp::now(),
        time: shared.time(Instant::now()),
    };
    shared.room().apply(command).unwrap();
}

/// Acts as if all events were on disk.
fn publish(shared: &Shared) {
    let staged = shared.room().stage().unwrap();
    shared.publish(staged.end);
}

/// Whether the tasks that follow the log were woken.
fn is_news(shared: &Shared) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    let news = pin!(shared.workers[0].fan_out.news());
    news.poll(&mut context).is_ready()
}

#[test]
fn whose_place_is_taken_is_woken_though_there_is_nothing_to_store() {
    let directory = tempfile::tempdir().unwrap();
    let (shared, _writer) = durable(directory.path());
    let key = TokenHash::of("secret");
    let (mut old, mut new) = (guest(&shared), guest(&shared));
    old.enter(&ada(), Protocol::Native, false, Some(key), 1)
        .unwrap();
    publish(&shared);
    assert!(is_news(&shared));
    let arrival = new.resume(&key, Instant::now(), 1).unwrap();
    assert_eq!(arrival.entered.coming, Coming::Instead);
    assert!(is_news(&shared));
    assert!(shared.room().stage().is_none());
}

/// The bytes that a session would write now.
fn told(session: &mut Session) -> String {
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

fn greeting(shared: &Arc<Shared>) -> Session {
    let now = Instant::now();
    let mut session = Session::new(guest(shared), now);
    session.take(b"{\"hello\":{\"protocol\":1}}\n", now);
    session
}

#[test]
fn a_welcome_waits_until_what_it_tells_is_stored() {
    let directory = tempfile::tempdir().unwrap();
    let (shared, _writer) = durable(directory.path());
    for count in [1, SMALL_ROOM, SMALL_ROOM + 1] {
        while shared.room().count() + 1 < count {
            let key = Some(TokenHash::of("x"));
            let mut room = shared.room();
            room.apply(Enter {
                wanted: WantedName::of("x"),
                encoding: NATIVE,
                host: false,
                token: key,
            })
            .unwrap();
        }
        let mut session = greeting(&shared);
        assert_eq!(told(&mut session), "");
        publish(&shared);
        assert!(told(&mut session).starts_with("{\"welcome\""));
    }
}

#[test]
fn who_came_in_when_the_store_failed_is_told_only_that() {
    let directory = tempfile::tempdir().unwrap();
    let (shared, _writer) = durable(directory.path());
    let mut session = greeting(&shared);
    shared.fail(1, &WriteError::DiskFull(directory.path().to_owned()));
    let told = told(&mut session);
    assert!(told.starts_with("{\"closed\""), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
}

#[test]
fn who_reads_a_long_past_slowly_is_there_though_it_is_not_heard() {
    let directory = tempfile::tempdir().unwrap();
    let (shared, _writer) = durable(directory.path());
    let mut speaker = guest(&shared);
    let lease = enter(&mut speaker);
    let now = Instant::now();
    for _ in 0..1_000 {
        let text = "x".repeat(4_000);
        say(&shared, lease, &text);
    }
    let mut session = Session::new(guest(&shared), now);
    session.take(b"{\"hello\":{\"protocol\":1,\"after\":0}}\n", now);
    publish(&shared);
    let mut slices = Vec::new();
    let heartbeat = shared.settings.heartbeat;
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
    let (shared, _writer) = durable(directory.path());
    let mut session = greeting(&shared);
    publish(&shared);
    told(&mut session);
    shared.room().apply(Close {
        closing: Closing::ForGood,
    });
    publish(&shared);
    shared.fail(1, &WriteError::DiskFull(directory.path().to_owned()));
    let told = told(&mut session);
    assert_eq!(told.matches("{\"closed\"").count(), 1, "{told}");
    assert!(told.contains("host-closed"), "{told}");
}

#[tokio::test]
async fn who_spoke_while_nobody_was_listened_to_is_heard_afterwards() {
    let directory = tempfile::tempdir().unwrap();
    let (shared, _writer) = durable(directory.path());
    let serving = Arc::clone(&shared);
    tokio::spawn(async move { serving.workers[0].serve(&serving).await });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap());
    let (served, peer) = tokio::join!(listener.accept(), peer);
    let mut peer = BufReader::new(peer.unwrap());
    let connection = Connection::new(served.unwrap().0, guest(&shared), 0);
    tokio::spawn(serve(Box::new(connection)));
    let mut line = String::new();
    peer.write_all(b"{\"hello\":{\"protocol\":1}}\n")
        .await
        .unwrap();
    while shared.room().count() == 0 {
        yield_now().await;
    }
    publish(&shared);
    peer.read_line(&mut line).await.unwrap();
    // It follows the log now.
    let mut speaker = guest(&shared);
    let lease = enter(&mut speaker);
    while shared.room().waiting() < 5 << 20 {
        say(&shared, lease, &"x".repeat(4_000));
    }
    shared.tell_news();
    assert!(shared.is_congested());
    peer.write_all(b"{\"ping\":{}}\n").await.unwrap();
    for _ in 0..1_000 {
        yield_now().await;
    }
    publish(&shared);
    assert!(!shared.is_congested());
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
    let (shared, _writer) = durable(directory.path());
    let writing = GroupCommit {
        jobs: mpsc::channel(1).0,
        obstacle: Arc::new(lock::Mutex::new(Rank::Obstacle, None)),
        thread: None,
    };
    enter(&mut guest(&shared));
    writing.keep(&shared).await;
    assert!(shared.store_failed().is_some());
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
    let (shared, mut writer) = durable(directory.path());
    writer.patience = Duration::from_millis(1);
    let writing = writer.start().unwrap();
    let _other = locked(directory.path());
    enter(&mut guest(&shared));
    let kept = time::timeout(Duration::from_secs(20), writing.keep(&shared));
    kept.await.unwrap();
    let why = shared.store_failed().unwrap();
    assert!(why.contains("was locked by another program"), "{why}");
}

#[tokio::test]
async fn a_server_that_ends_does_not_wait_for_a_locked_store() {
    let directory = tempfile::tempdir().unwrap();
    let (shared, writer) = durable(directory.path());
    let writing = writer.start().unwrap();
    let _other = locked(directory.path());
    enter(&mut guest(&shared));
    let obstacle = Arc::clone(&writing.obstacle);
    {
        let mut kept = pin!(writing.keep(&shared));
        while obstacle.lock().is_none() {
            let turn = time::timeout(Duration::from_millis(10), &mut kept);
            assert!(turn.await.is_err());
        }
    }
    let start = Instant::now();
    drop(writing);
    assert!(start.elapsed() < HOLD_TIME / 4);
}
