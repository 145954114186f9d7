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

fn wrong<E: de::Error>(what: impl fmt::Display) -> E {
    E::custom(what)
}

/// Parses the name of a room from the command line.
pub(super) fn room_name(wanted: &str) -> Result<String, &'static str> {
    clean_room_name(wanted).ok_or("a room name needs at least one visible character")
}
