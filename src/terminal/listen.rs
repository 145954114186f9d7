//! `chatroom --listen`: prints the messages of a room.

use std::error::Error;
use std::io;

use crate::client::{self, Client, End, Event, Listener, Settings, write_lines};
use crate::platform::signals::Signals;
use crate::protocol::address::Address;
use crate::protocol::text::{here, write_notice};
use crate::room::Entry;

use super::printer::Printer;

/// The name that the listener asks for by default.
pub const LISTENER_NAME: &str = "ServerListener";

/// Joins the room at `address` and prints its messages to standard output, until a signal
/// ends it, the room closes or nobody reads the output.
///
/// # Errors
/// If the listener cannot join the room, or loses the connection to it.
pub fn listen(address: Address, name: String) -> Result<(), Box<dyn Error>> {
    let signals = Signals::catch()?;
    let (client, events) = Client::connect(Settings {
        address,
        name,
        ..Settings::default()
    });
    let leaver = client.clone();
    signals.on_first(move |_| leaver.leave())?;
    let leaver = client.clone();
    let printer = Printer::start(&io::stdout(), move || leaver.leave())?;
    let end = client::listen(&events, &mut Lines(&printer));
    printer.finish();
    match end {
        End::Left | End::RoomClosed | End::ServiceStopping { .. } => Ok(()),
        end => Err(end.into()),
    }
}

/// Prints every event in lines.
struct Lines<'a>(&'a Printer);

impl Listener for Lines<'_> {
    fn message(&mut self, message: &Entry<'static>) {
        let mut lines = Vec::new();
        client::write_message(message, &mut lines);
        self.0.print(&lines);
    }

    fn event(&mut self, event: &Event) {
        let mut lines = Vec::new();
        write_event(event, &mut lines);
        self.0.print(&lines);
    }

    fn closed(&mut self, end: &End) {
        // The user knows that they left, and errors go to standard error.
        if let End::RoomClosed | End::ServiceStopping { .. } = end {
            let mut lines = Vec::new();
            write_notice(&end.to_string(), &mut lines);
            self.0.print(&lines);
        }
    }
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
