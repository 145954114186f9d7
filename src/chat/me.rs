//! The user's member in a room, on this connection and on earlier ones.

use crate::room::MemberId;

/// The most ids of earlier connections that this keeps: the latest ones.
const IDS: usize = 64;

/// The user's members. An id is valid in one room only: another room gives it to somebody
/// else.
#[derive(Debug, Default)]
pub struct Me {
    /// The latest is the last.
    ids: Vec<MemberId>,
    name: String,
}

impl Me {
    /// The user is in the room. If it `is_another` room than before, it may have given
    /// the user's earlier ids to others.
    pub fn come_in(&mut self, id: MemberId, name: &str, is_another: bool) {
        if is_another {
            self.ids.clear();
        }
        self.ids.retain(|before| *before != id);
        self.ids.push(id);
        let many = self.ids.len().saturating_sub(IDS);
        self.ids.drain(..many);
        name.clone_into(&mut self.name);
    }

    /// The user's id on this connection.
    pub fn id(&self) -> Option<MemberId> {
        self.ids.last().copied()
    }

    /// The user's name in the room.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a member is the user, also one from before the user had to join as a new
    /// member.
    pub fn said(&self, id: MemberId) -> bool {
        self.ids.contains(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(id: u64) -> MemberId {
        MemberId::new(id).unwrap()
    }

    #[test]
    fn who_comes_back_as_another_member_still_said_what_they_said() {
        let mut me = Me::default();
        assert_eq!((me.id(), me.said(id(1))), (None, false));
        me.come_in(id(2), "ada", false);
        me.come_in(id(7), "ada_1", false);
        assert_eq!((me.id(), me.name()), (Some(id(7)), "ada_1"));
        assert!(me.said(id(2)) && me.said(id(7)) && !me.said(id(3)));
    }

    #[test]
    fn in_another_room_an_id_of_before_is_somebody_else() {
        let mut me = Me::default();
        me.come_in(id(2), "ada", false);
        me.come_in(id(1), "ada", true);
        assert!(me.said(id(1)) && !me.said(id(2)));
    }

    #[test]
    fn what_is_known_of_before_is_bounded() {
        let mut me = Me::default();
        for number in 1..1_000 {
            me.come_in(id(number), "ada", false);
        }
        assert_eq!(me.ids.len(), IDS);
        assert!(me.said(id(999)) && !me.said(id(1)));
    }
}
