//! The native protocol: requests and their answers.

use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use crate::protocol::address::Address;
use crate::protocol::lines::{Line, Lines};
use crate::protocol::native::frame::{
    self, Closed, ClosedCode, Code, Empty, Hello, Member, MembersRequest, NOTICE_ADDRESS,
    NotAFrame, Notice, Reply, Request, Say, Welcome, read_request, write_frame,
};
use crate::protocol::native::{closed, error, limits, member_list, not_said, taken_over};
use crate::protocol::sniff::Protocol;
use crate::protocol::text::Framing;
use crate::protocol::{FRAME_LIMIT, MEMBERS_LIMIT, PROTOCOL, WELCOME_MEMBERS};
use crate::room::{
    Coming, Fate, Lease, MESSAGE_ID_LIMIT, MemberId, NotEntered, NotSaid, Rules, Said, TokenHash,
    Why,
};

use super::super::event::Refusal;
use super::super::hub::{Arrival, NotLetIn, Soon, Wish};
use super::super::sentences::{REMOVED, ROOM_FULL, TOO_MANY_CONNECTIONS, banned};
use super::peer::PeerSession;
use super::phase::{Farewell, Hail, Hold, Membership, Phase};

/// The most bytes of a session's token. Ours have 32.
const SESSION_LIMIT: usize = 64;

/// The optional features of the server.
fn features(rules: &Rules) -> impl Iterator<Item = &'static str> {
    let resume = (!rules.grace.is_zero()).then_some("resume");
    resume.into_iter().chain(["history"])
}

/// What became of a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Handled {
    Done,
    /// It must wait until the outcomes of earlier messages have come.
    Waits,
}

impl PeerSession {
    /// Handles bytes of a native client.
    pub(super) fn take_native(&mut self, lines: &mut Lines, bytes: &[u8], now: Instant) {
        let mut rest = bytes;
        let mut unread = Vec::new();
        while self.may_take()
            && let Some(line) = lines.next(&mut rest)
        {
            match line {
                Line::Whole(line) => {
                    if self.take_line(&line, now) == Handled::Waits {
                        unread.extend_from_slice(&line);
                        unread.push(b'\n');
                    }
                }
                Line::TooLong => self.fail(
                    Code::FrameTooLong,
                    format!("A frame is longer than {FRAME_LIMIT} bytes."),
                ),
            }
        }
        // Requests that exceed the memory for this client wait until later.
        unread.extend_from_slice(rest);
        self.unread = unread.into();
        self.tell_said();
    }

    fn take_line(&mut self, line: &[u8], now: Instant) -> Handled {
        if line.trim_ascii().is_empty() {
            return Handled::Done;
        }
        let is_member = self.phase.member().is_some();
        let request = match read_request(line) {
            Ok(Some(request)) => request,
            Ok(None) => return Handled::Done,
            Err(NotAFrame::Content { id, why }) if is_member => {
                self.pass_over(id.as_deref(), &why, now);
                return Handled::Done;
            }
            Err(why) => {
                self.fail(Code::BadFrame, format!("This is not a frame: {why}."));
                return Handled::Done;
            }
        };
        if let Some(awaited) = &mut self.awaited
            && !matches!(request, Request::Say(_))
        {
            // Its answer comes after those to the messages before it.
            awaited.is_waited_for = true;
            return Handled::Waits;
        }
        if let Phase::Challenged(_) = self.phase {
            self.take_while_challenged(&request, now);
            return Handled::Done;
        }
        match (request, self.phase.member()) {
            (Request::About(Empty {}), _) => self.answer_about(),
            (Request::Ping(Empty {}), _) => self.reply(&Reply::Pong(Empty {})),
            (Request::Pong(Empty {}), _) => {}
            (Request::Bye(Empty {}), _) => self.leave(),
            (Request::Hello(hello), None) => self.greet(&hello, now),
            (_, None) => {
                self.fail(Code::HelloFirst, "Send a “hello” with your name first.");
            }
            (Request::Hello(_) | Request::Proof(_), Some(_)) => {
                self.reply(&Reply::Error(error(
                    Code::HelloTwice,
                    "You are already a member.",
                )));
            }
            (Request::Say(say), Some(member)) => {
                let lease = member.lease;
                self.say(lease, &say, now);
            }
            (
                request @ (Request::Kick(_)
                | Request::Mute(_)
                | Request::Slow(_)
                | Request::Erase(_)
                | Request::Host(_)
                | Request::Invite(_)),
                Some(member),
            ) => {
                let lease = member.lease;
                self.moderate(&request, lease, now);
            }
            (Request::Members(request), Some(_)) => self.answer_members(request),
            (Request::History(request), Some(_)) => self.answer_history(request),
        }
        Handled::Done
    }

    /// Answers a frame of a member that cannot be read, and continues with the next one.
    fn pass_over(&mut self, id: Option<&str>, why: &str, now: Instant) {
        // It counts as a rejected message: reading it took as long.
        self.rejected(NotSaid::BadId, now);
        let text = format!("The server ignored a frame that it cannot read: {why}.");
        self.reply(&Reply::Error(frame::Error {
            id: id.filter(|id| id.len() <= MESSAGE_ID_LIMIT).map(Into::into),
            fatal: false,
            ..error(Code::BadFrame, text)
        }));
    }

    fn greet(&mut self, hello: &Hello<'_>, now: Instant) {
        if hello.protocol == PROTOCOL {
            self.join_native(hello, now);
        } else {
            let asked = hello.protocol;
            self.fail(
                Code::ProtocolVersion,
                format!("This server speaks version {PROTOCOL} of the protocol, not {asked}."),
            );
        }
    }

    /// Asks to join, or to come back.
    pub(super) fn join_native(&mut self, hello: &Hello<'_>, now: Instant) {
        self.asked = false;
        let hub = self.hub();
        // A position in another log is of no use here.
        let is_this_log = hello.epoch.as_ref().is_none_or(|epoch| *epoch == hub.epoch);
        let session = hello.session.as_deref();
        self.ask_to_join(
            Hail {
                name: hello.name.clone().into_owned(),
                after: hello.after.filter(|_| is_this_log),
                session: session
                    .filter(|it| it.len() <= SESSION_LIMIT)
                    .map(Into::into),
                host: hello.host,
                nonce: hello.nonce.as_deref().and_then(|it| it.parse().ok()),
                proven: None,
                proof: None,
            },
            now,
        );
    }

    /// Asks to join, or to come back, as far as this is proved.
    pub(super) fn ask_to_join(&mut self, hail: Hail, now: Instant) {
        let wish = Wish {
            name: (&*hail.name).into(),
            protocol: Protocol::Native,
            is_encrypted: self.guest.is_encrypted(),
            proven: hail.proven,
            host: hail.host,
            resume: hail.session.as_deref().map(TokenHash::of),
            opened: self.arrived,
            members: WELCOME_MEMBERS,
        };
        match self.guest.come(&wish, now) {
            Poll::Ready(outcome) => self.joined(outcome, hail, now),
            Poll::Pending => self.phase = Phase::Joining(Box::new(hail)),
        }
    }

    /// Welcomes the client, or tells it why it cannot join.
    pub(super) fn joined_native(
        &mut self,
        outcome: Result<Arrival, NotLetIn>,
        hail: Hail,
        now: Instant,
    ) {
        match outcome {
            Ok(arrival) => {
                let host = hail.host && arrival.entered.host;
                self.welcome(arrival, hail);
                if host {
                    let addresses = self.hub().surroundings.addresses();
                    self.tell_addresses(addresses, "can");
                }
            }
            Err(NotLetIn::TlsNeeded) => self.refuse_plain(),
            Err(NotLetIn::Unproven) => self.challenge(hail, now),
            Err(NotLetIn::Banned(remaining)) => self.refuse_banned(remaining),
            Err(NotLetIn::Late) => self.end_late(),
            Err(NotLetIn::NoSecret) => self.end(Why::Lost),
            Err(NotLetIn::Address) => {
                self.guest.refused(Refusal::TooManyConnections);
                self.fail(Code::TooManyConnections, TOO_MANY_CONNECTIONS);
            }
            Err(NotLetIn::Room(NotEntered::Full)) => {
                self.guest.refused(Refusal::RoomFull);
                self.fail(Code::RoomFull, ROOM_FULL);
            }
            Err(NotLetIn::Room(NotEntered::Closed(closing))) => {
                self.reply(&Reply::Closed(closed(closing)));
                self.end(Why::Quit);
            }
        }
    }

    fn welcome(&mut self, arrival: Arrival, hail: Hail) {
        let Arrival {
            entered,
            token,
            revocations,
            held,
            oldest_seq,
            rules,
            slow,
            members,
        } = arrival;
        let (hub, live) = (self.guest.hub(), self.guest.hub().live());
        let welcome = Reply::Welcome(Welcome {
            private: live.private,
            proof: hail.proof.map(|proof| proof.to_base64().into()),
            protocol: PROTOCOL,
            room: (&*live.room_name).into(),
            epoch: hub.epoch.as_str().into(),
            durable: hub.is_durable(),
            session: token.or(hail.session).unwrap_or_default().into(),
            resumed: entered.coming != Coming::New,
            next: entered.next_seq,
            you: Member {
                id: entered.lease.id,
                name: (&*entered.name).into(),
                host: entered.host,
                away: false,
            },
            members: member_list(&members),
            limits: limits(rules.rate_limit, slow),
            features: features(&rules).map(Into::into).collect(),
        });
        write_frame(&welcome, &mut self.output);
        let newest = entered.next_seq.saturating_sub(live.history);
        let first = match hail.after {
            Some(after) => after.saturating_add(1),
            None => newest.max(oldest_seq),
        };
        self.phase = Phase::Member(Membership {
            lease: entered.lease,
            revocations,
            cursor: entered.cursor,
            replay: first.max(1)..entered.next_seq,
            hold: held.map(|until| Box::new(Hold::Welcome(until))),
            wanted: None,
        });
    }

    /// Notifies the host of new addresses where others can join.
    pub(super) fn tell_new_addresses(&mut self) {
        let hosting = self.hosting.as_ref();
        let Some(told) = hosting.and_then(|it| it.told_addresses.as_ref()) else {
            return;
        };
        let now = self.hub().surroundings.addresses();
        if !Arc::ptr_eq(told, &now) && self.phase.member().is_some() {
            self.tell_addresses(now, "can now");
        }
    }

    fn tell_addresses(&mut self, addresses: Arc<Vec<Address>>, can: &str) {
        let texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        let notice = Reply::Notice(Notice {
            code: NOTICE_ADDRESS.into(),
            text: format!("Others {can} join at {}.", texts.join(" or ")).into(),
            addresses: texts.into_iter().map(Into::into).collect(),
        });
        self.reply(&notice);
        self.hosting.get_or_insert_default().told_addresses = Some(addresses);
    }

    fn say(&mut self, from: Lease, say: &Say<'_>, now: Instant) {
        let id = say.id.as_deref();
        match self.guest.say(from, id, &say.text, now) {
            Soon::Now(outcome) => {
                if let Ok(Said::New(_)) = outcome {
                    self.accepted();
                } else {
                    self.was_said(outcome, id, now);
                }
            }
            Soon::Later(ticket) => self.await_said(ticket, id),
        }
    }

    /// Tells the client the outcome of its message with this id, unless its echo does.
    pub(super) fn was_said(
        &mut self,
        outcome: Result<Said, NotSaid>,
        id: Option<&str>,
        now: Instant,
    ) {
        match outcome {
            Ok(Said::New(_)) => {}
            Ok(Said::Before(seq)) => {
                let id = id.unwrap_or_default().into();
                self.reply(&Reply::Said(frame::Said { id, seq }));
            }
            Err(NotSaid::LeaseOver) => self.end_revoked(),
            Err(why) => {
                self.rejected(why, now);
                if let NotSaid::Muted { .. } = why {
                    self.hosting.get_or_insert_default().knows_muted = true;
                }
                if let Some(error) = not_said(why, id) {
                    self.reply(&Reply::Error(error));
                }
            }
        }
    }

    fn answer_members(&mut self, request: MembersRequest) {
        let limit = clamp(request.limit, MEMBERS_LIMIT as u64);
        let limit = usize::try_from(limit).unwrap_or(MEMBERS_LIMIT);
        let after = request.after.and_then(MemberId::new);
        let page = self.hub().room().list(after, limit);
        self.reply(&Reply::Members(member_list(&page)));
    }

    /// Adds an answer.
    pub(super) fn reply(&mut self, reply: &Reply<'_>) {
        write_frame(reply, &mut self.replies);
    }

    /// Reports an error, and ends the session.
    pub(super) fn fail(&mut self, code: Code, text: impl Into<String>) {
        self.drop_withheld();
        self.reply(&Reply::Error(frame::Error {
            fatal: true,
            ..error(code, text)
        }));
        self.end(Why::Protocol);
    }

    /// Ends the session because its lease is over: another connection has taken over the
    /// member, or the member was removed.
    pub(super) fn end_revoked(&mut self) {
        let lease = self.phase.member().map(|member| member.lease);
        let fate = lease.map(|lease| self.hub().room().fate(lease));
        if fate == Some(Fate::Removed) {
            self.end_removed();
        } else {
            self.end_late();
        }
    }

    /// Ends the session because another connection has the member.
    fn end_late(&mut self) {
        self.finish_now(Farewell::Silent);
        // They would come before earlier events.
        self.replies.clear();
        self.reply(&Reply::Closed(taken_over()));
        self.end(Why::Quit);
    }

    /// Ends the session because a host has removed the member.
    fn end_removed(&mut self) {
        let farewell = match self.framing {
            Some(Framing::Chunks) => Farewell::QuitCommand,
            Some(Framing::Lines) | None => Farewell::Silent,
        };
        self.finish_now(farewell);
        self.replies.clear();
        match self.protocol {
            Protocol::Native => self.reply(&Reply::Closed(Closed {
                code: ClosedCode::Removed,
                text: REMOVED.into(),
                retry_ms: None,
            })),
            Protocol::Text => self.notice(REMOVED),
        }
        self.end(Why::Removed);
    }

    /// Refuses a client from whose address nobody may join, or whose member was removed.
    fn refuse_banned(&mut self, remaining: Duration) {
        self.guest.refused(Refusal::Banned);
        let retry_ms = u64::try_from(remaining.as_millis()).unwrap_or(u64::MAX);
        self.drop_withheld();
        self.reply(&Reply::Error(frame::Error {
            retry_ms: Some(retry_ms.saturating_add(1)),
            fatal: true,
            ..error(Code::Banned, banned(remaining))
        }));
        self.end(Why::Protocol);
    }
}

/// The requested number, limited to 1 to `most`; `most` if none was requested.
pub fn clamp(asked: Option<u64>, most: u64) -> u64 {
    asked.map_or(most, |asked| asked.clamp(1, most))
}
