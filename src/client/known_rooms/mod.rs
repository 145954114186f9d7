//! The servers that the user has met: *pin → rooms and places*.
//!
//! An address alone says little, because networks give it to one computer after the
//! other. So the client remembers servers by their pins: the names of their rooms, the
//! hosts and public addresses where they are expected again, and the addresses within
//! networks where they were last.

mod file;
mod place;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::protocol::Pin;
use crate::protocol::address::Address;

use self::place::Place;

pub use self::file::KnownRoomsError;

/// The most servers that a client remembers; it forgets the ones that were not used for
/// the longest time.
pub const KNOWN_SERVERS: usize = 500;

/// The most rooms, hosts and addresses of a server that a client remembers, of each.
pub const KNOWN_NAMES: usize = 8;

/// The servers that the user has met. They are in a file that all clients of the user
/// share; see [`KnownRooms::read`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownRooms {
    /// The last used one first.
    #[serde(default)]
    servers: Vec<KnownServer>,
}

/// A server that the user has met. Each list begins with what was used last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownServer {
    /// The pin of its certificate.
    #[serde(serialize_with = "write_pin", deserialize_with = "read_pin")]
    pub pin: Pin,
    /// The names of its rooms.
    #[serde(default)]
    pub rooms: Vec<String>,
    /// The names of its host and its public addresses, each with the port. Another server
    /// there is another identity.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// The addresses within networks, each with the port, where it was last.
    #[serde(default)]
    pub addresses: Vec<String>,
}

impl KnownRooms {
    /// The servers, the last used one first.
    pub fn servers(&self) -> impl Iterator<Item = &KnownServer> {
        self.servers.iter()
    }

    /// The server with this pin.
    #[must_use]
    pub fn server(&self, pin: Pin) -> Option<&KnownServer> {
        self.servers.iter().find(|it| it.pin == pin)
    }

    /// The server that is expected at this address, because it is the name of a host or a
    /// public address.
    #[must_use]
    pub fn expected(&self, address: &Address) -> Option<&KnownServer> {
        match Place::of(address) {
            Place::Fixed(place) => self.servers.iter().find(|it| it.hosts.contains(&place)),
            Place::Reused(_) => None,
        }
    }

    /// Whether a server that encrypts was met at this address, whichever one.
    #[must_use]
    pub fn encrypts(&self, address: &Address) -> bool {
        let place = Place::of(address);
        self.servers.iter().any(|it| it.was_at(&place))
    }

    /// Whether the server with this pin was met at this address.
    #[must_use]
    pub fn knows(&self, pin: Pin, address: &Address) -> bool {
        let server = self.server(pin);
        server.is_some_and(|it| it.was_at(&Place::of(address)))
    }

    /// The server that has a room of this name, if the one with the pin `found` has none.
    #[must_use]
    pub fn other_with_room(&self, room: &str, found: Pin) -> Option<&KnownServer> {
        let has = |server: &&KnownServer| server.rooms.iter().any(|it| it == room);
        let server = self.servers.iter().find(has)?;
        (server.pin != found).then_some(server)
    }

    /// Remembers that the server with this pin has a room of this name at this address,
    /// and no other server any more. Returns whether that is news.
    pub fn remember(&mut self, pin: Pin, room: &str, address: &Address) -> bool {
        let place = Place::of(address);
        if self
            .servers
            .first()
            .is_some_and(|it| it.is(pin, room, &place))
        {
            return false;
        }
        let position = self.servers.iter().position(|it| it.pin == pin);
        let mut server = match position {
            Some(position) => self.servers.remove(position),
            None => KnownServer::new(pin),
        };
        for other in &mut self.servers {
            other.rooms.retain(|it| it != room);
            other.hosts.retain(|it| it != place.as_str());
            other.addresses.retain(|it| it != place.as_str());
        }
        self.servers.retain(|it| !it.is_empty());
        if !room.is_empty() {
            put_first(&mut server.rooms, room);
        }
        match &place {
            Place::Fixed(place) => put_first(&mut server.hosts, place),
            Place::Reused(place) => put_first(&mut server.addresses, place),
        }
        self.servers.insert(0, server);
        self.servers.truncate(KNOWN_SERVERS);
        true
    }

    /// Keeps to the limits, whatever was in the file.
    fn limit(&mut self) {
        self.servers.truncate(KNOWN_SERVERS);
        for server in &mut self.servers {
            for names in [&mut server.rooms, &mut server.hosts, &mut server.addresses] {
                names.truncate(KNOWN_NAMES);
            }
        }
    }
}

impl KnownServer {
    const fn new(pin: Pin) -> Self {
        Self {
            pin,
            rooms: Vec::new(),
            hosts: Vec::new(),
            addresses: Vec::new(),
        }
    }

    fn was_at(&self, place: &Place) -> bool {
        let places = match place {
            Place::Fixed(_) => &self.hosts,
            Place::Reused(_) => &self.addresses,
        };
        places.iter().any(|it| it == place.as_str())
    }

    /// Whether this is the server with this pin, and was last met so.
    fn is(&self, pin: Pin, room: &str, place: &Place) -> bool {
        let places = match place {
            Place::Fixed(_) => &self.hosts,
            Place::Reused(_) => &self.addresses,
        };
        let room_first = self.rooms.first().is_some_and(|it| it == room);
        let place_first = places.first().is_some_and(|it| it == place.as_str());
        self.pin == pin && place_first && (room_first || room.is_empty())
    }

    fn is_empty(&self) -> bool {
        self.rooms.is_empty() && self.hosts.is_empty() && self.addresses.is_empty()
    }
}

fn put_first(names: &mut Vec<String>, name: &str) {
    names.retain(|it| it != name);
    names.insert(0, name.to_owned());
    names.truncate(KNOWN_NAMES);
}

// Serde requires a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn write_pin<S: Serializer>(pin: &Pin, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(pin)
}

fn read_pin<'de, D: Deserializer<'de>>(from: D) -> Result<Pin, D::Error> {
    let written = String::deserialize(from)?;
    written.parse().map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Pin = Pin([1; 32]);
    const TWO: Pin = Pin([2; 32]);

    fn at(address: &str) -> Address {
        address.parse().unwrap()
    }

    fn pin(server: Option<&KnownServer>) -> Option<Pin> {
        server.map(|it| it.pin)
    }

    #[test]
    fn a_server_is_expected_where_names_and_public_addresses_lead_and_nowhere_else() {
        let mut known = KnownRooms::default();
        for address in ["Example.org", "192.0.2.7", "192.168.1.5", "localhost"] {
            assert!(known.remember(ONE, "R", &at(address)));
        }
        for address in ["example.org:53000", "192.0.2.7"] {
            assert_eq!(pin(known.expected(&at(address))), Some(ONE), "{address}");
        }
        for address in [
            "192.168.1.5",
            "localhost",
            "example.org:4000",
            "example.com",
        ] {
            assert_eq!(known.expected(&at(address)), None, "{address}");
        }
        for (address, knows) in [("192.168.1.5", true), ("192.168.1.6", false)] {
            assert_eq!(known.encrypts(&at(address)), knows);
            assert_eq!(known.knows(ONE, &at(address)), knows);
            assert!(!known.knows(TWO, &at(address)));
        }
    }

    #[test]
    fn the_name_of_a_room_belongs_to_one_server() {
        let mut known = KnownRooms::default();
        known.remember(ONE, "R", &at("192.168.1.5"));
        assert_eq!(known.other_with_room("R", ONE), None);
        assert_eq!(pin(known.other_with_room("R", TWO)), Some(ONE));
        assert_eq!(known.other_with_room("other", TWO), None);

        // The user has accepted the other one.
        known.remember(ONE, "second", &at("192.168.1.5"));
        known.remember(TWO, "R", &at("192.168.1.9"));
        assert_eq!(known.other_with_room("R", TWO), None);
        assert_eq!(pin(known.other_with_room("R", ONE)), Some(TWO));
        assert_eq!(known.server(ONE).unwrap().rooms, ["second"]);
    }

    #[test]
    fn an_address_belongs_to_the_server_that_was_met_there_last() {
        let mut known = KnownRooms::default();
        known.remember(ONE, "one", &at("192.168.1.5"));
        known.remember(ONE, "one", &at("example.org"));
        known.remember(TWO, "two", &at("192.168.1.5"));
        assert!(!known.knows(ONE, &at("192.168.1.5")) && known.knows(TWO, &at("192.168.1.5")));
        known.remember(TWO, "two", &at("example.org"));
        assert_eq!(pin(known.expected(&at("example.org"))), Some(TWO));
        // Its room is still known.
        assert_eq!(pin(known.other_with_room("one", TWO)), Some(ONE));
        // A server of which nothing is left is forgotten.
        known.remember(TWO, "one", &at("example.org"));
        assert_eq!(known.server(ONE), None);
    }

    #[test]
    fn only_news_are_news() {
        let mut known = KnownRooms::default();
        for _ in 0..2 {
            assert!(known.remember(ONE, "R", &at("example.org")));
            assert!(!known.remember(ONE, "R", &at("EXAMPLE.org")));
            assert!(known.remember(TWO, "S", &at("10.0.0.1")));
            assert!(!known.remember(TWO, "S", &at("10.0.0.1")));
        }
        assert!(known.remember(TWO, "T", &at("10.0.0.1")));
        assert!(known.remember(TWO, "S", &at("10.0.0.1")));
    }

    #[test]
    fn the_servers_and_names_that_were_not_used_for_the_longest_time_are_forgotten() {
        let mut known = KnownRooms::default();
        for number in 0..=KNOWN_SERVERS {
            let mut pin = [0; 32];
            pin[..8].copy_from_slice(&number.to_be_bytes());
            known.remember(Pin(pin), &format!("room {number}"), &at("example.org"));
            if number == 0 {
                // It is used again and again.
                continue;
            }
            known.remember(Pin([0; 32]), "room 0", &at("10.0.0.1"));
        }
        assert_eq!(known.servers().count(), KNOWN_SERVERS);
        assert!(known.server(Pin([0; 32])).is_some());
        assert_eq!(known.other_with_room("room 1", ONE), None);
        assert!(known.other_with_room("room 2", ONE).is_some());

        for number in 0..2 * KNOWN_NAMES {
            known.remember(
                ONE,
                &format!("room {number}"),
                &at(&format!("10.0.0.{number}")),
            );
            known.remember(ONE, "R", &at(&format!("192.0.2.{number}")));
        }
        let server = known.server(ONE).unwrap();
        for names in [&server.rooms, &server.hosts, &server.addresses] {
            assert_eq!(names.len(), KNOWN_NAMES);
        }
        assert_eq!(server.rooms[0], "R");
    }
}
