//! Erasing messages: an entry of its own says that a message was erased, and the text goes
//! from everything that the room holds.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::Room;
use super::attachment::Lease;
use super::entry::{Author, Body, Entry};
use super::event::Event;
use super::record::Record;
use super::time::Time;

/// Erases a message, and notifies everyone. The outcome is the `seq` of the new entry.
///
/// Its sender may do that, a host, and the administrator. A message that waits to be
/// stored cannot be erased: nobody has seen it.
///
/// The text goes from memory at once. In a room with a store, it goes from the disk when
/// the new entry is stored.
#[derive(Clone, Debug)]
pub struct Erase {
    /// Who erases it.
    pub by: Eraser,
    /// The `seq` of the message.
    pub seq: u64,
    /// The message as the store has it, if the room has answered [`NotErased::NotHeld`].
    pub stored: Option<Entry<'static>>,
    /// The time of day, for the entry.
    pub at: Timestamp,
    /// The time, for the rate limit: an erasure counts as a message.
    pub time: Time,
}

/// Who erases a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eraser {
    /// A member.
    Member(Lease),
    /// The administrator of the server.
    Administrator,
}

/// The reason why a message was not erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotErased {
    /// There is no such message, or nobody has seen it yet.
    #[error("no such message")]
    NoSuchMessage,
    /// The member is neither its sender nor a host.
    #[error("not a host")]
    NotHost,
    /// The log in memory no longer holds it. Look it up in the store, and try again with
    /// [`Erase::stored`]; without a store, there is no such message.
    #[error("not in memory")]
    NotHeld,
    /// It was erased before.
    #[error("erased before")]
    Already,
    /// The member erases too fast.
    #[error("too fast")]
    TooFast {
        /// The time to wait.
        retry: Duration,
    },
    /// The member has left, or another connection has taken it over.
    #[error("the lease is over")]
    LeaseOver,
    /// The room was closed.
    #[error("closed")]
    Closed,
}

impl Room {
    pub(super) fn erase(&mut self, command: Erase) -> Result<u64, NotErased> {
        let Erase {
            by,
            seq: of,
            stored,
            at,
            time,
        } = command;
        if self.closed.is_some() {
            return Err(NotErased::Closed);
        }
        let eraser = match by {
            Eraser::Administrator => None,
            Eraser::Member(lease) => {
                let member = self.members.held(lease).ok_or(NotErased::LeaseOver)?;
                Some((lease, Arc::clone(&member.name), member.host))
            }
        };
        if of == 0 || of >= self.log.readable_seq() {
            return Err(NotErased::NoSuchMessage);
        }
        let held = self.log.entry(of);
        let is_held = held.is_some();
        let stored = stored.filter(|entry| entry.seq == of);
        let message = held.or(stored).ok_or(NotErased::NotHeld)?;
        let id = match message.body {
            Body::Text { id, .. } => id,
            Body::Gone { .. } => return Err(NotErased::Already),
            Body::Erased { .. } => return Err(NotErased::NoSuchMessage),
        };
        if let Some((lease, _, is_host)) = eraser {
            if !is_host && message.author.id != Some(lease.id) {
                return Err(NotErased::NotHost);
            }
            let member = self.members.held_mut(lease).ok_or(NotErased::LeaseOver)?;
            member
                .activity_mut()
                .meter
                .count(self.rules.rate_limit, time)
                .map_err(|retry| NotErased::TooFast { retry })?;
        }
        if is_held {
            self.log.replace(&Entry {
                seq: of,
                at: message.at,
                author: message.author.clone(),
                body: Body::Gone { id },
            });
        }
        let seq = self.log.next_seq();
        let author = match &eraser {
            Some((lease, name, _)) => Author::member(lease.id, Cow::Borrowed(&**name)),
            None => Author::administrator(),
        };
        let entry = Entry {
            seq,
            at,
            author,
            body: Body::Erased { of },
        };
        self.record(|| Record::Entry(entry.clone().into_owned()));
        self.log.append(&Event::Erased {
            entry,
            sender: &message.author.name,
        });
        Ok(seq)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Talk, at};
    use super::super::{MemberId, RateLimit, Remove, Retention};
    use super::*;

    fn erase(talk: &mut Talk, by: Eraser, seq: u64) -> Result<u64, NotErased> {
        erase_stored(talk, by, seq, None)
    }

    fn erase_stored(
        talk: &mut Talk,
        by: Eraser,
        seq: u64,
        stored: Option<Entry<'static>>,
    ) -> Result<u64, NotErased> {
        talk.room.apply(Erase {
            by,
            seq,
            stored,
            at: Timestamp::UNIX_EPOCH,
            time: at(0),
        })
    }

    fn message(seq: u64, from: MemberId) -> Entry<'static> {
        Entry {
            seq,
            at: Timestamp::UNIX_EPOCH,
            author: Author::member(from, "ada"),
            body: Body::Text {
                id: None,
                text: "hi".into(),
            },
        }
    }

    #[test]
    fn a_message_is_erased_by_its_sender_or_a_host_and_nobody_else() {
        let mut talk = Talk::new();
        let (host, ada, bob) = (talk.host("host"), talk.join("ada"), talk.join("bob"));
        for _ in 0..3 {
            talk.say_as(ada, &talk.room.next_seq().to_string(), 0)
                .unwrap();
        }
        talk.read();
        let by = Eraser::Member;
        assert_eq!(erase(&mut talk, by(bob), 1), Err(NotErased::NotHost));
        assert_eq!(erase(&mut talk, by(ada), 1), Ok(4));
        assert_eq!(erase(&mut talk, by(host), 2), Ok(5));
        assert_eq!(erase(&mut talk, Eraser::Administrator, 3), Ok(6));
        assert_eq!(
            talk.read(),
            "entry\t4\t0\t2\tada\terased\t1\t\n\
             entry\t5\t0\t1\thost\terased\t2\t\n\
             entry\t6\t0\t0\tSERVER\terased\t3\t\n"
        );
        // Nor twice, nor an erasure, nor what is not there.
        let mut by_host = |seq| erase(&mut talk, by(host), seq);
        assert_eq!(by_host(1), Err(NotErased::Already));
        for seq in [0, 4, 7, u64::MAX] {
            assert_eq!(by_host(seq), Err(NotErased::NoSuchMessage), "{seq}");
        }
        // The same message is not said again.
        let again = talk.say_as(ada, "1", 0);
        assert_eq!(again, Ok(super::super::Said::Before(1)));
        talk.room.apply(Remove { id: ada.id }).unwrap();
        assert_eq!(erase(&mut talk, by(ada), 1), Err(NotErased::LeaseOver));
        talk.close();
        assert_eq!(erase(&mut talk, by(host), 1), Err(NotErased::Closed));
    }

    #[test]
    fn what_only_the_store_holds_is_erased_by_what_the_store_says_of_it() {
        let mut talk = Talk::new();
        talk.room.log = super::super::log::Log::starting_at(
            10,
            *talk.room.log.encodings(),
            Retention::default(),
        );
        let (ada, bob) = (talk.join("ada"), talk.join("bob"));
        let by = Eraser::Member;
        assert_eq!(erase(&mut talk, by(ada), 3), Err(NotErased::NotHeld));
        let stored = || Some(message(3, ada.id));
        let of_bob = erase_stored(&mut talk, by(bob), 3, stored());
        assert_eq!(of_bob, Err(NotErased::NotHost));
        assert_eq!(erase_stored(&mut talk, by(ada), 3, stored()), Ok(10));
        // Another message says nothing of this one.
        let other = erase_stored(&mut talk, by(ada), 4, stored());
        assert_eq!(other, Err(NotErased::NotHeld));
        let gone = Entry {
            body: Body::Gone { id: None },
            ..message(3, ada.id)
        };
        let again = erase_stored(&mut talk, by(ada), 3, Some(gone));
        assert_eq!(again, Err(NotErased::Already));
        // The entry in memory counts, whatever else was looked up.
        talk.say(bob, 0).unwrap();
        let forged = erase_stored(&mut talk, by(ada), 11, Some(message(11, ada.id)));
        assert_eq!(forged, Err(NotErased::NotHost));
    }

    #[test]
    fn nobody_erases_what_nobody_has_seen() {
        let mut talk = Talk::new();
        let ada = talk.host("ada");
        talk.room.start_recording();
        talk.say(ada, 0).unwrap();
        for _ in 0..2 {
            // Unstaged, then staged.
            for by in [Eraser::Member(ada), Eraser::Administrator] {
                assert_eq!(erase(&mut talk, by, 1), Err(NotErased::NoSuchMessage));
            }
            talk.room.log.stage();
        }
        let staged = talk.room.stage().unwrap();
        talk.room.publish(staged.end);
        assert_eq!(erase(&mut talk, Eraser::Member(ada), 1), Ok(2));
        // The text is not there any more; the entry that tells it waits to be stored.
        let read = talk.read();
        assert!(read.ends_with("entry\t1\t0\t1\tada\tgone\t\t\n"), "{read}");
        let staged = talk.room.stage().unwrap();
        let erased = Record::Entry(Entry {
            body: Body::Erased { of: 1 },
            ..message(2, ada.id)
        });
        assert_eq!(staged.records, [erased]);
        talk.room.publish(staged.end);
        assert_eq!(talk.read(), "entry\t2\t0\t1\tada\terased\t1\t\n");
    }

    #[test]
    fn who_erases_fast_waits_as_who_writes_fast() {
        let mut talk = Talk::new();
        let (ada, bob) = (talk.join("ada"), talk.join("bob"));
        for _ in 0..6 {
            talk.say(ada, 0).unwrap();
        }
        talk.say(bob, 0).unwrap();
        talk.room.rules.rate_limit = RateLimit::per_second(1);
        for seq in 1..=4 {
            assert!(erase(&mut talk, Eraser::Member(ada), seq).is_ok());
        }
        let wait = erase(&mut talk, Eraser::Member(ada), 5);
        let retry = Duration::from_secs(1);
        assert_eq!(wait, Err(NotErased::TooFast { retry }));
        // It is still there, and what was refused for another reason did not count.
        assert!(talk.room.log.entry(5).unwrap().text().is_some());
        assert!(erase(&mut talk, Eraser::Administrator, 5).is_ok());
    }
}
