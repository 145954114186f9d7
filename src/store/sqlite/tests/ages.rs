//! Messages are deleted by age only where the age is known.

use super::*;

const DAY: u64 = 24 * 60 * 60;

fn days(days: u32) -> Keep {
    Keep {
        days: Some(days),
        ..Keep::default()
    }
}

/// A computer whose clock can be wrong.
struct Computer {
    disk: Disk,
    keep: Keep,
    /// The time that truly passed, in seconds.
    time: u64,
    /// By how much the clock is wrong, in seconds.
    wrong: i64,
    /// The `seq` of the last message.
    seq: u64,
}

impl Computer {
    fn keeping(keep: Keep) -> Self {
        Self {
            disk: Disk::new(),
            keep,
            time: 0,
            wrong: 0,
            seq: 0,
        }
    }

    fn reading(&self) -> Reading {
        let second = at(self.time).as_second() + self.wrong;
        Reading {
            clock: Timestamp::from_second(second).unwrap(),
            running: Duration::from_secs(self.time),
        }
    }

    fn open(&self) -> Store {
        let path = self.disk.path();
        Store::open(&path, self.keep, ALL, self.reading())
            .unwrap()
            .0
    }

    /// Stores a message with the clock's date.
    fn say(&mut self, store: &mut Store) {
        self.seq += 1;
        let mut message = said(self.seq, 1, None);
        if let Record::Entry(Entry { at, .. }) = &mut message {
            *at = self.reading().clock;
        }
        store.look(self.reading());
        store.write(&[message]).unwrap();
    }

    /// Runs for `days`, and trims the store every hour.
    fn run(&mut self, store: &mut Store, days: u64) {
        for _ in 0..days * 24 {
            self.time += 3_600;
            while store.trim(self.reading()).unwrap() {}
        }
    }

    fn set_clock_to(&mut self, second: i64) {
        self.wrong += second - self.reading().clock.as_second();
    }

    /// A room with 50 messages, one an hour, which closed a moment ago.
    fn with_messages(keep: Keep) -> Self {
        let mut computer = Self::keeping(keep);
        let mut store = computer.open();
        for _ in 0..50 {
            computer.say(&mut store);
            computer.time += 3_600;
        }
        store.close().unwrap();
        computer
    }

    fn count(&self) -> u64 {
        let connection = Connection::open(self.disk.path()).unwrap();
        connection
            .query_row("SELECT count(*) FROM message", [], |row| row.get(0))
            .unwrap()
    }
}

#[test]
fn a_clock_that_is_far_ahead_at_the_start_deletes_nothing() {
    for ahead in [32, 60, 400, 4_000, 2_000_000] {
        for kept in [1, 7, 30, 365] {
            let mut computer = Computer::with_messages(days(kept));
            // One day is over before all of them are stored.
            let before = computer.count();
            computer.wrong = ahead * DAY.cast_signed();
            let mut store = computer.open();
            while store.trim(computer.reading()).unwrap() {}
            let doubt = store.take_clock_doubt().unwrap();
            assert!(matches!(doubt, ClockDoubt::Ahead { .. }), "{doubt:?}");
            assert!(doubt.to_string().contains("days ahead of the last time"));
            assert_eq!(store.take_clock_doubt(), None, "told once");
            drop(store);
            assert_eq!(computer.count(), before, "{ahead} {kept}");
        }
    }
}

#[test]
fn nor_does_what_is_said_by_such_a_clock() {
    let mut computer = Computer::with_messages(days(30));
    computer.wrong = 400 * DAY.cast_signed();
    let mut store = computer.open();
    computer.say(&mut store);
    store.close().unwrap();
    // Neither then, nor when the clock is right again.
    computer.wrong = 0;
    let mut store = computer.open();
    computer.say(&mut store);
    computer.run(&mut store, 20);
    assert_eq!(store.take_clock_doubt(), None);
    store.close().unwrap();
    assert_eq!(computer.count(), 52);
    // The store deletes them when they are old enough, and the wrong date delays nothing.
    let mut store = computer.open();
    computer.run(&mut store, 11);
    assert_eq!(store.oldest_seq(), 53);
}

#[test]
fn a_clock_that_is_set_while_the_server_runs_deletes_nothing() {
    for ahead in [40, 400, -400] {
        let mut computer = Computer::with_messages(days(30));
        let mut store = computer.open();
        computer.run(&mut store, 1);
        computer.wrong = ahead * DAY.cast_signed();
        computer.say(&mut store);
        computer.run(&mut store, 3);
        assert!(store.take_clock_doubt().is_some());
        computer.wrong = 0;
        computer.say(&mut store);
        computer.run(&mut store, 3);
        drop(store);
        computer.open();
        assert_eq!(computer.count(), 52, "{ahead}");
    }
}

#[test]
fn a_computer_without_a_clock_begins_in_1970_and_deletes_nothing_when_it_knows_the_time() {
    // Whether the store is made in 1970, or only opened then.
    for is_new in [true, false] {
        let mut computer = if is_new {
            Computer::keeping(days(30))
        } else {
            Computer::with_messages(days(30))
        };
        computer.time += DAY;
        computer.set_clock_to(20);
        let mut store = computer.open();
        for _ in 0..10 {
            computer.say(&mut store);
        }
        assert_eq!(store.take_clock_doubt(), Some(ClockDoubt::TooEarly));
        computer.time += 600;
        // The network is up, and corrects the clock.
        computer.wrong = 0;
        let said = computer.seq;
        computer.say(&mut store);
        computer.run(&mut store, 3);
        store.close().unwrap();
        computer.time += DAY;
        let mut store = computer.open();
        computer.run(&mut store, 2);
        assert_eq!(computer.count(), said + 1, "{is_new}");
        // Once the clock is right, the store deletes what is old enough.
        computer.run(&mut store, 30);
        assert_eq!(store.oldest_seq(), computer.seq + 1);
    }
}

#[test]
fn a_short_time_between_two_servers_counts_and_a_long_one_when_it_is_believed() {
    let mut computer = Computer::with_messages(days(4));
    // The computer was off for this long, and half of `keep-days` counts.
    computer.time += 2 * DAY;
    let mut store = computer.open();
    assert_eq!(store.take_clock_doubt(), None);
    let seen = store.oldest_seq();
    assert!((2..25).contains(&seen), "{seen}");
    // A whole summer: the store doubts the clock for a day.
    store.close().unwrap();
    let before = computer.count();
    computer.time += 90 * DAY;
    let mut store = computer.open();
    assert!(store.take_clock_doubt().is_some());
    assert_eq!(computer.count(), before);
    computer.run(&mut store, 5);
    assert_eq!(store.take_clock_doubt(), Some(ClockDoubt::Believed));
    assert_eq!(computer.count(), 0);
}

#[test]
fn a_room_that_is_woken_rarely_and_for_moments_still_deletes_what_is_old() {
    let mut computer = Computer::with_messages(days(30));
    for _ in 0..40 {
        computer.time += 40 * DAY;
        let mut store = computer.open();
        computer.time += 60;
        store.trim(computer.reading()).unwrap();
    }
    assert_eq!(computer.count(), 0);
}

#[test]
fn wrong_clocks_in_any_order_never_delete_what_is_young() {
    // Far fewer days pass than `keep-days`, whatever the clock shows.
    let clocks = [0, 400, -400, 0, 35, 4_000, -20_000, 0, 400, 401, 399, 0];
    for first in 0..clocks.len() {
        let mut computer = Computer::with_messages(days(30));
        for wrong in clocks.iter().cycle().skip(first).take(clocks.len()) {
            computer.wrong = wrong * DAY.cast_signed();
            let mut store = computer.open();
            computer.say(&mut store);
            computer.time += 3_600;
            while store.trim(computer.reading()).unwrap() {}
        }
        assert_eq!(computer.count(), computer.seq, "{first}");
    }
}

/// A store as version 1 made it, with one message at each of these times.
fn of_version_1(disk: &Disk, times: &[Timestamp]) {
    let connection = Connection::open(disk.path()).unwrap();
    connection.execute_batch(SESSION_BEFORE_3).unwrap();
    connection
        .execute_batch(
            "
    CREATE TABLE room (
        epoch TEXT NOT NULL,
        last_member INTEGER NOT NULL,
        oldest_seq INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE message (
        seq INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        member INTEGER NOT NULL,
        name TEXT NOT NULL,
        id TEXT,
        text TEXT NOT NULL
    ) STRICT;
    INSERT INTO room VALUES ('0123456789abcdef0123456789abcdef', 1, 1);
    PRAGMA user_version = 1;
    PRAGMA journal_mode = WAL;
",
        )
        .unwrap();
    for (seq, time) in (1_u64..).zip(times) {
        connection
            .execute(
                "INSERT INTO message VALUES (?1, ?2, 1, 'member 1', NULL, 'text')",
                (seq, time.as_microsecond()),
            )
            .unwrap();
    }
}

#[test]
fn a_store_of_version_1_moves_up_by_itself_with_all_that_is_in_it() {
    let disk = Disk::new();
    of_version_1(&disk, &[at(1), at(2), at(3)]);
    let open = |time| Store::open(&disk.path(), days(30), ALL, reading(time)).unwrap();
    let (mut store, past) = open(10);
    assert_eq!(seqs(&past.entries), [1, 2, 3]);
    assert_eq!(past.sessions[0].said, [("a".into(), 1)]);
    assert_eq!(past.entries[2].at, at(3));
    store.write(&[said(4, 1, Some("b"))]).unwrap();
    store.close().unwrap();
    let (mut store, past) = open(20);
    assert_eq!(seqs(&past.entries), [1, 2, 3, 4]);
    // Their dates give their age.
    store.trim(reading(30 * DAY + 3)).unwrap();
    assert_eq!(store.oldest_seq(), 3);
}

#[test]
fn wrong_dates_of_version_1_delete_nothing_young_and_hold_nothing_for_ever() {
    let disk = Disk::new();
    let far = at(400 * DAY);
    let early = Timestamp::UNIX_EPOCH;
    of_version_1(&disk, &[early, at(1), far, early, at(2)]);
    let (mut store, _) = Store::open(&disk.path(), days(30), ALL, reading(10)).unwrap();
    assert_eq!(store.oldest_seq(), 1);
    store.trim(reading(29 * DAY)).unwrap();
    assert_eq!(store.oldest_seq(), 1);
    store.trim(reading(31 * DAY)).unwrap();
    assert_eq!(store.oldest_seq(), 6);
}

#[test]
fn a_store_of_version_1_that_is_opened_by_a_wrong_clock_loses_nothing() {
    for wrong in [at(400 * DAY), Timestamp::UNIX_EPOCH, Timestamp::MAX] {
        let disk = Disk::new();
        of_version_1(&disk, &[at(1), at(2), at(3)]);
        for clock in [wrong, at(100)] {
            let now = Reading {
                clock,
                running: Duration::from_secs(5),
            };
            let (mut store, _) = Store::open(&disk.path(), days(30), ALL, now).unwrap();
            store.trim(now).unwrap();
            assert_eq!(store.oldest_seq(), 1, "{wrong}");
            store.close().unwrap();
        }
    }
}

#[test]
fn no_clock_makes_a_store_panic() {
    for clock in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
        for running in [Duration::ZERO, Duration::MAX] {
            let computer = Computer::with_messages(Keep {
                days: Some(u32::MAX),
                ..Keep::default()
            });
            let now = Reading { clock, running };
            let (mut store, _) =
                Store::open(&computer.disk.path(), computer.keep, ALL, now).unwrap();
            store.trim(Reading::default()).unwrap();
            store.trim(now).unwrap();
            let mut message = said(51, 1, None);
            if let Record::Entry(Entry { at, .. }) = &mut message {
                *at = clock;
            }
            store.write(&[message]).unwrap();
            store.close().unwrap();
            computer.open();
        }
    }
}
