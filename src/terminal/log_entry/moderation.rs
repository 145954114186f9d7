//! The entries about wrong keys, and about what hosts and administrators do.

use std::net::SocketAddr;
use std::time::Duration;

use crate::protocol::text::here;
use crate::room::Network;
use crate::server::By;

use super::super::span::span;
use super::kinds::{ERASED, HOST, KEY_REPLACED, Kind, MUTED, REMOVED, SLOW, UNBANNED, WRONG_KEY};
use super::{LogEntry, origin};

impl LogEntry {
    /// Someone sent a key that is not the room's.
    pub(super) fn wrong_key(address: SocketAddr) -> Self {
        let address = origin(address);
        let words = format!("A wrong key came from {address}.");
        Self::new(&WRONG_KEY, words).with("CHATROOM_ADDRESS", address)
    }

    /// Something that a member or the administrator did to the room. A member is named in a
    /// field.
    fn moderated(kind: &'static Kind, words: String, by: &By) -> Self {
        let entry = Self::new(kind, words);
        match by {
            By::Member(name) => entry.with("CHATROOM_BY", name),
            By::Administrator => entry,
        }
    }

    /// A member was removed.
    pub(super) fn removed(name: &str, by: &By, ban: Option<Duration>, count: usize) -> Self {
        let also = ban.map_or_else(String::new, |ban| {
            format!(
                ", and nobody may join from the same address for {}",
                span(ban)
            )
        });
        let words = format!("“{name}” was removed by {by}{also}. {}", here(count));
        let entry = Self::moderated(&REMOVED, words, by)
            .with("CHATROOM_NAME", name)
            .with("CHATROOM_MEMBERS", count);
        match ban {
            Some(ban) => entry.with("CHATROOM_SECONDS", ban.as_secs()),
            None => entry,
        }
    }

    /// A member was muted, or is no longer.
    pub(super) fn muted(name: &str, by: &By, period: Duration) -> Self {
        let words = if period.is_zero() {
            format!("“{name}” may send messages again, says {by}.")
        } else {
            format!("“{name}” was muted by {by} for {}.", span(period))
        };
        Self::moderated(&MUTED, words, by)
            .with("CHATROOM_NAME", name)
            .with("CHATROOM_SECONDS", period.as_secs())
    }

    /// The time between two messages of each member was set.
    pub(super) fn slow(every: Duration, by: &By) -> Self {
        let words = if every.is_zero() {
            format!("Members may send messages as fast as usual, set by {by}.")
        } else {
            format!(
                "Each member may send one message in {}, set by {by}.",
                span(every)
            )
        };
        Self::moderated(&SLOW, words, by).with("CHATROOM_SECONDS", every.as_secs())
    }

    /// A ban was lifted.
    pub(super) fn unbanned(network: Option<Network>, name: Option<&str>) -> Self {
        let whom = match (network, name) {
            (Some(network), Some(name)) => format!("“{name}”, and others from {network},"),
            (Some(network), None) => network.to_string(),
            (None, Some(name)) => format!("“{name}”"),
            (None, None) => "A removed member".to_owned(),
        };
        let entry = Self::new(&UNBANNED, format!("{whom} may join again."));
        let entry = match network {
            Some(network) => entry.with("CHATROOM_ADDRESS", network),
            None => entry,
        };
        match name {
            Some(name) => entry.with("CHATROOM_NAME", name),
            None => entry,
        }
    }

    /// A message was erased.
    pub(super) fn erased(seq: u64, by: &By) -> Self {
        let words = format!("Message {seq} was erased by {by}.");
        Self::moderated(&ERASED, words, by).with("CHATROOM_SEQ", seq)
    }

    /// A member is a host now.
    pub(super) fn host(name: &str, by: &By) -> Self {
        let words = format!("“{name}” is a host now, made one by {by}.");
        Self::moderated(&HOST, words, by).with("CHATROOM_NAME", name)
    }

    /// The room has another key.
    pub(super) fn key_replaced(by: &By) -> Self {
        let words = format!("The key was replaced by {by}: earlier invitations let nobody in.");
        Self::moderated(&KEY_REPLACED, words, by)
    }
}

#[cfg(test)]
mod tests {
    use crate::server::Event;

    use super::super::tests::fields;
    use super::*;

    #[test]
    fn moderation_is_told_with_who_did_it() {
        let name = || "ada".into();
        let member = || By::Member("kim".into());
        let secs = Duration::from_secs;
        for (event, words, wanted) in [
            (
                Event::Removed {
                    name: name(),
                    by: member(),
                    ban: Some(secs(600)),
                    count: 1,
                },
                "“ada” was removed by “kim”, and nobody may join from the same address for \
                 10 min. 1 person is here now.\n",
                &[
                    "CHATROOM_NAME=ada",
                    "CHATROOM_BY=kim",
                    "CHATROOM_SECONDS=600",
                ][..],
            ),
            (
                Event::Muted {
                    name: name(),
                    by: By::Administrator,
                    period: secs(61),
                },
                "“ada” was muted by the administrator for 1 min 1 s.\n",
                &["CHATROOM_NAME=ada", "CHATROOM_SECONDS=61"],
            ),
            (
                Event::Slow {
                    every: secs(0),
                    by: member(),
                },
                "Members may send messages as fast as usual, set by “kim”.\n",
                &["CHATROOM_SECONDS=0"],
            ),
            (
                Event::Erased {
                    seq: 42,
                    by: By::Administrator,
                },
                "Message 42 was erased by the administrator.\n",
                &["CHATROOM_SEQ=42"],
            ),
            (
                Event::KeyReplaced { by: member() },
                "The key was replaced by “kim”: earlier invitations let nobody in.\n",
                &["MESSAGE_ID=c5a9afd521524487b83134b57d0747c8"],
            ),
            (
                Event::Unbanned {
                    network: Some(Network::new("2001:db8::1".parse().unwrap(), 64)),
                    name: Some(name()),
                },
                "“ada”, and others from 2001:db8::/64, may join again.\n",
                &["CHATROOM_ADDRESS=2001:db8::/64"],
            ),
        ] {
            let entry = LogEntry::from(&event);
            assert_eq!(entry.line(false), words);
            let fields = fields(&entry);
            for field in wanted {
                assert!(
                    fields.lines().any(|line| line == *field),
                    "{field}: {fields}"
                );
            }
            let by = fields.contains("CHATROOM_BY=");
            assert_eq!(by, words.contains("“kim”"), "{fields}");
        }
    }
}
