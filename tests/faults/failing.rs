//! Tests with a disk that fails or is full.

use chatroom::store::Reading;

use crate::disk::{Fault, FaultyDisk};
use crate::sentences;
use crate::writer::{self, BATCHES, batches, confirmed, open, run};

/// Writes a store on a disk that fails, and checks that no confirmed batch is missing, now
/// or after a power cut. Returns the number of confirmed batches, and the error with which
/// the writing ended.
fn fail(fault: Fault, manner: &str) -> (u64, Option<String>) {
    let directory = writer::directory();
    let disk = FaultyDisk::new(directory.path());
    disk.fail(fault);
    let output = run(&disk, directory.path(), manner);
    let said = String::from_utf8(output.stdout).unwrap();
    let operations = disk.operations();
    let known = confirmed(&operations);
    let sentence = said
        .lines()
        .find_map(|line| line.strip_prefix("failed: ").map(str::to_owned));
    assert!(sentence.is_some() || known == BATCHES, "{fault:?}: {said}");

    let after_the_cut = [None, Some(1), Some(2)].map(|seed| {
        let directory = writer::directory();
        disk.rebuild(operations.len(), seed, directory.path());
        directory
    });
    for directory in [directory].iter().chain(&after_the_cut) {
        let (mut store, past) = open(directory.path())
            .unwrap_or_else(|error| panic!("{fault:?} {manner}: {error} {said}"));
        let there = batches(&past).unwrap();
        let right = known..=known + 1;
        assert!(
            right.contains(&there),
            "{fault:?} {manner}: {there} of {said}"
        );
        store.trim(Reading::default()).unwrap();
    }
    (known, sentence)
}

/// Runs one test for each fault; the process closes the store or is killed afterwards.
/// Returns the number of faults that ended the writing, all with one of these `words`.
fn fail_at(faults: impl IntoIterator<Item = Fault>, words: &[&str]) -> usize {
    let mut ended = 0;
    for (manner, fault) in ["closed", "killed"].into_iter().cycle().zip(faults) {
        if let (_, Some(sentence)) = fail(fault, manner) {
            let has_words = words.iter().any(|words| sentence.contains(words));
            assert!(has_words, "{fault:?}: {sentence}");
            ended += 1;
        }
    }
    ended
}

#[test]
fn after_a_failed_fsync_nothing_is_confirmed_and_nothing_is_lost() {
    let ended = fail_at(
        (1..45).map(Fault::Sync),
        &[sentences::STORE_NOT_WRITTEN, sentences::STORE_NOT_OPENED],
    );
    assert!(ended >= 30, "{ended}");
}

#[test]
fn after_a_failed_write_nothing_is_confirmed_and_nothing_is_lost() {
    let ended = fail_at(
        (1..280).step_by(5).map(Fault::Write),
        &[sentences::STORE_NOT_WRITTEN, sentences::STORE_NOT_OPENED],
    );
    assert!(ended >= 45, "{ended}");
}

#[test]
fn on_a_full_disk_nothing_is_confirmed_and_nothing_is_lost() {
    let ended = fail_at(
        (0..50).map(|n| Fault::Full(n * 13_001)),
        &[sentences::STORE_DISK_FULL],
    );
    assert!(ended >= 40, "{ended}");
}
