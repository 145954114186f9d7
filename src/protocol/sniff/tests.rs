//! The meaning of first bytes.

use proptest::prelude::*;

use super::*;

#[test]
fn the_first_bytes_tell_the_door() {
    for (first, door) in [
        (&b"{"[..], Some(Sniffed::NATIVE)),
        (b"\x16\x03\x01", Some(Sniffed::Through(Transport::Tls))),
        (
            b"GET / HTTP/1.1\r\n",
            Some(Sniffed::Unserved(Unserved::Browser)),
        ),
        (b"OPTIONS *", Some(Sniffed::Unserved(Unserved::Browser))),
        (b"NICK ada\r\n", Some(Sniffed::Unserved(Unserved::Irc))),
        (b"CAP LS 302\r\n", Some(Sniffed::Unserved(Unserved::Irc))),
        (b"GE", None),
        (b"USER", None),
        (b"USER\n", Some(Sniffed::TEXT)),
        (b"Getty\n", Some(Sniffed::TEXT)),
        (b"ada", Some(Sniffed::TEXT)),
        (b"\x16", Some(Sniffed::Through(Transport::Tls))),
        (
            b" \x16\x03\x01",
            Some(Sniffed::Unserved(Unserved::Foreign(Foreign::Other))),
        ),
        (b"\xff\xfe", Some(Sniffed::TEXT)),
        (b"", None),
    ] {
        assert_eq!(Sniffed::of(first), door, "{first:?}");
    }
}

#[test]
fn white_space_and_a_byte_order_mark_may_come_before_json() {
    for start in [
        "\u{feff}",
        "\u{feff} \r\n",
        " \t\n\u{feff}",
        "\n\n",
        "\u{feff}\u{feff}",
    ] {
        assert_eq!(Sniffed::of(start.as_bytes()), None, "{start:?}");
        let json = format!("{start}{{\"hello\":{{}}}}");
        assert_eq!(
            Sniffed::of(json.as_bytes()),
            Some(Sniffed::NATIVE),
            "{start:?}"
        );
        let name = format!("{start}ada\n");
        assert_eq!(
            Sniffed::of(name.as_bytes()),
            Some(Sniffed::TEXT),
            "{start:?}"
        );
        let page = format!("{start}GET / HTTP/1.1\r\n");
        assert_eq!(
            Sniffed::of(page.as_bytes()),
            Some(Sniffed::Unserved(Unserved::Browser)),
            "{start:?}"
        );
    }
    // An incomplete byte order mark, and white space without an end.
    assert_eq!(Sniffed::of(b"\xef\xbb"), None);
    assert_eq!(Sniffed::of(&[b' '; BLANK_LIMIT]), None);
    assert_eq!(Sniffed::of(&[b' '; BLANK_LIMIT + 1]), Some(Sniffed::TEXT));
}

#[test]
fn the_first_words_of_other_programs_open_no_door() {
    for (first, foreign) in [
        (&b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"[..], Foreign::Ssh),
        (b"SSH-1.99-Cisco-1.25\n", Foreign::Ssh),
        (
            b"PROXY TCP4 192.0.2.1 192.0.2.2 4711 53000\r\n",
            Foreign::Proxy,
        ),
        (
            b"PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n",
            Foreign::Proxy,
        ),
        (b"PROXY UNKNOWN\r\n", Foreign::Proxy),
        (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", Foreign::Proxy),
        (b"EHLO mail.example.org\r\n", Foreign::Smtp),
        (b"HELO mail\r\n", Foreign::Smtp),
        (b"*1\r\n$4\r\nPING\r\n", Foreign::Redis),
        (b"*12\r\n$3\r\nSET\r\n", Foreign::Redis),
        (b"CONFIG SET dir /var/spool/cron\r\n", Foreign::Redis),
        (b"\x10\x0e\0\x04MQTT\x04\x02\0\x3c\0\x02ab", Foreign::Mqtt),
        (b"\x10\x80\x01\0\x04MQTT\x05", Foreign::Mqtt),
        (b"\x10\x0a\0\x06MQIsdp\x03", Foreign::Mqtt),
        (
            b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0",
            Foreign::Rdp,
        ),
        (b"\0\0\0\x85\xffSMBr\0\0\0\0", Foreign::Smb),
        (b"\0\0\0\x40\xfeSMB\x40\0", Foreign::Smb),
        (
            b"\0\x1d\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\x03org\0\0\x01\0\x01",
            Foreign::Dns,
        ),
        (b"REGISTER sip:example.org SIP/2.0\r\n", Foreign::Sip),
        (b"<?xml version='1.0'?><stream:stream", Foreign::Xmpp),
        // PostgreSQL, SOCKS 4 and 5, LDAP, BitTorrent, AMQP, X11, Git, SSL 2, UTF-16.
        (b"\0\0\0\x08\x04\xd2\x16\x2f", Foreign::Other),
        (b"\x04\x01\0\x50\x7f\0\0\x01\0", Foreign::Other),
        (b"\x05\x01\0", Foreign::Other),
        (
            b"0\x0c\x02\x01\x01`\x07\x02\x01\x03\x04\0\x80\0",
            Foreign::Other,
        ),
        (b"\x13BitTorrent protocol\0\0", Foreign::Other),
        (b"AMQP\0\0\x09\x01", Foreign::Other),
        (b"l\0\x0b\0\0\0\0\0\0\0\0\0", Foreign::Other),
        (b"0032git-upload-pack /x.git\0host=y\0", Foreign::Other),
        (b"\x80\x9e\x01\x03\x01\0u", Foreign::Other),
        (b"\xfe\xff\0a\0d\0a\0\n", Foreign::Other),
        (b"a\0d\0a\0\n\0", Foreign::Other),
    ] {
        let door = Sniffed::Unserved(Unserved::Foreign(foreign));
        let text = String::from_utf8_lossy(first);
        assert_eq!(Sniffed::of(first), Some(door), "{text:?}");
    }
}

#[test]
fn what_a_person_types_is_a_name_however_it_begins() {
    for name in [
        "SSH",
        "SSH-fan",
        "ssh-2.0",
        "Helo",
        "EHLO",
        "HELO",
        "Proxy",
        "PROXY",
        "PING",
        "QUIT",
        "stats",
        "*1",
        "* Ada *",
        "*1 fan",
        "MQTT",
        "CONFIG",
        "INFO",
        "REGISTER",
        "<xml>",
        "@ada",
        "-1",
        "ада",
        "علی",
        "caf\u{301}e",
        "\u{1b}[A",
        "\u{8}ada",
        "\u{7f}",
        "ada\u{3}",
        "GET",
        "CAP",
        "USERs",
    ] {
        for end in ["\n", "\r\n", "\r\0", "\r\0\n"] {
            let line = format!("{name}{end}");
            let door = Sniffed::of(line.as_bytes());
            let waits = line.starts_with("*1\r") && door.is_none();
            assert!(door == Some(Sniffed::TEXT) || waits, "{line:?}: {door:?}");
        }
    }
    // In other encodings than UTF-8: Latin 1, Windows 1251, Shift JIS.
    for name in [
        &b"Andr\xe9\n"[..],
        b"\xc8\xe2\xe0\xed\n",
        b"\x91\xbe\x98Y\n",
    ] {
        assert_eq!(Sniffed::of(name), Some(Sniffed::TEXT), "{name:?}");
    }
}

/// Bytes that a person can type.
fn typed() -> impl Strategy<Value = u8> {
    prop_oneof![b' '..=0xff_u8, Just(b'\n'), Just(b'\r'), Just(b'\t')]
}

proptest! {
    /// More bytes never change the door that fewer have decided, apart from bytes that
    /// nobody can type.
    #[test]
    fn a_door_once_told_stays(
        start in prop_oneof![
            Just("GE"), Just("PAS"), Just("PO"), Just("{"), Just(""), Just("\n "), Just("\u{feff}"),
            Just("SSH-"), Just("*1"), Just("EHL"), Just("PROXY "), Just("\r\n\r\n"),
        ],
        rest in proptest::collection::vec(typed(), 1..20),
    ) {
        let bytes = [start.as_bytes(), &rest].concat();
        let whole = Sniffed::of(&bytes);
        for end in 1..bytes.len() {
            if let Some(door) = Sniffed::of(&bytes[..end]) {
                prop_assert_eq!(Some(door), whole);
            }
        }
    }

    #[test]
    fn no_first_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let _ = Sniffed::of(&bytes);
    }
}
