//! Reading and writing keys that may be missing, and times.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serializer};

/// Reads an optional value: `null` counts as missing.
pub(super) fn or_default<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(from).map(Option::unwrap_or_default)
}

/// Serde requires a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
pub(super) fn is_false(value: &bool) -> bool {
    !value
}

/// Serde requires a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
pub(super) fn is_zero(value: &usize) -> bool {
    *value == 0
}

/// Writes a time with milliseconds. Serde requires a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
pub(super) fn milliseconds<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&format_args!("{at:.3}"))
}
