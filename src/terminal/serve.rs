//! `chatroom --server`: hosts a room, and prints who comes and goes.

use std::error::Error;
use std::fmt::Write;
use std::io;
use std::net::SocketAddr;

use async_channel::Receiver;

use crate::room::{Closing, Why};
use crate::server::{Ended, Event, Server, Settings};
use crate::wire::address::Address;
use crate::wire::door::Door;
use crate::wire::text::here;

use super::printer::Printer;
use super::signals::{Signal, Signals};

/// The most events of the server that wait to be put into words.
const EVENTS: usize = 1_024;

/// How long clients wait before they come back to a service that was stopped.
const RETRY_MS: u64 = 1_000;

/// Hosts a room until a signal closes it, or everyone has left; tells on standard
/// output what happens. `settings.events` is its own.
///
/// # Errors
/// If the room cannot be opened, or not be kept open.
pub fn serve(mut settings: Settings) -> Result<(), Box<dyn Error>> {
    let signals = Signals::catch()?;
    let (events, log) = async_channel::bounded(EVENTS);
    settings.events = Some(events);
    let ends = opening_words(&settings);
    let server = Server::bind(settings)?;
    let handle = server.handle();
    signals.on_first(move |signal| {
        handle.close(match signal {
            Signal::Terminate => Closing::Service { retry_ms: RETRY_MS },
            Signal::Interrupt | Signal::HangUp => Closing::ForGood,
        });
    })?;
    // The room stays open also where nobody reads of it.
    let printer = Printer::start(&io::stdout(), || {})?;
    printer.print(opened(&server, &ends).as_bytes());
    let ended = std::thread::scope(|scope| {
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn_scoped(scope, || write_log(&log, &printer))?;
        let ended = server.run();
        // What is in it is still written; nothing more will come.
        log.close();
        ended
    });
    if let Ok(ended) = &ended {
        printer.print(match ended {
            Ended::Closed(_) => b"The room is closed.\n",
            Ended::Empty => b"Everyone has left; the room is closed.\n",
        });
    }
    printer.finish();
    ended?;
    Ok(())
}

fn opened(server: &Server, ends: &str) -> String {
    let mut words = format!("{} is open. Others can join at\n", server.room_name());
    for address in server.addresses() {
        let _ = writeln!(words, "  {address}");
    }
    words + ends
}

/// What becomes of what is said, and how the room is closed.
fn opening_words(settings: &Settings) -> String {
    let mut words = match &settings.store {
        Some(path) => format!("What is said is kept in {}. ", path.display()),
        None => "What is said lives in memory and is gone when the room closes. ".to_owned(),
    };
    words += if settings.stay_open {
        "Ctrl+C closes it.\n"
    } else {
        "Ctrl+C closes it, and so does the last one who leaves.\n"
    };
    words
}

fn write_log(log: &Receiver<Event>, printer: &Printer) {
    while let Ok(event) = log.recv_blocking() {
        printer.print((in_words(&event) + "\n").as_bytes());
    }
}

/// An event in one line. What stands at its end cannot be forged by a name.
fn in_words(event: &Event) -> String {
    match event {
        Event::Joined {
            name,
            address,
            door,
            count,
        } => {
            let from = from(*address, *door);
            format!("“{name}” joined ({from}). {}", here(*count))
        }
        Event::Left {
            name,
            address,
            door,
            why,
            count,
        } => {
            let why = match why {
                Why::Quit => "",
                Why::Lost => ": the connection broke",
                Why::Timeout => ": nothing was heard for too long",
                _ => ": the connection was ended for breaking the protocol",
            };
            let from = from(*address, *door);
            format!("“{name}” left ({from}){why}. {}", here(*count))
        }
        Event::Away {
            name,
            address,
            door,
        } => {
            let from = from(*address, *door);
            format!("“{name}” lost the connection ({from}), and may come back.")
        }
        Event::Back {
            name,
            address,
            door,
        } => format!("“{name}” is back ({}).", from(*address, *door)),
        Event::Refused { address, why } => {
            format!("Refused {}: {why}", Address::from(*address))
        }
        Event::Unread(why) => format!("What was said before cannot be read: {why}"),
        Event::Stalled(why) => format!("Nobody can come in at the moment: {why}"),
        Event::Missed(count) => format!("({count} joins and leaves are missing here.)"),
    }
}

/// Where someone comes from.
fn from(address: SocketAddr, door: Door) -> String {
    let door = match door {
        Door::Native => "native",
        Door::Text => "text",
        Door::Tls => "TLS",
        Door::Browser => "browser",
        Door::Irc => "IRC",
    };
    format!("{door}, {}", Address::from(address))
}
