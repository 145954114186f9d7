//! The pin of a certificate: what a client remembers of a server.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64URL_NOPAD;
use ring::digest::{SHA256, digest};

/// The SHA-256 of a certificate's DER: whoever has a server's pin knows the server again.
/// It is no secret.
///
/// It is what `openssl x509 -fingerprint -sha256` prints, and in an invitation it is
/// base64url without padding (RFC 4648, section 5).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pin(pub [u8; 32]);

/// A text that is no pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint has 43 characters, or 64 hexadecimal digits")]
pub struct NotAPin;

impl Pin {
    /// The pin of a certificate.
    #[must_use]
    pub fn of(certificate: &[u8]) -> Self {
        let mut pin = [0; 32];
        pin.copy_from_slice(digest(&SHA256, certificate).as_ref());
        Self(pin)
    }

    /// The pin in hexadecimal with colons, for people who compare two.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let pairs: Vec<_> = self.0.iter().map(|byte| format!("{byte:02X}")).collect();
        pairs.join(":")
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64URL_NOPAD.encode(&self.0))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pin({self})")
    }
}

impl FromStr for Pin {
    type Err = NotAPin;

    fn from_str(written: &str) -> Result<Self, NotAPin> {
        let written = written.trim();
        let bytes = if written.len() == 43 {
            BASE64URL_NOPAD.decode(written.as_bytes())
        } else if written.len() <= 64 + 31 {
            let digits: String = written.chars().filter(|it| *it != ':').collect();
            data_encoding::HEXLOWER_PERMISSIVE.decode(digits.as_bytes())
        } else {
            return Err(NotAPin);
        };
        let bytes = bytes.map_err(|_| NotAPin)?;
        bytes.try_into().map(Self).map_err(|_| NotAPin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_read_in_each_of_its_forms() {
        let pin = Pin::of(b"abc");
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(pin.fingerprint().replace(':', "").to_lowercase(), hex);
        assert!(pin.fingerprint().starts_with("BA:78:16:BF:"));
        for written in [
            hex.to_owned(),
            hex.to_uppercase(),
            pin.fingerprint(),
            pin.to_string(),
        ] {
            assert_eq!(written.parse(), Ok(pin), "{written}");
        }
        for written in ["", "abc", &hex[1..], &"é".repeat(32), &"a".repeat(1_000)] {
            assert_eq!(written.parse::<Pin>(), Err(NotAPin), "{written}");
        }
    }
}
