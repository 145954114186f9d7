//! Tests with a server that is killed.

use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Instant;

use crate::chance::{amount, chance};
use crate::clients::Talk;
use crate::service::Service;
use crate::writer;

const CLIENTS: usize = 10;

#[test]
fn a_server_killed_at_any_moment_loses_nothing_and_says_nothing_twice() {
    let restarts = amount(50, 1_000);
    let mut chance = chance();
    let start = Instant::now();
    let service = Service::new(writer::directory());
    let mut server = service.start();
    let talk = Talk::start(&[service.address(); CLIENTS], &mut chance);
    for _ in 0..restarts {
        if chance.below(5) > 0 {
            talk.wait_for_more();
        }
        // A random moment: also while it starts, or while some clients are not back yet.
        thread::sleep(chance.pause(100));
        server.kill();
        server = service.begin();
    }
    let outcome = talk.end();
    server.kill();
    service.holds(&outcome);
    let counts = &outcome.counts;
    println!(
        "{restarts} restarts: {} messages said and confirmed, {} deliveries to {CLIENTS} \
         clients, {} disconnects, in {:?}",
        outcome.log.seq(),
        counts.deliveries.load(Relaxed),
        counts.disconnects.load(Relaxed),
        start.elapsed(),
    );
    assert!(counts.disconnects.load(Relaxed) >= restarts);
    assert!(outcome.log.seq() >= restarts);
}
