//! po/POTFILES.in lists every file with texts for people.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The marks of a text, in Rust and in Blueprint.
const MARKS: [&str; 7] = [
    "gettext(",
    "gettext (",
    "count(\n",
    "count(\"",
    "ngettext(",
    "_(\"",
    "C_(\"",
];

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, found);
        } else {
            found.push(path);
        }
    }
}

fn has_texts(path: &Path) -> bool {
    let kind = path.extension().unwrap_or_default();
    if kind == "rs" || kind == "blp" {
        let source = fs::read_to_string(path).unwrap();
        MARKS.iter().any(|mark| source.contains(mark))
    } else {
        let name = path.to_string_lossy();
        [".desktop.in", ".metainfo.xml.in", ".gschema.xml"]
            .iter()
            .any(|end| name.ends_with(end))
    }
}

#[test]
fn every_file_with_texts_is_in_potfiles() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    files_below(&top.join("src/app"), &mut files);
    files_below(&top.join("data"), &mut files);
    let with_texts: BTreeSet<String> = files
        .iter()
        .filter(|path| has_texts(path))
        .filter_map(|path| path.strip_prefix(top).ok())
        .map(|path| path.to_string_lossy().into_owned())
        .collect();
    let listed: Vec<String> = fs::read_to_string(top.join("po/POTFILES.in"))
        .unwrap()
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect();
    let set: BTreeSet<String> = listed.iter().cloned().collect();
    assert_eq!(
        set, with_texts,
        "po/POTFILES.in lists exactly the files with texts"
    );
    assert!(
        listed.is_sorted() && listed.len() == set.len(),
        "in order, each once"
    );
}
