//! `chatroom --listen`: prints the messages of a room.

use std::error::Error;
use std::net::Shutdown;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::{io, thread};

use crate::client::{
    self, Client, Encryption, End, Event, KnownRooms, Listener, Security, Settings, Trust,
    write_lines,
};
use crate::platform::signals::Signals;
use crate::protocol::invitation::Invitation;
use crate::protocol::text::{here, write_notice};
use crate::room::{Entry, RoomKey};

use super::link::{Link, read_key};
use super::printer::Printer;
use super::prompt::ask;

/// The name that the listener asks for by default.
pub const LISTENER_NAME: &str = "ServerListener";

/// How often a user may type a key: each time costs a connection, of which the server
/// counts the wrong ones.
const KEYS: usize = 3;

/// How a listener joins a room.
#[derive(Clone, Debug)]
pub struct Joining {
    /// The link to the room.
    pub link: Link,
    /// The file with the key. It wins over a key in the link.
    pub key_file: Option<PathBuf>,
    /// Do not encrypt.
    pub plain: bool,
    /// The name to join with.
    pub name: String,
}

/// Joins a room and prints its messages to standard output, until a signal ends it, the
/// room closes or nobody reads the output. Asks for the key of a private room on the
/// terminal, if there is one and no other key.
///
/// # Errors
/// If the listener cannot join the room, or loses the connection to it.
pub fn listen(joining: Joining) -> Result<(), Box<dyn Error>> {
    let mut settings = settings(joining)?;
    let signals = Signals::catch()?;
    let (leaving, left) = Leaving::new()?;
    let on_signal = Arc::clone(&leaving);
    signals.on_first(move |_| on_signal.now())?;
    let printer = Printer::start(&io::stdout(), move || leaving.now())?;
    let may_ask = settings.key.is_none() && settings.encryption == Encryption::Tls;
    let mut keys = 0;
    let (end, was_in) = loop {
        let mut lines = Lines {
            printer: &printer,
            security: None,
            was_in: false,
        };
        let end = join(&settings, &left, &mut lines)?;
        let question = match end {
            End::KeyNeeded => "This room is private. Its key: ",
            End::KeyWrong => "The key does not let you in. The key: ",
            _ => break (end, lines.was_in),
        };
        if !may_ask || lines.was_in || keys == KEYS {
            break (end, lines.was_in);
        }
        keys += 1;
        match ask_key(question, &left) {
            Some(key) => settings.key = Some(key),
            None => break (end, false),
        }
    };
    printer.finish();
    match end {
        End::Left | End::RoomClosed | End::ServiceStopping { .. } => Ok(()),
        _ if left.is_now() && !was_in => Ok(()),
        end => Err(in_words(&end, &settings).into()),
    }
}

/// The settings of the client.
fn settings(joining: Joining) -> Result<Settings, Box<dyn Error>> {
    let Joining {
        link,
        key_file,
        plain,
        name,
    } = joining;
    let mut invitation = link.read()?;
    if let Some(path) = key_file {
        invitation.key = Some(read_key(&path, true)?);
    }
    if plain && (invitation.pin.is_some() || invitation.is_secret()) {
        return Err(
            "This room encrypts its connections, and a key is not for everyone on the way: \
             leave --plain out."
                .into(),
        );
    }
    Ok(Settings {
        name,
        encryption: if plain {
            Encryption::Plain
        } else {
            Encryption::Tls
        },
        known_rooms: KnownRooms::default_path(),
        ..Settings::invited(invitation)
    })
}

/// Joins a room once, and prints it until the end.
fn join(settings: &Settings, left: &Left, lines: &mut Lines<'_>) -> io::Result<End> {
    let (client, events) = Client::connect(settings.clone());
    let (leaver, leaving) = (client.clone(), left.channel.clone());
    thread::Builder::new()
        .name("leaving".to_owned())
        .spawn(move || {
            // Nothing is ever sent: it closes.
            let _ = leaving.recv_blocking();
            leaver.leave();
        })?;
    let end = client::listen(&events, lines);
    drop(client);
    Ok(end)
}

/// Asks for a key until it is one.
fn ask_key(question: &str, left: &Left) -> Option<RoomKey> {
    let mut question = question.to_owned();
    for _ in 0..KEYS {
        match ask(&question, left.stream.as_fd())?.parse() {
            Ok(key) => return Some(key),
            Err(why) => question = format!("This is not a key: {why}. The key: "),
        }
    }
    None
}

/// What ends the program: a signal, or that nobody reads its output.
struct Leaving {
    channel: async_channel::Sender<()>,
    stream: UnixStream,
}

/// Learns that the program ends: a channel for those who wait for nothing else, and a
/// stream for those who wait for a terminal as well.
struct Left {
    channel: async_channel::Receiver<()>,
    stream: UnixStream,
}

impl Leaving {
    fn new() -> io::Result<(Arc<Self>, Left)> {
        let (sender, receiver) = async_channel::bounded(1);
        let (one, other) = UnixStream::pair()?;
        let leaving = Self {
            channel: sender,
            stream: one,
        };
        let left = Left {
            channel: receiver,
            stream: other,
        };
        Ok((Arc::new(leaving), left))
    }

    fn now(&self) {
        self.channel.close();
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

impl Left {
    fn is_now(&self) -> bool {
        self.channel.is_closed()
    }
}

/// The reason for the end, and what to do in a terminal.
fn in_words(end: &End, settings: &Settings) -> String {
    match end {
        End::KeyNeeded => format!(
            "{end} Give the invitation on standard input (chatroom --listen -), or the key with \
             --key-file."
        ),
        End::OtherIdentity { found, .. } => {
            let mut link = Invitation::to(settings.address.clone());
            link.pin = Some(*found);
            // Without a key, a link is no secret.
            let link = link.link();
            format!("{end} If the new one is right: chatroom --listen '{link}'")
        }
        End::TlsNeeded => format!("{end} Leave --plain out."),
        end => end.to_string(),
    }
}

/// Prints every event in lines.
struct Lines<'a> {
    printer: &'a Printer,
    /// How the connection is protected.
    security: Option<Security>,
    /// Whether the listener was in the room.
    was_in: bool,
}

impl Listener for Lines<'_> {
    fn message(&mut self, message: &Entry<'static>) {
        let mut lines = Vec::new();
        client::write_message(message, &mut lines);
        self.printer.print(&lines);
    }

    fn event(&mut self, event: &Event) {
        let mut lines = Vec::new();
        write_event(event, &mut lines);
        match event {
            Event::Secured(security) => self.security = Some(*security),
            Event::Welcomed(_) => {
                self.was_in = true;
                if let Some(security) = &self.security {
                    write_notice(&protection(security), &mut lines);
                }
            }
            _ => {}
        }
        self.printer.print(&lines);
    }

    fn closed(&mut self, end: &End) {
        // The user knows that they left, and errors go to standard error.
        if let End::RoomClosed | End::ServiceStopping { .. } = end {
            let mut lines = Vec::new();
            write_notice(&end.to_string(), &mut lines);
            self.printer.print(&lines);
        }
    }
}

/// Says how the connection is protected.
fn protection(security: &Security) -> String {
    let Security::Tls { pin, trust } = security else {
        return "Not encrypted. Everyone between you and the room can read along.".to_owned();
    };
    let words = "Encrypted on the way. Whoever hosts the room can read it.";
    if *trust == Trust::FirstUse {
        let fingerprint = pin.fingerprint();
        return format!("{words} You meet this server for the first time: {fingerprint}");
    }
    words.to_owned()
}

/// Appends the text that the listener prints for an event.
pub(super) fn write_event(event: &Event, lines: &mut Vec<u8>) {
    if let Event::Welcomed(welcome) = event {
        let (room, you) = (&welcome.room, &welcome.you.name);
        let here = here(welcome.members.count);
        let words = format!("Welcome to “{room}”, “{you}”. {here} To leave, press Ctrl+C.");
        write_notice(&words, lines);
    } else {
        write_lines(event, lines);
    }
}
