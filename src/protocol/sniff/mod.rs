//! The first bytes of a connection tell how it travels and which protocol it speaks.

/// A protocol that the server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// JSON, one object a line.
    Native,
    /// A person with `nc`, or the original program.
    Text,
}

/// The way in which the bytes of a protocol travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// TCP, and nothing around the bytes.
    Plain,
    /// TLS over TCP.
    Tls,
}

/// A way in that the server recognizes and does not serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unserved {
    /// TLS that the server cannot speak with its peer, or inside TLS.
    Tls,
    /// A web browser.
    Browser,
    /// IRC.
    Irc,
    /// A program that looks for another server. It gets no answer.
    Foreign(Foreign),
}

/// The meaning of the first bytes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sniffed {
    /// The server speaks this protocol.
    Served(Protocol),
    /// The bytes are of this transport. The bytes inside it show the protocol.
    Through(Transport),
    /// The server answers with [`Unserved::answer`] and closes the connection.
    Unserved(Unserved),
}

/// The first bytes of browsers (RFC 9110, section 9; RFC 9113, section 3.4).
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

/// The first bytes of IRC clients.
const IRC: [&[u8]; 4] = [b"CAP ", b"NICK ", b"USER ", b"PASS "];

/// The content type of a TLS handshake record (RFC 8446, section 5.1).
const TLS_HANDSHAKE: u8 = 0x16;

/// The first bytes of programs that look for another server; `#` stands for any digit.
/// A person's name can begin with nearly anything, so this table has only words that are
/// no names: `SSH`, `Helo` and `PING` are names. [`foreign_bytes`] knows the programs
/// whose first bytes nobody can type.
const FOREIGN: [(&[u8], Foreign); 20] = [
    // RFC 4253, section 4.2.
    (b"SSH-#.", Foreign::Ssh),
    // The PROXY protocol of HAProxy, sections 2.1 and 2.2.
    (b"PROXY TCP4 ", Foreign::Proxy),
    (b"PROXY TCP6 ", Foreign::Proxy),
    (b"PROXY UNKNOWN", Foreign::Proxy),
    (b"\r\n\r\n\0\r\nQUIT\n", Foreign::Proxy),
    // RFC 5321, section 4.1.1.1; RFC 2033, section 4.1.
    (b"EHLO ", Foreign::Smtp),
    (b"HELO ", Foreign::Smtp),
    (b"LHLO ", Foreign::Smtp),
    // The serialization protocol of Redis, and those of its commands in one line that
    // are no names.
    (b"*#\r\n$#", Foreign::Redis),
    (b"*##\r\n$#", Foreign::Redis),
    (b"CONFIG GET ", Foreign::Redis),
    (b"CONFIG SET ", Foreign::Redis),
    (b"INFO replication", Foreign::Redis),
    // RFC 3261, section 7.1; RFC 2326, section 6.1.
    (b"INVITE sip:", Foreign::Sip),
    (b"REGISTER sip:", Foreign::Sip),
    (b"DESCRIBE rtsp:", Foreign::Sip),
    // RFC 6120, section 4.2.
    (b"<?xml ", Foreign::Xmpp),
    (b"<stream:stream ", Foreign::Xmpp),
    // rsync(5), and the language of printers' jobs.
    (b"@RSYNCD: ", Foreign::Other),
    (b"\x1b%-12345X", Foreign::Other),
];

/// The byte order mark that some programs put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The most bytes of white space that are skipped before the first word.
const BLANK_LIMIT: usize = 256;

/// A protocol that no client of a room speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Foreign {
    /// SSH.
    Ssh,
    /// The header in which a proxy sends the address of its client.
    Proxy,
    /// Mail.
    Smtp,
    /// Redis.
    Redis,
    /// MQTT.
    Mqtt,
    /// A remote desktop (RDP).
    Rdp,
    /// Shared folders (SMB).
    Smb,
    /// DNS.
    Dns,
    /// Telephony or cameras (SIP, RTSP).
    Sip,
    /// XMPP.
    Xmpp,
    /// Something else that no person types.
    Other,
}

impl Foreign {
    /// Its name in the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ssh => "SSH",
            Self::Proxy => "the PROXY protocol",
            Self::Smtp => "SMTP",
            Self::Redis => "Redis",
            Self::Mqtt => "MQTT",
            Self::Rdp => "RDP",
            Self::Smb => "SMB",
            Self::Dns => "DNS",
            Self::Sip => "SIP or RTSP",
            Self::Xmpp => "XMPP",
            Self::Other => "unknown",
        }
    }
}

impl Protocol {
    /// Its name in the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Text => "text",
        }
    }
}

impl Unserved {
    /// Its name in the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tls => "unusable TLS",
            Self::Browser => "browser",
            Self::Irc => "IRC",
            Self::Foreign(foreign) => foreign.name(),
        }
    }

    /// The answer before the server closes the connection, in the language of the one who
    /// asks; empty if there is no such language. `first` are the connection's first bytes.
    #[must_use]
    pub fn answer(self, first: &[u8]) -> Vec<u8> {
        const WHAT: &str = "This is a Chatroom server";
        match self {
            Self::Browser => {
                let body = format!("{WHAT}. It does not support web browsers yet.\n");
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
            Self::Irc => format!("ERROR :{WHAT}. It does not support IRC yet.\r\n").into_bytes(),
            // A TLS client understands nothing but TLS, and the language of the others is
            // unknown.
            Self::Tls | Self::Foreign(_) => Vec::new(),
        }
    }
}

impl Sniffed {
    const NATIVE: Self = Self::Served(Protocol::Native);
    const TEXT: Self = Self::Served(Protocol::Text);

    /// The meaning of a connection's first bytes, or `None` if more of them are needed to
    /// decide.
    ///
    /// White space and a byte order mark may come before everything but a transport.
    #[must_use]
    pub fn of(first: &[u8]) -> Option<Self> {
        if first.first() == Some(&TLS_HANDSHAKE) {
            return Some(Self::Through(Transport::Tls));
        }
        let from = first.len() - without_blank(first).len();
        // A signature may begin with line breaks itself.
        let mut undecided = false;
        let starts = [&first[from..], first];
        for start in starts.into_iter().filter(|start| !start.is_empty()) {
            for (what, words) in [(Unserved::Browser, &HTTP[..]), (Unserved::Irc, &IRC[..])] {
                for word in words {
                    match begins(word, start) {
                        Begins::Yes => return Some(Self::Unserved(what)),
                        Begins::Perhaps => undecided = true,
                        Begins::No => {}
                    }
                }
            }
            for (word, foreign) in FOREIGN {
                match begins(word, start) {
                    Begins::Yes => {
                        return Some(Self::Unserved(Unserved::Foreign(foreign)));
                    }
                    Begins::Perhaps => undecided = true,
                    Begins::No => {}
                }
            }
        }
        let told = match first.get(from) {
            Some(b'{') => Some(Self::NATIVE),
            _ => foreign_bytes(&first[from..])
                .map(|foreign| Self::Unserved(Unserved::Foreign(foreign))),
        };
        // Only white space, or an incomplete byte order mark.
        let is_blank = BYTE_ORDER_MARK.starts_with(&first[from..]);
        if told.is_some() {
            told
        } else if undecided || (is_blank && first.len() <= BLANK_LIMIT) {
            None
        } else {
            Some(Self::TEXT)
        }
    }
}

/// The bytes after the white space and the byte order mark at the start.
#[must_use]
pub fn without_blank(mut bytes: &[u8]) -> &[u8] {
    loop {
        let rest = bytes.trim_ascii_start();
        let rest = rest.strip_prefix(BYTE_ORDER_MARK).unwrap_or(rest);
        if rest.len() == bytes.len() {
            return rest;
        }
        bytes = rest;
    }
}

/// Whether bytes begin with a word.
enum Begins {
    Yes,
    No,
    /// So far; more bytes would decide.
    Perhaps,
}

fn begins(word: &[u8], bytes: &[u8]) -> Begins {
    let fits = |(expected, byte): (&u8, &u8)| match expected {
        b'#' => byte.is_ascii_digit(),
        expected => expected == byte,
    };
    if !word.iter().zip(bytes).all(fits) {
        Begins::No
    } else if bytes.len() < word.len() {
        Begins::Perhaps
    } else {
        Begins::Yes
    }
}

/// The protocol, if the first line has a byte that nobody types into a terminal: a NUL,
/// or a control character without a key that people use.
fn foreign_bytes(first: &[u8]) -> Option<Foreign> {
    let line = first.split(|byte| *byte == b'\n').next().unwrap_or(first);
    let is_typed = |byte: &u8| {
        // Backspace, tab, escape sequences of keys, Ctrl+C, +D, +G, +L, +U, +W, +Z.
        const KEYS: &[u8] = b"\x03\x04\x07\x08\t\x0b\x0c\r\x15\x17\x1a\x1b";
        *byte >= b' ' || KEYS.contains(byte)
    };
    // Telnet sends Enter with a NUL after the carriage return (RFC 854).
    let line = line.strip_suffix(b"\r\0").unwrap_or(line);
    if line.iter().all(is_typed) {
        return None;
    }
    Some(match first {
        // MQTT 5.0, section 3.1: the name of the protocol after up to four bytes
        // of length.
        [0x10, rest @ ..] if has_near_start(rest, b"\0\x04MQTT") => Foreign::Mqtt,
        [0x10, rest @ ..] if has_near_start(rest, b"\0\x06MQIsdp") => Foreign::Mqtt,
        // RFC 1006, section 6, and X.224's connection request in it.
        [3, 0, _, _, _, 0xe0, ..] => Foreign::Rdp,
        // RFC 1002, section 4.3.1, with SMB 1 or SMB 2 in it.
        [0, _, _, _, 0xff | 0xfe, b'S', b'M', b'B', ..] => Foreign::Smb,
        // RFC 1035, sections 4.1.1 and 4.2.2: a standard query with one question.
        [
            _,
            _,
            _,
            _,
            0 | 1,
            0 | 0x10 | 0x20 | 0x30,
            0,
            1,
            0,
            0,
            0,
            0,
            ..,
        ] => Foreign::Dns,
        _ => Foreign::Other,
    })
}

fn has_near_start(bytes: &[u8], wanted: &[u8]) -> bool {
    (1..=4).any(|at| bytes.get(at..).is_some_and(|rest| rest.starts_with(wanted)))
}

#[cfg(test)]
mod tests;
