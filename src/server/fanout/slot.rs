//! The slot of one connection in the fan-out.

use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use crate::room::{Cursor, Lease};

use super::super::link::Link;
use super::fan_out::FanOut;
use super::followers::{At, GivenBack, Tick};

/// The slot of a connection's link. Dropping it frees the slot.
#[derive(Debug)]
pub struct FollowerSlot {
    fan_out: Arc<FanOut>,
    index: usize,
}

impl FollowerSlot {
    /// A slot for the link of a connection.
    pub fn new(fan_out: &Arc<FanOut>, link: &Link) -> Self {
        Self {
            fan_out: Arc::clone(fan_out),
            index: fan_out.add(link.clone()),
        }
    }

    /// Wakes the task at `alarm`, or a little later. With `follows`, the connection
    /// leaves its link here to follow the log from this cursor on; then this is ready
    /// when the task must continue with it.
    pub fn poll_wait(
        &self,
        follows: Option<(Cursor, Lease)>,
        alarm: Option<Instant>,
        context: &Context<'_>,
    ) -> Poll<()> {
        let alarm = alarm.map_or(Tick::NEVER, |time| self.fan_out.tick(time));
        let mut followers = self.fan_out.followers.lock();
        let Some(follower) = &mut followers.slots[self.index] else {
            return Poll::Ready(());
        };
        match (&follower.at, follows) {
            (At::Back(_), _) => return Poll::Ready(()),
            (At::Task, Some((cursor, lease))) => follower.at = At::Log(cursor, lease),
            _ => {}
        }
        follower.alarm = alarm;
        if !follower.waker.will_wake(context.waker()) {
            follower.waker.clone_from(context.waker());
        }
        let is_next = alarm != Tick::NEVER && followers.next_alarm.is_none_or(|next| alarm < next);
        if is_next {
            followers.next_alarm = Some(alarm);
        }
        drop(followers);
        if is_next {
            self.fan_out.alarm.notify_one();
        }
        Poll::Pending
    }

    /// Takes the link back, if the fan-out has it.
    pub fn take_back(&self) -> Option<GivenBack> {
        let mut followers = self.fan_out.followers.lock();
        let follower = followers.slots[self.index].as_mut()?;
        let at = mem::replace(&mut follower.at, At::Task);
        drop(followers);
        match at {
            At::Task => None,
            At::Log(cursor, _) => Some(GivenBack {
                cursor,
                rest: Ok(Vec::new()),
            }),
            At::Back(back) => Some(*back),
        }
    }
}

impl Drop for FollowerSlot {
    fn drop(&mut self) {
        let mut followers = self.fan_out.followers.lock();
        followers.slots[self.index] = None;
        followers.free.push(self.index);
    }
}
