//! The keys of a room: secrets that are made by the program and typed by people.

use std::fmt;
use std::str::FromStr;

/// The random bytes of a key: too many to be guessed, so nothing has to slow guessing down.
pub const KEY_BYTES: usize = 10;

/// The characters of a key, five bits each.
const CHARACTERS: usize = KEY_BYTES * 8 / 5;

/// The characters in which a key is written (RFC 4648, section 6), in lower case.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The characters of one group, as people read a key.
const GROUP: usize = 4;

/// The key of a private room, or the key by which someone shows to be its host. A secret:
/// its [`Debug`] output hides it, and it has no [`Display`](fmt::Display).
///
/// ```
/// use chatroom::room::RoomKey;
///
/// let key: RoomKey = "ABCD-efgh ijkl mn0p".parse().unwrap();
/// assert_eq!(key.secret(), "abcdefghijklmnop");
/// assert_eq!(format!("{key:?}"), "RoomKey(…)");
/// ```
#[derive(Clone)]
pub struct RoomKey([u8; CHARACTERS]);

/// A text that is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key has 16 letters and digits, such as those after “k=” in an invitation")]
pub struct NotAKey;

impl RoomKey {
    /// The key of these random bytes.
    #[must_use]
    pub fn from_random(bytes: [u8; KEY_BYTES]) -> Self {
        let mut bits = 0_u32;
        let mut count = 0;
        let mut bytes = bytes.into_iter();
        Self(std::array::from_fn(|_| {
            if count < 5 {
                bits = bits << 8 | u32::from(bytes.next().unwrap_or(0));
                count += 8;
            }
            count -= 5;
            ALPHABET[(bits >> count & 31) as usize]
        }))
    }

    /// Its 16 characters: lower-case letters and digits. A secret.
    #[must_use]
    pub fn secret(&self) -> &str {
        // All of them are from the alphabet.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Its characters in groups, as people read them. A secret.
    #[must_use]
    pub fn grouped(&self) -> String {
        let secret = self.secret();
        let groups = (0..CHARACTERS).step_by(GROUP);
        let groups: Vec<_> = groups.map(|at| &secret[at..at + GROUP]).collect();
        groups.join("-")
    }
}

impl FromStr for RoomKey {
    type Err = NotAKey;

    /// Reads a key in any case; dashes and white space do not count, and digits that are
    /// not in a key count as the letters that look like them.
    fn from_str(written: &str) -> Result<Self, NotAKey> {
        let mut key = [0; CHARACTERS];
        let mut places = key.iter_mut();
        let counts = |character: &char| !character.is_whitespace() && !is_dash(*character);
        for character in written.chars().filter(counts) {
            let character = match character.to_ascii_lowercase() {
                '0' => 'o',
                '1' => 'l',
                '8' => 'b',
                other => other,
            };
            let byte = u8::try_from(character).map_err(|_| NotAKey)?;
            if !ALPHABET.contains(&byte) {
                return Err(NotAKey);
            }
            *places.next().ok_or(NotAKey)? = byte;
        }
        if places.next().is_some() {
            return Err(NotAKey);
        }
        Ok(Self(key))
    }
}

/// Whether this is a dash, as programs for texts make them.
const fn is_dash(character: char) -> bool {
    matches!(
        character,
        '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ad}'
    )
}

impl PartialEq for RoomKey {
    /// Takes the same time wherever they differ.
    fn eq(&self, other: &Self) -> bool {
        let differences = self.0.iter().zip(other.0);
        differences.fold(0, |all, (one, two)| all | (one ^ two)) == 0
    }
}

impl Eq for RoomKey {}

impl fmt::Debug for RoomKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RoomKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_bytes_are_written_as_rfc_4648_does() {
        let key = RoomKey::from_random(*b"foobarfoob");
        assert_eq!(key.secret(), "mzxw6ytbojtg633c");
        assert_eq!(key.grouped(), "mzxw-6ytb-ojtg-633c");
        assert_eq!(
            RoomKey::from_random([0xff; 10]).secret(),
            "7777777777777777"
        );
    }

    #[test]
    fn a_key_is_read_however_it_was_written_down() {
        let key = RoomKey::from_random(*b"foobarfoob");
        for written in [
            "mzxw6ytbojtg633c",
            " MZXW-6YTB-OJTG-633C\n",
            "mzxw 6ytb ojtg 633c",
            "mzxw–6ytb—ojtg‑633c",
            "mzxw6yt80jtg633c",
        ] {
            assert_eq!(written.parse(), Ok(key.clone()), "{written}");
        }
        for written in [
            "",
            "mzxw",
            "mzxw6ytbojtg633cc",
            "mzxw6ytböjtg633c",
            "mzxw6ytb9jtg633c",
        ] {
            assert_eq!(written.parse::<RoomKey>(), Err(NotAKey), "{written}");
        }
    }

    #[test]
    fn nothing_but_the_two_methods_shows_a_key() {
        let key = RoomKey::from_random(*b"foobarfoob");
        assert_eq!(
            format!("{key:?} {:#?}", Some(&key)),
            "RoomKey(…) Some(\n    RoomKey(…),\n)"
        );
    }

    proptest! {
        #[test]
        fn a_written_key_is_the_same_key(bytes: [u8; KEY_BYTES]) {
            let key = RoomKey::from_random(bytes);
            prop_assert_eq!(key.secret().parse::<RoomKey>(), Ok(key.clone()));
            prop_assert_eq!(key.grouped().parse::<RoomKey>(), Ok(key));
        }

        #[test]
        fn no_text_panics(text: String) {
            let _ = text.parse::<RoomKey>();
        }
    }
}
