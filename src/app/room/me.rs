//! Who the user is in a room, on this connection and on those before it.

use crate::room::MemberId;

/// So many ids of earlier connections are known at most, the latest.
const IDS: usize = 64;

/// Who the user is. An id counts in one room only: the next one gives it to another.
#[derive(Debug, Default)]
pub struct Me {
    /// The latest is the last.
    ids: Vec<MemberId>,
    name: String,
}

impl Me {
    /// The room let the user in; `is_another` room than before may have given the ids
    /// that the user had to others.
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

    /// The name that the room gave to the user.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether what a member said is the user's own, also from before they had to come
    /// in as another member.
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
