//! The events of a room, as a client reports them.

use std::borrow::Cow;

use crate::protocol::native::frame::{
    Away, Back, Error, Gap, Joined, Left, Member, MemberList, Notice, Page, Presence, Said, Welcome,
};
use crate::room::{
    Author, Body, DEFAULT_NAME, Entry, LINES_LIMIT, TEXT_LIMIT, clean_name, clean_room_name,
    clean_text,
};

use super::End;
use super::outbox::Own;

/// An event in the room, in the order of the server.
///
/// Names and texts in it are clean, whatever the server sent: nothing in them can act on
/// a terminal or a label.
#[derive(Debug)]
pub enum Event {
    /// The client is in the room now. Comes first, and once. If the welcome is `resumed`,
    /// the client is the same member as in an earlier run of the program.
    Welcomed(Box<Welcome<'static>>),
    /// A message; the client's own messages come too, with their id.
    Message(Entry<'static>),
    /// Someone joined.
    Joined(Joined<'static>),
    /// Someone left.
    Left(Left<'static>),
    /// Someone's connection was lost; they may come back.
    Away(Away<'static>),
    /// Someone who was away is back.
    Back(Back<'static>),
    /// Members of a big room came and left.
    Presence(Presence<'static>),
    /// The server had already accepted a message of the client with the same id.
    Said(Said<'static>),
    /// A notice from the server itself.
    Notice(Notice<'static>),
    /// Answers [`Client::ask_members`](super::Client::ask_members).
    Members(MemberList<'static>),
    /// Answers [`Client::ask_history`](super::Client::ask_history).
    Page(Page<'static>),
    /// The client missed messages, and will not get them.
    Gap(Gap),
    /// An error that does not end the connection. If it names the id of a message, the
    /// server rejected that message. A message that came too fast is not reported: the
    /// client sends it again by itself.
    Error(Error<'static>),
    /// The connection was lost, in this way; the client tries to come back by itself.
    /// [`Event::Returned`] or [`Event::Ended`] follows. Requests that the server has not
    /// answered yet will not be answered.
    Interrupted(End),
    /// The client is in the room again: as the same member if the welcome is `resumed`,
    /// else as a new one. The messages that it missed follow, as far as the server holds
    /// them: every message with a `seq` below `next` that did not come before. If the
    /// `epoch` is another one, the log is another one. Nothing that came before comes
    /// again.
    Returned(Box<Welcome<'static>>),
    /// The client gives up a message of its own: the server did not accept it, or the
    /// client cannot know. [`Client::say_as`](super::Client::say_as) sends it again under
    /// the same id.
    Unsent {
        /// The message's id.
        id: String,
        /// The message's text.
        text: String,
    },
    /// The connection is over, or was never established. Comes last, and once.
    Ended(End),
}

impl Event {
    pub(super) fn unsent(own: Own) -> Self {
        let Own { id, text } = own;
        Self::Unsent { id, text }
    }
}

/// A frame for a listener: owned, and with clean names and texts.
pub(super) trait Heard {
    /// The same frame, owned.
    type Owned;

    /// Copies the frame, and cleans its names and texts.
    fn heard(self) -> Self::Owned;
}

fn name(name: &str) -> Cow<'static, str> {
    clean_name(name).map_or(DEFAULT_NAME.into(), Into::into)
}

fn line(line: &str) -> Cow<'static, str> {
    clean_room_name(line).unwrap_or_default().into()
}

pub(super) fn text(text: &str) -> Cow<'static, str> {
    let text = clean_text(text);
    match cut(&text) {
        Some(cut) => format!("{cut}…").into(),
        None => text.into_owned().into(),
    }
}

/// The most characters and lines that the client accepts of a text from a server: several
/// times as many as a server of this version accepts.
const LONGEST: (usize, usize) = (4 * TEXT_LIMIT, 4 * LINES_LIMIT);

/// The part of `text` that the client accepts, if `text` is too long.
fn cut(text: &str) -> Option<&str> {
    let (characters, lines) = LONGEST;
    let by_characters = text.char_indices().nth(characters).map(|(end, _)| end);
    let by_lines = text.match_indices('\n').nth(lines - 1).map(|(end, _)| end);
    let end = by_characters.into_iter().chain(by_lines).min()?;
    Some(&text[..end])
}

/// A code or an id of the protocol, which no person sees.
fn word(word: Cow<'_, str>) -> Cow<'static, str> {
    word.into_owned().into()
}

impl Heard for Welcome<'_> {
    type Owned = Welcome<'static>;

    fn heard(self) -> Welcome<'static> {
        Welcome {
            protocol: self.protocol,
            room: line(&self.room),
            epoch: word(self.epoch),
            durable: self.durable,
            session: word(self.session),
            resumed: self.resumed,
            next: self.next,
            you: self.you.heard(),
            members: self.members.heard(),
            limits: self.limits,
            features: self.features.into_iter().map(word).collect(),
        }
    }
}

impl Heard for Member<'_> {
    type Owned = Member<'static>;

    fn heard(self) -> Member<'static> {
        Member {
            id: self.id,
            name: name(&self.name),
            host: self.host,
            away: self.away,
        }
    }
}

impl Heard for MemberList<'_> {
    type Owned = MemberList<'static>;

    fn heard(self) -> MemberList<'static> {
        MemberList {
            count: self.count,
            list: self.list.into_iter().map(Heard::heard).collect(),
            more: self.more,
        }
    }
}

impl Heard for Entry<'_> {
    type Owned = Entry<'static>;

    fn heard(self) -> Entry<'static> {
        Entry {
            seq: self.seq,
            at: self.at,
            author: Author {
                id: self.author.id,
                name: name(&self.author.name),
            },
            body: match self.body {
                Body::Text { id, text: said } => Body::Text {
                    id: id.map(word),
                    text: text(&said),
                },
            },
        }
    }
}

impl Heard for Joined<'_> {
    type Owned = Joined<'static>;

    fn heard(self) -> Joined<'static> {
        Joined {
            id: self.id,
            name: name(&self.name),
            host: self.host,
            count: self.count,
        }
    }
}

impl Heard for Left<'_> {
    type Owned = Left<'static>;

    fn heard(self) -> Left<'static> {
        Left {
            id: self.id,
            name: name(&self.name),
            why: self.why,
            count: self.count,
        }
    }
}

impl Heard for Presence<'_> {
    type Owned = Presence<'static>;

    fn heard(self) -> Presence<'static> {
        let names = |names: Vec<Cow<'_, str>>| names.iter().map(|it| name(it)).collect();
        Presence {
            count: self.count,
            joined: names(self.joined),
            joined_more: self.joined_more,
            left: names(self.left),
            left_more: self.left_more,
            away: self.away,
        }
    }
}

impl Heard for Away<'_> {
    type Owned = Away<'static>;

    fn heard(self) -> Away<'static> {
        Away {
            id: self.id,
            name: name(&self.name),
        }
    }
}

impl Heard for Back<'_> {
    type Owned = Back<'static>;

    fn heard(self) -> Back<'static> {
        Back {
            id: self.id,
            name: name(&self.name),
        }
    }
}

impl Heard for Said<'_> {
    type Owned = Said<'static>;

    fn heard(self) -> Said<'static> {
        Said {
            id: word(self.id),
            seq: self.seq,
        }
    }
}

impl Heard for Notice<'_> {
    type Owned = Notice<'static>;

    fn heard(self) -> Notice<'static> {
        Notice {
            code: word(self.code),
            text: text(&self.text),
            addresses: self.addresses.iter().map(|it| line(it)).collect(),
        }
    }
}

impl Heard for Page<'_> {
    type Owned = Page<'static>;

    fn heard(self) -> Page<'static> {
        Page {
            messages: self.messages.into_iter().map(Heard::heard).collect(),
            more: self.more,
        }
    }
}

impl Heard for Error<'_> {
    type Owned = Error<'static>;

    fn heard(self) -> Error<'static> {
        Error {
            code: self.code,
            id: self.id.map(word),
            text: text(&self.text),
            retry_ms: self.retry_ms,
            fatal: self.fatal,
        }
    }
}
