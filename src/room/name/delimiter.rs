//! The characters that delimit names in a line: the text door writes `name: text`, and
//! quotes names with `“` and `”`.

use icu_properties::CodePointMapData;
use icu_properties::props::{GeneralCategoryGroup, Script};
use unicode_security::confusable_detection::skeleton;

use crate::room::character::category;

/// Characters that look like a colon, beyond Unicode Technical Standard 39.
const COLONS: &str = "⦂⍠⫶⁝፥፦᠄꛴𐞁⠆⡁⠒⠇܅܆܇܈܉𝪊𒑱𒑲𒑳𒑴𐽇";

/// Characters that look like double quotes, beyond Unicode Technical Standard 39.
const QUOTES: &str = "“”„‟〝〞〟❝❞❠⹂🙶🙷🙸〃˝˶";

/// Whether the character at `at` in `text` delimits names, or looks as if it did.
///
/// A sign of a script is no delimiter among letters of that script: the visarga of
/// `अंतः` looks like a colon, the gershayim of `רמב״ם` like a quote.
pub(super) fn is_delimiter(text: &[char], at: usize) -> bool {
    let c = text[at];
    if c.is_ascii_alphanumeric() || !looks_like_delimiter(c, at.checked_sub(1).map(|at| text[at])) {
        return false;
    }
    let script = CodePointMapData::<Script>::new();
    let own = script.get(c);
    let is_own = |other: Option<&char>| other.is_some_and(|other| script.get(*other) == own);
    let is_written = match own {
        Script::Common | Script::Inherited => false,
        _ if is_letter(c) => is_own(text[..at].last()),
        _ => is_own(text[..at].last()) && is_own(text.get(at + 1)),
    };
    !is_written
}

fn is_letter(c: char) -> bool {
    let group = GeneralCategoryGroup::Letter.union(GeneralCategoryGroup::Mark);
    group.contains(category(c))
}

fn looks_like_delimiter(c: char, before: Option<char>) -> bool {
    if c.is_ascii() {
        let second = c == '\'' && before.is_some_and(is_apostrophe);
        return matches!(c, ':' | '"') || second;
    }
    if COLONS.contains(c) || QUOTES.contains(c) {
        return true;
    }
    let seen: String = skeleton(c.encode_utf8(&mut [0; 4])).collect();
    // Two apostrophes are a quote, whether it is one character or not.
    seen.contains(':') || seen.contains("''") || (seen == "'" && before.is_some_and(is_apostrophe))
}

fn is_apostrophe(c: char) -> bool {
    skeleton(c.encode_utf8(&mut [0; 4])).eq(['\''])
}
