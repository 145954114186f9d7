//! Names: what is left of a wanted one, and which ones look the same.

use unicase::UniCase;
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};
use unicode_security::confusable_detection::skeleton;

/// The most characters (Unicode scalar values) a name has.
pub const NAME_LIMIT: usize = 32;

/// The most characters (Unicode scalar values) the name of a room has.
pub const ROOM_NAME_LIMIT: usize = 64;

/// Of a wanted name, no more characters (Unicode scalar values) than this are
/// looked at, so that a long one costs no more than a short one: enough for
/// [`ROOM_NAME_LIMIT`] and for what is dropped before and between.
const WANTED_LIMIT: usize = 256;

/// The name of a member who gave none.
pub const DEFAULT_NAME: &str = "USR";

/// The name by which the server itself speaks; no member can have it.
pub const SERVER_NAME: &str = "SERVER";

/// What can be kept of `wanted` as a name, or `None` if nothing can.
///
/// Control, formatting and other invisible characters, `:` and double quotes are
/// dropped (the text door writes `name: text`, and quotes names), white space is trimmed and becomes single
/// spaces, and the rest is cut to [`NAME_LIMIT`].
#[must_use]
pub fn clean_name(wanted: &str) -> Option<String> {
    clean(wanted, |c| !is_delimiter(c), NAME_LIMIT)
}

/// What can be kept of `wanted` as the name of a room, or `None` if nothing can:
/// as [`clean_name`], but with `:` and up to [`ROOM_NAME_LIMIT`].
#[must_use]
pub fn clean_room_name(wanted: &str) -> Option<String> {
    clean(wanted, |_| true, ROOM_NAME_LIMIT)
}

/// Looks at [`WANTED_LIMIT`] characters of `wanted` at most.
fn clean(wanted: &str, keeps: impl Fn(char) -> bool, limit: usize) -> Option<String> {
    let wanted = wanted.chars().take(WANTED_LIMIT);
    let mut name = String::new();
    let mut length = 0;
    let mut space = false;
    // First dropped, then composed: what is dropped may stand between two
    // characters that compose.
    for c in wanted
        .filter(|c| c.is_whitespace() || (is_visible(*c) && keeps(*c)))
        .nfc()
    {
        if c.is_whitespace() {
            space = true;
            continue;
        }
        // A mark needs something to stand on.
        if (length == 0 || space) && c.general_category_group() == GeneralCategoryGroup::Mark {
            continue;
        }
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
    (!name.is_empty()).then_some(name)
}

/// Whether a character delimits names where they are written into a line, or
/// looks as if it did: `:` and double quotes.
fn is_delimiter(c: char) -> bool {
    match c {
        ':' | '"' | '“' | '”' | '„' | '‟' => true,
        c if c.is_ascii() => false,
        c => {
            c.nfkc().eq([':'])
                || c.nfkc().eq(['"'])
                || skeleton(c.encode_utf8(&mut [0; 4])).eq([':'])
        }
    }
}

/// The name that someone who wants `wanted` gets while nobody has it:
/// [`DEFAULT_NAME`] for an empty one and for one that looks like the server's.
#[must_use]
pub fn name_or_default(wanted: &str) -> String {
    WantedName::of(wanted).name
}

/// A name that a newcomer gets while nobody has it, and what it is compared by.
///
/// Making one takes the same bounded time however long the text is that a peer
/// sent, so it is made before the lock of a room is taken, and the room only
/// compares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedName {
    name: String,
    looks: Looks,
}

impl WantedName {
    /// The name for someone who wants `wanted`: [`DEFAULT_NAME`] for an empty one
    /// and for one that looks like the server's.
    #[must_use]
    pub fn of(wanted: &str) -> Self {
        if let Some(name) = clean_name(wanted) {
            let looks = Looks::of(&name);
            if !looks.alike(&Looks::of(SERVER_NAME)) {
                return Self { name, looks };
            }
        }
        Self {
            name: DEFAULT_NAME.to_owned(),
            looks: Looks::of(DEFAULT_NAME),
        }
    }

    /// The clean name, of 1 to [`NAME_LIMIT`] characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// What the name is compared by.
    #[must_use]
    pub const fn looks(&self) -> &Looks {
        &self.looks
    }
}

/// Whether a character can be seen in a name and moves nothing around it.
pub(super) fn is_visible(c: char) -> bool {
    use GeneralCategory as Category;
    let invisible_letter = matches!(
        c,
        // Combining grapheme joiner, Hangul fillers, Khmer inherent vowels,
        // Mongolian and other variation selectors: Default_Ignorable_Code_Point
        // (Unicode Standard, DerivedCoreProperties.txt) beyond category Cf.
        '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}'
            // Look like nothing, though they are symbols: the blank Braille pattern,
            // the object replacement character, the null notehead, a Khitan filler.
            | '\u{2800}' | '\u{fffc}' | '\u{1d159}' | '\u{16fe4}'
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
        let seen: String = skeleton(name).collect();
        // Folding may undo the normal form (UTS #39 asks for NFKC_Casefold), and
        // what a character looks like may be of the other case than it is.
        let folded: String = skeleton(&fold(name)).collect();
        Self {
            seen,
            read: skeleton(&fold(&folded)).collect(),
        }
    }

    /// Whether a person could take the one for the other.
    #[must_use]
    pub fn alike(&self, other: &Self) -> bool {
        self.seen == other.seen || self.read == other.read
    }
}

/// `text` without compatibility forms and without case.
fn fold(text: &str) -> String {
    let compatible: String = text.nfkc().map(large).collect();
    let folded = UniCase::unicode(compatible.as_str()).to_folded_case();
    folded.nfkc().collect()
}

/// The letter that a small capital is one of. Unicode gives them neither a case nor
/// a compatibility form, and UTS #39 knows some of them only.
fn large(c: char) -> char {
    const SMALL: &str = "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ";
    const LARGE: &str = "ABCDEFGHIJKLMNOPRSTUVWYZ";
    if c.is_ascii() {
        return c;
    }
    let found = SMALL
        .chars()
        .zip(LARGE.chars())
        .find(|(small, _)| *small == c);
    found.map_or(c, |(_, large)| large)
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
        assert_eq!(clean_name("a\u{2028}b").as_deref(), Some("a b"));
        assert_eq!(clean_name("\u{301}a").as_deref(), Some("a"));
    }

    #[test]
    fn a_name_loses_what_could_end_it_in_a_line() {
        assert_eq!(clean_name("SERVER: hi").as_deref(), Some("SERVER hi"));
        for colon in ["\u{a789}", "\u{ff1a}", "\u{2236}", "\u{589}"] {
            assert_eq!(
                clean_name(&format!("a{colon}b")).as_deref(),
                Some("ab"),
                "{colon}"
            );
        }
        assert_eq!(clean_name("a” joined. “b").as_deref(), Some("a joined. b"));
        // What stood around it composes.
        assert_eq!(clean_name("e:\u{301}").as_deref(), Some("é"));
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
    fn no_more_of_a_wanted_name_is_looked_at_than_its_start() {
        let end = "\u{200b}".repeat(WANTED_LIMIT) + "ada";
        assert_eq!(clean_name(&end), None);
        assert_eq!(WantedName::of(&end).as_str(), DEFAULT_NAME);
        let start = "\u{200b}".repeat(WANTED_LIMIT - 3) + "ada";
        assert_eq!(WantedName::of(&start).as_str(), "ada");
        let marks = format!("a{}", "\u{301}".repeat(30_000));
        assert!(WantedName::of(&marks).as_str().chars().count() <= NAME_LIMIT);
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
            "serve\u{13a1}", // Cherokee
            "\u{a4e2}erver", // Lisu
            "S\u{a4f0}rver",
            "ꜱᴇʀᴠᴇʀ",
            "SERVER\u{fffc}",
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
