//! The corpora as a plain test: every input in `fuzz/corpus`, and variants of it.

use std::fs;
use std::path::{Path, PathBuf};

use super::{TARGETS, run};

/// The number of positions at which the test cuts and changes an input.
const PLACES: usize = 24;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Runs every input of a target: whole, cut short and with a byte changed, at positions
/// that are spread over it.
fn replay(target: &str) {
    let folder = folder().join("corpus").join(target);
    for name in names_in(&folder) {
        let input = fs::read(folder.join(&name)).unwrap();
        // The output of a failed test shows this.
        println!("{target}/{name}");
        run(target, &input);
        let step = (input.len() / PLACES).max(1);
        for place in (0..input.len()).step_by(step) {
            run(target, &input[..place]);
            let mut changed = input.clone();
            changed[place] ^= 1 << (place % 8);
            run(target, &changed);
        }
    }
}

macro_rules! replays {
    ($($target:ident)*) => {
        $(#[test]
        fn $target() {
            replay(stringify!($target));
        })*

        #[test]
        fn every_target_is_replayed_and_fuzzed_and_has_a_corpus() {
            let targets: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
            assert_eq!(targets, [$(stringify!($target)),*]);
            assert_eq!(names_in(&folder().join("corpus")), targets);
            let files = targets.iter().map(|name| format!("{name}.rs"));
            assert!(files.eq(names_in(&folder().join("fuzz_targets"))));
            let manifest = fs::read_to_string(folder().join("Cargo.toml")).unwrap();
            for name in targets {
                assert!(!names_in(&folder().join("corpus").join(name)).is_empty());
                let path = format!("path = \"fuzz_targets/{name}.rs\"");
                assert_eq!(manifest.matches(&path).count(), 1, "{name}");
                let file = folder().join("fuzz_targets").join(format!("{name}.rs"));
                let code = fs::read_to_string(file).unwrap();
                assert!(code.contains(&format!("run(\"{name}\", data)")), "{name}");
            }
        }
    };
}

replays! { address config door frames inbox journal lines names saved_state session store text }
