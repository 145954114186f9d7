//! Tests with lines that are cut, stalled and slowed down.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use chatroom::client::Encryption;
use tempfile::TempDir;

use crate::chance::{amount, chance, is_soak};
use crate::clients::Talk;
use crate::line::Line;
use crate::service::Service;

#[test]
fn over_lines_that_fail_everyone_hears_everything_once_and_in_one_order() {
    cut(Encryption::Plain);
}

/// The line cuts at any byte: of a handshake, of a record, of the end of a connection.
#[test]
fn over_lines_that_fail_everyone_hears_everything_once_inside_tls_too() {
    cut(Encryption::Tls);
}

fn cut(encryption: Encryption) {
    let (clients, longest) = if is_soak() {
        (20, 150_000)
    } else {
        (100, 60_000)
    };
    let messages = amount(1_000, 1_000_000);
    let disconnects = amount(1_000, 10_000);
    let mut chance = chance();
    let start = Instant::now();
    // With a slow disk.
    let service = Service::new(TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap());
    let server = service.start();
    let line = Line::new(service.address(), clients, longest, &mut chance);
    let talk = Talk::start_by(encryption, &line.addresses, &mut chance);
    line.fail(true);
    talk.wait_until(|counts| {
        counts.confirmed.load(Relaxed) >= messages
            && counts.disconnects.load(Relaxed) >= disconnects
    });
    line.fail(false);
    let outcome = talk.end();
    server.kill();
    service.holds(&outcome);
    let counts = &outcome.counts;
    println!(
        "{} messages said and confirmed, {} deliveries to {clients} clients, {} disconnects, \
         in {:?}\n{:?}",
        outcome.log.seq(),
        counts.deliveries.load(Relaxed),
        counts.disconnects.load(Relaxed),
        start.elapsed(),
        line.faults(),
    );
    let faults = line.faults();
    for (what, count) in [
        ("clean", &faults.clean),
        ("reset", &faults.reset),
        ("half-open", &faults.half_open),
        ("late", &faults.late),
        ("delayed", &faults.delayed),
        ("stalled", &faults.stalled),
        ("in a frame", &faults.in_frame),
    ] {
        assert!(count.load(Relaxed) > 10, "too few: {what}");
    }
    assert!(counts.deliveries.load(Relaxed) >= 100_000);
}
