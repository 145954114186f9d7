//! The native door: requests and their answers.

use std::time::Instant;

use crate::clock;
use crate::room::{
    self, Coming, Encoding, Lease, MemberId, NotEntered, NotResumed, Rules, Said, SessionKey, Why,
};
use crate::wire::door::Door;
use crate::wire::frame::{
    self, Code, Empty, Hello, Limits, Member, MembersRequest, NOTICE_ADDRESS, Notice, Reply,
    Request, Say, Welcome, read_request, write_frame,
};
use crate::wire::lines::{Line, Lines};
use crate::wire::native::{closed, error, member_list, not_said};
use crate::wire::{FRAME_LIMIT, MEMBERS_LIMIT, PROTOCOL, WELCOME_MEMBERS};

use super::super::event::Refusal;
use super::super::shared::random_token;
use super::{Membership, Session};

/// What the server can do beyond the least.
fn features(rules: &Rules) -> impl Iterator<Item = &'static str> {
    let resume = (!rules.grace.is_zero()).then_some("resume");
    resume.into_iter().chain(["history"])
}

impl Session {
    /// Takes bytes of a native client.
    pub(super) fn take_native(&mut self, lines: &mut Lines, bytes: &[u8], now: Instant) {
        let mut rest = bytes;
        while self.wants_input()
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
        // What asks for more than may be held for it is taken up later.
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
                self.fail(Code::HelloFirst, "A “hello” with your name comes first.");
            }
            (Request::Hello(_), Some(_)) => {
                self.reply(&Reply::Error(error(
                    Code::HelloTwice,
                    "You are a member already.",
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

    /// Takes the client into the room, and welcomes it.
    pub(super) fn enter_native(&mut self, hello: &Hello<'_>) {
        let shared = std::sync::Arc::clone(&self.shared);
        let host = hello.host_key.as_deref() == Some(shared.host_key.as_str());
        self.asked = false;
        let back = hello.session.as_deref().map(|session| {
            let entered = self.guest.resume(&SessionKey::of(session), self.arrived);
            entered.map(|entered| (entered, session.to_owned()))
        });
        let (entered, session) = if let Some(Ok(back)) = back {
            back
        } else if let Some(Err(NotResumed::Late)) = back {
            return self.end_taken_over();
        } else {
            let Ok(session) = random_token() else {
                // There is no membership without a secret.
                return self.end(Why::Lost);
            };
            let key = Some(SessionKey::of(&session));
            match self.guest.enter(&hello.name, Door::Native, host, key) {
                Ok(entered) => (entered, session),
                Err(NotEntered::Full) => {
                    self.report_refusal(Refusal::RoomFull);
                    return self.fail(Code::RoomFull, "The room is full. Try again later.");
                }
                Err(NotEntered::Closed(closing)) => {
                    self.reply(&Reply::Closed(closed(closing)));
                    return self.end(Why::Quit);
                }
            }
        };
        let resumed = entered.coming != Coming::New;
        let room = shared.room();
        let rules = room.rules();
        let limit = |value| (rules.pace.per_second > 0).then_some(value);
        let welcome = Reply::Welcome(Welcome {
            protocol: PROTOCOL,
            room: shared.live().room_name.to_string().into(),
            epoch: shared.epoch.as_str().into(),
            durable: shared.is_durable(),
            session: session.into(),
            resumed,
            next: entered.next_seq,
            you: Member {
                id: entered.lease.id,
                name: (&*entered.name).into(),
                host: entered.host,
                away: false,
            },
            members: member_list(entered.count, room.members(None), WELCOME_MEMBERS),
            limits: Limits {
                frame: FRAME_LIMIT,
                text: room::TEXT_LIMIT,
                burst: limit(rules.pace.burst),
                per_second: limit(rules.pace.per_second),
            },
            features: features(rules).map(Into::into).collect(),
        });
        write_frame(&welcome, &mut self.output);
        let newest = entered.next_seq.saturating_sub(shared.live().history);
        let first = match hello.after {
            // What was said in another log is of no use here.
            Some(after)
                if hello
                    .epoch
                    .as_ref()
                    .is_none_or(|epoch| *epoch == shared.epoch) =>
            {
                after.saturating_add(1)
            }
            _ => newest.max(shared.oldest_seq(&room)),
        };
        self.member = Some(Membership {
            lease: entered.lease,
            takeovers: room.takeovers(),
            door: Encoding::Native,
            cursor: entered.cursor,
            replay: first.max(1)..entered.next_seq,
        });
        self.held = room.is_recorded().then(|| Box::new(room.reached()));
        drop(room);
        if host && !resumed {
            self.tell_addresses();
        }
    }

    /// Tells the host where others can join.
    fn tell_addresses(&mut self) {
        let addresses: Vec<String> = self
            .shared
            .addresses
            .iter()
            .map(ToString::to_string)
            .collect();
        let notice = Reply::Notice(Notice {
            code: NOTICE_ADDRESS.into(),
            text: format!("Others can join at {}.", addresses.join(" or ")).into(),
            addresses: addresses.into_iter().map(Into::into).collect(),
        });
        self.reply(&notice);
    }

    fn say(&mut self, from: Lease, say: &Say<'_>, now: Instant) {
        let said = self
            .shared
            .room()
            .say(from, say.id.as_deref(), &say.text, now, clock::now());
        match said {
            Ok(Said::New(_)) => self.said(),
            Ok(Said::Before(seq)) => {
                let id = say.id.as_deref().unwrap_or_default().into();
                self.reply(&Reply::Said(frame::Said { id, seq }));
            }
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
        let room = self.shared.room();
        let members = room.members(request.after.and_then(MemberId::new));
        let list = member_list(room.count(), members, limit);
        write_frame(&Reply::Members(list), &mut self.replies);
    }

    /// Answers.
    pub(super) fn reply(&mut self, reply: &Reply<'_>) {
        write_frame(reply, &mut self.replies);
    }

    /// Tells what is wrong, and ends the session.
    fn fail(&mut self, code: Code, text: impl Into<String>) {
        self.drop_withheld();
        self.reply(&Reply::Error(frame::Error {
            fatal: true,
            ..error(code, text)
        }));
        self.end(Why::Protocol);
    }
}
