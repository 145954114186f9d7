//! Proofs that someone knows a key, bound to one connection to one server.
//!
//! ```text
//! mac = HMAC-SHA256(key, label ‖ 0 ‖ server nonce ‖ client nonce ‖ SHA-256(certificate))
//! ```
//!
//! Because the server's certificate is part of it, someone between the two who has another
//! certificate cannot pass a proof on. Each side adds a random nonce, so no proof counts
//! twice, and the label says what it proves and for whom, so none can be sent back.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64URL_NOPAD;
use ring::hmac;

use crate::room::RoomKey;

use super::Pin;

/// The name of the only kind of proof, on the wire.
pub const HOW: &str = "hmac-sha256";

/// What a proof proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// The client knows the room's key.
    Member,
    /// The client knows the host's key.
    Host,
    /// The server knows the key that the client has proved.
    Room,
}

impl Label {
    const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Member => b"chatroom-1 member",
            Self::Host => b"chatroom-1 host",
            Self::Room => b"chatroom-1 room",
        }
    }
}

/// Random bytes that one side adds to a proof. They are used once, and are no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nonce(pub [u8; 16]);

/// A proof. It says nothing of the key, but is hidden where it is not needed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Mac([u8; 32]);

/// A text that is no nonce or no proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not base64url without padding, or not of the right length")]
pub struct NotBase64;

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mac(…)")
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64URL_NOPAD.encode(&self.0))
    }
}

impl FromStr for Nonce {
    type Err = NotBase64;

    fn from_str(written: &str) -> Result<Self, NotBase64> {
        bytes(written).map(Self)
    }
}

impl Mac {
    /// The proof as it goes over the wire.
    #[must_use]
    pub fn to_base64(self) -> String {
        BASE64URL_NOPAD.encode(&self.0)
    }
}

impl FromStr for Mac {
    type Err = NotBase64;

    fn from_str(written: &str) -> Result<Self, NotBase64> {
        bytes(written).map(Self)
    }
}

fn bytes<const COUNT: usize>(written: &str) -> Result<[u8; COUNT], NotBase64> {
    // The length first: nobody decodes what a peer made long.
    if written.len() != (COUNT * 4).div_ceil(3) {
        return Err(NotBase64);
    }
    let bytes = BASE64URL_NOPAD.decode(written.as_bytes());
    bytes
        .map_err(|_| NotBase64)?
        .try_into()
        .map_err(|_| NotBase64)
}

/// One connection, as a proof is bound to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The server's nonce, from its challenge.
    pub server: Nonce,
    /// The client's nonce, from its hello.
    pub client: Nonce,
    /// The certificate that the server showed on this connection.
    pub certificate: Pin,
}

impl Binding {
    /// Proves the knowledge of `key` on this connection.
    #[must_use]
    pub fn prove(&self, key: &RoomKey, label: Label) -> Mac {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.secret().as_bytes());
        let mut mac = [0; 32];
        mac.copy_from_slice(hmac::sign(&key, &self.message(label)).as_ref());
        Mac(mac)
    }

    /// Whether this proves the knowledge of `key` on this connection. Takes the same time
    /// wherever the proof is wrong.
    #[must_use]
    pub fn verify(&self, key: &RoomKey, label: Label, mac: &Mac) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.secret().as_bytes());
        hmac::verify(&key, &self.message(label), &mac.0).is_ok()
    }

    fn message(&self, label: Label) -> Vec<u8> {
        let (server, client) = (&self.server.0[..], &self.client.0[..]);
        [label.bytes(), &[0], server, client, &self.certificate.0].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binding() -> Binding {
        Binding {
            server: Nonce([1; 16]),
            client: Nonce([2; 16]),
            certificate: Pin([3; 32]),
        }
    }

    fn key(written: &str) -> RoomKey {
        written.parse().unwrap()
    }

    /// The same by Python's `hmac`, so that both sides are not wrong in the same way.
    #[test]
    fn a_proof_is_the_one_that_the_documentation_defines() {
        let mac = binding().prove(&key("abcdefghijklmnop"), Label::Member);
        assert_eq!(
            mac.to_base64(),
            "YtUYnAkBosY0FP4ZygDgvK0tP_0xWwCtFVPqDwPL1Gk"
        );
    }

    #[test]
    fn a_proof_holds_for_its_key_its_label_and_its_connection_only() {
        let (binding, mine) = (binding(), key("abcdefghijklmnop"));
        let mac = binding.prove(&mine, Label::Member);
        assert!(binding.verify(&mine, Label::Member, &mac));
        assert!(!binding.verify(&key("bbcdefghijklmnop"), Label::Member, &mac));
        for label in [Label::Host, Label::Room] {
            assert!(!binding.verify(&mine, label, &mac), "{label:?}");
        }
        let other = Nonce([9; 16]);
        for elsewhere in [
            Binding {
                server: other,
                ..binding
            },
            Binding {
                client: other,
                ..binding
            },
            Binding {
                certificate: Pin([9; 32]),
                ..binding
            },
            Binding {
                server: binding.client,
                client: binding.server,
                ..binding
            },
        ] {
            assert!(
                !elsewhere.verify(&mine, Label::Member, &mac),
                "{elsewhere:?}"
            );
        }
    }

    #[test]
    fn nonces_and_proofs_are_read_as_they_are_written() {
        let mac = binding().prove(&key("abcdefghijklmnop"), Label::Room);
        assert_eq!(mac.to_base64().parse(), Ok(mac));
        let nonce = Nonce(*b"0123456789abcdef");
        assert_eq!(nonce.to_string(), "MDEyMzQ1Njc4OWFiY2RlZg");
        assert_eq!(nonce.to_string().parse(), Ok(nonce));
        for wrong in [
            "",
            "MDEyMzQ1Njc4OWFiY2RlZ",
            "MDEyMzQ1Njc4OWFiY2RlZg==",
            "MDEyMzQ1Njc4OWFiY2Rl+g",
        ] {
            assert_eq!(wrong.parse::<Nonce>(), Err(NotBase64), "{wrong}");
            assert_eq!(wrong.parse::<Mac>(), Err(NotBase64), "{wrong}");
        }
        assert_eq!(format!("{mac:?}"), "Mac(…)");
    }
}
