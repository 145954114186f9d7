//! Mutes and bans, and when they end.

use super::*;

fn muted(until: u64) -> Record {
    Record::Muted {
        id: member(1),
        until: Some(at(until)),
    }
}

/// Opens the store when so many seconds have passed, by a clock that is wrong by `wrong`.
fn open_at(disk: &Disk, second: u64, wrong: i64) -> (Store, Past) {
    let now = Reading {
        clock: Timestamp::from_second(at(second).as_second() + wrong).unwrap(),
        running: Duration::from_secs(second),
    };
    Store::open(&disk.path(), Keep::default(), ALL, now).unwrap()
}

/// A store in which member 1 is muted and 10.0.0.1 is banned, both until a second.
fn until(second: u64) -> Disk {
    let disk = Disk::with_messages(1);
    let (mut store, _) = open_at(&disk, 0, 0);
    let records = [muted(second), Record::Banned(ban(1, second))];
    store.write(&records).unwrap();
    store.close().unwrap();
    disk
}

fn remaining(past: &Past) -> (Option<u64>, Option<u64>) {
    let muted = past.sessions[0].muted.map(|it| it.as_secs());
    let banned = past.bans.first().map(|it| it.remaining.as_secs());
    (muted, banned)
}

#[test]
fn a_mute_and_a_ban_go_on_where_they_were() {
    let disk = until(600);
    let (store, past) = open_at(&disk, 100, 0);
    assert_eq!(remaining(&past), (Some(500), Some(500)));
    assert_eq!(past.bans[0].until, at(600));
    store.close().unwrap();
    let (_, past) = open_at(&disk, 599, 0);
    assert_eq!(remaining(&past), (Some(1), Some(1)));
}

#[test]
fn what_has_ended_is_dropped_when_the_store_is_opened() {
    let disk = until(600);
    let (store, past) = open_at(&disk, 600, 0);
    assert_eq!(remaining(&past), (None, None));
    let count = |sql| -> u64 {
        store
            .connection
            .query_row(sql, [], |row| row.get(0))
            .unwrap()
    };
    assert_eq!(count("SELECT count(*) FROM ban"), 0);
    assert_eq!(
        count("SELECT count(muted) + count(muted_ends) FROM session"),
        0
    );
}

#[test]
fn a_wrong_clock_ends_nothing_early_and_holds_nothing_longer() {
    let year = 365 * 24 * 3_600;
    for wrong in [year, -year, -at(0).as_second()] {
        let disk = until(600);
        let (store, past) = open_at(&disk, 10, wrong);
        assert_eq!(remaining(&past), (Some(600), Some(600)), "{wrong}");
        store.close().unwrap();
    }
}

#[test]
fn who_lifts_a_mute_and_a_ban_finds_them_lifted() {
    let disk = until(600);
    let (mut store, _) = disk.open();
    let lift = Record::Muted {
        id: member(1),
        until: None,
    };
    store.write(&[lift, Record::Unbanned(ban(1, 5))]).unwrap();
    store.close().unwrap();
    assert_eq!(remaining(&disk.open().1), (None, None));
}

#[test]
fn more_bans_than_a_room_has_are_cut() {
    let disk = Disk::new();
    let (mut store, _) = disk.open();
    for n in 0..300_u32 {
        let address: std::net::IpAddr = std::net::Ipv4Addr::from(0x0a00_0000 + n).into();
        let ban = Ban {
            network: Some(Network::new(address, 32)),
            ..ban(1, 600)
        };
        store.write(&[Record::Banned(ban)]).unwrap();
    }
    store.close().unwrap();
    let bans = disk.open().1.bans;
    assert_eq!(bans.len(), crate::room::BANS_LIMIT);
    assert_eq!(bans[0].network.unwrap().to_string(), "10.0.0.44");
}
