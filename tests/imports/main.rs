//! The rule of imports: no circle among the files of `src/`, and no folder imports from one
//! that stands after it in the list of `src/lib.rs`. What a client shows, and the app's
//! models of it, keep away from the toolkit.
//!
//! An import is a name that a file takes from another one, wherever it stands: in a `use`,
//! as a path in the code or in a macro. It counts to the file that defines the name, so a
//! `mod.rs` that only declares its children and re-exports from them imports nothing. A file
//! is a part of the modules above it (its folder's `mod.rs` and those of the folders
//! around), so a name that these define is no import either. Code for tests (`#[cfg(test)]`)
//! does not count.

mod checker;
mod house;
mod rule;
mod source;

use std::path::Path;

use self::house::House;
use self::rule::ORDER;

/// The folders that know nothing of a toolkit, and the crates that they may not name.
const WITHOUT: [(&str, &[&str]); 2] = [
    ("src/chat/", &["gtk", "adw", "glib", "gio"]),
    ("src/app/models/", &["gtk", "adw"]),
];

/// The modules that only tests use: the picture does not show them.
const FOR_TESTS: [&str; 2] = ["harmless", "fuzzing"];

fn house() -> House {
    House::read(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the files of src/")
}

/// Fails with these findings, each for a person to open.
fn assert_none(findings: &[String]) {
    assert!(findings.is_empty(), "\n\n{}\n", findings.join("\n\n"));
}

#[test]
fn no_files_import_from_each_other_in_a_circle() {
    assert_none(&rule::circles(&house()));
}

#[test]
fn no_folder_imports_from_one_above_it() {
    assert_none(&rule::upward(&house()));
}

#[test]
fn what_a_client_shows_knows_no_toolkit() {
    let house = house();
    for (folder, crates) in WITHOUT {
        assert!(house.has_folder(folder), "no file in {folder}");
        assert_none(&rule::named(&house, folder, crates));
    }
}

#[test]
fn the_order_is_the_list_of_the_library() {
    let listed = rule::listed(&house().text("src/lib.rs"));
    assert_eq!(listed, ORDER, "the list in the first comment of src/lib.rs");
}

#[test]
fn the_picture_of_the_modules_shows_them_all() {
    let picture = include_str!("../../docs/modules.svg");
    let mut shown: Vec<&str> = picture
        .split(r#"class="name""#)
        .skip(1)
        .filter_map(|it| it.split(['>', '<']).nth(1))
        .collect();
    let mut modules = ORDER.to_vec();
    modules.retain(|it| !FOR_TESTS.contains(it));
    shown.sort_unstable();
    modules.sort_unstable();
    assert_eq!(shown, modules, "docs/modules.svg");
}
