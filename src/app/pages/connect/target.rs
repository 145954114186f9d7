//! Turns the input into the way into a room.

use crate::protocol::address::{Address, parse_port};
use crate::protocol::invitation::{Invitation, NotAnInvitation};
use crate::room::RoomKey;

/// The characters of a key, without dashes.
const KEY_CHARACTERS: usize = 16;

/// An error in the input, and its field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The address.
    Address(NotAnInvitation),
    /// The port.
    Port(NotAnInvitation),
    /// The key.
    Key,
}

/// What the field for the key has in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypedKey {
    /// Nothing.
    Empty,
    /// The beginning of a key.
    Begun,
    /// A key.
    Whole(RoomKey),
    /// Something that is no key, and not the beginning of one.
    Wrong,
}

/// The address of the room. A port in the address field wins over the one in the port
/// field.
///
/// # Errors
/// The first error: in the address, else in the port.
pub fn target(address: &str, port: &str) -> Result<Address, Wrong> {
    let (invitation, port_written) = Invitation::read(address).map_err(Wrong::Address)?;
    let mut target = invitation.address;
    let port = parse_port(port).map_err(|error| Wrong::Port(error.into()))?;
    if !port_written {
        target.port = port;
    }
    Ok(target)
}

/// The invitation in a pasted link.
pub fn pasted_link(pasted: &str) -> Option<Invitation> {
    let is_link = pasted.contains("://");
    pasted.parse().ok().filter(|_| is_link)
}

/// The key that the user has typed so far.
pub fn typed_key(typed: &str) -> TypedKey {
    if let Ok(key) = typed.parse() {
        return TypedKey::Whole(key);
    }
    let spaced = |character: char| character.is_whitespace() || character == '-';
    let length = typed.chars().filter(|it| !spaced(*it)).count();
    if length == 0 {
        return TypedKey::Empty;
    }
    let missing = KEY_CHARACTERS.saturating_sub(length);
    match (typed.to_owned() + &"a".repeat(missing)).parse::<RoomKey>() {
        Ok(_) => TypedKey::Begun,
        Err(_) => TypedKey::Wrong,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(address: &str, port: &str) -> String {
        match target(address, port) {
            Ok(address) => address.to_string(),
            Err(Wrong::Address(_)) => "address".into(),
            Err(Wrong::Port(_)) => "port".into(),
            Err(Wrong::Key) => "key".into(),
        }
    }

    #[test]
    fn empty_fields_mean_the_defaults() {
        assert_eq!(read("", ""), "localhost:53000");
        assert_eq!(read(" ", "4000"), "localhost:4000");
        assert_eq!(read("example.org", ""), "example.org:53000");
    }

    #[test]
    fn a_port_may_stand_in_either_field() {
        assert_eq!(read("example.org:4000", ""), "example.org:4000");
        assert_eq!(read("example.org:4000", "5000"), "example.org:4000");
        assert_eq!(read("example.org:53000", "5000"), "example.org:53000");
        assert_eq!(read("::1", "5000"), "[::1]:5000");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        assert_eq!(read("a b", "x"), "address");
        assert_eq!(read("chatroom://h#k=abc", ""), "address");
        assert_eq!(read("example.org", "x"), "port");
        assert_eq!(read("example.org", "0"), "port");
    }

    #[test]
    fn a_pasted_link_is_an_invitation_and_an_address_is_not() {
        let link = " chatroom://[::1]:4000/?x#k=abcdefghijklmnop\n";
        let invitation = pasted_link(link).unwrap();
        assert_eq!(invitation.address.to_string(), "[::1]:4000");
        assert!(invitation.key.is_some());
        for other in [
            "example.org:4000",
            "http://example.org",
            "chatroom://h#k=abc",
        ] {
            assert_eq!(pasted_link(other), None, "{other}");
        }
    }

    #[test]
    fn a_key_is_wrong_only_when_it_cannot_become_one() {
        for empty in ["", " - "] {
            assert_eq!(typed_key(empty), TypedKey::Empty, "{empty:?}");
        }
        for begun in ["a", "ABCD-", "abcd efgh 0123", "abcd-efgh-ijkl-mno"] {
            assert_eq!(typed_key(begun), TypedKey::Begun, "{begun:?}");
        }
        for wrong in ["a!", "abcd-efgh-ijkl-mnopq", "9", "schlüssel"] {
            assert_eq!(typed_key(wrong), TypedKey::Wrong, "{wrong:?}");
        }
        let key = "abcdefghijklmnop".parse().unwrap();
        assert_eq!(typed_key("ABCD efgh ijkl MNOP"), TypedKey::Whole(key));
    }
}
