//! Who may come in: the room's keys and its bans.

use std::net::IpAddr;
use std::time::Duration;

use super::Room;
use super::attachment::TokenHash;
use super::bans::{Ban, NotBanned, Unban};
use super::keys::{Keys, SetKeys};
use super::record::Record;
use super::time::Time;

impl Room {
    pub(super) fn set_keys(&mut self, command: SetKeys) {
        if self.keys != command.keys {
            self.keys = command.keys;
            let keys = self.keys.clone();
            self.record(|| Record::Keys(keys));
        }
    }

    /// The keys of the room.
    #[must_use]
    pub const fn keys(&self) -> &Keys {
        &self.keys
    }

    pub(super) fn ban(&mut self, ban: Ban) -> Result<(), NotBanned> {
        let (ban, gone) = self.bans.add(ban)?;
        self.record_unbanned(gone);
        self.record(|| Record::Banned(ban));
        Ok(())
    }

    pub(super) fn unban(&mut self, command: Unban) -> Vec<Ban> {
        let Unban { whom } = command;
        let lifted = self.bans.lift_for(whom);
        self.record_unbanned(lifted.clone());
        lifted
    }

    fn record_unbanned(&mut self, bans: Vec<Ban>) {
        for ban in bans {
            self.record(|| Record::Unbanned(ban));
        }
    }

    /// How long someone who comes from this address with this token may not join; `None`
    /// if no ban concerns them. Nobody is kept out for coming from this computer itself.
    #[must_use]
    pub fn is_banned(&self, ip: IpAddr, token: Option<&TokenHash>, time: Time) -> Option<Duration> {
        self.bans.hold(ip, token, time)
    }

    /// The bans, in the order in which they were made. Those whose end has passed have no
    /// effect, and stay until others take their place.
    #[must_use]
    pub fn bans(&self) -> &[Ban] {
        self.bans.list()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Talk, at};
    use std::time::Duration;

    use jiff::Timestamp;

    use super::super::{BANS_LIMIT, Banned, Network};
    use super::*;

    fn ban(address: Option<[u8; 4]>, name: &str, until: u64) -> Ban {
        Ban {
            network: address.map(|ip| Network::new(ip.into(), 32)),
            token: Some(TokenHash::of(name)),
            name: Some(name.into()),
            until: (at(until), Timestamp::UNIX_EPOCH),
        }
    }

    fn ip(last: u8) -> IpAddr {
        [10, 0, 0, last].into()
    }

    #[test]
    fn who_is_banned_by_address_or_token_waits_until_the_last_ban_ends() {
        let mut talk = Talk::new();
        let room = &mut talk.room;
        room.apply(ban(Some([10, 0, 0, 1]), "ada", 1_000)).unwrap();
        room.apply(ban(Some([10, 0, 0, 1]), "bob", 3_000)).unwrap();
        let wait = |room: &Room, last, name: &str, time| {
            let token = TokenHash::of(name);
            let wait = room.is_banned(ip(last), Some(&token), at(time));
            wait.map(|wait| u64::try_from(wait.as_millis()).unwrap())
        };
        assert_eq!(wait(room, 1, "kim", 0), Some(3_000));
        assert_eq!(
            room.is_banned(ip(1), None, at(500)),
            Some(Duration::from_millis(2_500))
        );
        assert_eq!(wait(room, 2, "ada", 999), Some(1));
        assert_eq!(wait(room, 2, "ada", 1_000), None);
        assert_eq!(wait(room, 2, "kim", 0), None);
        assert_eq!(room.is_banned(ip(1), None, at(3_000)), None);
        // The same one again, for shorter.
        room.apply(ban(Some([10, 0, 0, 1]), "bob", 2_000)).unwrap();
        assert_eq!(
            (wait(room, 1, "kim", 0), room.bans().len()),
            (Some(2_000), 2)
        );
        // Lifted by name, then by address.
        let lift = |room: &mut Room, whom| room.apply(Unban { whom }).len();
        assert_eq!(lift(room, Banned::Name("ada".into())), 1);
        assert_eq!(lift(room, Banned::Name("ada".into())), 0);
        assert_eq!(lift(room, Banned::Address(ip(2))), 0);
        let mapped = "::ffff:10.0.0.1".parse().unwrap();
        assert_eq!(lift(room, Banned::Address(mapped)), 1);
        assert!(room.bans().is_empty());
    }

    #[test]
    fn whoever_comes_from_this_computer_is_banned_by_token_alone() {
        let mut talk = Talk::new();
        let room = &mut talk.room;
        let loopback = [127, 0, 0, 1];
        let mut nobody = ban(Some(loopback), "ada", 1_000);
        nobody.token = None;
        assert_eq!(room.apply(nobody), Err(NotBanned));
        room.apply(ban(Some(loopback), "ada", 1_000)).unwrap();
        assert_eq!(room.bans()[0].network, None);
        let here = loopback.into();
        assert_eq!(room.is_banned(here, None, at(0)), None);
        let token = TokenHash::of("ada");
        assert!(room.is_banned(here, Some(&token), at(0)).is_some());
    }

    #[test]
    fn when_there_are_too_many_bans_the_one_that_ends_first_gives_way() {
        let mut talk = Talk::new();
        let room = &mut talk.room;
        room.start_recording();
        for n in 0..BANS_LIMIT {
            let until = if n == 77 { 5 } else { 1_000 + n as u64 };
            room.apply(ban(None, &n.to_string(), until)).unwrap();
        }
        room.stage();
        let one_more = ban(None, "one more", 10);
        room.apply(one_more.clone()).unwrap();
        assert_eq!(room.bans().len(), BANS_LIMIT);
        assert!(
            room.bans()
                .iter()
                .all(|it| it.name.as_deref() != Some("77"))
        );
        let records = room.stage().unwrap().records;
        let gone = Record::Unbanned(ban(None, "77", 5));
        assert_eq!(records, [gone, Record::Banned(one_more)]);
    }
}
