//! The checker itself, on small trees that are made here.

use std::collections::BTreeMap;

use crate::house::House;
use crate::rule;

/// A tree of these files.
fn house(files: &[(&str, &str)]) -> House {
    let texts: BTreeMap<String, String> = files
        .iter()
        .map(|(file, text)| (format!("src/{file}"), (*text).to_owned()))
        .collect();
    House::of(texts).expect("files that can be read")
}

/// The imports of a tree: `from → to: name`, without `src/`.
fn imports(files: &[(&str, &str)]) -> Vec<String> {
    let house = house(files);
    let imports = house.imports.iter().map(|it| {
        let short = |file: &str| file.trim_start_matches("src/").to_owned();
        format!("{} → {}: {}", short(&it.from), short(&it.to), it.name)
    });
    imports.collect()
}

const ROOT: (&str, &str) = ("lib.rs", "mod room; mod server;");

#[test]
fn a_circle_of_two_is_told_with_the_names_that_tie_it() {
    let house = house(&[
        ROOT,
        (
            "room.rs",
            "use crate::server::Server;\npub struct Room(Server);",
        ),
        (
            "server.rs",
            "\nuse crate::room::Room;\npub struct Server(Box<Room>);",
        ),
    ]);
    assert_eq!(
        rule::circles(&house),
        ["a circle of 2 files:\n  \
          src/room.rs:1 → src/server.rs: Server\n  \
          src/server.rs:2 → src/room.rs: Room"]
    );
}

#[test]
fn a_circle_of_three_through_a_re_export_is_found() {
    let house = house(&[
        ("lib.rs", "mod server;"),
        (
            "server/mod.rs",
            "mod hub; mod pool; mod worker; pub use worker::Worker; pub use pool::*;",
        ),
        ("server/hub.rs", "pub struct Hub(super::Worker);"),
        (
            "server/pool.rs",
            "use super::hub::Hub; pub struct Pool { hub: Hub }",
        ),
        (
            "server/worker.rs",
            "use super::Pool; pub struct Worker(Pool);",
        ),
    ]);
    let found = rule::circles(&house);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("a circle of 3 files:"), "{found:?}");
    assert!(found[0].contains("src/server/hub.rs:1 → src/server/worker.rs: Worker"));
    assert!(found[0].contains("src/server/worker.rs:1 → src/server/pool.rs: Pool"));
    assert!(!found[0].contains("mod.rs"), "{found:?}");
}

#[test]
fn a_folder_that_only_declares_and_re_exports_imports_nothing() {
    let files = [
        ROOT,
        (
            "room/mod.rs",
            "mod name; pub use self::name::Name; pub(crate) use name::*;",
        ),
        ("room/name.rs", "pub struct Name; pub struct Other;"),
        ("server.rs", "use crate::room::{Name, Other};"),
    ];
    assert_eq!(
        imports(&files),
        [
            "server.rs → room/name.rs: Name",
            "server.rs → room/name.rs: Other"
        ]
    );
}

#[test]
fn a_folder_that_uses_what_it_re_exports_imports_it() {
    let files = [
        ROOT,
        (
            "room/mod.rs",
            "mod name; pub use name::Name; pub struct Room { name: Name }",
        ),
        ("room/name.rs", "pub struct Name(crate::server::Server);"),
        ("server.rs", "pub struct Server(crate::room::Room);"),
    ];
    let found = rule::circles(&house(&files));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].contains("src/room/mod.rs:1 → src/room/name.rs: Name"),
        "{found:?}"
    );
}

#[test]
fn a_file_is_a_part_of_the_modules_above_it() {
    let files = [
        ("lib.rs", "mod room;"),
        (
            "room/mod.rs",
            "mod log; use log::Log; pub struct Room(Log);",
        ),
        (
            "room/log/mod.rs",
            "mod block; pub struct Log(block::Block);",
        ),
        (
            "room/log/block.rs",
            "pub struct Block; impl super::super::Room {} impl super::Log {}",
        ),
    ];
    assert_eq!(
        imports(&files),
        [
            "room/log/mod.rs → room/log/block.rs: Block",
            "room/mod.rs → room/log/mod.rs: Log"
        ]
    );
}

#[test]
fn every_way_to_name_something_is_an_import() {
    for code in [
        "use crate::room::Room;",
        "use crate::room::{self, Room as R};",
        "use crate::{room::{Room}};",
        "use super::room::Room;",
        "use super::room::*; struct S(Room);",
        "use crate::room; fn f() { room::Room::new(); }",
        "use crate::room as place; fn f(it: place::Room) {}",
        "fn f(it: Vec<crate::room::Room>) {}",
        "fn f() { let it = 0..super::room::Room::MOST; }",
        "fn f() { println!(\"{}\", crate::room::Room::MOST); }",
        "mod imp { struct S(super::super::room::Room); }",
        "mod imp { use super::*; struct S(Room); } use crate::room::Room;",
        "macro_rules! m { () => { $crate::room::Room } }",
        "#[serde(with = \"crate::room::Room\")] struct S;",
        "#[arg(value_parser = crate::room::Room)] struct S;",
        "impl From<crate::room::Room> for S {}",
        "use crate::room::Room as _;",
        "pub use crate::room::Room;",
    ] {
        let files = [ROOT, ("room.rs", "pub struct Room;"), ("server.rs", code)];
        let found = imports(&files);
        assert_eq!(found, ["server.rs → room.rs: Room"], "{code}");
    }
}

#[test]
fn what_is_no_import_is_none() {
    for code in [
        "#[cfg(test)] mod tests { use crate::room::Room; }",
        "#[cfg(test)]\n#[allow(unused)]\nuse crate::room::Room;",
        "#[cfg(test)] fn f<A, B>(it: crate::room::Room) { g() } fn g() {}",
        "struct S { #[cfg(test)] it: crate::room::Room, other: u8 }",
        "#![cfg(test)] use crate::room::Room;",
        "/// See [`crate::room::Room`].\nstruct S;",
        "use crate::room; fn f(room: u8) -> u8 { room }",
        "fn f() { \"crate::room::Room\"; }",
        "struct Room; fn f(it: Room) {}",
        "use crate::room::*; fn f(it: S) { it.Room(it.room.Room); }",
        "fn f() { ::room::Room; other::room::Room; }",
    ] {
        let files = [ROOT, ("room.rs", "pub struct Room;"), ("server.rs", code)];
        assert_eq!(imports(&files), [""; 0], "{code}");
    }
}

#[test]
fn what_a_macro_is_given_to_define_counts_to_its_file() {
    let files = [
        ROOT,
        ("room/mod.rs", "mod name; pub use name::*;"),
        (
            "room/name.rs",
            "glib::wrapper! { pub struct Name(Object); }",
        ),
        ("server.rs", "use crate::room::Name;"),
    ];
    assert_eq!(imports(&files), ["server.rs → room/name.rs: Name"]);
}

#[test]
fn a_name_that_a_macro_makes_counts_to_the_module_that_was_named() {
    let files = [
        ROOT,
        ("room.rs", "make! { pub struct Room; } make!(Other);"),
        ("server.rs", "use crate::room::{Other, Room};"),
    ];
    let found = imports(&files);
    assert_eq!(
        found,
        ["server.rs → room.rs: Other", "server.rs → room.rs: Room"]
    );
}

#[test]
fn two_re_exports_of_each_other_end() {
    let files = [
        ROOT,
        (
            "room.rs",
            "pub use crate::server::*; pub use crate::server::Nobody;",
        ),
        (
            "server.rs",
            "pub use crate::room::*; pub use crate::room::Nobody; struct S(Nobody);",
        ),
    ];
    let _ = imports(&files);
}

#[test]
fn an_import_from_a_later_folder_is_told() {
    let house = house(&[
        ROOT,
        ("main.rs", "fn main() { chatroom::server::serve() }"),
        ("room/mod.rs", "mod log;"),
        ("room/log.rs", "fn f() { crate::server::serve() }"),
        ("server.rs", "pub fn serve() {}"),
    ]);
    let found = rule::upward(&house);
    assert_eq!(found.len(), 1, "{found:?}");
    let (_, ties) = found[0].split_once('\n').expect("a line for each");
    assert_eq!(ties, "  src/room/log.rs:1 → src/server.rs: serve");
}

#[test]
fn an_import_from_an_earlier_folder_is_well() {
    let house = house(&[
        ROOT,
        ("main.rs", "use chatroom::{room::Room, server::Server};"),
        ("room.rs", "pub struct Room;"),
        (
            "server.rs",
            "use crate::room::Room; pub struct Server(Room);",
        ),
    ]);
    assert_eq!(house.imports.len(), 3);
    assert_eq!(rule::upward(&house), [""; 0]);
}

#[test]
fn a_module_without_a_place_in_the_order_is_told() {
    let house = house(&[
        ("lib.rs", "mod attic; mod room;"),
        ("attic.rs", "use crate::room::Room;"),
        ("room.rs", "pub struct Room;"),
    ]);
    assert_eq!(
        rule::upward(&house),
        ["src/attic.rs is in no module of the order"]
    );
}

#[test]
fn a_crate_is_named_however_it_is_written() {
    for code in [
        "use gtk::prelude::*;",
        "use gtk;",
        "use gtk as toolkit;",
        "fn f(it: gtk::Widget) {}",
        "fn f() { gtk::init!(); }",
        "use crate::room::toolkit; struct S(toolkit::Widget);",
    ] {
        let room = ("room.rs", "pub use gtk as toolkit; pub use std::fmt;");
        let house = house(&[ROOT, room, ("server.rs", code)]);
        assert!(
            !rule::named(&house, "src/server", &["gtk"]).is_empty(),
            "{code}"
        );
        assert_eq!(
            rule::named(&house, "src/server", &["adw", "std"]),
            [""; 0],
            "{code}"
        );
    }
}

#[test]
fn the_list_of_a_crate_is_read() {
    let text = "//! A crate.\n//!\n//! - `lock`: locks, with `order`;\n//! - [`room`]: a room\n//!   of two lines.\n\nmod a;\n//! - `none`: no.";
    assert_eq!(rule::listed(text), ["lock", "room"]);
}
