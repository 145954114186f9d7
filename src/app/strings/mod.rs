//! The sentences of the app, in the user's language.

mod ends;
mod moderation;
mod security;

use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

use gettextrs::{gettext, ngettext};
use gtk::glib;
use gtk::pango::{Direction, find_base_dir};

use crate::chat::{Beginning, CannotSay, Line, Message, News, NotSent};
use crate::client::NotQueued;
use crate::protocol::address::{NotAnAddress, SCHEME};
use crate::protocol::invitation::NotAnInvitation;
use crate::room::{LINES_LIMIT, TEXT_LIMIT};
use crate::server::BindError;
use crate::store::OpenError;

pub use self::ends::{end, outage};
pub use self::moderation::{answer, muted, refusal, slow_mode};
pub use self::security::{fingerprint, host_sentence, security, security_summary};

/// The sentence `template` with each `{name}` replaced by its value.
pub fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, from_brace)) = rest.split_once('{') {
        filled.push_str(before);
        let value = from_brace.split_once('}').and_then(|(name, after)| {
            let (_, value) = values.iter().find(|(wanted, _)| *wanted == name)?;
            Some((value, after))
        });
        if let Some((value, after)) = value {
            filled.push_str(value);
            rest = after;
        } else {
            filled.push('{');
            rest = from_brace;
        }
    }
    filled + rest
}

/// A name for use in a sentence. A name in the other direction of writing does not
/// reorder the words around it (Unicode Standard Annex #9, section 2.4), nor turn the
/// sentence that begins with it, as Pango would.
pub fn isolated(name: &str) -> Cow<'_, str> {
    let words_rtl = gtk::is_initialized_main_thread()
        && gtk::Widget::default_direction() == gtk::TextDirection::Rtl;
    match (find_base_dir(name), words_rtl) {
        (Direction::Rtl, false) => format!("\u{200e}\u{2068}{name}\u{2069}").into(),
        (Direction::Ltr, true) => format!("\u{200f}\u{2068}{name}\u{2069}").into(),
        _ => name.into(),
    }
}

/// A name for a dialog, whose labels break lines between words only: a long word gets
/// places at which it breaks without a hyphen.
pub fn breakable(name: &str) -> String {
    const LONG_WORD: usize = 12;
    let mut broken = String::with_capacity(name.len());
    let mut length = 0;
    for character in name.chars() {
        length = if character.is_whitespace() {
            0
        } else {
            length + 1
        };
        // Not before a mark, which belongs to the letter before it.
        if length > LONG_WORD && character.is_alphanumeric() {
            broken.push('\u{200b}');
            length = 1;
        }
        broken.push(character);
    }
    isolated(&broken).into_owned()
}

/// The number of something, such as “3 members”: `{n}` is the number.
pub fn count(one: &str, many: &str, number: usize) -> String {
    let plural = u32::try_from(number).unwrap_or(u32::MAX);
    fill(&ngettext(one, many, plural), &[("n", &number.to_string())])
}

/// A time in its largest whole unit, at least a second.
pub fn time(time: Duration) -> String {
    let seconds = usize::try_from(time.as_secs()).unwrap_or(usize::MAX);
    match seconds {
        0..60 => count("{n} second", "{n} seconds", seconds.max(1)),
        60..3_600 => count("{n} minute", "{n} minutes", seconds / 60),
        _ => count("{n} hour", "{n} hours", seconds / 3_600),
    }
}

/// A time that has to pass, in its largest unit. It is not over before the last of these
/// is: 59 minutes and a second are an hour.
pub fn time_left(left: Duration) -> String {
    let seconds = left.as_millis().div_ceil(1_000);
    let unit = match seconds {
        0..60 => 1,
        60..=3_540 => 60,
        _ => 3_600,
    };
    let seconds = seconds.next_multiple_of(unit);
    time(Duration::from_secs(
        u64::try_from(seconds).unwrap_or(u64::MAX),
    ))
}

/// Why a room cannot be hosted.
pub fn not_hosted(error: &BindError) -> String {
    let at = |template: String, port: u16| fill(&template, &[("port", &port.to_string())]);
    match error {
        BindError::RoomOpen(port) => at(
            gettext(
                "A room is already open on this computer, port {port}. Join it, or use another port for a room of your own.",
            ),
            *port,
        ),
        BindError::PortTaken(port) => at(
            gettext(
                "Another program uses port {port}. Use another port, or close that program and try again.",
            ),
            *port,
        ),
        BindError::Forbidden(port) => at(
            gettext("Port {port} is reserved for the administrator. Use another port."),
            *port,
        ),
        BindError::Store(error) => not_saved(error),
        BindError::NotHere(_) | BindError::Other { .. } => fill(
            &gettext("The room cannot be opened: {cause}"),
            &[("cause", &error.to_string())],
        ),
    }
}

/// Why messages cannot be saved, or saved ones cannot be read or deleted.
pub fn not_saved(error: &OpenError) -> String {
    let with = |template: String, path: &Path| fill(&template, &[("file", &in_home(path))]);
    match error {
        OpenError::InUse(_) | OpenError::Locked(_) => {
            gettext("Another room on this computer uses the saved messages. Close that room first.")
        }
        OpenError::Newer(_) => gettext(
            "A newer version of Chatroom wrote the saved messages. Use that version, or delete them.",
        ),
        OpenError::Damaged(path)
        | OpenError::NotAStore(path)
        | OpenError::NotAFile(path)
        | OpenError::IsDirectory(path) => with(
            gettext(
                "The saved messages are damaged. Delete them, or restore {file} from a backup.",
            ),
            path,
        ),
        OpenError::DiskFull(_) => {
            gettext("The disk is full. Free some space, or host without saving messages.")
        }
        OpenError::NoPermission(path) => with(
            gettext(
                "Chatroom is not allowed to read and write {file}. Change its owner or permissions.",
            ),
            path,
        ),
        OpenError::ReadOnly(path) => with(
            gettext("{file} cannot be written, because its disk is read-only."),
            path,
        ),
        OpenError::NoDirectory(path) => with(
            gettext("The folder {file} for saved messages does not exist."),
            path,
        ),
        // Not in a build with the app, which saves messages.
        OpenError::NotBuilt(_) => error.to_string(),
        OpenError::Failed { path, error } => fill(
            &gettext("Messages cannot be saved in {file}: {cause}"),
            &[("file", &in_home(path)), ("cause", &error.to_string())],
        ),
    }
}

/// The path of a file, with `~` for the user's folder.
fn in_home(path: &Path) -> String {
    match path.strip_prefix(glib::home_dir()) {
        Ok(inside) => format!("~/{}", inside.display()),
        Err(_) => path.display().to_string(),
    }
}

/// Why a text is not an address.
fn not_an_address(error: &NotAnAddress) -> String {
    match error {
        NotAnAddress::Port(_) => gettext("A port is a number from 1 to 65535."),
        NotAnAddress::Host(_) => gettext("This is not the name or the IP address of a computer."),
        NotAnAddress::Scheme(_) => fill(
            &gettext("A link to a room begins with “{scheme}://”."),
            &[("scheme", SCHEME)],
        ),
    }
}

/// Why a text is neither an address nor an invitation.
pub fn not_an_invitation(error: &NotAnInvitation) -> String {
    match error {
        NotAnInvitation::Address(error) => not_an_address(error),
        NotAnInvitation::Damaged => gettext(
            "This invitation is incomplete or damaged. Copy the whole link, or ask the host for it again.",
        ),
        NotAnInvitation::TooLong => gettext("This link is too long to be an invitation."),
    }
}

/// A line of the conversation, in a sentence. Of a message, it is the text.
pub fn line(line: &Line) -> String {
    let named = |template: String, name: &str| fill(&template, &[("name", &isolated(name))]);
    match line {
        Line::Message(Message { text, .. }) | Line::Server { text } => text.clone(),
        Line::Joined { name } => named(gettext("{name} joined"), name),
        Line::Left { name } => named(gettext("{name} left"), name),
        Line::Lost { name } => named(gettext("{name} lost the connection"), name),
        Line::Back { name } => named(gettext("{name} is back"), name),
        Line::Removed { name } => named(gettext("{name} was removed"), name),
        Line::Host { is_me: true, .. } => gettext("You host the room now"),
        Line::Host { name, .. } => named(gettext("{name} hosts the room now"), name),
        Line::ManyJoined { count: n } => count("{n} member joined", "{n} members joined", *n),
        Line::ManyLeft { count: n } => count("{n} member left", "{n} members left", *n),
        Line::Gap { count: n } => count(
            "{n} message is missing here",
            "{n} messages are missing here",
            usize::try_from(*n).unwrap_or(usize::MAX),
        ),
        Line::CaughtUp { count: n } => count(
            "You are back; {n} message while you were away",
            "You are back; {n} messages while you were away",
            usize::try_from(*n).unwrap_or(usize::MAX),
        ),
        Line::NewRoom => {
            gettext("This is a new room. The server does not have the messages above.")
        }
        Line::Beginning(Beginning::First) => gettext("This is where the room’s history begins"),
        Line::Beginning(Beginning::Held) => gettext("Earlier messages are no longer saved"),
        Line::Addresses(addresses) => fill(
            &gettext("The room is open. Others can join at {addresses}"),
            &[("addresses", &addresses.join(", "))],
        ),
    }
}

/// News of the room, for a screen reader.
pub fn news(news: &News) -> String {
    match news {
        News::Message { name, text } => fill(
            &gettext("{name}: {text}"),
            &[("name", name), ("text", text)],
        ),
        News::Line(it) => line(it),
        News::Erased { name } => fill(
            &gettext("A message of {name} was erased"),
            &[("name", &isolated(name))],
        ),
        News::NotSent(why) => not_sent(why),
        News::Older { count: n } => count("{n} older message", "{n} older messages", *n),
    }
}

/// Why a message was not sent.
pub fn not_sent(why: &NotSent) -> String {
    match why {
        NotSent::Unknown => gettext("Not sent"),
        NotSent::TooFast => gettext("Not sent: you are writing too fast. Wait a moment."),
        NotSent::Muted => gettext("Not sent: the host has muted you."),
        NotSent::TooLong => too_long(TEXT_LIMIT),
        NotSent::Empty => gettext("Not sent: the message is empty."),
        NotSent::Rejected(words) => fill(&gettext("Not sent: {words}"), &[("words", words)]),
    }
}

/// Why the user cannot say something.
pub fn cannot_say(why: CannotSay) -> String {
    match why {
        CannotSay::TooLong { limit } => too_long(limit),
        CannotSay::NotQueued(why) => not_queued(why),
    }
}

/// Says that a message has too many characters or lines.
fn too_long(limit: usize) -> String {
    fill(
        &gettext("Not sent: a message has at most {characters} characters and {lines} lines."),
        &[
            ("characters", &limit.to_string()),
            ("lines", &LINES_LIMIT.to_string()),
        ],
    )
}

/// Why a message could not even be queued.
fn not_queued(error: NotQueued) -> String {
    match error {
        NotQueued::Full => gettext("Too many messages are waiting to be sent. Wait a moment."),
        NotQueued::Away => gettext("The connection is being restored. Try again in a moment."),
        NotQueued::Over => gettext("You are not in the room any more."),
        NotQueued::TooLong => gettext("This message is too long. Send it in several parts."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_take_their_places_and_nothing_else_changes() {
        assert_eq!(
            fill("{a} and {b}", &[("b", "2"), ("a", "{b}")]),
            "{b} and 2"
        );
        assert_eq!(fill("{x} {", &[("a", "1")]), "{x} {");
    }

    #[test]
    fn only_a_name_from_right_to_left_is_isolated() {
        assert_eq!(isolated("Ada"), "Ada");
        assert_eq!(isolated("שרה"), "\u{200e}\u{2068}שרה\u{2069}");
    }

    #[test]
    fn only_a_long_word_of_a_name_gets_places_to_break() {
        assert_eq!(
            breakable("Ada Lovelace, Countess"),
            "Ada Lovelace, Countess"
        );
        let parts = ["Wolfeschlege", "lsteinhausen", "bergerdo"];
        assert_eq!(breakable(&parts.concat()), parts.join("\u{200b}"));
        let marks = format!("Z{}", "\u{302}".repeat(31));
        assert_eq!(breakable(&marks), marks);
    }

    #[test]
    fn a_line_is_told_in_a_sentence() {
        let name = || "Ada".to_owned();
        assert_eq!(
            line(&Line::Lost { name: name() }),
            "Ada lost the connection"
        );
        assert_eq!(line(&Line::Gap { count: 1 }), "1 message is missing here");
        let news = News::Message {
            name: name(),
            text: "hi".into(),
        };
        assert_eq!(super::news(&news), "Ada: hi");
    }

    #[test]
    fn a_count_has_its_number() {
        assert_eq!(count("{n} member", "{n} members", 1), "1 member");
        assert_eq!(count("{n} member", "{n} members", 3), "3 members");
    }
}
