//! The names of members and of rooms.

use unicode_normalization::UnicodeNormalization;

use crate::harmless::assert_harmless_line;
use crate::protocol::{ENCODINGS, TEXT};
use crate::room::{
    ConfusableKey, Enter, NAME_LIMIT, ROOM_NAME_LIMIT, Room, Rules, Seed, WantedName, clean_name,
    clean_room_name, name_or_default,
};

/// The most members in the room of a run.
const MEMBERS: usize = 64;

/// Each line is a wanted name, and all of them join one room. Names are clean and short,
/// none passes for the server's, and no two in the room look the same.
pub(super) fn names(data: &[u8]) {
    let mut room = Room::new(Rules::default(), ENCODINGS, Seed::new([7; 16]));
    let mut inside: Vec<ConfusableKey> = Vec::new();
    let wanted = String::from_utf8_lossy(data);
    for wanted in wanted.split('\n').take(MEMBERS) {
        if let Some(name) = clean_name(wanted) {
            check_name(&name, NAME_LIMIT);
            assert_eq!(clean_name(&name).as_deref(), Some(&*name), "it stays clean");
        }
        if let Some(name) = clean_room_name(wanted) {
            check_name(&name, ROOM_NAME_LIMIT);
            assert_eq!(clean_room_name(&name).as_deref(), Some(&*name));
        }
        check_name(&name_or_default(wanted), NAME_LIMIT);
        let entered = room
            .apply(Enter {
                wanted: WantedName::of(wanted),
                encoding: TEXT,
                host: false,
                token: None,
            })
            .expect("there is room");
        let name = &*entered.name;
        check_name(name, NAME_LIMIT);
        assert!(!name.contains([':', '"', '“', '”']), "{name:?}");
        assert!(!is_the_servers(name), "{name:?} passes for the server");
        let looks = ConfusableKey::of(name);
        let other = inside.iter().find(|other| other.alike(&looks));
        assert!(other.is_none(), "{name:?} looks as {other:?}");
        inside.push(looks);
    }
}

fn check_name(name: &str, limit: usize) {
    assert!(
        !name.is_empty() && name.chars().count() <= limit,
        "{name:?}"
    );
    assert_eq!(name.trim(), name);
    assert_harmless_line(name);
}

/// Whether a name is the server's to a reader who looks at its letters only: in any form
/// and case, enclosed, with marks, with other characters between or around them.
fn is_the_servers(name: &str) -> bool {
    let letters = name.chars().map(plain).collect::<String>();
    let letters = letters.nfkd().filter(|c| c.is_alphanumeric());
    let letters: String = letters.flat_map(char::to_lowercase).collect();
    letters == "server"
}

/// The letter in a symbol that is a letter in a square or a circle and has no plain form
/// in Unicode.
fn plain(c: char) -> char {
    let from = |first: u32| char::from_u32(u32::from('A') + u32::from(c) - first).unwrap_or(c);
    match c {
        '\u{1f150}'..='\u{1f169}' => from(0x1f150),
        '\u{1f170}'..='\u{1f189}' => from(0x1f170),
        c => c,
    }
}
