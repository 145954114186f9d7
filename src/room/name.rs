//! Names: what is left of a wanted one, and which ones look the same.

use unicase::UniCase;
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
use unicode_security::confusable_detection::skeleton;

/// The most characters (Unicode scalar values) a name has.
pub const NAME_LIMIT: usize = 32;

/// The most characters (Unicode scalar values) the name of a room has.
pub const ROOM_NAME_LIMIT: usize = 64;

/// The name of a member who gave none.
pub const DEFAULT_NAME: &str = "USR";

/// The name by which the server itself speaks; no member can have it.
pub const SERVER_NAME: &str = "SERVER";

/// What can be kept of `wanted` as a name, or `None` if nothing can.
///
/// Control, formatting and other invisible characters and `:` are dropped (the
/// text door writes `name: text`), white space is trimmed and becomes single
/// spaces, and the rest is cut to [`NAME_LIMIT`].
#[must_use]
pub fn clean_name(wanted: &str) -> Option<String> {
    clean(wanted.nfc().filter(|c| *c != ':'), NAME_LIMIT)
}

/// What can be kept of `wanted` as the name of a room, or `None` if nothing can:
/// as [`clean_name`], but with `:` and up to [`ROOM_NAME_LIMIT`].
#[must_use]
pub fn clean_room_name(wanted: &str) -> Option<String> {
    clean(wanted.nfc(), ROOM_NAME_LIMIT)
}

fn clean(wanted: impl Iterator<Item = char>, limit: usize) -> Option<String> {
    let mut name = String::new();
    let mut length = 0;
    let mut space = false;
    for c in wanted {
        if c.is_whitespace() {
            space = true;
        } else if is_visible(c) {
            let needed = 1 + usize::from(space && length > 0);
            if length + needed > limit {
                break;
            }
            if needed == 2 {
                name.push(' ');
            }
            name.push(c);
            length += needed;
            space = false;
        }
    }
    (!name.is_empty()).then_some(name)
}

/// The name that someone who wants `wanted` gets while nobody has it:
/// [`DEFAULT_NAME`] for an empty one and for one that looks like the server's.
#[must_use]
pub fn name_or_default(wanted: &str) -> String {
    match clean_name(wanted) {
        Some(name) if !Looks::of(&name).alike(&Looks::of(SERVER_NAME)) => name,
        _ => DEFAULT_NAME.to_owned(),
    }
}

/// Whether a character can be seen in a name and moves nothing around it.
fn is_visible(c: char) -> bool {
    use GeneralCategory as Category;
    let invisible_letter = matches!(
        c,
        // Combining grapheme joiner, Hangul fillers, Khmer inherent vowels,
        // Mongolian and other variation selectors: Default_Ignorable_Code_Point
        // (Unicode Standard, DerivedCoreProperties.txt) beyond category Cf.
        '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}'
            // Looks like nothing, though it is a symbol: the blank Braille pattern.
            | '\u{2800}'
    );
    !invisible_letter
        && !matches!(
            c.general_category(),
            Category::Control
                | Category::Format
                | Category::LineSeparator
                | Category::ParagraphSeparator
                | Category::PrivateUse
                | Category::Surrogate
                | Category::Unassigned
        )
}

/// What a name looks like: two names that share either form are taken for the
/// same one.
///
/// Both are skeletons of UTS #39 (Unicode Security Mechanisms, section 4), one
/// of the name as it stands (`adI` and `adl` look alike) and one of the name
/// without case (`ADA` and `ada` read alike).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looks {
    /// The skeleton of the name as it stands.
    pub seen: String,
    /// The skeleton of the case-folded name.
    pub read: String,
}

impl Looks {
    /// What `name` looks like.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let compatible: String = name.nfkc().collect();
        let folded = UniCase::unicode(compatible.as_str()).to_folded_case();
        // Folding may undo the normal form (UTS #39 asks for NFKC_Casefold).
        let folded: String = folded.nfkc().collect();
        Self {
            seen: skeleton(&compatible).collect(),
            read: skeleton(&folded).collect(),
        }
    }

    /// Whether a person could take the one for the other.
    #[must_use]
    pub fn alike(&self, other: &Self) -> bool {
        self.seen == other.seen || self.read == other.read
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_loses_what_cannot_be_seen() {
        assert_eq!(
            clean_name("  ada \t lovelace\r\n").as_deref(),
            Some("ada lovelace")
        );
        assert_eq!(clean_name("a\u{1b}[31mda").as_deref(), Some("a[31mda"));
        assert_eq!(
            clean_name("a\u{200b}d\u{202e}a\u{feff}").as_deref(),
            Some("ada")
        );
        assert_eq!(clean_name("SERVER: hi").as_deref(), Some("SERVER hi"));
        assert_eq!(clean_name("a\u{2028}b").as_deref(), Some("a b"));
    }

    #[test]
    fn a_name_with_nothing_left_is_an_empty_one() {
        for nothing in [
            "",
            "   ",
            ":",
            "\u{200b}\u{202e}",
            "\0\u{7}",
            "\u{3164}\u{2800}",
        ] {
            assert_eq!(clean_name(nothing), None, "{nothing:?}");
            assert_eq!(name_or_default(nothing), DEFAULT_NAME);
        }
    }

    #[test]
    fn a_name_is_cut_to_its_limit_in_characters() {
        assert_eq!(clean_name(&"ż".repeat(40)).unwrap(), "ż".repeat(32));
        // Never with a space at its end.
        let name = clean_name(&format!("{} b", "a".repeat(31))).unwrap();
        assert_eq!(name, "a".repeat(31));
    }

    #[test]
    fn the_servers_name_is_reserved_however_it_is_spelled() {
        for spelling in [
            "SERVER",
            "server",
            "Server",
            " S\u{200b}ERVER ",
            "ＳＥＲＶＥＲ",
            "\u{405}\u{415}RV\u{415}R", // Cyrillic
            "SERVER:",
            "s\u{435}rver",
        ] {
            assert_eq!(name_or_default(spelling), DEFAULT_NAME, "{spelling:?}");
        }
        assert_eq!(name_or_default("Serverin"), "Serverin");
        assert_eq!(name_or_default("ServerListener"), "ServerListener");
    }

    #[test]
    fn names_that_look_the_same_are_the_same() {
        for (one, other) in [
            ("ada", "ADA"),
            ("ada", "\u{430}d\u{430}"),
            ("STRASSE", "straße"),
            ("adI", "adl"),
            ("e\u{301}va", "\u{e9}va"),
        ] {
            assert!(Looks::of(one).alike(&Looks::of(other)), "{one} {other}");
        }
        assert!(!Looks::of("ada").alike(&Looks::of("adam")));
        assert!(!Looks::of("ada_1").alike(&Looks::of("ada_2")));
    }

    proptest! {
        #[test]
        fn any_name_is_clean_and_stays_so(wanted in any::<String>()) {
            if let Some(name) = clean_name(&wanted) {
                prop_assert!(name.chars().count() <= NAME_LIMIT);
                prop_assert!(name.chars().all(|c| c == ' ' || is_visible(c)));
                prop_assert!(!name.contains(':'));
                prop_assert_eq!(clean_name(&name), Some(name));
            }
            prop_assert!(!name_or_default(&wanted).is_empty());
        }
    }
}
