//! The native door: requests and their answers.

use std::sync::Arc;
use std::time::Instant;

use crate::protocol::address::Address;
use crate::protocol::lines::{Line, Lines};
use crate::protocol::native::frame::{
    self, Code, Empty, Hello, Limits, Member, MembersRequest, NOTICE_ADDRESS, NotAFrame, Notice,
    Reply, Request, Say, Welcome, read_request, write_frame,
};
use crate::protocol::native::{closed, error, member_list, not_said};
use crate::protocol::sniff::Protocol;
use crate::protocol::{FRAME_LIMIT, MEMBERS_LIMIT, NATIVE, PROTOCOL, WELCOME_MEMBERS};
use crate::room::{
    self, Coming, Draft, Lease, MESSAGE_ID_LIMIT, MemberId, NotEntered, NotResumed, NotSaid, Rules,
    Said, TokenHash, WantedName, Why,
};

use super::super::accept::TOO_MANY_CONNECTIONS;
use super::super::event::Refusal;
use super::super::guest::{Arrival, NotLetIn};
use super::super::shared::random_token;
use super::{Membership, Session};

/// The optional features of the server.
fn features(rules: &Rules) -> impl Iterator<Item = &'static str> {
    let resume = (!rules.grace.is_zero()).then_some("resume");
    resume.into_iter().chain(["history"])
}

impl Session {
    /// Handles bytes of a native client.
    pub(super) fn take_native(&mut self, lines: &mut Lines, bytes: &[u8], now: Instant) {
        let mut rest = bytes;
        while self.may_take()
            && let Some(line) = lines.next(&mut rest)
        {
            match line {
                Line::Whole(line) => self.take_line(&line, now),
                Line::TooLong => self.fail(
                    Code::FrameTooLong,
                    format!("A frame is longer than {FRAME_LIMIT} bytes."),
                ),
            }
        }
        // Requests that exceed the memory for this client wait until later.
        self.unread = rest.to_vec();
        self.tell_said();
    }

    fn take_line(&mut self, line: &[u8], now: Instant) {
        if line.trim_ascii().is_empty() {
            return;
        }
        let request = match read_request(line) {
            Ok(Some(request)) => request,
            Ok(None) => return,
            Err(NotAFrame::Content { id, why }) if self.member.is_some() => {
                return self.pass_over(id.as_deref(), &why, now);
            }
            Err(why) => {
                return self.fail(Code::BadFrame, format!("This is not a frame: {why}."));
            }
        };
        match (request, &self.member) {
            (Request::Ping(Empty {}), _) => self.reply(&Reply::Pong(Empty {})),
            (Request::Pong(Empty {}), _) => {}
            (Request::Bye(Empty {}), _) => self.leave(),
            (Request::Hello(hello), None) => self.greet(&hello),
            (_, None) => {
                self.fail(Code::HelloFirst, "Send a “hello” with your name first.");
            }
            (Request::Hello(_), Some(_)) => {
                self.reply(&Reply::Error(error(
                    Code::HelloTwice,
                    "You are already a member.",
                )));
            }
            (Request::Say(say), Some(member)) => {
                let lease = member.lease;
                self.say(lease, &say, now);
            }
            (Request::Members(request), Some(_)) => self.answer_members(request),
            (Request::History(request), Some(_)) => self.answer_history(request),
        }
    }

    /// Answers a frame of a member that cannot be read, and continues with the next one.
    fn pass_over(&mut self, id: Option<&str>, why: &str, now: Instant) {
        // It counts as a rejected message: reading it took as long.
        self.refused(NotSaid::BadId, now);
        let text = format!("The server ignored a frame that it cannot read: {why}.");
        self.reply(&Reply::Error(frame::Error {
            id: id.filter(|id| id.len() <= MESSAGE_ID_LIMIT).map(Into::into),
            fatal: false,
            ..error(Code::BadFrame, text)
        }));
    }

    fn greet(&mut self, hello: &Hello<'_>) {
        if hello.protocol == PROTOCOL {
            self.enter_native(hello);
        } else {
            let asked = hello.protocol;
            self.fail(
                Code::ProtocolVersion,
                format!("This server speaks version {PROTOCOL} of the protocol, not {asked}."),
            );
        }
    }

    /// Adds the client to the room, and welcomes it.
    pub(super) fn enter_native(&mut self, hello: &Hello<'_>) {
        self.asked = false;
        let host = hello.host_key.as_deref() == Some(self.shared.host_key.as_str());
        let back = hello.session.as_deref().map(|session| {
            let key = TokenHash::of(session);
            let arrival = self.guest.resume(&key, self.arrived, WELCOME_MEMBERS);
            arrival.map(|arrival| (arrival, session.to_owned()))
        });
        match back {
            Some(Ok((arrival, session))) => self.welcome(hello, session, arrival),
            Some(Err(NotResumed::Late)) => self.end_taken_over(),
            Some(Err(NotResumed::Unknown)) | None => self.enter_anew(hello, host),
        }
        if host && self.member.is_some() {
            let addresses = self.shared.surroundings.addresses();
            self.tell_addresses(addresses, "can");
        }
    }

    /// Adds the client to the room as a newcomer.
    fn enter_anew(&mut self, hello: &Hello<'_>, host: bool) {
        let Ok(session) = random_token() else {
            // There is no membership without a secret.
            return self.end(Why::Lost);
        };
        let (wanted, key) = (WantedName::of(&hello.name), Some(TokenHash::of(&session)));
        let entered = self
            .guest
            .enter(&wanted, Protocol::Native, host, key, WELCOME_MEMBERS);
        match entered {
            Ok(arrival) => {
                self.welcome(hello, session, arrival);
            }
            Err(NotLetIn::Address) => {
                self.report_refusal(Refusal::TooManyConnections);
                self.fail(Code::TooManyConnections, TOO_MANY_CONNECTIONS);
            }
            Err(NotLetIn::Room(NotEntered::Full)) => {
                self.report_refusal(Refusal::RoomFull);
                self.fail(Code::RoomFull, "The room is full. Try again later.");
            }
            Err(NotLetIn::Room(NotEntered::Closed(closing))) => {
                self.reply(&Reply::Closed(closed(closing)));
                self.end(Why::Quit);
            }
        }
    }

    /// Welcomes the client.
    fn welcome(&mut self, hello: &Hello<'_>, session: String, arrival: Arrival) {
        let Arrival {
            entered,
            takeovers,
            held,
            oldest_seq,
            rules,
            members,
        } = arrival;
        let (shared, live) = (&self.shared, self.shared.live());
        let limit = |value| (rules.rate_limit.per_second > 0).then_some(value);
        let welcome = Reply::Welcome(Welcome {
            protocol: PROTOCOL,
            room: (&*live.room_name).into(),
            epoch: shared.epoch.as_str().into(),
            durable: shared.is_durable(),
            session: session.into(),
            resumed: entered.coming != Coming::New,
            next: entered.next_seq,
            you: Member {
                id: entered.lease.id,
                name: (&*entered.name).into(),
                host: entered.host,
                away: false,
            },
            members: member_list(&members),
            limits: Limits {
                frame: FRAME_LIMIT,
                text: room::TEXT_LIMIT,
                burst: limit(rules.rate_limit.burst),
                per_second: limit(rules.rate_limit.per_second),
            },
            features: features(&rules).map(Into::into).collect(),
        });
        write_frame(&welcome, &mut self.output);
        let newest = entered.next_seq.saturating_sub(live.history);
        let first = match hello.after {
            // A position in another log is of no use here.
            Some(after)
                if hello
                    .epoch
                    .as_ref()
                    .is_none_or(|epoch| *epoch == shared.epoch) =>
            {
                after.saturating_add(1)
            }
            _ => newest.max(oldest_seq),
        };
        self.member = Some(Membership {
            lease: entered.lease,
            takeovers,
            door: NATIVE,
            cursor: entered.cursor,
            replay: first.max(1)..entered.next_seq,
        });
        self.held = held.map(Box::new);
    }

    /// Notifies the host of new addresses where others can join.
    pub(in super::super) fn tell_new_addresses(&mut self) {
        let Some(told) = &self.told_addresses else {
            return;
        };
        let now = self.shared.surroundings.addresses();
        if !Arc::ptr_eq(told, &now) && self.member.is_some() {
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
        self.told_addresses = Some(addresses);
    }

    fn say(&mut self, from: Lease, say: &Say<'_>, now: Instant) {
        let draft = Draft::new(say.id.as_deref(), &say.text);
        let said = self.try_to_say(from, draft, now);
        match said {
            Ok(Said::New(_)) => self.said(),
            Ok(Said::Before(seq)) => {
                let id = say.id.as_deref().unwrap_or_default().into();
                self.reply(&Reply::Said(frame::Said { id, seq }));
            }
            Err(NotSaid::LeaseOver) => self.end_taken_over(),
            Err(why) => {
                self.refused(why, now);
                if let Some(error) = not_said(why, say.id.as_deref()) {
                    self.reply(&Reply::Error(error));
                }
            }
        }
    }

    fn answer_members(&mut self, request: MembersRequest) {
        let limit = super::clamp(request.limit, MEMBERS_LIMIT as u64);
        let limit = usize::try_from(limit).unwrap_or(MEMBERS_LIMIT);
        let after = request.after.and_then(MemberId::new);
        let page = self.shared.room().list(after, limit);
        self.reply(&Reply::Members(member_list(&page)));
    }

    /// Adds an answer.
    pub(super) fn reply(&mut self, reply: &Reply<'_>) {
        write_frame(reply, &mut self.replies);
    }

    /// Reports an error, and ends the session.
    fn fail(&mut self, code: Code, text: impl Into<String>) {
        self.drop_withheld();
        self.reply(&Reply::Error(frame::Error {
            fatal: true,
            ..error(code, text)
        }));
        self.end(Why::Protocol);
    }
}
