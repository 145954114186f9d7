//! Repairs lines that are nearly JSON: it replaces halves of characters in them.

use std::borrow::Cow;

use memchr::memchr;

/// `line` with U+FFFD in place of bytes that are not UTF-8, and of each half of a
/// surrogate pair (`\ud83d`) without the other half.
///
/// JSON can represent such halves (RFC 8259, section 8.2), and programs that cut a text
/// between them send them.
pub(super) fn repaired(line: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(line);
    match with_pairs_only(&text) {
        Some(repaired) => Cow::Owned(repaired),
        None => text,
    }
}

/// `text` without half pairs; `None` if it contains none.
fn with_pairs_only(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut repaired = String::new();
    let (mut at, mut copied) = (0, 0);
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr(b'\\', rest)) {
        let start = at + found;
        at = match (unit(bytes, start), unit(bytes, start + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => start + 12,
            (Some(0xd800..=0xdfff), _) => {
                repaired += &text[copied..start];
                repaired += "\\ufffd";
                copied = start + 6;
                copied
            }
            // Another escape: the next character belongs to it.
            _ => start + 2,
        };
    }
    (copied > 0).then(|| repaired + &text[copied..])
}

/// The UTF-16 code unit that is escaped at `at` (`\u` and four digits).
fn unit(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    let digits = std::str::from_utf8(digits).ok()?;
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_hex
        .then(|| u16::from_str_radix(digits, 16).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn half_characters_are_replaced() {
        for (line, text) in [
            (r#""hi \ud83d""#, "hi \u{fffd}"),
            (r#""\ude00""#, "\u{fffd}"),
            (r#""\ud83d\ude00""#, "😀"),
            (r#""\uD83D\uDE00""#, "😀"),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}😀"),
            (r#""\ud83d\ude00\ude00""#, "😀\u{fffd}"),
            (r#""\ude00\ud83d""#, "\u{fffd}\u{fffd}"),
            (r#""\ud83dx\ude00""#, "\u{fffd}x\u{fffd}"),
            (r#""\ud83d\n\u0041\\ud83d""#, "\u{fffd}\nA\\ud83d"),
            (r#""\\\ud83d""#, "\\\u{fffd}"),
            (r#""é\ud83dé""#, "é\u{fffd}é"),
        ] {
            let read: String = serde_json::from_str(&repaired(line.as_bytes())).unwrap();
            assert_eq!(read, text, "{line}");
        }
        assert_eq!(
            repaired(b"\"caf\xe9 \xf0\x9f\\ud83d\""),
            "\"caf\u{fffd} \u{fffd}\\ufffd\""
        );
    }

    #[test]
    fn a_whole_line_is_not_copied() {
        for line in [
            r#""\ud83d\ude00 \n""#,
            r#""\\ud83d""#,
            r#""\u12"#,
            r#""\"#,
            r#""\ud8"#,
        ] {
            assert!(
                matches!(repaired(line.as_bytes()), Cow::Borrowed(_)),
                "{line}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_units_are_read_as_utf_16_is(units in proptest::collection::vec(
            prop_oneof![0xd800..=0xdfff_u16, any::<u16>()], 0..20)) {
            use std::fmt::Write as _;
            let mut line = "\"".to_owned();
            for unit in &units {
                let _ = write!(line, "\\u{unit:04x}");
            }
            line.push('"');
            let read: String = serde_json::from_str(&repaired(line.as_bytes())).unwrap();
            prop_assert_eq!(read, String::from_utf16_lossy(&units));
        }

        #[test]
        fn no_line_panics(line in ".{0,30}|(\\\\u?[d8cf\\\\u]{0,5}){0,8}") {
            let _ = repaired(line.as_bytes());
        }
    }
}
