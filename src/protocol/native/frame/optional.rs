//! Reading and writing keys that may be missing.

use serde::{Deserialize, Deserializer};

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
