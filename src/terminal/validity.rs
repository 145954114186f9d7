//! The time for which a certificate is valid. TLS does not need it of a server's own, but
//! browsers do: an administrator learns of a forgotten renewal from here.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::clock;

/// Why browsers may reject a certificate (in DER) now, as the end of a sentence; `None` if
/// nothing speaks against it, or it cannot be read.
pub fn doubt(certificate: &[u8]) -> Option<String> {
    let (begins, ends) = validity(certificate)?;
    doubt_at(begins, ends, clock::now())
}

fn doubt_at(begins: Timestamp, ends: Timestamp, now: Timestamp) -> Option<String> {
    let day = |time: Timestamp| time.to_zoned(TimeZone::UTC).date();
    if now < begins {
        Some(format!(
            "is not valid before {}; browsers reject it",
            day(begins)
        ))
    } else if now > ends {
        Some(format!("has expired on {}; browsers reject it", day(ends)))
    } else {
        None
    }
}

/// Reads the beginning and the end from a certificate (RFC 5280, section 4.1).
fn validity(certificate: &[u8]) -> Option<(Timestamp, Timestamp)> {
    let (_, certificate, _) = element(certificate)?;
    let (_, mut rest, _) = element(certificate)?;
    let (tag, _, after) = element(rest)?;
    // The version is missing in a certificate of version 1.
    if tag == 0xa0 {
        rest = after;
    }
    // The serial number, the algorithm and the issuer.
    for _ in 0..3 {
        rest = element(rest)?.2;
    }
    let (_, validity, _) = element(rest)?;
    let (tag, begins, rest) = element(validity)?;
    let begins = time(tag, begins)?;
    let (tag, ends, _) = element(rest)?;
    Some((begins, time(tag, ends)?))
}

/// The tag and the contents of the first element of DER (X.690), and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let mut length = usize::from(first);
    if first >= 0x80 {
        let bytes = rest
            .get(..usize::from(first & 0x7f))
            .filter(|it| it.len() <= 3)?;
        length = bytes
            .iter()
            .fold(0, |all, byte| all << 8 | usize::from(*byte));
        rest = &rest[bytes.len()..];
    }
    let (contents, rest) = rest.split_at_checked(length)?;
    Some((tag, contents, rest))
}

/// Reads `UTCTime` or `GeneralizedTime`.
fn time(tag: u8, text: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let text = match tag {
        0x17 => {
            let century = if text.get(..2)? < "50" { "20" } else { "19" };
            format!("{century}{text}")
        }
        0x18 => text.to_owned(),
        _ => return None,
    };
    let time = DateTime::strptime("%Y%m%d%H%M%S", text).ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(year: i32) -> Vec<u8> {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::default();
        params.not_before = rcgen::date_time_ymd(year - 1, 3, 1);
        params.not_after = rcgen::date_time_ymd(year, 3, 1);
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn a_certificate_is_doubted_before_it_begins_and_after_its_end() {
        for (year, words) in [
            (1990, Some("has expired on 1990-03-01; browsers reject it")),
            (2020, Some("has expired on 2020-03-01; browsers reject it")),
            (
                2901,
                Some("is not valid before 2900-03-01; browsers reject it"),
            ),
        ] {
            assert_eq!(doubt(&certificate(year)).as_deref(), words);
        }
        let (begins, ends) = validity(&certificate(2060)).unwrap();
        assert_eq!(begins.to_string(), "2059-03-01T00:00:00Z");
        assert_eq!(ends.to_string(), "2060-03-01T00:00:00Z");
        assert_eq!(doubt_at(begins, ends, begins), None);
        assert_eq!(doubt(b""), None);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, at: proptest::sample::Index, byte: u8) {
            let _ = validity(&bytes);
            let mut der = certificate(2060);
            let at = at.index(der.len());
            der[at] = byte;
            let _ = validity(&der);
            let _ = validity(&der[..at]);
        }
    }
}
