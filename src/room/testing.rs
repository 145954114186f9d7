//! A room in which tests talk.

use std::time::Duration;

use jiff::Timestamp;

use super::*;

pub(super) const ALL: EncodingId = EncodingId::new(0);

/// A room without a rate limit, and a reader of everything.
pub(super) struct Talk {
    pub room: Room,
    cursor: Cursor,
}

/// So many milliseconds after the beginning.
pub(super) fn at(millis: u64) -> Time {
    Time::after(Duration::from_millis(millis))
}

/// The hash of the token of the first member who wanted this name.
pub(super) fn token(name: &str) -> TokenHash {
    TokenHash::of(name)
}

impl Talk {
    pub(super) fn new() -> Self {
        let rules = Rules {
            rate_limit: RateLimit::per_second(0),
            ..Rules::default()
        };
        let encodings = Encodings::new(ALL, codec::write, codec::read);
        let room = Room::new(rules, encodings, Seed::new([7; 16]));
        let cursor = room.head();
        Self { room, cursor }
    }

    fn enter(&mut self, name: &str, host: bool) -> Lease {
        let is_taken = self.room.members(None).any(|(_, it)| *it.name == *name);
        let entered = self.room.apply(Enter {
            wanted: WantedName::of(name),
            encoding: ALL,
            host,
            token: (!is_taken).then(|| token(name)),
        });
        entered.unwrap().lease
    }

    pub(super) fn join(&mut self, name: &str) -> Lease {
        self.enter(name, false)
    }

    pub(super) fn host(&mut self, name: &str) -> Lease {
        self.enter(name, true)
    }

    /// Another connection takes the member over, which has its first name.
    pub(super) fn take_over(&mut self, lease: Lease) -> Lease {
        let (_, member) = self
            .room
            .members(None)
            .find(|(id, _)| *id == lease.id)
            .unwrap();
        let (token, opened) = (token(&member.name), Time::BEGINNING);
        self.room.apply(Resume { token, opened }).unwrap().lease
    }

    /// The connection is lost, and the member comes back.
    pub(super) fn come_back(&mut self, lease: Lease) -> Lease {
        let (why, time) = (Why::Lost, Time::BEGINNING);
        self.room.apply(Lose { lease, why, time }).unwrap();
        self.take_over(lease)
    }

    /// Says something, so many milliseconds after the beginning.
    pub(super) fn say(&mut self, lease: Lease, millis: u64) -> Result<Said, NotSaid> {
        self.say_draft(lease, Draft::new(None, "hi"), millis)
    }

    /// Says something with an id.
    pub(super) fn say_as(&mut self, lease: Lease, id: &str, millis: u64) -> Result<Said, NotSaid> {
        self.say_draft(lease, Draft::new(Some(id), "hi"), millis)
    }

    fn say_draft(&mut self, lease: Lease, draft: Draft<'_>, millis: u64) -> Result<Said, NotSaid> {
        self.room.apply(Say {
            lease,
            draft,
            at: Timestamp::UNIX_EPOCH,
            time: at(millis),
        })
    }

    pub(super) fn close(&mut self) {
        let closing = Closing::ForGood;
        self.room.apply(Close { closing });
    }

    /// What can be read since the last time.
    pub(super) fn read(&mut self) -> String {
        let mut slices = Vec::new();
        self.room.read(&mut self.cursor, ALL, &mut slices);
        let bytes: Vec<u8> = slices.iter().flat_map(|it| it.bytes().to_vec()).collect();
        String::from_utf8(bytes).unwrap()
    }
}
