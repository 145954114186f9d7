//! The saved state of rooms: drafts, and sessions that the user did not end (*stays*).

use std::fmt;

use serde::{Deserialize, Serialize};

/// The most rooms with a saved state. The app drops those that were used longest ago.
pub const ROOMS: usize = 20;

/// The most bytes of the whole state.
pub const LIMIT: usize = 256 << 10;

/// The longest saved draft, in bytes.
const DRAFT_LIMIT: usize = 64 << 10;

/// The age from which the user cannot return to a stay, in seconds.
const RECENT: i64 = 24 * 60 * 60;

/// The rooms, in the order of their last use.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rooms {
    rooms: Vec<Room>,
}

/// The saved state of one room.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Room {
    /// The key: `host:port`, followed by the number of the window if it is not the first
    /// one in that room.
    address: String,
    /// The text that the user typed and did not send.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    draft: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stay: Option<Stay>,
    /// The link with which the user last got in, if there is more in it than the address:
    /// the pin and the key of the room. A secret.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    invitation: String,
}

impl fmt::Debug for Room {
    /// Without secrets, and without what the user has written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Room");
        shown.field("address", &self.address);
        shown.field("stay", &self.stay).finish_non_exhaustive()
    }
}

/// A session in a room to which the user can come back.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stay {
    /// The name that the user asked for.
    pub name: String,
    /// The name of the room.
    pub room: String,
    /// The session token: a secret between the client and the server.
    pub session: String,
    /// The epoch, which distinguishes the room's log from every other.
    pub epoch: String,
    /// The `seq` of the last message that came.
    pub after: u64,
    /// When the stay was last known to go on, in seconds since 1970.
    pub at: i64,
    /// The unconfirmed messages, oldest first: ids and texts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsent: Vec<(String, String)>,
    /// The user hosted the room.
    #[serde(default)]
    pub hosted: bool,
    /// The room saves its messages.
    #[serde(default)]
    pub durable: bool,
    /// Only those may join who were invited.
    #[serde(default)]
    pub private: bool,
}

impl fmt::Debug for Stay {
    /// Without secrets, and without what the user has written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Stay");
        shown.field("room", &self.room).field("after", &self.after);
        shown.field("at", &self.at).finish_non_exhaustive()
    }
}

impl Room {
    /// A room of which nothing is saved.
    fn at(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            ..Self::default()
        }
    }
}

impl Rooms {
    /// Reads the contents of a file; a damaged one counts as empty.
    pub fn read(json: &[u8]) -> Self {
        serde_json::from_slice(json).unwrap_or_default()
    }

    /// The contents for the file: the rooms that were used last, up to [`LIMIT`].
    pub fn write(&self) -> Vec<u8> {
        let mut saved = Vec::new();
        let mut bytes = 0;
        for room in self.rooms.iter().rev().take(ROOMS) {
            let length = serde_json::to_vec(room).map_or(0, |it| it.len() + 1);
            if bytes + length > LIMIT - 64 {
                break;
            }
            bytes += length;
            saved.push(room.clone());
        }
        saved.reverse();
        serde_json::to_vec(&Self { rooms: saved }).unwrap_or_default()
    }

    /// Inserts an earlier state at the start, except for rooms that are here.
    pub fn put_before(&mut self, mut before: Self) {
        let here = |address: &str| self.rooms.iter().any(|room| room.address == address);
        before.rooms.retain(|room| !here(&room.address));
        self.rooms.splice(..0, before.rooms);
    }

    /// The text that the user typed there and did not send.
    pub fn draft(&self, address: &str) -> &str {
        self.room(address).map_or("", |room| &room.draft)
    }

    /// Saves the text that the user typed there. Returns whether it is different.
    pub fn set_draft(&mut self, address: &str, draft: &str) -> bool {
        let draft = &draft[..draft.floor_char_boundary(DRAFT_LIMIT)];
        if self.draft(address) == draft {
            return false;
        }
        self.change(address, |room| draft.clone_into(&mut room.draft));
        true
    }

    /// The link with which the user last got in there; empty if the address is enough.
    pub fn invitation(&self, address: &str) -> &str {
        self.room(address).map_or("", |room| &room.invitation)
    }

    /// Saves the link with which the user got in there. Returns whether it is different.
    pub fn set_invitation(&mut self, address: &str, link: &str) -> bool {
        if self.invitation(address) == link {
            return false;
        }
        self.change(address, |room| link.clone_into(&mut room.invitation));
        true
    }

    /// The stay there.
    pub fn stay(&self, address: &str) -> Option<&Stay> {
        self.room(address)?.stay.as_ref()
    }

    /// Saves the stay there, or removes it.
    pub fn set_stay(&mut self, address: &str, stay: Option<Stay>) {
        self.change(address, |room| room.stay = stay);
    }

    /// Removes the stay there. Its unconfirmed messages become a part of the draft.
    pub fn give_up(&mut self, address: &str) {
        let Some(stay) = self.stay(address).cloned() else {
            return;
        };
        let mut texts: Vec<String> = stay.unsent.into_iter().map(|(_, text)| text).collect();
        texts.push(self.draft(address).to_owned());
        texts.retain(|text| !text.is_empty());
        let text = texts.join("\n");
        // If the draft is too long, the oldest text goes, not the text that the user is
        // writing.
        let from = text.ceil_char_boundary(text.len().saturating_sub(DRAFT_LIMIT));
        self.set_draft(address, &text[from..]);
        self.set_stay(address, None);
    }

    /// Gives up stays that are too old to return to.
    pub fn give_up_old(&mut self, now: i64) {
        let is_old = |room: &&Room| {
            let stay = room.stay.as_ref();
            stay.is_some_and(|stay| !(0..RECENT).contains(&now.saturating_sub(stay.at)))
        };
        let old: Vec<String> = self
            .rooms
            .iter()
            .filter(is_old)
            .map(|room| room.address.clone())
            .collect();
        for address in old {
            self.give_up(&address);
        }
    }

    /// The stays and their keys, the latest first.
    pub fn stays(&self) -> impl Iterator<Item = (&str, &Stay)> {
        let rooms = self.rooms.iter().rev();
        rooms.filter_map(|room| Some((room.address.as_str(), room.stay.as_ref()?)))
    }

    fn room(&self, address: &str) -> Option<&Room> {
        self.rooms.iter().find(|room| room.address == address)
    }

    fn change(&mut self, address: &str, change: impl FnOnce(&mut Room)) {
        let place = self.rooms.iter().position(|room| room.address == address);
        let mut room = place.map_or_else(Room::default, |place| self.rooms.remove(place));
        address.clone_into(&mut room.address);
        change(&mut room);
        if room != Room::at(address) {
            self.rooms.push(room);
        }
        let many = self.rooms.len().saturating_sub(ROOMS);
        self.rooms.drain(..many);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stay(at: i64) -> Stay {
        Stay {
            name: "Ada".into(),
            at,
            unsent: vec![("1".into(), "one".into()), ("2".into(), "two".into())],
            ..Stay::default()
        }
    }

    #[test]
    fn what_is_written_is_read_again_and_a_damaged_file_is_empty() {
        let mut rooms = Rooms::default();
        assert!(rooms.set_draft("a:1", "half a thought"));
        assert!(!rooms.set_draft("a:1", "half a thought"));
        rooms.set_stay("b:2", Some(stay(5)));
        let json = rooms.write();
        assert_eq!(Rooms::read(&json), rooms);
        assert_eq!(Rooms::read(&json[..json.len() / 2]), Rooms::default());
        assert_eq!(Rooms::read(b"[1]"), Rooms::default());
        assert_eq!(Rooms::read(b""), Rooms::default());
    }

    #[test]
    fn the_rooms_that_were_used_last_are_saved() {
        let mut rooms = Rooms::default();
        for number in 0..ROOMS + 5 {
            rooms.set_draft(&format!("a:{number}"), "x");
            rooms.set_draft("often:1", &number.to_string());
        }
        let rooms = Rooms::read(&rooms.write());
        assert_eq!(rooms.draft("a:0"), "");
        assert_eq!(rooms.draft(&format!("a:{}", ROOMS + 4)), "x");
        assert_eq!(rooms.draft("often:1"), (ROOMS + 4).to_string());
    }

    #[test]
    fn the_file_is_bounded() {
        let mut rooms = Rooms::default();
        for number in 0..ROOMS {
            rooms.set_draft(&format!("a:{number}"), &"é".repeat(DRAFT_LIMIT));
        }
        let json = rooms.write();
        assert!(json.len() <= LIMIT);
        let newest = format!("a:{}", ROOMS - 1);
        assert_eq!(Rooms::read(&json).draft(&newest).len(), DRAFT_LIMIT);
    }

    #[test]
    fn nothing_is_saved_of_a_room_with_nothing_in_it() {
        let mut rooms = Rooms::default();
        rooms.set_draft("a:1", "x");
        rooms.set_draft("a:1", "");
        assert_eq!(rooms, Rooms::default());
    }

    #[test]
    fn an_invitation_stays_when_the_user_has_left_and_is_shown_nowhere() {
        let link = "chatroom://a:1#k=abcdefghijklmnop";
        let mut rooms = Rooms::default();
        rooms.set_stay("a:1", Some(stay(100)));
        assert!(rooms.set_invitation("a:1", link));
        assert!(!rooms.set_invitation("a:1", link));
        rooms.give_up("a:1");
        let rooms = Rooms::read(&rooms.write());
        assert_eq!(
            (rooms.invitation("a:1"), rooms.invitation("b:1")),
            (link, "")
        );
        let mut stay = stay(100);
        stay.session = "token".into();
        let shown = format!("{rooms:?} {stay:?}");
        for secret in ["abcdef", "token", "\"one\"", "two"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }

    #[test]
    fn a_stay_that_is_given_up_leaves_its_texts_in_the_draft() {
        let mut rooms = Rooms::default();
        rooms.set_draft("a:1", "three");
        rooms.set_stay("a:1", Some(stay(100)));
        rooms.give_up_old(100 + RECENT - 1);
        assert!(rooms.stay("a:1").is_some());
        rooms.give_up_old(100 + RECENT);
        assert_eq!(rooms.stay("a:1"), None);
        assert_eq!(rooms.draft("a:1"), "one\ntwo\nthree");
    }

    #[test]
    fn what_is_being_written_is_not_pushed_out_by_what_was_not_sent() {
        let mut rooms = Rooms::default();
        rooms.set_draft("a:1", "half a thought");
        let unsent = vec![("1".into(), "é".repeat(DRAFT_LIMIT))];
        let stay = Stay { unsent, ..stay(1) };
        rooms.set_stay("a:1", Some(stay));
        rooms.give_up("a:1");
        let draft = rooms.draft("a:1");
        assert!(draft.ends_with("é\nhalf a thought"));
        assert!((DRAFT_LIMIT - 1..=DRAFT_LIMIT).contains(&draft.len()));
    }

    #[test]
    fn what_was_saved_before_does_not_replace_what_is_new() {
        let (mut rooms, mut before) = (Rooms::default(), Rooms::default());
        before.set_draft("a:1", "old");
        before.set_draft("b:2", "other");
        rooms.set_draft("a:1", "new");
        rooms.put_before(before);
        assert_eq!((rooms.draft("a:1"), rooms.draft("b:2")), ("new", "other"));
    }
}
