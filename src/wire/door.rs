//! Which door a connection comes in by: its first bytes tell.

/// The ways into a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// JSON, one object a line.
    Native,
    /// A person with `nc`, or the original program.
    Text,
    /// TLS. Not served yet.
    Tls,
    /// A web browser. Not served yet.
    Browser,
    /// IRC. Not served yet.
    Irc,
}

/// What the first bytes of a browser can be (RFC 9110, section 9; RFC 9113,
/// section 3.4).
const HTTP: [&[u8]; 10] = [
    b"GET ",
    b"POST ",
    b"HEAD ",
    b"PUT ",
    b"DELETE ",
    b"OPTIONS ",
    b"PATCH ",
    b"CONNECT ",
    b"TRACE ",
    b"PRI * HTTP/2.0",
];

/// What the first bytes of an IRC client can be.
const IRC: [&[u8]; 4] = [b"CAP ", b"NICK ", b"USER ", b"PASS "];

/// The content type of a TLS handshake record (RFC 8446, section 5.1).
const TLS_HANDSHAKE: u8 = 0x16;

impl Door {
    /// The door that a connection's first bytes ask for, or `None` if more of
    /// them are needed to tell.
    #[must_use]
    pub fn of(first: &[u8]) -> Option<Self> {
        match *first.first()? {
            b'{' => Some(Self::Native),
            TLS_HANDSHAKE => Some(Self::Tls),
            _ if HTTP.iter().any(|word| first.starts_with(word)) => Some(Self::Browser),
            _ if IRC.iter().any(|word| first.starts_with(word)) => Some(Self::Irc),
            _ if HTTP.iter().chain(&IRC).any(|word| word.starts_with(first)) => None,
            _ => Some(Self::Text),
        }
    }
}

/// What someone is answered who came by a door that is not served, in the
/// language of that door. `first` are its first bytes.
#[must_use]
pub fn not_served(door: Door, first: &[u8]) -> Vec<u8> {
    const WHAT: &str = "This is a Chatroom, a room to talk in";
    match door {
        Door::Browser => {
            let body = format!("{WHAT}. It cannot be used with a web browser yet.\n");
            let length = body.len();
            let body = if first.starts_with(b"HEAD ") {
                String::new()
            } else {
                body
            };
            format!(
                "HTTP/1.1 501 Not Implemented\r\n\
                 Content-Type: text/plain; charset=utf-8\r\n\
                 Content-Length: {length}\r\n\
                 Connection: close\r\n\r\n{body}"
            )
            .into_bytes()
        }
        Door::Irc => format!("ERROR :{WHAT}. It cannot be used with IRC yet.\r\n").into_bytes(),
        // A TLS client understands nothing but TLS.
        Door::Tls | Door::Native | Door::Text => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_bytes_tell_the_door() {
        for (first, door) in [
            (&b"{"[..], Some(Door::Native)),
            (b"\x16\x03\x01", Some(Door::Tls)),
            (b"GET / HTTP/1.1\r\n", Some(Door::Browser)),
            (b"OPTIONS *", Some(Door::Browser)),
            (b"NICK ada\r\n", Some(Door::Irc)),
            (b"CAP LS 302\r\n", Some(Door::Irc)),
            (b"GE", None),
            (b"USER", None),
            (b"USER\n", Some(Door::Text)),
            (b"Getty\n", Some(Door::Text)),
            (b"ada", Some(Door::Text)),
            (b"\n", Some(Door::Text)),
            (b"\xff\xfe", Some(Door::Text)),
            (b"", None),
        ] {
            assert_eq!(Door::of(first), door, "{first:?}");
        }
    }

    proptest! {
        /// More bytes never change what fewer have told.
        #[test]
        fn a_door_once_told_stays(
            start in prop_oneof![Just(""), Just("GE"), Just("PAS"), Just("PO"), Just("{")],
            rest in proptest::collection::vec(any::<u8>(), 1..20),
        ) {
            let bytes = [start.as_bytes(), &rest].concat();
            let whole = Door::of(&bytes);
            for end in 1..bytes.len() {
                if let Some(door) = Door::of(&bytes[..end]) {
                    prop_assert_eq!(Some(door), whole);
                }
            }
        }
    }
}
