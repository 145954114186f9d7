//! Applies the events of a room to the app's model of it.

use gettextrs::gettext;

use crate::app::words::{count, fill, isolated, refused};
use crate::client::Event;
use crate::clock;
use crate::protocol::native::frame::{self, NOTICE_ADDRESS};
use crate::room::{Entry, MemberId, Why};

use super::line::{Content, Delivery, Message};
use super::me::Me;
use super::members::{Ask, Members};
use super::timeline::Timeline;

/// The effects of a batch of events, besides those on the conversation.
#[derive(Debug, Default)]
pub struct Taken {
    /// The number of messages from others.
    pub received: u32,
    /// The texts for a screen reader, oldest first.
    pub spoken: Vec<String>,
    /// The requests to send to the server.
    pub ask: Option<Ask>,
    /// The members have changed.
    pub members_changed: bool,
    /// The app should request the list of members again.
    pub members_stale: bool,
}

/// Says that the server no longer has the messages from one `seq` to another.
fn missed(timeline: &mut Timeline, from: u64, to: u64) {
    let missed = to.saturating_sub(from).saturating_add(1);
    let words = count(
        "{n} message is missing here",
        "{n} messages are missing here",
        usize::try_from(missed).unwrap_or(usize::MAX),
    );
    timeline.tell(Content::Notice(words));
    timeline.miss(to);
}

/// Applies one event. `me` is the user's member at this event.
pub fn take(
    event: Event,
    me: &Me,
    timeline: &mut Timeline,
    members: &mut Members,
    taken: &mut Taken,
) {
    match event {
        Event::Welcomed(welcome) | Event::Returned(welcome) => {
            taken.ask = members.begin(welcome.members);
            taken.members_changed = true;
        }
        Event::Message(message) => {
            // A message from before a lost connection may arrive after it, from the
            // user's former member.
            let waited_for = |id: &str| timeline.is_pending(id);
            let own = me.said(message.author.id) || message.message_id().is_some_and(waited_for);
            if !own {
                taken.received += 1;
                taken.spoken.push(sentence(
                    &message.author.name,
                    message.text().unwrap_or_default(),
                ));
            }
            let (seq, id) = (message.seq, message.message_id().map(str::to_owned));
            timeline.hear(seq, id.as_deref(), heard(message, own));
        }
        Event::Joined(joined) => {
            members.joined(joined.id, &joined.name, joined.host, joined.count);
            taken.members_changed = true;
            // Users know that they joined.
            if Some(joined.id) != me.id() {
                notice(timeline, &gettext("{name} joined"), &joined.name);
            }
        }
        Event::Left(left) => {
            // The app has already reported members who were away.
            let was_away = members.is_away(left.id);
            members.left(left.id, left.count);
            taken.members_changed = true;
            let words = match left.why {
                Why::Lost | Why::Timeout if !was_away => gettext("{name} lost the connection"),
                _ => gettext("{name} left"),
            };
            notice(timeline, &words, &left.name);
        }
        Event::Away(away) => {
            members.set_away(away.id, true);
            taken.members_changed = true;
            if Some(away.id) != me.id() {
                notice(timeline, &gettext("{name} lost the connection"), &away.name);
            }
        }
        Event::Back(back) => {
            members.set_away(back.id, false);
            taken.members_changed = true;
            // Users know that they are back.
            if Some(back.id) != me.id() {
                notice(timeline, &gettext("{name} is back"), &back.name);
            }
        }
        Event::Said(said) => timeline.said(&said.id, said.seq),
        Event::Unsent { id, .. } => {
            let why = gettext("Not sent");
            if timeline.give_up(&id, &why) {
                taken.spoken.push(why);
            }
        }
        Event::Presence(presence) => {
            members.changed(presence.count);
            taken.members_changed = true;
            taken.members_stale = true;
            gathered(timeline, &presence);
        }
        Event::Notice(said) if said.code == NOTICE_ADDRESS && !said.addresses.is_empty() => {
            let addresses: Vec<String> = said.addresses.iter().map(ToString::to_string).collect();
            // The server repeats the addresses to a host who comes back.
            if timeline.addresses() != Some(&addresses) {
                timeline.tell(Content::Addresses(addresses));
            }
        }
        Event::Notice(said) => {
            taken.spoken.push(said.text.to_string());
            timeline.tell(Content::Notice(said.text.into_owned()));
        }
        Event::Members(list) => {
            taken.ask = members.take(list);
            taken.members_changed = true;
        }
        Event::Gap(gap) if gap.to >= gap.from => missed(timeline, gap.from, gap.to),
        Event::Error(error) => {
            let why = refused(&error);
            let known = error
                .id
                .as_deref()
                .is_some_and(|id| timeline.give_up(id, &why));
            if known {
                taken.spoken.push(why);
            } else {
                taken.spoken.push(error.text.to_string());
                timeline.tell(Content::Notice(error.text.into_owned()));
            }
        }
        // Other code handles these events.
        Event::Page(_) | Event::Gap(_) | Event::Interrupted(_) | Event::Ended(_) => {}
    }
}

/// The text of a message for a screen reader.
fn sentence(name: &str, text: &str) -> String {
    fill(
        &gettext("{name}: {text}"),
        &[("name", name), ("text", text)],
    )
}

/// A message as a line of the conversation.
pub fn heard(message: Entry<'static>, own: bool) -> Message {
    Message {
        from: message.author.id,
        name: message.author.name.to_string(),
        own,
        at: message.at.as_millisecond(),
        text: message.text().unwrap_or_default().to_owned(),
        delivery: Delivery::Confirmed(message.seq),
    }
}

/// A message that the user has just sent under `id`.
pub fn pending(id: String, me: MemberId, name: &str, text: &str) -> Message {
    Message {
        from: me,
        name: name.to_owned(),
        own: true,
        at: clock::now().as_millisecond(),
        text: text.to_owned(),
        delivery: Delivery::Pending(id),
    }
}

fn notice(timeline: &mut Timeline, words: &str, name: &str) {
    timeline.tell(Content::Notice(fill(words, &[("name", &isolated(name))])));
}

/// Says that members of a big room joined and left.
fn gathered(timeline: &mut Timeline, presence: &frame::Presence<'_>) {
    let both = [
        (
            presence.joined.len().saturating_add(presence.joined_more),
            true,
        ),
        (
            presence.left.len().saturating_add(presence.left_more),
            false,
        ),
    ];
    for (number, joined) in both {
        let words = match (number, joined) {
            (0, _) => continue,
            (_, true) => count("{n} member joined", "{n} members joined", number),
            (_, false) => count("{n} member left", "{n} members left", number),
        };
        timeline.tell(Content::Notice(words));
    }
}
