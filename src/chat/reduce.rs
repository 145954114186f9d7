//! What each event of a client does to what is shown.

use std::time::Duration;

use crate::client::Event;
use crate::protocol::native::frame::{
    Code, Erased, Error, Host, Muted, NOTICE_ADDRESS, Page, Welcome,
};
use crate::room::{Entry, Why};

use super::effects::{Effects, Entered, News};
use super::interruption::Interruption;
use super::line::{Line, Message, NotSent};
use super::moderation::{Answer, Refusal};
use super::state::{Chat, Moment, Phase};

impl Chat {
    /// Applies a batch of events that came until `now`, in their order.
    pub fn reduce(&mut self, events: impl IntoIterator<Item = Event>, now: Moment) -> Effects {
        let mut effects = Effects::default();
        for event in events {
            let before = effects.received;
            self.take(event, now, &mut effects);
            self.catch_up(effects.received - before, &mut effects);
        }
        self.timeline.trim();
        effects
    }

    fn take(&mut self, event: Event, now: Moment, effects: &mut Effects) {
        match event {
            Event::Welcomed(welcome) => {
                self.welcomed(&welcome, now);
                effects.joined = true;
                self.entered(*welcome, effects);
            }
            Event::Returned(welcome) => {
                self.returned(&welcome);
                self.interruption = None;
                self.history.forget();
                self.entered(*welcome, effects);
            }
            Event::Interrupted(end) => {
                self.interruption = Some(Interruption::new(end, now.instant));
                self.history.forget();
            }
            Event::Ended(end) => {
                self.timeline.give_up_all();
                self.interruption = None;
                self.history.forget();
                self.phase = Phase::Ended(end.clone());
                effects.ended = Some(end);
            }
            Event::Message(message) => self.heard(message, effects),
            Event::Said(said) => self.timeline.said(&said.id, said.seq),
            Event::Unsent { id, .. } => {
                // The reason may be known: an error came first.
                if self.timeline.is_pending(&id) && self.timeline.give_up(&id, &NotSent::Unknown) {
                    effects.news.push(News::NotSent(NotSent::Unknown));
                }
            }
            Event::Page(page) => self.take_page(page, effects),
            Event::Gap(gap) => {
                if let Some(gaps) = gap.to.checked_sub(gap.from) {
                    let count = gaps.saturating_add(1);
                    self.timeline.tell(Line::Gap { count });
                    self.timeline.miss(gap.to);
                }
            }
            Event::Unknown { seq } => self.timeline.miss(seq),
            Event::Erased(erased) => self.erased(&erased, effects),
            Event::Secured(security) => self.security = Some(security),
            Event::Host(host) => self.take_host(host, effects),
            Event::Limits(limits) => self.about.limits = Some(limits),
            Event::Kicked(kicked) => effects.answers.push(Answer::Removed {
                name: kicked.name.into_owned(),
                ban: kicked.ban_s.filter(|it| *it > 0).map(Duration::from_secs),
                shared: kicked.shared,
            }),
            Event::Muted(muted) => self.take_mute(muted, now, effects),
            Event::Invite(invite) => {
                // A link that cannot be read is no use to anyone.
                if let Ok(invitation) = invite.link.parse() {
                    let invitation = Box::new(invitation);
                    effects.answers.push(Answer::Invitation(invitation));
                }
            }
            Event::Notice(notice)
                if notice.code == NOTICE_ADDRESS && !notice.addresses.is_empty() =>
            {
                let addresses = notice.addresses.iter().map(ToString::to_string).collect();
                // The server repeats the addresses to a host who comes back.
                if self.timeline.addresses() != Some(&addresses) {
                    self.timeline.tell(Line::Addresses(addresses));
                }
            }
            Event::Notice(notice) => self.server_says(notice.text.into_owned(), effects),
            Event::Error(error) => self.refused(error, now, effects),
            Event::Joined(_)
            | Event::Left(_)
            | Event::Away(_)
            | Event::Back(_)
            | Event::Presence(_)
            | Event::Members(_) => self.take_presence(event, effects),
        }
    }

    /// The welcome's part that is the same however the user entered.
    fn entered(&mut self, welcome: Welcome<'static>, effects: &mut Effects) {
        effects.entered = Some(Entered {
            room: welcome.room.into_owned(),
            resume_token: welcome.session.into_owned(),
            epoch: welcome.epoch.into_owned(),
            after: welcome.next.saturating_sub(1),
            durable: welcome.durable,
        });
        effects.ask = self.members.begin(welcome.members);
        effects.members_changed = true;
    }

    fn heard(&mut self, entry: Entry<'static>, effects: &mut Effects) {
        let id = entry.message_id().map(str::to_owned);
        // A message from before a lost connection may arrive after it, from the user's
        // former member.
        let waited_for = |id: &str| self.timeline.is_pending(id);
        let own = entry.author.id.is_some_and(|it| self.me.said(it))
            || id.as_deref().is_some_and(waited_for);
        let message = Message::confirmed(entry, own);
        if self.me.id() == Some(message.from) {
            self.moderation.unmute();
        }
        // A message that was erased before it came is no news.
        if !own && !message.erased {
            effects.received = effects.received.saturating_add(1);
            effects.news.push(News::Message {
                name: message.name.clone(),
                text: message.text.clone(),
            });
        }
        self.timeline.hear(id.as_deref(), message);
    }

    fn take_page(&mut self, page: Page<'static>, effects: &mut Effects) {
        let older = self.history.take(page, self.timeline.oldest());
        let count = older.entries.len();
        let mut lines: Vec<Line> = older.ends.into_iter().map(Line::Beginning).collect();
        lines.extend(older.entries.into_iter().map(|entry| {
            let own = entry.author.id.is_some_and(|it| self.me.said(it));
            Line::Message(Message::confirmed(entry, own))
        }));
        self.timeline.put_before(lines);
        if count > 0 {
            effects.news.push(News::Older { count });
        }
    }

    fn server_says(&mut self, text: String, effects: &mut Effects) {
        let line = Line::Server { text };
        effects.news.push(News::Line(line.clone()));
        self.timeline.tell(line);
    }

    /// The text of a message was erased. That is an entry of its own.
    fn erased(&mut self, erased: &Erased<'_>, effects: &mut Effects) {
        self.timeline.miss(erased.seq);
        if let Some(name) = self.timeline.erase(erased.of) {
            effects.news.push(News::Erased { name });
        }
    }

    fn take_host(&mut self, host: Host<'_>, effects: &mut Effects) {
        let me = self.me.id();
        self.members.set_host(host.id, host.from);
        if host.from == me {
            self.moderation.hosts = false;
        }
        let is_me = Some(host.id) == me;
        if is_me {
            self.moderation.hosts = true;
        }
        let name = host.name.into_owned();
        let line = Line::Host { name, is_me };
        effects.news.push(News::Line(line.clone()));
        self.timeline.tell(line);
        effects.members_changed = true;
    }

    /// A member was muted: the user, or another one at the user's request.
    fn take_mute(&mut self, muted: Muted<'_>, now: Moment, effects: &mut Effects) {
        let time = Duration::from_secs(muted.for_s);
        if Some(muted.id) == self.me.id() {
            self.moderation.mute(time, now.instant);
        } else {
            let name = muted.name.into_owned();
            effects.answers.push(Answer::Muted { name, time });
        }
    }

    /// The server rejected a message, or something else that the client sent.
    fn refused(&mut self, error: Error<'static>, now: Moment, effects: &mut Effects) {
        if let Some(refusal) = Refusal::of(&error.code) {
            effects.answers.push(Answer::Refused(refusal));
            return;
        }
        if error.code == Code::Muted {
            let time = Duration::from_millis(error.retry_ms.unwrap_or_default());
            self.moderation.mute(time, now.instant);
        }
        let why = match error.code {
            Code::Muted => NotSent::Muted,
            Code::TooFast => NotSent::TooFast,
            Code::TooLong => NotSent::TooLong,
            Code::EmptyText => NotSent::Empty,
            _ => NotSent::Rejected(error.text.to_string()),
        };
        let id = error.id.as_deref();
        if id.is_some_and(|id| self.timeline.give_up(id, &why)) {
            effects.news.push(News::NotSent(why));
        } else {
            self.server_says(error.text.into_owned(), effects);
        }
    }

    /// Applies an event about members.
    fn take_presence(&mut self, event: Event, effects: &mut Effects) {
        effects.members_changed = true;
        let me = self.me.id();
        match event {
            Event::Joined(joined) => {
                let (id, count) = (joined.id, joined.count);
                self.members.joined(id, &joined.name, joined.host, count);
                // Users know that they joined.
                if Some(id) != me {
                    let name = joined.name.into_owned();
                    self.timeline.tell(Line::Joined { name });
                }
            }
            Event::Left(left) => {
                // The conversation has already told of members who were away.
                let was_away = self.members.is_away(left.id);
                self.members.left(left.id, left.count);
                let name = left.name.into_owned();
                self.timeline.tell(match left.why {
                    Why::Removed => Line::Removed { name },
                    Why::Lost | Why::Timeout if !was_away => Line::Lost { name },
                    _ => Line::Left { name },
                });
            }
            Event::Away(away) => {
                self.members.set_away(away.id, true);
                if Some(away.id) != me {
                    let name = away.name.into_owned();
                    self.timeline.tell(Line::Lost { name });
                }
            }
            Event::Back(back) => {
                self.members.set_away(back.id, false);
                // Users know that they are back.
                if Some(back.id) != me {
                    let name = back.name.into_owned();
                    self.timeline.tell(Line::Back { name });
                }
            }
            Event::Presence(presence) => {
                self.members.changed(presence.count);
                effects.members_stale = true;
                let joined = presence.joined.len().saturating_add(presence.joined_more);
                if joined > 0 {
                    self.timeline.tell(Line::ManyJoined { count: joined });
                }
                let left = presence.left.len().saturating_add(presence.left_more);
                if left > 0 {
                    self.timeline.tell(Line::ManyLeft { count: left });
                }
            }
            Event::Members(list) => effects.ask = self.members.take(list),
            _ => {}
        }
    }
}
