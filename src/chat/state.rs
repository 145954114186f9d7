//! Everything that a client shows of a room.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::client::{End, NotQueued, Security};
use crate::protocol::PAGE_LIMIT;
use crate::protocol::native::frame::{Limits, Welcome};
use crate::room::{MemberId, TEXT_LIMIT, clean_text, fits};

use super::effects::{Effects, News};
use super::history::{Beginning, History, Want};
use super::interruption::{Interruption, Outage};
use super::line::{Delivery, Line, Message};
use super::me::Me;
use super::members::{Ask, Members, Row};
use super::moderation::Moderation;
use super::timeline::{Change, Timeline};

/// The feature of a server that sends pages of older messages.
const HISTORY: &str = "history";

/// Where the session stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Joining the room.
    #[default]
    Joining,
    /// In the room, though the connection may be lost for the moment.
    Joined,
    /// Out of the room, for this reason.
    Ended(End),
}

/// A point in time, on both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// For spans of time.
    pub instant: Instant,
    /// The time of day.
    pub time: Timestamp,
}

/// What an earlier run of the program left of the same session.
#[derive(Clone, Debug, Default)]
pub struct Earlier {
    /// The unconfirmed messages, oldest first: ids and texts. The client sends them again.
    pub unsent: Vec<(String, String)>,
    /// The epoch of the log that the user read, and the `seq` up to which they did.
    pub read: Option<(String, u64)>,
}

/// Why the user cannot say something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CannotSay {
    /// The text has more lines than a message may have, or more characters.
    TooLong {
        /// The most characters of a message in this room.
        limit: usize,
    },
    /// The client did not queue it.
    NotQueued(NotQueued),
}

/// The missed messages, while they come.
#[derive(Clone, Copy, Debug)]
struct CatchingUp {
    /// The `seq` of the last missed message.
    last: u64,
    /// The number of messages from others that have come so far.
    came: u32,
}

/// What the room said of itself when the user entered.
#[derive(Debug, Default)]
pub(super) struct About {
    name: String,
    durable: bool,
    private: bool,
    /// Distinguishes the log from every other.
    epoch: String,
    pub(super) limits: Option<Limits>,
}

/// What a client shows of a room: events and times go in, changes come out.
///
/// Its size is bounded: by the lines that [`reduce`](Self::reduce) lets the conversation
/// have, and by the members that the server reports.
#[derive(Debug, Default)]
pub struct Chat {
    pub(super) phase: Phase,
    pub(super) about: About,
    pub(super) me: Me,
    pub(super) timeline: Timeline,
    pub(super) members: Members,
    pub(super) history: History,
    pub(super) interruption: Option<Interruption>,
    pub(super) moderation: Moderation,
    pub(super) security: Option<Security>,
    catching_up: Option<CatchingUp>,
    earlier: Earlier,
}

/// What is known.
impl Chat {
    /// A session that begins, or goes on from an `earlier` run of the program.
    #[must_use]
    pub fn new(earlier: Earlier) -> Self {
        Self {
            earlier,
            ..Self::default()
        }
    }

    /// Where the session stands.
    #[must_use]
    pub fn phase(&self) -> &Phase {
        &self.phase
    }

    /// The name of the room; empty if it has none.
    #[must_use]
    pub fn room_name(&self) -> &str {
        &self.about.name
    }

    /// Whether the room saves its messages.
    #[must_use]
    pub fn is_durable(&self) -> bool {
        self.about.durable
    }

    /// Whether only those may join who were invited.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.about.private
    }

    /// How the latest connection is, or was, protected; `None` before the first one.
    #[must_use]
    pub fn security(&self) -> Option<Security> {
        self.security
    }

    /// Whether the user is the host, and may moderate.
    #[must_use]
    pub fn hosts(&self) -> bool {
        self.moderation.hosts
    }

    /// For how much longer the user cannot send messages, because the host has muted them.
    #[must_use]
    pub fn muted_for(&self, now: Instant) -> Option<Duration> {
        self.moderation.muted_for(now)
    }

    /// Until when the user cannot send messages.
    #[must_use]
    pub fn muted_until(&self) -> Option<Instant> {
        self.moderation.muted_until
    }

    /// The time between two messages of each member; zero without such a limit.
    #[must_use]
    pub fn slow(&self) -> Duration {
        let every = self.about.limits.and_then(|limits| limits.every_s);
        Duration::from_secs(every.unwrap_or_default())
    }

    /// The name of a member, if they are known to be in the room.
    #[must_use]
    pub fn member_name(&self, id: MemberId) -> Option<&str> {
        self.members.name(id)
    }

    /// Whether the user may erase a message: one of their own, or as the host any.
    #[must_use]
    pub fn can_erase(&self, message: &Message) -> bool {
        let is_there = self.phase == Phase::Joined && self.interruption.is_none();
        let is_said = message.seq().is_some() && !message.erased;
        is_there && is_said && (message.own || self.hosts())
    }

    /// The sender of a message, if the user as the host can remove them: they are in the
    /// room, and not the user.
    #[must_use]
    pub fn removable_sender<'a>(&'a self, message: &Message) -> Option<(MemberId, &'a str)> {
        let is_there = self.phase == Phase::Joined && self.interruption.is_none();
        let may = is_there && self.hosts() && !message.own;
        let name = self.member_name(message.from).filter(|_| may)?;
        // Another room gives the same ids again.
        (name == message.name).then_some((message.from, name))
    }

    /// The most characters of a message.
    #[must_use]
    pub fn text_limit(&self) -> usize {
        self.about.limits.map_or(TEXT_LIMIT, |limits| limits.text)
    }

    /// Whether the connection is lost, and the client is restoring it.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.interruption.is_some()
    }

    /// The lost connection as of `now`, if it is lost. `next_try` is the time of the
    /// client's next try.
    #[must_use]
    pub fn outage(&self, next_try: Option<Instant>, now: Instant) -> Option<Outage> {
        let interruption = self.interruption.as_ref()?;
        Some(interruption.outage(next_try, now))
    }

    /// Whether older messages are on their way.
    #[must_use]
    pub fn is_loading(&self) -> bool {
        matches!(self.history, History::Asked(_))
    }

    /// The number of members. Not all of them need be known.
    #[must_use]
    pub fn member_count(&self) -> usize {
        self.members.count()
    }

    /// A row for each known member, in the order of joining.
    #[must_use]
    pub fn member_rows(&self) -> Vec<Row> {
        self.members.rows(self.me.id(), self.hosts())
    }

    /// Whether there is a message, or the user has tried to send one.
    #[must_use]
    pub fn has_messages(&self) -> bool {
        self.timeline.has_messages()
    }

    /// The `seq` of the newest message that came; 0 before the first one.
    #[must_use]
    pub fn newest(&self) -> u64 {
        self.timeline.newest()
    }

    /// The user's unconfirmed messages, oldest first: ids and texts.
    pub fn unconfirmed(&self) -> impl Iterator<Item = (&str, &str)> {
        self.timeline
            .not_confirmed()
            .filter_map(|message| Some((message.unconfirmed_id()?, message.text.as_str())))
    }

    /// The changes of the conversation since the last call, for a list that shows it: to
    /// be applied in their order.
    pub fn take_changes(&mut self) -> Vec<Change> {
        self.timeline.take_changes()
    }
}

/// What the user does.
impl Chat {
    /// The text as it can be sent.
    ///
    /// # Errors
    /// If it cannot.
    pub fn sayable<'a>(&self, text: &'a str) -> Result<Cow<'a, str>, CannotSay> {
        if self.phase != Phase::Joined || self.me.id().is_none() {
            return Err(CannotSay::NotQueued(NotQueued::Over));
        }
        let text = clean_text(text);
        let limit = self.text_limit();
        if text.chars().count() > limit || !fits(&text) {
            return Err(CannotSay::TooLong { limit });
        }
        Ok(text)
    }

    /// The client has queued a message of the user under this id.
    pub fn say(&mut self, id: String, text: &str, now: Moment) {
        if let Some(me) = self.me.id() {
            let name = self.me.name().to_owned();
            self.timeline.say(Message {
                from: me,
                name,
                own: true,
                at: now.time.as_millisecond(),
                text: text.to_owned(),
                erased: false,
                delivery: Delivery::Pending(id),
            });
        }
    }

    /// The id and the text of an unsent message, by the key of its line.
    #[must_use]
    pub fn unsent(&self, key: u64) -> Option<(String, String)> {
        self.timeline.unsent(key)
    }

    /// The client has queued an unsent message again.
    pub fn send_again(&mut self, key: u64) {
        self.timeline.send_again(key);
    }

    /// The user deletes an unsent message.
    pub fn delete(&mut self, key: u64) {
        self.timeline.delete(key);
    }

    /// The reader has moved to the end, or away from it: then the conversation keeps more
    /// lines.
    pub fn set_read_further_up(&mut self, further_up: bool) {
        self.timeline.set_read_further_up(further_up);
    }

    /// The reader is near the oldest line. Returns the `seq` before which the client
    /// should request messages, if there are some, there is room for them, and no request
    /// is under way.
    pub fn read_back(&mut self) -> Option<u64> {
        if self.phase != Phase::Joined || !self.timeline.has_room_for(PAGE_LIMIT) {
            return None;
        }
        if self.timeline.was_cut() {
            self.history.reopen();
        }
        match self.history.want(self.timeline.oldest()) {
            Want::Nothing => None,
            Want::Before(seq) => Some(seq),
            Want::Beginning => {
                let beginning = Line::Beginning(Beginning::First);
                self.timeline.put_before(vec![beginning]);
                None
            }
        }
    }

    /// The requested messages will not come.
    pub fn forget_asked(&mut self) {
        self.history.forget();
    }

    /// A request for the list of members, if the known members are out of date and no
    /// request is under way.
    pub fn refresh_members(&mut self) -> Option<Ask> {
        self.members.refresh()
    }
}

/// Entering the room, and coming back to it.
impl Chat {
    /// The user is in the room.
    pub(super) fn welcomed(&mut self, welcome: &Welcome<'_>, now: Moment) {
        self.come_in(welcome, false);
        self.phase = Phase::Joined;
        let Earlier { unsent, read } = std::mem::take(&mut self.earlier);
        for (id, text) in unsent {
            self.say(id, &text, now);
        }
        if welcome.features.iter().any(|it| it == HISTORY) {
            self.history = History::before(welcome.next);
        }
        if let Some((_, after)) = read.filter(|(epoch, _)| *epoch == *welcome.epoch) {
            self.expect(welcome, after);
        }
    }

    /// The user is in the room again, after a lost connection.
    pub(super) fn returned(&mut self, welcome: &Welcome<'_>) {
        let is_another = self.about.epoch != *welcome.epoch;
        self.come_in(welcome, is_another);
        if is_another {
            self.timeline.begin_log();
            self.members.begin_room();
            // Missed messages of the earlier room will not come.
            self.catching_up = None;
            self.timeline.tell(Line::NewRoom);
            self.history = History::default();
        } else {
            self.expect(welcome, self.timeline.newest());
        }
    }

    fn come_in(&mut self, welcome: &Welcome<'_>, is_another: bool) {
        let you = &welcome.you;
        self.me.come_in(you.id, &you.name, is_another);
        if is_another {
            self.moderation = Moderation::default();
        }
        self.moderation.hosts = you.host;
        self.about = About {
            name: welcome.room.to_string(),
            durable: welcome.durable,
            private: welcome.private,
            epoch: welcome.epoch.to_string(),
            limits: Some(welcome.limits),
        };
    }

    /// Expects the messages that the user missed since the message `after`.
    fn expect(&mut self, welcome: &Welcome<'_>, after: u64) {
        let last = welcome.next.saturating_sub(1);
        if last > after {
            self.catching_up = Some(CatchingUp { last, came: 0 });
        }
    }

    /// Counts more messages from others. Tells how many the user missed when all of them
    /// are there.
    pub(super) fn catch_up(&mut self, came: u32, effects: &mut Effects) {
        let Some(catching_up) = &mut self.catching_up else {
            return;
        };
        catching_up.came = catching_up.came.saturating_add(came);
        if self.timeline.newest() < catching_up.last {
            return;
        }
        let count = catching_up.came;
        self.catching_up = None;
        if count > 0 {
            let line = Line::CaughtUp { count };
            effects.news.push(News::Line(line.clone()));
            self.timeline.tell(line);
        }
    }
}
