//! Reads the `seq` of a frame that this version does not know.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::Reply;
use super::line::Read;

/// The content of an unknown frame: anything at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unknown {
    /// Its `seq`, if it has an entry: if it is an object whose `seq` is a positive
    /// integer.
    seq: Option<u64>,
}

impl Unknown {
    /// The frame for a reader.
    pub fn into_read<'a>(self) -> Read<Reply<'a>> {
        match self.seq {
            Some(seq) => Read::Unknown(Reply::Unknown { seq }),
            None => Read::Nothing,
        }
    }
}

impl<'de> Deserialize<'de> for Unknown {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let seq = from.deserialize_any(Anything { is_content: true })?;
        Ok(Self { seq })
    }
}

/// A `seq`; anything else is `None`.
struct Seq(Option<u64>);

impl<'de> Deserialize<'de> for Seq {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Anything { is_content: false })
            .map(Self)
    }
}

/// Accepts every value, and keeps no more of it than a `seq`.
struct Anything {
    /// The value is a frame's content; otherwise it stands in the place of a `seq`.
    is_content: bool,
}

impl<'de> Visitor<'de> for Anything {
    type Value = Option<u64>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("anything")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut seq = None;
        while let Some(key) = map.next_key::<Cow<'_, str>>()? {
            if self.is_content && key == "seq" {
                Seq(seq) = map.next_value()?;
            } else {
                let IgnoredAny = map.next_value()?;
            }
        }
        Ok(seq)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while let Some(IgnoredAny) = list.next_element()? {}
        Ok(None)
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Some(number).filter(|number| !self.is_content && *number > 0))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Reply, read_reply};

    #[test]
    fn of_a_frame_that_is_not_known_the_seq_is() {
        for (line, wanted) in [
            (r#"{"wave":{"seq":7}}"#, Some(7)),
            (
                r#"{"wave":{"x":[{"seq":1}],"\u0073eq":8,"y":{"seq":2}}}"#,
                Some(8),
            ),
            (r#"{"x":1,"wave":{"seq":9},"y":{}}"#, Some(9)),
            (r#"{"wave":{"seq":18446744073709551615}}"#, Some(u64::MAX)),
            (r#"{"wave":{"seq":0}}"#, None),
            (r#"{"wave":{"seq":-1}}"#, None),
            (r#"{"wave":{"seq":1.5}}"#, None),
            (r#"{"wave":{"seq":1e400}}"#, None),
            (r#"{"wave":{"seq":"7"}}"#, None),
            (r#"{"wave":{"seq":{"seq":7}}}"#, None),
            (r#"{"wave":{"seq":[7]}}"#, None),
            (r#"{"wave":{"seq":null}}"#, None),
            (r#"{"wave":[{"seq":7}]}"#, None),
            (r#"{"wave":7}"#, None),
            (r#"{"wave":"seq"}"#, None),
            (r#"{"wave":true}"#, None),
            (r#"{"wave":null}"#, None),
            (r#"{"seq":7}"#, None),
        ] {
            match (read_reply(line.as_bytes()), wanted) {
                (Ok(Some(Reply::Unknown { seq })), Some(wanted)) => assert_eq!(seq, wanted),
                (Ok(None), None) => {}
                // No such number can be read.
                (Err(_), None) if line.contains("e400") => {}
                (read, _) => panic!("{line}: {read:?}"),
            }
        }
    }

    #[test]
    fn beside_a_known_frame_an_unknown_one_is_ignored() {
        for line in [
            r#"{"wave":{"seq":7},"pong":{}}"#,
            r#"{"pong":{},"wave":{"seq":7}}"#,
        ] {
            let read = read_reply(line.as_bytes());
            assert!(matches!(read, Ok(Some(Reply::Pong(_)))), "{line}: {read:?}");
        }
    }

    #[test]
    fn depth_in_a_frame_that_is_not_known_does_no_harm() {
        let deep = "[".repeat(30_000) + &"]".repeat(30_000);
        let line = format!(r#"{{"wave":{{"x":{deep},"seq":7}}}}"#);
        assert!(matches!(
            read_reply(line.as_bytes()),
            Ok(Some(Reply::Unknown { seq: 7 }))
        ));
    }
}
