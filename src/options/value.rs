//! Parsers of single values, for the command line and for the file.

use std::fmt;
use std::ops::RangeInclusive;

use clap::builder::RangedU64ValueParser;
use serde::de::{self, Deserialize, Deserializer};

use crate::room::clean_room_name;

/// Parses a number within limits from the command line.
pub(super) fn within<T>(range: RangeInclusive<u64>) -> RangedU64ValueParser<T>
where
    T: TryFrom<u64>,
{
    RangedU64ValueParser::new().range(range)
}

/// Parses a number within limits from the file.
pub(super) fn number<'de, D, T, const LEAST: u64, const MOST: u64>(
    from: D,
) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<u64>,
{
    let number = i64::deserialize(from)?;
    u64::try_from(number)
        .ok()
        .filter(|number| (LEAST..=MOST).contains(number))
        .and_then(|number| T::try_from(number).ok())
        .map(Some)
        .ok_or_else(|| wrong(format!("{number} is not from {LEAST} to {MOST}")))
}

/// Parses the name of a room from the file.
pub(super) fn readable_name<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<String>, D::Error> {
    let wanted = String::deserialize(from)?;
    room_name(&wanted).map(Some).map_err(wrong)
}

/// The least size that can be asked for, in bytes: a smaller store would hold next to
/// nothing.
const SIZE_LEAST: u64 = 1 << 20;

/// Reads a size in bytes, of the command line: a whole number, and K, M, G or T for
/// 1024 times as much each.
pub(super) fn size(wanted: &str) -> Result<u64, String> {
    let wanted = wanted.trim();
    let (number, shift) = match wanted.char_indices().next_back() {
        Some((end, unit)) if unit.is_ascii_alphabetic() => {
            let shift = match unit.to_ascii_uppercase() {
                'K' => 10,
                'M' => 20,
                'G' => 30,
                'T' => 40,
                _ => 64,
            };
            (&wanted[..end], shift)
        }
        _ => (wanted, 0),
    };
    let bytes = number
        .trim_end()
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(1_u64.checked_shl(shift)?))
        .ok_or_else(|| "a size is a whole number and K, M, G or T, such as 500M".to_owned())?;
    if (SIZE_LEAST..=i64::MAX.unsigned_abs()).contains(&bytes) {
        Ok(bytes)
    } else {
        Err("a size is at least 1M".to_owned())
    }
}

/// Reads a size, of the file: a text such as "1G", or a number of bytes.
pub(super) fn size_of<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    struct Size;

    impl de::Visitor<'_> for Size {
        type Value = u64;

        fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
            to.write_str("a size such as \"1G\"")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<u64, E> {
            size(text).map_err(wrong)
        }

        fn visit_i64<E: de::Error>(self, number: i64) -> Result<u64, E> {
            size(&number.to_string()).map_err(wrong)
        }
    }

    from.deserialize_any(Size).map(Some)
}

fn wrong<E: de::Error>(what: impl fmt::Display) -> E {
    E::custom(what)
}

/// Parses the name of a room from the command line.
pub(super) fn room_name(wanted: &str) -> Result<String, &'static str> {
    clean_room_name(wanted).ok_or("a room name needs at least one visible character")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_a_number_and_a_unit() {
        for (text, bytes) in [
            ("1048576", 1 << 20),
            ("1M", 1 << 20),
            ("1024k", 1 << 20),
            (" 2 G ", 2 << 30),
            ("1t", 1 << 40),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "G", "1.5G", "-1G", "1GB", "1é", "99999999999T", "1P"] {
            assert!(size(text).unwrap_err().contains("such as 500M"), "{text}");
        }
        for text in ["0", "1", "1023K", "9000000T"] {
            assert!(size(text).unwrap_err().contains("at least 1M"), "{text}");
        }
    }
}
