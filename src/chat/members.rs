//! The members of the room, as far as the server has reported them.
//!
//! In a small room the server reports each join and leave. In a bigger one it reports
//! only the number of members, and the client requests the list now and then.

use std::collections::BTreeMap;

use crate::protocol::native::frame::{Member, MemberList};
use crate::room::MemberId;

/// A member of the room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The member's name.
    pub name: String,
    /// Whether the member hosts the room.
    pub host: bool,
    /// Whether the member's connection is lost, and may come back.
    pub away: bool,
}

/// Everything that the row of a member shows, and the identity of the row. Rows that are
/// equal look equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The number of the room in which the id is valid: rooms give the same ids again.
    room: u32,
    id: MemberId,
    /// The member's name and state.
    pub known: Known,
    /// Whether the member is the user.
    pub is_me: bool,
    /// Whether the user, as the host, can remove the member, mute it, and make it the host.
    pub can_be_moderated: bool,
}

impl Row {
    /// The member's id, in the room that the user is in.
    #[must_use]
    pub fn id(&self) -> MemberId {
        self.id
    }
}

/// The members of a room.
#[derive(Debug, Default)]
pub struct Members {
    /// Counts the rooms: after a restart of the server, the same address may have another
    /// room.
    room: u32,
    known: BTreeMap<MemberId, Known>,
    count: usize,
    /// The parts of the list that have come, while the client requests it.
    fetched: Option<BTreeMap<MemberId, Known>>,
    /// The list does not match later reports.
    stale: bool,
}

/// A request for members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Request members after this one; if `None`, from the first one on.
    pub after: Option<MemberId>,
}

impl Members {
    /// The number of members. The app need not know all of them.
    pub fn count(&self) -> usize {
        self.count
    }

    /// A row for each known member, in the order of joining; `me` is the user, who
    /// `hosts` the room or not.
    pub fn rows(&self, me: Option<MemberId>, hosts: bool) -> Vec<Row> {
        let row = |(id, known): (&MemberId, &Known)| {
            let is_me = Some(*id) == me;
            Row {
                room: self.room,
                id: *id,
                known: known.clone(),
                is_me,
                can_be_moderated: hosts && !is_me,
            }
        };
        self.known.iter().map(row).collect()
    }

    /// The next reports are about another room, of which no member is known.
    pub fn begin_room(&mut self) {
        let room = self.room.wrapping_add(1);
        *self = Self {
            room,
            ..Self::default()
        };
    }

    /// Starts with the first part of the list. Returns the next request.
    pub fn begin(&mut self, list: MemberList<'_>) -> Option<Ask> {
        self.fetched = Some(BTreeMap::new());
        self.stale = false;
        self.take(list)
    }

    /// Adds a part of the list. Returns the next request.
    pub fn take(&mut self, list: MemberList<'_>) -> Option<Ask> {
        self.count = list.count;
        let fetched = self.fetched.get_or_insert_default();
        let before = fetched.len();
        fetched.extend(list.list.into_iter().map(|member| {
            let Member {
                id,
                name,
                host,
                away,
            } = member;
            let name = name.into_owned();
            (id, Known { name, host, away })
        }));
        // The second condition keeps a server from making the client request for ever.
        if list.more && fetched.len() > before {
            if self.known.is_empty() {
                self.known.clone_from(fetched);
            }
            return Some(Ask {
                after: fetched.keys().next_back().copied(),
            });
        }
        self.known = self.fetched.take().unwrap_or_default();
        self.stale = false;
        None
    }

    /// A member joined.
    pub fn joined(&mut self, id: MemberId, name: &str, host: bool, count: usize) {
        self.count = count;
        let known = Known {
            name: name.to_owned(),
            host,
            away: false,
        };
        if let Some(fetched) = &mut self.fetched {
            fetched.insert(id, known.clone());
        }
        self.known.insert(id, known);
    }

    /// A member's connection was lost, or the member is back.
    pub fn set_away(&mut self, id: MemberId, away: bool) {
        let lists = [Some(&mut self.known), self.fetched.as_mut()];
        for list in lists.into_iter().flatten() {
            if let Some(known) = list.get_mut(&id) {
                known.away = away;
            }
        }
    }

    /// Whether a member's connection is lost.
    pub fn is_away(&self, id: MemberId) -> bool {
        self.known.get(&id).is_some_and(|known| known.away)
    }

    /// A member is the host now; `from` was it before.
    pub fn set_host(&mut self, id: MemberId, from: Option<MemberId>) {
        let lists = [Some(&mut self.known), self.fetched.as_mut()];
        for list in lists.into_iter().flatten() {
            if let Some(known) = from.and_then(|from| list.get_mut(&from)) {
                known.host = false;
            }
            if let Some(known) = list.get_mut(&id) {
                known.host = true;
            }
        }
    }

    /// The name of a member, if it is known to be in the room.
    pub fn name(&self, id: MemberId) -> Option<&str> {
        self.known.get(&id).map(|known| known.name.as_str())
    }

    /// A member left.
    pub fn left(&mut self, id: MemberId, count: usize) {
        self.count = count;
        self.known.remove(&id);
        if let Some(fetched) = &mut self.fetched {
            fetched.remove(&id);
        }
    }

    /// Several members joined and left; the server did not say which.
    pub fn changed(&mut self, count: usize) {
        self.count = count;
        self.stale = true;
    }

    /// Returns a request for the list, if the known members are out of date and no
    /// request is under way.
    pub fn refresh(&mut self) -> Option<Ask> {
        if !self.stale || self.fetched.is_some() {
            return None;
        }
        self.fetched = Some(BTreeMap::new());
        Some(Ask { after: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(id: u64) -> MemberId {
        MemberId::new(id).unwrap()
    }

    fn list(count: usize, ids: &[u64], more: bool) -> MemberList<'static> {
        let member = |it: &u64| Member {
            id: id(*it),
            name: it.to_string().into(),
            host: *it == 1,
            away: false,
        };
        MemberList {
            count,
            list: ids.iter().map(member).collect(),
            more,
        }
    }

    fn names(members: &Members) -> Vec<String> {
        let rows = members.rows(None, false);
        rows.into_iter().map(|row| row.known.name).collect()
    }

    #[test]
    fn a_small_room_is_known_at_once() {
        let mut members = Members::default();
        assert_eq!(members.begin(list(2, &[1, 2], false)), None);
        members.joined(id(3), "eve", false, 3);
        members.left(id(2), 2);
        assert_eq!(
            (names(&members), members.count()),
            (vec!["1".into(), "eve".into()], 2)
        );
    }

    #[test]
    fn who_is_away_is_known_until_they_are_back() {
        let mut members = Members::default();
        members.begin(list(2, &[1, 2], false));
        members.set_away(id(2), true);
        assert!(members.is_away(id(2)) && !members.is_away(id(1)));
        members.set_away(id(2), false);
        members.set_away(id(9), true);
        assert!(!members.is_away(id(2)) && !members.is_away(id(9)));
    }

    #[test]
    fn a_row_is_another_when_anything_that_it_shows_is() {
        let (me, other) = (Some(id(1)), Some(id(2)));
        let mut members = Members::default();
        members.begin(list(2, &[1, 2], false));
        let rows = members.rows(me, false);
        assert_eq!(members.rows(me, false), rows);
        assert_ne!(members.rows(other, false), rows);
        let row = |change: &dyn Fn(&mut Known)| {
            let mut known = rows[1].known.clone();
            change(&mut known);
            known
        };
        for known in [
            row(&|it| it.name = "eve".into()),
            row(&|it| it.host = true),
            row(&|it| it.away = true),
        ] {
            members.known.insert(id(2), known);
            assert_ne!(members.rows(me, false)[1], rows[1]);
            assert_eq!(members.rows(me, false)[0], rows[0]);
        }
    }

    #[test]
    fn the_host_can_moderate_everyone_else() {
        let mut members = Members::default();
        members.begin(list(2, &[1, 2], false));
        let can = |members: &Members, hosts| -> Vec<bool> {
            let rows = members.rows(Some(id(1)), hosts);
            rows.iter().map(|row| row.can_be_moderated).collect()
        };
        assert_eq!(can(&members, true), [false, true]);
        assert_eq!(can(&members, false), [false, false]);
    }

    #[test]
    fn the_role_of_the_host_moves_from_one_to_the_other() {
        let mut members = Members::default();
        members.begin(list(3, &[1, 2], true));
        members.set_host(id(2), Some(id(1)));
        members.take(list(3, &[3], false));
        let hosts: Vec<bool> = members
            .rows(None, false)
            .iter()
            .map(|row| row.known.host)
            .collect();
        assert_eq!(hosts, [false, true, false]);
        // From outside of the room: there can be two.
        members.set_host(id(3), None);
        assert!(members.known[&id(2)].host && members.known[&id(3)].host);
        assert_eq!(
            (members.name(id(3)), members.name(id(9))),
            (Some("3"), None)
        );
    }

    #[test]
    fn another_room_begins_anew_though_it_gives_the_same_ids_again() {
        let mut members = Members::default();
        members.begin(list(3, &[1, 2, 3], false));
        members.set_away(id(2), true);
        let before = members.rows(None, false);
        members.begin_room();
        assert_eq!(
            (members.count(), members.rows(None, false)),
            (0, Vec::new())
        );
        // A list in parts shows no member of the earlier room meanwhile.
        let ask = members.begin(list(3, &[1, 2], true));
        assert_eq!(ask, Some(Ask { after: Some(id(2)) }));
        assert_eq!(names(&members), ["1", "2"]);
        assert!(!members.is_away(id(2)));
        assert!(
            members
                .rows(None, false)
                .iter()
                .all(|row| !before.contains(row))
        );
    }

    #[test]
    fn a_big_room_is_asked_for_in_parts() {
        let mut members = Members::default();
        assert_eq!(
            members.begin(list(3, &[1, 2], true)),
            Some(Ask { after: Some(id(2)) })
        );
        // The app shows the first part while it waits for the next one.
        assert_eq!(names(&members), ["1", "2"]);
        members.left(id(1), 2);
        assert_eq!(members.take(list(2, &[3], false)), None);
        assert_eq!(names(&members), ["2", "3"]);
    }

    #[test]
    fn a_server_that_always_has_more_is_not_asked_for_ever() {
        let mut members = Members::default();
        assert!(members.begin(list(9, &[1], true)).is_some());
        assert_eq!(members.take(list(9, &[1], true)), None);
        assert_eq!(members.begin(list(9, &[], true)), None);
    }

    #[test]
    fn gathered_joins_make_it_ask_again_once() {
        let mut members = Members::default();
        members.begin(list(1, &[1], false));
        assert_eq!(members.refresh(), None);
        members.changed(2);
        assert_eq!((members.count(), names(&members)), (2, vec!["1".into()]));
        assert_eq!(members.refresh(), Some(Ask { after: None }));
        assert_eq!(members.refresh(), None);
        members.take(list(2, &[1, 2], false));
        assert_eq!(names(&members), ["1", "2"]);
        assert_eq!(members.refresh(), None);
    }
}
