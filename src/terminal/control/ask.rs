//! The program that asks the servers of this computer: `--status`, `--control`, `--invite`.

use std::error::Error;
use std::fs;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::{Map, Value};

use crate::platform::systemd::journal::printable;

use super::answer::Answer;
use super::command::{Command, help};
use super::socket::{ANSWERED, connect, entries, is_socket, own_folder, remove_abandoned};
use super::status::{Status, in_words};
use super::{ANSWER_BYTES, PATIENCE};

/// The most servers that the program asks.
const SERVERS: usize = 256;

/// How long a server may take for a command: what it changes may have to wait for the disk.
const COMMAND_TIME: Duration = Duration::from_secs(75);

/// How often the program sends a command that the server did not see: a server tells its
/// state to a client that says nothing for half a second.
const TRIES: usize = 4;

/// Prints the status of the servers on this computer, or of all that have this `port`:
/// for people, or as `json`, one line for each.
///
/// # Errors
/// If no server answers.
pub fn status(port: Option<u16>, json: bool) -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    let mut found = false;
    for status in ask_all(&sockets()) {
        if port.is_some_and(|port| port != status.stats.port) {
            continue;
        }
        if json {
            writeln!(out, "{}", serde_json::to_string(&status)?)?;
        } else if found {
            write!(out, "\n{}", in_words(&status))?;
        } else {
            write!(out, "{}", in_words(&status))?;
        }
        found = true;
    }
    if found {
        Ok(())
    } else {
        Err(none_answers(port).into())
    }
}

fn none_answers(port: Option<u16>) -> String {
    let which = port.map_or_else(String::new, |port| format!(" on port {port}"));
    format!(
        "No server{which} answers. A server that runs as a service answers only the \
         administrator (sudo chatroom …); a room that waits for its first visitor is \
         not running."
    )
}

/// Has the server with this `port`, or the only one on this computer, do a command, and
/// prints what happened: for people, or as `json`, one object. Returns whether the server
/// did it; if not, the reason goes to standard error.
///
/// # Errors
/// If the command is wrong, no server answers, or several could be meant.
pub fn control(command: &str, port: Option<u16>, json: bool) -> Result<bool, Box<dyn Error>> {
    let parsed: Command = command.parse()?;
    match parsed {
        Command::Help => writeln!(io::stdout(), "{}", help())?,
        Command::Status => status(port, json)?,
        _ => return print(&order(command, port)?.1, json),
    }
    Ok(true)
}

/// Prints what a server did, or to standard error why it did not.
pub(super) fn print(answer: &Answer, json: bool) -> Result<bool, Box<dyn Error>> {
    if json {
        writeln!(io::stdout(), "{}", serde_json::to_string(answer)?)?;
    } else if answer.ok {
        writeln!(io::stdout(), "{}", answer.text)?;
    } else {
        writeln!(io::stderr(), "{}", answer.text)?;
    }
    Ok(answer.ok)
}

/// Sends a command to the one server that is meant. Returns its state before, and its
/// answer.
pub(super) fn order(command: &str, port: Option<u16>) -> Result<(Status, Answer), Box<dyn Error>> {
    let sockets = sockets();
    let all = ask_all_of(&sockets);
    let ports = all.iter().map(|(_, status)| status.stats.port);
    let mut ports: Vec<u16> = ports.collect();
    let mut meant = all
        .into_iter()
        .filter(|(_, status)| port.is_none_or(|port| port == status.stats.port));
    let Some((path, status)) = meant.next() else {
        return Err(none_answers(port).into());
    };
    if meant.next().is_some() {
        ports.sort_unstable();
        ports.dedup();
        let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
        return Err(match port {
            None => format!(
                "Several servers run here; choose one with --port (their ports are {}).",
                ports.join(", ")
            ),
            Some(port) => format!("Several servers have port {port}; nothing was done."),
        }
        .into());
    }
    Ok((status, ask_one(path, command)?))
}

/// Sends a command to the server of a socket.
pub(super) fn ask_one(path: &Path, command: &str) -> Result<Answer, Box<dyn Error>> {
    let lost = |error: io::Error| {
        let why = match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => "in time".to_owned(),
            _ => format!("({error})"),
        };
        format!("The server did not answer {why}. It may have done it: look at its status.")
    };
    for _ in 0..TRIES {
        let mut stream = connect(path)?;
        stream.set_nonblocking(false)?;
        stream.set_write_timeout(Some(PATIENCE))?;
        // A server of an earlier version reads nothing, and may have closed it already.
        let _ = stream.write_all(format!("{command}\n").as_bytes());
        let line = read_line(&mut stream).map_err(lost)?;
        if let Ok(mut answer) = serde_json::from_slice::<Answer>(&line) {
            clean(&mut answer);
            return Ok(answer);
        }
        if serde_json::from_slice::<Status>(&line).is_err() {
            return Err("The server gave an answer that this version does not understand.".into());
        }
        // It tells its state because it saw no command.
    }
    Err("The server takes no commands: it is of an earlier version. Restart it first.".into())
}

/// Reads a line, which the server must end within [`COMMAND_TIME`].
fn read_line(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let by = Instant::now() + COMMAND_TIME;
    let mut line = Vec::new();
    let mut bytes = [0; 4 << 10];
    loop {
        let rest = by.saturating_duration_since(Instant::now());
        if rest.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(rest))?;
        match stream.read(&mut bytes) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => line.extend_from_slice(&bytes[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        if let Some(end) = memchr::memchr(b'\n', &line) {
            line.truncate(end);
            return Ok(line);
        }
        if line.len() > ANSWER_BYTES {
            return Err(ErrorKind::FileTooLarge.into());
        }
    }
}

/// Removes everything that could act on a terminal: another program may have written the
/// answer.
fn clean(answer: &mut Answer) {
    fn value(found: &mut Value) {
        match found {
            Value::String(text) => *text = text.chars().map(printable).collect(),
            Value::Array(all) => all.iter_mut().for_each(value),
            Value::Object(all) => object(all),
            _ => {}
        }
    }
    fn object(all: &mut Map<String, Value>) {
        *all = std::mem::take(all)
            .into_iter()
            .map(|(key, mut found)| {
                value(&mut found);
                (key.chars().map(printable).collect(), found)
            })
            .collect();
    }
    let lines = answer.text.lines();
    let lines: Vec<String> = lines
        .map(|line| line.chars().map(printable).collect())
        .collect();
    answer.text = lines.join("\n");
    if let Some(code) = &mut answer.code {
        *code = code.chars().map(printable).collect();
    }
    object(&mut answer.data);
}

/// The sockets in the folders that this user may read, each once.
fn sockets() -> Vec<PathBuf> {
    let services = entries(Path::new("/run")).filter(|path| {
        let name = path.file_name().and_then(|it| it.to_str());
        name.is_some_and(|name| name.starts_with("chatroom"))
    });
    let mut folders: Vec<PathBuf> = own_folder()
        .into_iter()
        .chain(services)
        .filter_map(|folder| fs::canonicalize(folder).ok())
        .collect();
    folders.sort();
    folders.dedup();
    folders
        .iter()
        .flat_map(|folder| {
            remove_abandoned(folder);
            entries(folder).filter(|path| is_socket(path, ANSWERED))
        })
        .take(SERVERS)
        .collect()
}

/// A server that this has asked, and the bytes of its answer so far.
struct Asked<'a> {
    path: &'a Path,
    stream: UnixStream,
    answer: Vec<u8>,
    is_over: bool,
}

/// The states of all servers that tell it in time.
pub(super) fn ask_all(sockets: &[PathBuf]) -> Vec<Status> {
    let all = ask_all_of(sockets);
    all.into_iter().map(|(_, status)| status).collect()
}

/// The same, each with its socket. Asks all servers at once. Leaves out a server that does
/// not answer in time or whose answer is longer than [`ANSWER_BYTES`].
fn ask_all_of(sockets: &[PathBuf]) -> Vec<(&Path, Status)> {
    let by = Instant::now() + PATIENCE;
    let mut all: Vec<Asked<'_>> = sockets
        .iter()
        .filter_map(|path| Some((path, connect(path).ok()?)))
        .map(|(path, mut stream)| {
            // A new connection takes this few bytes at once. A server of an earlier version
            // reads nothing, and answers all the same.
            let _ = stream.write_all(b"status\n");
            Asked {
                path,
                stream,
                answer: Vec::new(),
                is_over: false,
            }
        })
        .collect();
    loop {
        let rest = by.saturating_duration_since(Instant::now());
        let mut open: Vec<&mut Asked<'_>> = all.iter_mut().filter(|it| !it.is_over).collect();
        if open.is_empty() || rest.is_zero() {
            break;
        }
        let mut ready: Vec<PollFd<'_>> = open
            .iter()
            .map(|it| PollFd::from_borrowed_fd(it.stream.as_fd(), PollFlags::IN))
            .collect();
        let timeout = Timespec::try_from(rest).ok();
        if poll(&mut ready, timeout.as_ref()).is_err() {
            // A signal interrupted the call; other code handles it.
            continue;
        }
        let ready: Vec<bool> = ready.iter().map(|it| !it.revents().is_empty()).collect();
        for (asked, _) in open.iter_mut().zip(ready).filter(|(_, ready)| *ready) {
            asked.read();
        }
    }
    let answers = all.iter().filter(|it| it.is_over);
    answers
        .filter_map(|it| Some((it.path, serde_json::from_slice::<Status>(&it.answer).ok()?)))
        .map(|(path, mut status)| {
            status.clean();
            (path, status)
        })
        .collect()
}

impl Asked<'_> {
    /// Reads the bytes that have come. The answer is a line.
    fn read(&mut self) {
        let mut bytes = [0; 4 << 10];
        match self.stream.read(&mut bytes) {
            Ok(count) if count > 0 && self.answer.len() + count <= ANSWER_BYTES => {
                self.answer.extend_from_slice(&bytes[..count]);
                self.is_over = bytes[..count].contains(&b'\n');
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Ok(_) | Err(_) => {
                self.answer.clear();
                self.is_over = true;
            }
        }
    }
}
