//! The commands that telnet programs send to each other between the keys that a person
//! types.

use std::borrow::Cow;

use memchr::memchr2;

/// "Interpret as command" (RFC 854).
const COMMAND: u8 = 255;

/// The start of a subnegotiation.
const BEGIN: u8 = 250;

/// WILL, WON'T, DO and DON'T: an option follows.
const OPTIONS: std::ops::RangeInclusive<u8> = 251..=254;

/// The first of the commands (RFC 1184 has three before those of RFC 854).
const FIRST: u8 = 236;

/// Removes the commands of telnet from a stream of bytes, which arrives in pieces of any
/// size, and turns `CR NUL` into a line break. Holds nothing but its state.
#[derive(Debug, Default)]
pub struct Telnet {
    state: State,
    negotiates: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Data,
    /// After a carriage return.
    Return,
    Command,
    /// After WILL, WON'T, DO or DON'T.
    Option,
    /// Within a subnegotiation.
    Within,
    /// Within a subnegotiation, after [`COMMAND`].
    CommandWithin,
}

impl Telnet {
    /// Whether the peer has negotiated. Only programs that speak telnet do, and people
    /// type lines into them.
    #[must_use]
    pub const fn negotiates(&self) -> bool {
        self.negotiates
    }

    /// The next piece without the commands in it.
    pub fn take<'a>(&mut self, piece: &'a [u8]) -> Cow<'a, [u8]> {
        let is_plain = matches!(self.state, State::Data | State::Return)
            && memchr2(COMMAND, 0, piece).is_none();
        if is_plain {
            if let Some(last) = piece.last() {
                self.state = after(*last);
            }
            return Cow::Borrowed(piece);
        }
        let mut left = Vec::with_capacity(piece.len());
        let mut rest = piece;
        while let Some((byte, others)) = rest.split_first() {
            let plain = match self.state {
                State::Data | State::Return => memchr2(COMMAND, 0, rest).unwrap_or(rest.len()),
                _ => 0,
            };
            if plain > 0 {
                left.extend_from_slice(&rest[..plain]);
                self.state = after(rest[plain - 1]);
                rest = &rest[plain..];
            } else {
                self.take_byte(*byte, &mut left);
                rest = others;
            }
        }
        Cow::Owned(left)
    }

    fn take_byte(&mut self, byte: u8, left: &mut Vec<u8>) {
        self.state = match (self.state, byte) {
            (State::Data | State::Return, COMMAND) => State::Command,
            (State::Return, 0) => {
                left.push(b'\n');
                State::Data
            }
            (State::Data | State::Return, byte) => {
                left.push(byte);
                after(byte)
            }
            (State::Command, COMMAND) => {
                left.push(COMMAND);
                State::Data
            }
            (State::Command | State::CommandWithin, byte) if OPTIONS.contains(&byte) => {
                self.negotiates = true;
                State::Option
            }
            (State::Command | State::CommandWithin, BEGIN) => {
                self.negotiates = true;
                State::Within
            }
            // Not a command: a letter of another encoding than UTF-8.
            (State::Command, byte @ ..FIRST) => {
                left.extend([COMMAND, byte]);
                after(byte)
            }
            // A whole command, the option of one, the end of a subnegotiation, or a
            // command that interrupts one.
            (State::Command | State::Option, _) => State::Data,
            (State::CommandWithin, byte) if byte != COMMAND => State::Data,
            (State::Within, COMMAND) => State::CommandWithin,
            (State::Within | State::CommandWithin, _) => State::Within,
        };
    }
}

const fn after(byte: u8) -> State {
    if byte == b'\r' {
        State::Return
    } else {
        State::Data
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `pieces` without commands, and whether the peer negotiates.
    fn left(pieces: &[&[u8]]) -> (Vec<u8>, bool) {
        let mut telnet = Telnet::default();
        let mut left = Vec::new();
        for piece in pieces {
            left.extend_from_slice(&telnet.take(piece));
        }
        (left, telnet.negotiates())
    }

    #[test]
    fn commands_are_taken_out_and_enter_is_a_line_break() {
        for (said, typed, negotiates) in [
            // PuTTY's first bytes: WILL NAWS, WILL TSPEED, WILL TTYPE, …, DO ECHO.
            (&b"\xff\xfb\x1f\xff\xfb\x20\xff\xfb\x18\xff\xfb\x27\xff\xfd\x01\xff\xfb\x03\xff\xfd\x03ada\r\n"[..], &b"ada\r\n"[..], true),
            // The size of a window 255 wide, and the kind of terminal.
            (b"a\xff\xfa\x1f\0\xff\xff\0\x18\xff\xf0d\xff\xfa\x18\0XTERM\n\xff\xf0a\n", b"ada\n", true),
            // Ctrl+C, "are you there", no operation, and an end without a beginning.
            (b"a\xff\xf4d\xff\xf6\xff\xf1\xff\xf0a", b"ada", false),
            (b"a\xff\xffb", b"a\xffb", false),
            // Enter.
            (b"ada\r\0hi\r\0\r\nx\0", b"ada\r\nhi\r\n\r\nx\0", false),
            // Letters of Windows 1251.
            (b"\xcc\xe0\xff\r\n\xff\xe1", b"\xcc\xe0\xff\r\n\xff\xe1", false),
            // A subnegotiation that another command interrupts.
            (b"a\xff\xfa\x18\0x\xff\xfb\x01b\xff\xfa\x18\xff\x41c", b"abc", true),
        ] {
            let (left, told) = left(&[said]);
            assert_eq!(left.escape_ascii().to_string(), typed.escape_ascii().to_string());
            assert_eq!(told, negotiates, "{}", said.escape_ascii());
        }
    }

    #[test]
    fn a_plain_piece_is_not_copied() {
        let mut telnet = Telnet::default();
        assert!(matches!(telnet.take(b"ada\r\n"), Cow::Borrowed(b"ada\r\n")));
    }

    proptest! {
        #[test]
        fn any_split_leaves_the_same(
            bytes in proptest::collection::vec(
                prop_oneof![Just(255), 236..=255_u8, Just(0), Just(b'\r'), any::<u8>()], 0..60),
            cuts in proptest::collection::vec(0_usize..60, 0..10),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut < bytes.len()).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut start = 0;
            for cut in cuts.into_iter().chain([bytes.len()]) {
                pieces.push(&bytes[start..cut]);
                start = cut;
            }
            prop_assert_eq!(left(&pieces), left(&[&bytes]));
        }

        #[test]
        fn bytes_without_commands_stay_as_they_are(bytes in proptest::collection::vec(1..=254_u8, 0..60)) {
            prop_assert_eq!(left(&[&bytes]).0, bytes);
        }
    }
}
