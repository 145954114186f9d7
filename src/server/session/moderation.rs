//! Requests of a host, the answers to them, and what members learn of them by themselves.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::protocol::native::error;
use crate::protocol::native::frame::{self, Code, Invite, Kicked, Muted, Reply, Request};
use crate::room::{Entry, Eraser, Lease, NotErased, NotSaid};

use super::super::hub::Moderator;
use super::super::not_moderated::NotModerated;
use super::peer::PeerSession;
use super::wanted::{Purpose, Wanted};

/// The most bytes of memory for a message that is looked up; at least one is read.
const LOOKED_UP: usize = 1;

impl PeerSession {
    /// Tells the peer what concerns it alone, and is in no log: a host the new addresses
    /// where others can join, and a client that knows that it was muted the end of that.
    pub fn tell_changes(&mut self) {
        self.tell_new_addresses();
        self.tell_unmuted();
    }

    fn tell_unmuted(&mut self) {
        if !self.hosting.as_ref().is_some_and(|it| it.knows_muted) {
            return;
        }
        let Some(id) = self.phase.member().map(|it| it.lease.id) else {
            return;
        };
        let time = self.hub().time(Instant::now());
        let room = self.hub().room();
        let member = room.member(id).filter(|it| it.muted_for(time).is_none());
        let name = member.map(|it| Arc::clone(&it.name));
        drop(room);
        if let (Some(name), Some(hosting)) = (name, &mut self.hosting) {
            hosting.knows_muted = false;
            self.reply(&Reply::Muted(Muted {
                id,
                name: (&*name).into(),
                for_s: 0,
            }));
        }
    }

    /// Does what a host, or someone who thinks to be one, asks for.
    pub(super) fn moderate(&mut self, request: &Request<'_>, lease: Lease, now: Instant) {
        let hosting = self.hosting.get_or_insert_default();
        if let Err(retry) = hosting.count_request(now) {
            return self.answer_too_fast(retry, now);
        }
        if let Request::Erase(erase) = request {
            return self.erase(lease, erase.seq, None, now);
        }
        match self.reply_of(request, Moderator::Member(lease), now) {
            Ok(reply) => {
                self.accepted_request();
                if let Some(reply) = reply {
                    self.reply(&reply);
                }
            }
            Err(NotModerated::LeaseOver) => self.end_revoked(),
            Err(why) => self.refuse_request(&why, now),
        }
    }

    /// Does what a request asks for, and returns the answer to the host alone, if there is
    /// one.
    fn reply_of(
        &self,
        request: &Request<'_>,
        host: Moderator,
        now: Instant,
    ) -> Result<Option<Reply<'static>>, NotModerated> {
        let hub = self.hub();
        Ok(match request {
            Request::Kick(kick) => {
                let ban = kick.ban_s.map(Duration::from_secs);
                let kicked = hub.kick(host, kick.id, ban, now)?;
                Some(Reply::Kicked(Kicked {
                    id: kick.id,
                    name: kicked.name.to_string().into(),
                    ban_s: kicked.ban.map(|ban| ban.as_secs()),
                    shared: kicked.shared,
                }))
            }
            Request::Mute(mute) => {
                let period = Duration::from_secs(mute.for_s);
                let (name, period) = hub.mute(host, mute.id, period, now)?;
                Some(Reply::Muted(Muted {
                    id: mute.id,
                    name: name.to_string().into(),
                    for_s: period.as_secs(),
                }))
            }
            Request::Slow(slow) => {
                hub.slow(host, Duration::from_secs(slow.every_s))?;
                None
            }
            Request::Host(to) => {
                hub.make_host(host, to.id)?;
                None
            }
            Request::Invite(request) => {
                let invitation = hub.invite(host, request.new)?;
                Some(Reply::Invite(Invite {
                    link: invitation.link().into(),
                }))
            }
            _ => None,
        })
    }

    /// Erases a message; its entry in the log is the answer. One that only the store has is
    /// looked up there first.
    pub(super) fn erase(
        &mut self,
        lease: Lease,
        seq: u64,
        stored: Option<Entry<'static>>,
        now: Instant,
    ) {
        let was_looked_up = stored.is_some();
        let erased = self.hub().erase(Eraser::Member(lease), seq, stored, now);
        match erased {
            Ok(_) => self.accepted_request(),
            Err(NotErased::NotHeld) if !was_looked_up => {
                if let Some(member) = self.phase.member_mut() {
                    member.wanted = Some(Box::new(Wanted {
                        range: seq..seq.saturating_add(1),
                        bytes: LOOKED_UP,
                        purpose: Purpose::Erase(now),
                    }));
                }
            }
            Err(NotErased::TooFast { retry }) => self.answer_too_fast(retry, now),
            Err(NotErased::LeaseOver) => self.end_revoked(),
            // The log says so.
            Err(NotErased::Closed) => {}
            Err(why) => self.refuse_request(&why.into(), now),
        }
    }

    /// Goes on with the message that was to be erased, and was looked up in the store.
    pub(super) fn take_looked_up(
        &mut self,
        seq: u64,
        found: Option<Entry<'static>>,
        asked: Instant,
    ) {
        let Some(lease) = self.phase.member().map(|member| member.lease) else {
            return;
        };
        match found {
            Some(entry) => self.erase(lease, seq, Some(entry), asked),
            None => self.refuse_request(&NotModerated::NoSuchMessage, asked),
        }
    }

    fn answer_too_fast(&mut self, retry: Duration, now: Instant) {
        self.rejected(NotSaid::TooFast { retry }, now);
        let retry_ms = u64::try_from(retry.as_millis()).unwrap_or(u64::MAX);
        self.reply(&Reply::Error(frame::Error {
            retry_ms: Some(retry_ms.saturating_add(1)),
            ..error(Code::TooFast, "That was too fast. Try again later.")
        }));
    }

    /// Answers a request that was not done. It counts as a rejected message does: reading
    /// it took as long.
    fn refuse_request(&mut self, why: &NotModerated, now: Instant) {
        self.rejected(NotSaid::BadId, now);
        self.reply(&Reply::Error(error(why.code(), why.to_string())));
    }
}
