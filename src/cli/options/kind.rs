//! The kinds of values of an option: how each is read from the command line and from the
//! file, and how it changes the server's settings.

use std::ops::Range;
use std::path::PathBuf;

use clap::builder::{PathBufValueParser, PossibleValuesParser, TypedValueParser as _, ValueParser};
use toml::Spanned;
use toml::de::{DeArray, DeInteger, DeValue};

use crate::protocol::address::BindAddress;
use crate::room::clean_room_name;
use crate::server::Settings;
use crate::terminal::Files;

/// The kinds of values, each with the function that changes a setting.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A whole number from the first to the second, inclusive.
    Number(u64, u64, fn(&mut Settings, u64)),
    /// A number of bytes, with K, M, G or T for 1024 times as much each.
    Size(fn(&mut Settings, u64)),
    /// On or off.
    Switch(fn(&mut Settings, bool)),
    /// The name of a room.
    RoomName(fn(&mut Settings, String)),
    /// The path of a file.
    File(fn(&mut Settings, PathBuf)),
    /// A list of addresses of this computer.
    Addresses(fn(&mut Settings, Vec<BindAddress>)),
    /// One of these words.
    Word(&'static [&'static str], fn(&mut Settings, &str)),
    /// The path of a file whose contents the server reads at the start and at each reload.
    Contents(fn(&mut Files, PathBuf)),
}

/// A value that its kind accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Of [`Kind::Number`] and [`Kind::Size`].
    Number(u64),
    /// Of [`Kind::Switch`].
    Switch(bool),
    /// Of [`Kind::RoomName`] and [`Kind::Word`].
    Text(String),
    /// Of [`Kind::File`] and [`Kind::Contents`].
    File(PathBuf),
    /// Of [`Kind::Addresses`].
    Addresses(Vec<BindAddress>),
}

/// An error in a value of the file: its place, and a description.
pub(in crate::cli) type Wrong = (Range<usize>, String);

/// The least size that can be asked for, in bytes: a smaller store would hold next to
/// nothing.
const SIZE_LEAST: u64 = 1 << 20;

impl Value {
    /// The value of an option that is given twice: one list of addresses, else the last.
    pub(super) fn joined(self, other: Self) -> Self {
        match (self, other) {
            (Self::Addresses(mut all), Self::Addresses(more)) => {
                all.extend(more);
                Self::Addresses(all)
            }
            (_, last) => last,
        }
    }
}

impl Kind {
    /// The limits of a number, for people; `None` for everything else.
    pub(super) fn limits(&self) -> Option<String> {
        match self {
            Self::Number(least, most, _) => Some(format!("{least} to {most}")),
            Self::Size(_) => Some("at least 1M".to_owned()),
            _ => None,
        }
    }

    /// Changes the setting. The value is one that this kind accepted.
    pub(super) fn apply(&self, value: &Value, settings: &mut Settings) {
        match (self, value) {
            (Self::Number(_, _, set) | Self::Size(set), Value::Number(number)) => {
                set(settings, *number);
            }
            (Self::Switch(set), Value::Switch(on)) => set(settings, *on),
            (Self::RoomName(set), Value::Text(text)) => set(settings, text.clone()),
            (Self::File(set), Value::File(path)) => set(settings, path.clone()),
            (Self::Addresses(set), Value::Addresses(all)) => set(settings, all.clone()),
            (Self::Word(_, set), Value::Text(word)) => set(settings, word),
            _ => {}
        }
    }

    /// Changes the files to read. The value is one that this kind accepted.
    pub(super) fn choose(&self, value: &Value, files: &mut Files) {
        if let (Self::Contents(set), Value::File(path)) = (self, value) {
            set(files, path.clone());
        }
    }

    /// The parser of a value on the command line.
    pub(super) fn parser(&self) -> ValueParser {
        // A path may have any bytes.
        if let Self::File(_) | Self::Contents(_) = self {
            return PathBufValueParser::new().map(Value::File).into();
        }
        if let Self::Word(words, _) = self {
            return PossibleValuesParser::new(*words).map(Value::Text).into();
        }
        let kind = *self;
        ValueParser::from(move |text: &str| kind.parse(text))
    }

    /// Parses a value of the command line.
    ///
    /// # Errors
    /// A description of the accepted values.
    fn parse(&self, text: &str) -> Result<Value, String> {
        match self {
            Self::Number(least, most, _) => number(text, *least, *most),
            Self::Size(_) => size(text).map(Value::Number),
            Self::Switch(_) => match text {
                "true" => Ok(Value::Switch(true)),
                "false" => Ok(Value::Switch(false)),
                _ => Err("it is true or false".to_owned()),
            },
            Self::RoomName(_) => clean_room_name(text)
                .map(Value::Text)
                .ok_or_else(|| "a room name needs at least one visible character".to_owned()),
            Self::File(_) | Self::Contents(_) => Ok(Value::File(text.into())),
            Self::Word(words, _) if words.contains(&text) => Ok(Value::Text(text.to_owned())),
            Self::Word(words, _) => Err(format!("it is {}", words.join(" or "))),
            Self::Addresses(_) => text
                .parse()
                .map(|address| Value::Addresses(vec![address]))
                .map_err(|error: <BindAddress as std::str::FromStr>::Err| error.to_string()),
        }
    }

    /// Reads a value of the file.
    ///
    /// # Errors
    /// The place of what is wrong, and a description of the accepted values.
    pub(in crate::cli) fn read(&self, found: &Spanned<DeValue<'_>>) -> Result<Value, Wrong> {
        let told = |what| (found.span(), what);
        match (self, found.get_ref()) {
            (Self::Number(least, most, _), DeValue::Integer(found)) => {
                number(&decimal(found), *least, *most).map_err(told)
            }
            (Self::Size(_), DeValue::Integer(found)) => self.parse(&decimal(found)).map_err(told),
            (Self::Switch(_), DeValue::Boolean(on)) => Ok(Value::Switch(*on)),
            (
                Self::RoomName(_)
                | Self::Size(_)
                | Self::File(_)
                | Self::Word(..)
                | Self::Contents(_),
                DeValue::String(text),
            ) => self.parse(text).map_err(told),
            (Self::Addresses(_), DeValue::Array(all)) => self.read_all(all),
            (_, other) => Err(told(format!(
                "invalid type: {}, expected {}. Write numbers, true and false without quotes, \
                 texts in double quotes, and several addresses as [\"::1\", \"127.0.0.1\"]",
                other.type_str(),
                self.expected()
            ))),
        }
    }

    /// Reads the texts of a list.
    fn read_all(&self, all: &DeArray<'_>) -> Result<Value, Wrong> {
        let mut read = Value::Addresses(Vec::new());
        for one in all {
            let text = one.get_ref().as_str().ok_or_else(|| {
                let found = one.get_ref().type_str();
                (
                    one.span(),
                    format!("invalid type: {found}, expected an address in double quotes"),
                )
            })?;
            read = read.joined(self.parse(text).map_err(|what| (one.span(), what))?);
        }
        Ok(read)
    }

    /// The type of the value in the file.
    fn expected(&self) -> &'static str {
        match self {
            Self::Number(..) => "a number",
            Self::Size(_) => "a size such as \"1G\"",
            Self::Switch(_) => "true or false",
            Self::RoomName(_) | Self::File(_) | Self::Word(..) | Self::Contents(_) => "a text",
            Self::Addresses(_) => "a list of addresses",
        }
    }
}

/// The digits of a number in the file, whose base may be another.
fn decimal(found: &DeInteger<'_>) -> String {
    i128::from_str_radix(found.as_str(), found.radix())
        .map_or_else(|_| found.as_str().to_owned(), |number| number.to_string())
}

/// Parses a number within limits.
fn number(text: &str, least: u64, most: u64) -> Result<Value, String> {
    text.parse()
        .ok()
        .filter(|number| (least..=most).contains(number))
        .map(Value::Number)
        .ok_or_else(|| format!("{text} is not from {least} to {most}"))
}

/// Parses a size in bytes: a whole number, and K, M, G or T for
/// 1024 times as much each.
fn size(wanted: &str) -> Result<u64, String> {
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
