//! `chatroom --server`: hosts a room, and logs joins and leaves.

use std::error::Error;
use std::fmt::Write;
use std::io::{self, IsTerminal};
use std::sync::Arc;

use crate::platform::signals::{Signal, Signals};
use crate::platform::systemd::notify::Manager;
use crate::platform::systemd::{report_state, take_sockets};
use crate::protocol::Pin;
use crate::room::Closing;
use crate::server::{Event, Handle, Server, Settings};
use crate::tls::Certificate;

use super::announce::Announcer;
use super::control::ControlSocket;
use super::files::{Files, FilesError, Folders};
use super::log::Log;
use super::log_entry::LogEntry;

/// The most events of the server that wait to be made log entries.
const EVENTS: usize = 1_024;

/// How long clients wait before they come back to a stopped service.
const RETRY_MS: u64 = 500;

/// The configuration of a server, as it is at the start or at a reload.
#[derive(Debug)]
pub struct Configuration {
    /// The settings.
    pub settings: Settings,
    /// The files with the rest of them.
    pub files: Files,
    /// The names of the settings that differ from those at the start and need a restart.
    pub need_restart: Vec<&'static str>,
}

/// Hosts a room until a signal closes it, or it has been empty for as long as it may be;
/// logs to the journal or to standard output. Sockets that a service manager passed
/// replace the port and the addresses. `read` reads the configuration. If it `can_change`, a
/// hang-up (SIGHUP) makes the server read it again, unless a terminal went away.
///
/// # Errors
/// If the configuration is wrong, or the room cannot be opened or kept open.
pub fn serve<E: Error + 'static>(
    mut read: impl FnMut() -> Result<Configuration, E> + Send + 'static,
    can_change: bool,
) -> Result<(), Box<dyn Error>> {
    // Before there is a second thread.
    let sockets = take_sockets()?;
    let signals = Signals::catch()?;
    let Configuration {
        mut settings,
        files,
        ..
    } = read()?;
    let folders = Folders::from_env();
    let warnings = [
        files.read(&folders, &mut settings)?,
        files.identity(&folders, &mut settings)?,
    ];
    let certificate = settings.tls.certificate.as_ref().map(Certificate::pin);
    let (events, told) = async_channel::bounded::<Event>(EVENTS);
    settings.events = Some(events);
    let ends = opening_words(&settings);
    let mut server = if sockets.is_empty() {
        Server::bind(settings)?
    } else {
        Server::adopt(settings, sockets)?
    };
    let manager = Manager::from_env().map(Arc::new);
    if let Some(manager) = &manager {
        report_state(&mut server, Arc::clone(manager));
    }
    let _control = ControlSocket::open(server.handle(), &server.listening());
    let log = Arc::new(Log::start()?);
    let state = folders.state.as_deref();
    let announcer = Announcer::new(server.handle(), Arc::clone(&log), state);
    let announcer = Arc::new(announcer);
    match &*log {
        Log::Lines { printer, .. } => printer.print(opened(&server, &ends).as_bytes()),
        Log::Journal(_) => log.record(&LogEntry::opened(&server, announcer.file().as_deref())),
    }
    for warning in warnings.iter().flatten() {
        log.record(&LogEntry::warned(warning));
    }
    announcer.update();
    let reload = (can_change && !io::stdout().is_terminal()).then(|| {
        let mut reload = Reload {
            read,
            folders: folders.clone(),
            certificate,
            announcer: Arc::clone(&announcer),
            handle: server.handle(),
            log: Arc::clone(&log),
            manager: manager.clone(),
        };
        move || reload.now()
    });
    let (handle, to_tell) = (server.handle(), manager.clone());
    signals.on_each(reload, move |signal| {
        tell_stopping(to_tell.as_deref());
        handle.close(match signal {
            Signal::Terminate => Closing::Service { retry_ms: RETRY_MS },
            Signal::Interrupt | Signal::HangUp => Closing::ForGood,
        });
    })?;
    let ended = std::thread::scope(|scope| {
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn_scoped(scope, || {
                while let Ok(event) = told.recv_blocking() {
                    log.record(&LogEntry::from(&event));
                    if let Event::Addresses(_) | Event::KeyReplaced { .. } = event {
                        announcer.update();
                    }
                }
            })?;
        let ended = server.run();
        tell_stopping(manager.as_deref());
        // The log still gets the events that wait; no more will come.
        told.close();
        ended
    });
    if let Ok(ended) = &ended {
        log.record(&LogEntry::closed(*ended));
    }
    log.finish();
    ended?;
    Ok(())
}

/// Reads the configuration again.
struct Reload<R> {
    read: R,
    folders: Folders,
    /// The certificate of the administrator that is in use.
    certificate: Option<Pin>,
    announcer: Arc<Announcer>,
    handle: Handle,
    log: Arc<Log>,
    manager: Option<Arc<Manager>>,
}

impl<E, R> Reload<R>
where
    E: Error,
    R: FnMut() -> Result<Configuration, E>,
{
    fn now(&mut self) {
        if let Some(manager) = &self.manager {
            manager.tell_reloading();
        }
        match (self.read)() {
            Ok(new) => self.change(new),
            Err(error) => self.log.record(&LogEntry::unchanged(&error)),
        }
        if let Some(manager) = &self.manager {
            manager.tell("READY=1");
        }
    }

    /// Changes everything that can change, or nothing.
    fn change(&mut self, new: Configuration) {
        let Configuration {
            mut settings,
            files,
            need_restart,
        } = new;
        let warning = match files.read(&self.folders, &mut settings) {
            Ok(warning) => warning,
            Err(error @ FilesError::Key(_)) => {
                return self.log.record(&LogEntry::unchanged(&error));
            }
            Err(error) => return self.log.record(&LogEntry::certificate_kept(&error)),
        };
        self.handle.change(&settings);
        let certificate = settings.tls.certificate;
        let pin = certificate.as_ref().map(Certificate::pin);
        if self.certificate != pin {
            self.certificate = pin;
            self.handle.set_certificate(certificate.as_ref());
        }
        self.log.record(&LogEntry::changed(&need_restart));
        if let Some(warning) = warning {
            self.log.record(&LogEntry::warned(&warning));
        }
        self.announcer.update();
    }
}

fn tell_stopping(manager: Option<&Manager>) {
    if let Some(manager) = manager {
        manager.tell("STOPPING=1\nSTATUS=The room is closing");
    }
}

fn opened(server: &Server, ends: &str) -> String {
    let mut words = format!("{} is open. Others can join at\n", server.room_name());
    for address in server.addresses().iter() {
        let _ = writeln!(words, "  {address}");
    }
    words + ends
}

/// Says whether messages are saved, and how the room closes.
fn opening_words(settings: &Settings) -> String {
    let mut words = match &settings.store {
        Some(path) => format!("Messages are saved in {}. ", path.display()),
        None => "Messages are lost when the room closes. ".to_owned(),
    };
    words += match settings.idle_timeout {
        _ if settings.stay_open => "The room closes on Ctrl+C.\n",
        None => "The room closes on Ctrl+C, or when the last member leaves.\n",
        Some(_) => "The room closes on Ctrl+C, or when it has been empty for a while.\n",
    };
    words
}
