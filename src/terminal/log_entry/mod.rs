//! The entries of the server's log: sentences for people, and fields for programs that
//! read the journal.

mod kinds;
mod moderation;

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use crate::platform::systemd::journal::{Record, printable};
use crate::protocol::address::Address;
use crate::protocol::sniff::Protocol;
use crate::protocol::text::here;
use crate::room::Why;
use crate::server::{Ended, Event, Refusal, Server};
use crate::store::DiskSpace;

use self::kinds::{
    ADDRESSES, AWAY, BACK, CERTIFICATE, CERTIFICATE_KEPT, CHANGED, CLOCK, CLOSED, DELAYED,
    DISK_LOW, FAILED, FELL_BEHIND, JOINED, Kind, LEFT, MISSED, OPENED, REFUSED, RESUMED, STALLED,
    UNCHANGED, UNREAD, WARNED,
};

/// One entry of the server's log.
#[derive(Debug)]
pub struct LogEntry {
    kind: &'static Kind,
    words: String,
    fields: Vec<(&'static str, String)>,
}

impl LogEntry {
    fn new(kind: &'static Kind, words: impl Into<String>) -> Self {
        Self {
            kind,
            words: words.into(),
            fields: Vec::new(),
        }
    }

    fn with(mut self, name: &'static str, value: impl Display) -> Self {
        self.fields.push((name, value.to_string()));
        self
    }

    /// Adds the fields of the member that the entry is about.
    fn about(self, name: &str, address: SocketAddr, protocol: Protocol) -> Self {
        self.with("CHATROOM_NAME", name)
            .with("CHATROOM_ADDRESS", origin(address))
            .with("CHATROOM_DOOR", protocol.name())
    }

    /// The server refused connections.
    fn refused(words: String, why: Refusal, count: u64) -> Self {
        let reason = match why {
            Refusal::RoomFull => "room-full",
            Refusal::TooManyConnections => "too-many-connections",
            Refusal::ClosedDoor(_) => "closed-door",
            Refusal::KeyNeeded => "key-needed",
            Refusal::KeyWrong => "key-wrong",
            Refusal::TlsNeeded => "tls-needed",
            Refusal::Banned => "banned",
        };
        let entry = Self::new(&REFUSED, words)
            .with("CHATROOM_REASON", reason)
            .with("CHATROOM_COUNT", count);
        match why {
            Refusal::ClosedDoor(door) => entry.with("CHATROOM_DOOR", door.name()),
            _ => entry,
        }
    }

    /// The server refused several connections within a second.
    fn refused_many(network: Option<IpAddr>, why: Refusal, count: u64) -> Self {
        let (from, whom) = match network {
            Some(ip @ IpAddr::V4(_)) => (ip.to_string(), ip.to_string()),
            Some(ip @ IpAddr::V6(_)) => (format!("{ip}/64"), format!("{ip}/64")),
            None => ("others".to_owned(), "other addresses".to_owned()),
        };
        let words = format!("Refused {whom}, {count} times: {why}");
        Self::refused(words, why, count).with("CHATROOM_ADDRESS", from)
    }

    /// Something in the store cannot be read.
    fn unread(why: &str) -> Self {
        let words = format!("Saved messages cannot be read: {why}");
        Self::new(&UNREAD, words).with("CHATROOM_REASON", why)
    }

    /// Messages are no longer delayed.
    fn resumed(delay: Duration) -> Self {
        let seconds = delay.as_secs().max(1);
        let words = format!("Messages are no longer delayed, after {seconds} s.");
        Self::new(&RESUMED, words).with("CHATROOM_SECONDS", seconds)
    }

    /// The disk of the store is nearly full.
    fn disk_low(space: DiskSpace) -> Self {
        let (free, total) = (space.free >> 20, space.total >> 20);
        let words =
            format!("The disk of the store is nearly full: {free} MiB of {total} MiB are free.");
        Self::new(&DISK_LOW, words).with("CHATROOM_FREE", space.free)
    }

    /// The room is open. `invitation` is the file with the invitation, if it is private.
    pub fn opened(server: &Server, invitation: Option<&Path>) -> Self {
        let (room, port) = (server.room_name(), server.port());
        let words = match invitation {
            None => format!("“{room}” is open on port {port}."),
            Some(_) => format!(
                "“{room}” is open on port {port}, for those with an invitation: “chatroom \
                 --invite” prints it."
            ),
        };
        let entry = Self::new(&OPENED, words)
            .with("CHATROOM_ROOM", room)
            .with("CHATROOM_MEMBERS", 0);
        let entry = match invitation {
            Some(path) => entry.with("CHATROOM_INVITATION", path.display()),
            None => entry,
        };
        let addresses = server.addresses();
        let each = addresses.iter();
        each.fold(entry, |entry, address| {
            entry.with("CHATROOM_ADDRESS", address)
        })
    }

    /// Others can join at other addresses than before.
    fn moved(addresses: &[Address]) -> Self {
        let texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        let words = format!("Others can now join at {}.", texts.join(" or "));
        let entry = Self::new(&ADDRESSES, words);
        let each = addresses.iter();
        each.fold(entry, |entry, address| {
            entry.with("CHATROOM_ADDRESS", address)
        })
    }

    /// The room is closed.
    pub fn closed(ended: Ended) -> Self {
        let (words, reason) = match ended {
            Ended::Closed(_) => ("The room is closed.", "closed"),
            Ended::Empty => ("Nobody is here; the room is closed.", "empty"),
        };
        Self::new(&CLOSED, words).with("CHATROOM_REASON", reason)
    }

    /// The new configuration applies from now on. `later` are the keys that need a
    /// restart.
    pub fn changed(later: &[&str]) -> Self {
        let words = "The new configuration applies from now on.";
        if later.is_empty() {
            return Self::new(&CHANGED, words);
        }
        let later = later.join(", ");
        Self::new(
            &CHANGED,
            format!("{words} These settings need a restart: {later}."),
        )
        .with("CHATROOM_LATER", later)
    }

    /// The new configuration is wrong, and the room goes on with the old one.
    pub fn unchanged(why: &dyn Display) -> Self {
        let words = format!("The settings stay as they are. {why}");
        Self::new(&UNCHANGED, words).with("CHATROOM_REASON", why)
    }

    /// The administrator's certificate cannot be used, and the old one stays in use.
    pub fn certificate_kept(why: &dyn Display) -> Self {
        let words = format!("The certificate and the settings stay as they are. {why}");
        Self::new(&CERTIFICATE_KEPT, words).with("CHATROOM_REASON", why)
    }

    /// The administrator should know this.
    pub fn warned(why: &dyn Display) -> Self {
        Self::new(&WARNED, why.to_string()).with("CHATROOM_REASON", why)
    }

    /// The program cannot start, or cannot go on.
    pub fn failed(why: &dyn Display) -> Self {
        Self::new(&FAILED, why.to_string()).with("CHATROOM_REASON", why)
    }

    /// `count` entries were dropped here.
    pub fn missed(count: impl Display) -> Self {
        let words = format!("({count} entries of the log are missing here.)");
        Self::new(&MISSED, words).with("CHATROOM_MISSED", count)
    }

    /// The entry as one line. Nothing in `words` can pass for our colours: names have no
    /// control characters, and those of a path or of an error of the system are replaced.
    pub fn line(&self, colours: bool) -> String {
        let words: String = self.words.chars().map(printable).collect();
        let colour = self.kind.colour;
        if colours {
            format!("\x1b[{colour}m{words}\x1b[0m\n")
        } else {
            format!("{words}\n")
        }
    }

    /// The entry as a record for the journal.
    pub fn to_journal(&self) -> Record {
        let record = Record::new(&self.words, self.kind.priority, self.kind.id);
        let fields = self.fields.iter();
        fields.fold(record, |record, (name, value)| record.with(name, value))
    }
}

impl From<&Event> for LogEntry {
    /// Names are in quotes and come first, so no name can forge the end of the sentence.
    // An arm for each kind of event.
    #[allow(clippy::too_many_lines)]
    fn from(event: &Event) -> Self {
        match event {
            Event::Joined {
                name,
                address,
                protocol,
                count,
            } => {
                let from = from(*address, *protocol);
                let words = format!("“{name}” joined ({from}). {}", here(*count));
                Self::new(&JOINED, words)
                    .about(name, *address, *protocol)
                    .with("CHATROOM_MEMBERS", count)
            }
            Event::Left {
                name,
                address,
                protocol,
                why,
                count,
            } => {
                let (why, reason) = match why {
                    Why::Quit => ("", "quit"),
                    Why::Lost => (": the connection broke", "lost"),
                    Why::Timeout => (": the server heard nothing for too long", "timeout"),
                    Why::Removed => (": a host removed it", "removed"),
                    _ => (": it broke the protocol", "protocol"),
                };
                let from = from(*address, *protocol);
                let words = format!("“{name}” left ({from}){why}. {}", here(*count));
                Self::new(&LEFT, words)
                    .about(name, *address, *protocol)
                    .with("CHATROOM_REASON", reason)
                    .with("CHATROOM_MEMBERS", count)
            }
            Event::Away {
                name,
                address,
                protocol,
            } => {
                let from = from(*address, *protocol);
                let words = format!("“{name}” lost the connection ({from}), and may come back.");
                Self::new(&AWAY, words).about(name, *address, *protocol)
            }
            Event::Back {
                name,
                address,
                protocol,
            } => {
                let words = format!("“{name}” is back ({}).", from(*address, *protocol));
                Self::new(&BACK, words).about(name, *address, *protocol)
            }
            Event::Refused { address, why } => {
                let address = origin(*address);
                let words = format!("Refused {address}: {why}");
                Self::refused(words, *why, 1).with("CHATROOM_ADDRESS", address)
            }
            Event::RefusedMany {
                network,
                why,
                count,
            } => Self::refused_many(*network, *why, *count),
            Event::WrongKey { address } => Self::wrong_key(*address),
            Event::Removed {
                name,
                by,
                ban,
                count,
            } => Self::removed(name, by, *ban, *count),
            Event::Muted { name, by, period } => Self::muted(name, by, *period),
            Event::Slow { every, by } => Self::slow(*every, by),
            Event::Erased { seq, by } => Self::erased(*seq, by),
            Event::HostChanged { name, by } => Self::host(name, by),
            Event::KeyReplaced { by } => Self::key_replaced(by),
            Event::Unbanned { network, name } => Self::unbanned(*network, name.as_deref()),
            Event::CertificateChanged => {
                let words = "New connections get the new certificate from now on.";
                Self::new(&CERTIFICATE, words)
            }
            Event::FellBehind {
                name,
                address,
                protocol,
                missed,
            } => {
                let from = from(*address, *protocol);
                let words = format!("“{name}” reads too slowly ({from}): {missed} messages missed");
                Self::new(&FELL_BEHIND, words)
                    .about(name, *address, *protocol)
                    .with("CHATROOM_MISSED", missed)
            }
            Event::Addresses(addresses) => Self::moved(addresses),
            Event::Unread(why) => Self::unread(why),
            Event::Delayed(why) => {
                let words = format!("Messages are delayed: {why}.");
                Self::new(&DELAYED, words).with("CHATROOM_REASON", why)
            }
            Event::Resumed(delay) => Self::resumed(*delay),
            Event::Clock(doubt) => {
                Self::new(&CLOCK, doubt.to_string()).with("CHATROOM_REASON", doubt)
            }
            Event::DiskLow(space) => Self::disk_low(*space),
            Event::Stalled(why) => {
                let words = format!("No one can join at the moment: {why}");
                Self::new(&STALLED, words).with("CHATROOM_REASON", why)
            }
            Event::Missed(count) => Self::missed(count),
        }
    }
}

/// The protocol and the address of a member.
fn from(address: SocketAddr, protocol: Protocol) -> String {
    format!("{}, {}", protocol.name(), origin(address))
}

/// The address and the port of a peer, with the name of the network interface if the
/// address means nothing without it (RFC 4007).
fn origin(address: SocketAddr) -> String {
    match address {
        SocketAddr::V6(v6) if v6.scope_id() != 0 => {
            let (ip, port, zone) = (v6.ip(), v6.port(), v6.scope_id());
            match interface(zone) {
                Some(name) => format!("[{ip}%{name}]:{port}"),
                None => format!("[{ip}%{zone}]:{port}"),
            }
        }
        _ => address.to_string(),
    }
}

/// The name of the network interface with this index, unless a reader could mistake it
/// for something else.
fn interface(index: u32) -> Option<String> {
    let socket = rustix::net::socket(
        rustix::net::AddressFamily::INET6,
        rustix::net::SocketType::DGRAM,
        None,
    );
    let name = rustix::net::netdevice::index_to_name(socket.ok()?, index).ok()?;
    let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '%' | '[' | ']');
    (!name.is_empty() && name.chars().all(is_plain)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The part of a record's bytes that has the fields.
    pub(super) fn fields(entry: &LogEntry) -> String {
        String::from_utf8(entry.to_journal().bytes().to_vec()).unwrap()
    }

    #[test]
    fn a_leave_is_found_by_who_and_why() {
        let entry = LogEntry::from(&Event::Left {
            name: "ada".into(),
            address: ([192, 0, 2, 1], 4000).into(),
            protocol: Protocol::Native,
            why: Why::Lost,
            count: 3,
        });
        let fields = fields(&entry);
        for field in [
            "CHATROOM_NAME=ada",
            "CHATROOM_ADDRESS=192.0.2.1:4000",
            "CHATROOM_DOOR=native",
            "CHATROOM_REASON=lost",
            "CHATROOM_MEMBERS=3",
            "PRIORITY=6",
            "MESSAGE_ID=ba62cb238285453e94cc87bb7e5339ce",
        ] {
            assert!(
                fields.lines().any(|line| line == field),
                "{field}: {fields}"
            );
        }
    }

    #[test]
    fn refusals_are_told_with_their_address_cause_and_number() {
        let many = |network: Option<&str>| Event::RefusedMany {
            network: network.map(|it| it.parse().unwrap()),
            why: Refusal::TooManyConnections,
            count: 31_999,
        };
        for (network, address) in [
            (Some("192.0.2.1"), "192.0.2.1"),
            (Some("2001:db8::"), "2001:db8::/64"),
            (None, "others"),
        ] {
            let entry = LogEntry::from(&many(network));
            assert!(
                entry
                    .line(false)
                    .contains("31999 times: too many connections")
            );
            let fields = fields(&entry);
            for field in [
                &*format!("CHATROOM_ADDRESS={address}"),
                "CHATROOM_COUNT=31999",
                "CHATROOM_REASON=too-many-connections",
                "MESSAGE_ID=0c7927015bac4432b17c568d823ac809",
            ] {
                assert!(
                    fields.lines().any(|line| line == field),
                    "{field}: {fields}"
                );
            }
        }
    }

    #[test]
    fn a_link_local_peer_is_told_with_its_zone() {
        let peer = |zone| {
            let ip = "fe80::1".parse().unwrap();
            origin(std::net::SocketAddrV6::new(ip, 4_000, 0, zone).into())
        };
        assert_eq!(peer(0), "[fe80::1]:4000");
        // The first interface is this computer itself.
        assert_eq!(peer(1), "[fe80::1%lo]:4000");
        assert_eq!(peer(4_000_000), "[fe80::1%4000000]:4000");
        assert_eq!(origin(([192, 0, 2, 1], 1).into()), "192.0.2.1:1");
    }

    #[test]
    fn colours_stand_around_a_line_and_only_where_they_are_wanted() {
        let entry = LogEntry::from(&Event::Missed(2));
        let plain = "(2 entries of the log are missing here.)";
        assert_eq!(entry.line(false), format!("{plain}\n"));
        assert_eq!(entry.line(true), format!("\x1b[33m{plain}\x1b[0m\n"));
    }
}
