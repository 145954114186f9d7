//! Compares names by how they look: a person could mistake one for another, or for the
//! server's.

use icu_properties::props::GeneralCategoryGroup;
use unicase::UniCase;
use unicode_normalization::UnicodeNormalization;
use unicode_security::confusable_detection::skeleton;

use crate::room::character::category;

/// The looks of a name. Two names that share either form count as the same.
///
/// Both are skeletons of UTS #39 (Unicode Security Mechanisms, section 4), one of the
/// name as it stands (`adI` and `adl` look alike) and one of the name without case (`ADA`
/// and `ada` read alike). They ignore joiners and other invisible characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusableKey {
    /// The skeleton of the name as it stands.
    pub seen: String,
    /// The skeleton of the case-folded name.
    pub read: String,
}

impl ConfusableKey {
    /// The looks of `name`.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let seen: String = skeleton(name).collect();
        // Folding may undo the normal form (UTS #39 asks for NFKC_Casefold), and the
        // prototype of a character may be of the other case.
        let folded: String = skeleton(&fold(name)).collect();
        Self {
            seen,
            read: skeleton(&fold(&folded)).collect(),
        }
    }

    /// Whether a person could mistake one for the other.
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

/// The ordinary letter for a small capital, or for a white letter in a dark circle or
/// square. Unicode gives them neither a case nor a compatibility form, and UTS #39 covers
/// only some of them.
fn large(c: char) -> char {
    const SMALL: &str = "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ";
    const LARGE: &str = "ABCDEFGHIJKLMNOPRSTUVWYZ";
    if c.is_ascii() {
        return c;
    }
    let found = SMALL.chars().zip(LARGE.chars()).find(|pair| pair.0 == c);
    match found {
        Some((_, large)) => large,
        None => lettered(c, '\u{1f150}')
            .or(lettered(c, '\u{1f170}'))
            .unwrap_or(c),
    }
}

/// The letter for `c`, in a row of 26 that begins with `a`.
fn lettered(c: char, a: char) -> Option<char> {
    let index = u32::from(c).checked_sub(u32::from(a))?;
    let index = u8::try_from(index).ok().filter(|index| *index < 26)?;
    Some(char::from(b'A' + index))
}

/// Whether a person could mistake `name` for the name of the server, `SERVER`.
///
/// Only letters and digits count here: no marks, no spaces, and no other signs.
pub(super) fn is_servers(name: &str) -> bool {
    let mut letters = letters(name.chars());
    // Each step can uncover a character that another removes; more than two turns never
    // help.
    for _ in 0..2 {
        letters = self::letters(skeleton(&letters));
        letters = self::letters(fold(&letters).chars());
    }
    letters == "server"
}

/// The letters and digits of `text`, without the marks on them.
fn letters(text: impl Iterator<Item = char>) -> String {
    text.map(plain)
        .nfkd()
        .map(plain)
        .filter(|c| c.is_alphanumeric() && !GeneralCategoryGroup::Mark.contains(category(*c)))
        .collect()
}

/// The letter of the server's name that looks like `c`.
fn plain(c: char) -> char {
    // Signs that people write instead of these letters, or that websites for fancy
    // letters offer, beyond UTS #39.
    const LIKE: [(char, &str); 4] = [
        ('S', "5$§₴ƧƨЅꙄꙅ丂ᔕᏕᎦֆร𐐠ꌗՏ"),
        ('E', "3€£ΣΞξєЄԐԑƐɛƎǝɘҽᕮ乇ᏋꍟɆ∃𐌄𐊤ê"),
        ('R', "®ЯяᏒᖇ尺ꋪɌⱤɾɿʁᚱ𐌓Ꮢᖆг"),
        ('V', "√ᐯᏉᕓʋνѵΛ∨ꓦ𐌡"),
    ];
    if let Some(letter) = lettered(c, '\u{1f1e6}') {
        return letter;
    }
    let found = LIKE.iter().find(|(_, like)| like.contains(c));
    found.map_or_else(|| large(c), |(letter, _)| *letter)
}
