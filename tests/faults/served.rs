//! A whole server on a disk that fails or loses power: everything that it sent its members
//! is there afterwards.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::atomic::Ordering::Relaxed;

use serde_json::Value;

use crate::chance::{Chance, amount, chance};
use crate::clients::Talk;
use crate::disk::{Fault, FaultyDisk};
use crate::sentences;
use crate::service::{PATIENCE, Service, missing};
use crate::told::Told;
use crate::writer;

const CLIENTS: usize = 3;

/// Runs a server under load, cuts the power at many moments, and returns the messages lost
/// of those that it had sent until then.
fn losses(fault: Option<Fault>, chance: &mut Chance) -> Vec<String> {
    let service = Service::new(writer::directory());
    let disk = FaultyDisk::new(service.directory());
    let server = service.start_on(&disk);
    let talk = Talk::start(&[service.address(); CLIENTS], chance);
    talk.wait_for_more();
    if let Some(fault) = fault {
        disk.fail(fault);
    }
    let messages = amount(1_000, 10_000);
    talk.wait_until(|counts| counts.confirmed.load(Relaxed) >= messages);
    let outcome = talk.end();
    server.kill();

    let mut platter = disk.before();
    let (mut told, mut looks, mut losses) = (Told::default(), 0, Vec::new());
    for (count, operation) in (1..).zip(&disk.operations()) {
        platter.apply(operation);
        // After each sent message, and at other random moments.
        if !told.add(operation) && chance.below(4) > 0 {
            continue;
        }
        let seed = (looks % 2 == 1).then_some(count);
        looks += 1;
        let directory = writer::directory();
        platter.lose_power(seed, directory.path());
        if let Err(loss) = missing(directory.path(), &told) {
            losses.push(format!("after {count} operations, {seed:?}: {loss}"));
        }
    }
    assert_eq!(told.last(), outcome.log.seq());
    println!("{} messages told, {looks} power cuts", told.last());
    losses
}

#[test]
fn what_a_server_told_is_there_after_a_power_cut_at_any_moment() {
    let losses = losses(None, &mut chance());
    assert!(losses.is_empty(), "{losses:#?}");
}

#[test]
fn a_server_whose_disk_does_not_keep_what_it_says_is_found_out() {
    let losses = losses(Some(Fault::Deaf), &mut chance());
    assert!(
        losses.iter().any(|loss| loss.contains("were told")),
        "{losses:#?}"
    );
}

/// The last frame that a member receives.
fn last_words(peer: TcpStream) -> Value {
    let mut last = Value::Null;
    for line in BufReader::new(peer).lines() {
        last = serde_json::from_str(&line.unwrap()).unwrap();
    }
    last
}

/// Makes the disk of a running server fail. The server reports it and closes the room. All
/// messages that it sent are there, and the others are sent when it runs again.
fn fail(fault: Fault, complaint: &str, chance: &mut Chance) {
    let service = Service::new(writer::directory());
    let disk = FaultyDisk::new(service.directory());
    let server = service.start_on(&disk);
    let talk = Talk::start(&[service.address(); CLIENTS], chance);
    let mut witness = TcpStream::connect(service.address()).unwrap();
    witness.set_read_timeout(Some(PATIENCE)).unwrap();
    let hello = "{\"hello\":{\"protocol\":1,\"name\":\"witness\"}}\n";
    witness.write_all(hello.as_bytes()).unwrap();
    talk.wait_for_more();
    disk.fail(fault);
    let last = last_words(witness);
    let closed = &last["closed"];
    assert_eq!(closed["code"], "store-failed", "{fault:?}: {last}");
    assert_eq!(closed["retry_ms"], 5_000, "{last}");
    let (code, words) = server.end();
    assert_eq!(code, Some(1), "{fault:?}: {words}");
    assert!(words.contains(complaint), "{fault:?}: {words}");

    let operations = disk.operations();
    let told = Told::by(&operations);
    let after_the_cut = [None, Some(1), Some(2)].map(|seed| {
        let directory = writer::directory();
        disk.rebuild(operations.len(), seed, directory.path());
        directory
    });
    for directory in [service.directory()]
        .into_iter()
        .chain(after_the_cut.iter().map(tempfile::TempDir::path))
    {
        missing(directory, &told).unwrap_or_else(|loss| panic!("{fault:?}: {loss}"));
    }

    let server = service.start();
    talk.hurry();
    talk.wait_for_more();
    let outcome = talk.end();
    assert!(outcome.log.seq() > told.last());
    server.kill();
    service.holds(&outcome);
}

#[test]
fn a_server_whose_disk_stays_full_tells_everyone_and_closes() {
    // Each tries again for a minute.
    std::thread::scope(|scope| {
        for bytes in [0, 5_000, 100_000, 1_000_000] {
            let fault = Fault::Full(bytes);
            scope.spawn(move || fail(fault, sentences::STORE_DISK_FULL, &mut chance()));
        }
    });
}

#[test]
fn a_server_that_cannot_write_tells_everyone_and_closes() {
    let mut chance = chance();
    for n in [1, 2, 3, 10, 101] {
        fail(Fault::Write(n), sentences::STORE_NOT_WRITTEN, &mut chance);
    }
}

#[test]
fn a_server_whose_fsync_fails_tells_everyone_and_closes() {
    let mut chance = chance();
    for n in [1, 2, 3, 10, 51] {
        fail(Fault::Sync(n), sentences::STORE_NOT_WRITTEN, &mut chance);
    }
}
