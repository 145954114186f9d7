//! Turns the input into the address of a room.

use crate::protocol::address::{Address, NotAnAddress, parse_port};

/// An error in the input, and its field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The address.
    Address(NotAnAddress),
    /// The port.
    Port(NotAnAddress),
}

/// The address of the room. A port in the address field wins over the one in the port
/// field.
///
/// # Errors
/// The first error: in the address, else in the port.
pub fn target(address: &str, port: &str) -> Result<Address, Wrong> {
    let (mut target, port_written) = Address::read(address).map_err(Wrong::Address)?;
    let port = parse_port(port).map_err(Wrong::Port)?;
    if !port_written {
        target.port = port;
    }
    Ok(target)
}

/// The contents of the two fields for a pasted link.
pub fn split_link(pasted: &str) -> Option<(String, String)> {
    if !pasted.contains("://") {
        return None;
    }
    let address: Address = pasted.parse().ok()?;
    Some((address.host, address.port.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(address: &str, port: &str) -> String {
        match target(address, port) {
            Ok(address) => address.to_string(),
            Err(Wrong::Address(_)) => "address".into(),
            Err(Wrong::Port(_)) => "port".into(),
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
        assert_eq!(read("example.org", "x"), "port");
        assert_eq!(read("example.org", "0"), "port");
    }

    #[test]
    fn a_link_fills_both_fields() {
        let fields = split_link("chatroom://[::1]:4000/?x#y");
        assert_eq!(fields, Some(("::1".into(), "4000".into())));
        assert_eq!(split_link("example.org:4000"), None);
        assert_eq!(split_link("http://example.org"), None);
    }
}
