//! Delivers a room's events to a listener: *message* and *closed*.

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use async_channel::Receiver;

use crate::protocol::text;
use crate::room::{self, Author, Body, Entry, PresenceBatch, RateLimit};

use super::{End, Event, Loss};

/// What stands in the place of a message that was erased.
const ERASED: &str = "(erased)";

/// Gets the events of a room. By default it prints messages and the end.
pub trait Listener {
    /// A message came.
    fn message(&mut self, message: &Entry<'static>) {
        let mut lines = Vec::new();
        write_message(message, &mut lines);
        print(&lines);
    }

    /// The connection is over; nothing follows.
    fn closed(&mut self, end: &End) {
        let mut lines = Vec::new();
        text::write_notice(&end.to_string(), &mut lines);
        print(&lines);
    }

    /// Any other event. By default this does nothing.
    fn event(&mut self, _event: &Event) {}
}

/// The default listener: prints the messages.
#[derive(Clone, Copy, Debug)]
pub struct Printing;

impl Listener for Printing {}

/// Passes all events to `listener`, and waits for it each time. Returns the end.
pub fn listen(events: &Receiver<Event>, listener: &mut impl Listener) -> End {
    let end = loop {
        match events.recv_blocking() {
            Ok(Event::Message(message)) => listener.message(&message),
            Ok(Event::Ended(end)) => break end,
            Ok(event) => listener.event(&event),
            Err(_) => break End::Lost(Loss::Ended),
        }
    };
    listener.closed(&end);
    end
}

/// Appends an event as lines of text, in the words of the text door: `name: text`, with
/// the name before each line of a text. Appends nothing for an answer to a request.
pub fn write_lines(event: &Event, out: &mut Vec<u8>) {
    match event {
        Event::Message(message) => write_message(message, out),
        Event::Joined(joined) => text::encode(
            &room::Event::Joined {
                id: joined.id,
                name: &joined.name,
                host: joined.host,
                count: joined.count,
            },
            out,
        ),
        Event::Left(left) => text::encode(
            &room::Event::Left {
                id: left.id,
                name: &left.name,
                why: left.why,
                count: left.count,
            },
            out,
        ),
        Event::Away(away) => text::encode(
            &room::Event::Away {
                id: away.id,
                name: &away.name,
            },
            out,
        ),
        Event::Back(back) => text::encode(
            &room::Event::Back {
                id: back.id,
                name: &back.name,
            },
            out,
        ),
        Event::Presence(presence) => {
            let names = |names: &[Cow<'_, str>]| names.iter().map(|it| Arc::from(&**it)).collect();
            text::encode(
                &room::Event::Presence(&PresenceBatch {
                    count: presence.count,
                    joined: names(&presence.joined),
                    joined_more: presence.joined_more,
                    left: names(&presence.left),
                    left_more: presence.left_more,
                    away: presence.away,
                }),
                out,
            );
        }
        Event::Notice(notice) => text::write_notice(&notice.text, out),
        Event::Gap(gap) if gap.to >= gap.from => {
            let what = match gap.to - gap.from {
                0 => "1 message is".to_owned(),
                more => format!("{} messages are", more.saturating_add(1)),
            };
            text::write_notice(&format!("{what} missing here."), out);
        }
        Event::Error(error) => text::write_notice(&error.text, out),
        Event::Interrupted(end) => {
            let what = match end {
                End::Lost(loss) => format!("The connection was lost: {loss}"),
                End::ServiceStopping { .. } => {
                    "The service that runs the room is stopping".to_owned()
                }
                _ => "The connection was lost".to_owned(),
            };
            text::write_notice(&format!("{what}; trying to come back."), out);
        }
        Event::Returned(_) => text::write_notice("You are back in the room.", out),
        Event::Unsent { text, .. } => {
            text::write_notice(&format!("This message may not have been sent: {text}"), out);
        }
        Event::Ended(end) => text::write_notice(&end.to_string(), out),
        Event::Erased(_) | Event::Host(_) | Event::Limits(_) => write_change(event, out),
        Event::Secured(_)
        | Event::Kicked(_)
        | Event::Muted(_)
        | Event::Invite(_)
        | Event::Welcomed(_)
        | Event::Said(_)
        | Event::Members(_)
        | Event::Page(_)
        | Event::Gap(_)
        | Event::Unknown { .. } => {}
    }
}

/// Appends a change of the room that a host made.
fn write_change(event: &Event, out: &mut Vec<u8>) {
    match event {
        Event::Erased(erased) => text::encode(
            &room::Event::Entry(Entry {
                seq: erased.seq,
                at: erased.at,
                author: Author {
                    id: erased.by.id,
                    name: Cow::Borrowed(&erased.by.name),
                },
                body: Body::Erased { of: erased.of },
            }),
            out,
        ),
        Event::Host(host) => text::encode(
            &room::Event::Host {
                id: host.id,
                name: &host.name,
                from: host.from,
            },
            out,
        ),
        Event::Limits(limits) => text::encode(
            &room::Event::Limits {
                rate_limit: RateLimit::default(),
                every: Duration::from_secs(limits.every_s.unwrap_or(0)),
            },
            out,
        ),
        _ => {}
    }
}

/// Appends a message as [`write_lines`] does. Of one that was erased, it says so.
pub fn write_message(message: &Entry<'_>, out: &mut Vec<u8>) {
    let message = if let Body::Gone { .. } = message.body {
        let (id, text) = (None, ERASED.into());
        &Entry {
            body: Body::Text { id, text },
            ..message.as_borrowed()
        }
    } else {
        message
    };
    text::encode(&room::Event::Entry(message.as_borrowed()), out);
}

/// Writes to standard output. It is no error if nobody reads it.
fn print(lines: &[u8]) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(lines).and_then(|()| out.flush());
}
