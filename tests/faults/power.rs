//! Tests with power cuts.

use std::path::Path;

use crate::disk::{FaultyDisk, Operation, Platter};
use crate::writer::{self, BATCHES, batches, confirmed, open, run};

/// Cuts the power after each operation, and returns the losses: batches that were
/// confirmed and are missing, or that are incomplete.
fn losses(manner: &str, seeds: &[Option<u64>]) -> Vec<String> {
    let directory = writer::directory();
    let disk = FaultyDisk::new(directory.path());
    let output = run(&disk, directory.path(), manner);
    let operations = disk.operations();
    assert_eq!(confirmed(&operations), BATCHES, "{output:?}");
    // The two ways in which writes reach the main file.
    assert!(operations.contains(&Operation::Remove("room.db-wal".to_owned())));

    let mut platter = disk.before();
    let mut known = 0;
    let mut losses = Vec::new();
    for (count, operation) in (1..).zip(&operations) {
        platter.apply(operation);
        known = known.max(confirmed([operation]));
        for seed in seeds {
            let seed = seed.map(|seed| seed * 1_000_000 + count);
            if let Err(loss) = look(&platter, seed, known) {
                losses.push(format!("after {count} operations, {seed:?}: {loss}"));
            }
        }
    }
    losses
}

fn look(platter: &Platter, seed: Option<u64>, known: u64) -> Result<(), String> {
    let directory = writer::directory();
    platter.lose_power(seed, directory.path());
    let there = found(directory.path())?;
    if there < known {
        return Err(format!("{there} batches of {known} confirmed"));
    }
    // At most the batch that was being written.
    assert!(there <= known + 1, "{there} of {known}");
    Ok(())
}

/// The number of batches in a store.
fn found(directory: &Path) -> Result<u64, String> {
    let (_, past) = open(directory).map_err(|error| error.to_string())?;
    batches(&past)
}

#[test]
fn a_power_cut_at_any_moment_loses_nothing_that_was_confirmed() {
    let losses = losses("", &[None, Some(1), Some(2)]);
    assert!(losses.is_empty(), "{losses:#?}");
}

#[test]
fn a_store_that_does_not_wait_for_the_disk_is_found_out() {
    let losses = losses("careless", &[None]);
    assert!(
        losses.iter().any(|loss| loss.contains("confirmed")),
        "{losses:#?}"
    );
}
