//! The status of a server, over a local socket. Everyone who may open the socket can read
//! it; for a service that is the administrator.
//!
//! Each server has a socket of its own, so that several can have the same port at
//! different addresses. A socket gets its final name only once the server answers it. So
//! a socket that nobody answers belongs to a killed server, and the program that finds it
//! removes it.

use std::error::Error;
use std::io::{self, Read, Write};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};
use std::{env, fs};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::{Deserialize, Serialize};
use socket2::{Domain, SockAddr, Socket, Type};

use crate::room::clean_room_name;
use crate::server::{Handle, Stats};

/// How long a client may take to read the answer, and how long all servers together may
/// take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// The most bytes of a server's answer.
const ANSWER_BYTES: usize = 64 << 10;

/// The most servers that the program asks.
const SERVERS: usize = 256;

/// The most addresses in the list of those at which a server listens.
const ADDRESSES: usize = 16;

/// The extension of a socket that its server answers.
const ANSWERED: &str = "sock";

/// The extension of a socket until its server answers.
const NEW: &str = "new";

/// If a server does not answer a new socket within this time, it never will.
const NEW_TIME: Duration = Duration::from_mins(1);

/// The answer of a server.
#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    #[serde(flatten)]
    stats: Stats,
    /// The addresses at which it listens.
    #[serde(default)]
    listening: Vec<String>,
}

impl Answer {
    /// Removes everything that could act on a terminal or pass for something else:
    /// another program may have written the answer.
    fn clean(&mut self) {
        let clean = |text: &mut String| *text = clean_room_name(text).unwrap_or_default();
        clean(&mut self.stats.room);
        clean(&mut self.stats.version);
        for addresses in [&mut self.listening, &mut self.stats.addresses] {
            addresses.truncate(ADDRESSES);
            addresses.iter_mut().for_each(clean);
        }
    }
}

/// The socket of a server's status; dropping this removes it.
pub struct StatusSocket(PathBuf);

impl StatusSocket {
    /// Answers for the server that `listens` there from now on, on a thread of its own.
    /// Returns `None` if there is no folder for the socket: the room works without it.
    pub fn open(handle: Handle, listens: &[std::net::SocketAddr]) -> Option<Self> {
        Self::open_in(&own_folder()?, handle, listens).ok()
    }

    fn open_in(
        folder: &Path,
        handle: Handle,
        listens: &[std::net::SocketAddr],
    ) -> io::Result<Self> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        remove_abandoned(folder);
        let mut token = [0; 8];
        getrandom::fill(&mut token)?;
        let token = u64::from_ne_bytes(token);
        let port = handle.stats().port;
        let path = folder.join(format!("{port}-{token:016x}.{ANSWERED}"));
        let new = path.with_extension(NEW);
        let listener = UnixListener::bind(&new)?;
        fs::rename(&new, &path).inspect_err(|_| drop(fs::remove_file(&new)))?;
        let socket = Self(path);
        let listening: Vec<String> = listens.iter().map(ToString::to_string).collect();
        std::thread::Builder::new()
            .name("status".to_owned())
            .spawn(move || {
                // One client after the other; none can delay the next one for long.
                for stream in listener.incoming() {
                    match stream {
                        Ok(stream) => drop(tell(&stream, handle.stats(), &listening)),
                        Err(_) => std::thread::sleep(PATIENCE),
                    }
                }
            })?;
        Ok(socket)
    }
}

impl Drop for StatusSocket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn tell(mut stream: &UnixStream, stats: Stats, listening: &[String]) -> io::Result<()> {
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut answer = serde_json::to_vec(&Answer {
        stats,
        listening: listening.to_owned(),
    })?;
    answer.push(b'\n');
    // A new connection takes this few bytes at once.
    stream.write_all(&answer)
}

/// The folder of this program's own socket: the one that a service manager made for the
/// program, else the user's.
fn own_folder() -> Option<PathBuf> {
    let variable = |name| env::var_os(name).filter(|it| !it.is_empty());
    if let Some(folders) = variable("RUNTIME_DIRECTORY") {
        return env::split_paths(&folders).next();
    }
    if let Some(folder) = variable("XDG_RUNTIME_DIR") {
        return Some(Path::new(&folder).join("chatroom"));
    }
    let is_root = rustix::process::geteuid().is_root();
    is_root.then(|| "/run/chatroom-root".into())
}

/// Prints the status of the servers on this computer, or of all that have this `port`:
/// for people, or as `json`, one line for each.
///
/// # Errors
/// If no server answers.
pub fn status(port: Option<u16>, json: bool) -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    let mut found = false;
    for answer in ask(&sockets()) {
        if port.is_some_and(|port| port != answer.stats.port) {
            continue;
        }
        if json {
            writeln!(out, "{}", serde_json::to_string(&answer)?)?;
        } else if found {
            write!(out, "\n{}", in_words(&answer))?;
        } else {
            write!(out, "{}", in_words(&answer))?;
        }
        found = true;
    }
    if found {
        return Ok(());
    }
    let which = port.map_or_else(String::new, |port| format!(" on port {port}"));
    Err(format!(
        "No server{which} answers. A server that runs as a service answers only the \
         administrator (sudo chatroom --status); a room that waits for its first visitor is \
         not running."
    )
    .into())
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

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.filter_map(|entry| Some(entry.ok()?.path()))
}

/// Whether the path is a socket, not a link to one, with this extension.
fn is_socket(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|it| it == extension)
        && fs::symlink_metadata(path).is_ok_and(|it| it.file_type().is_socket())
}

/// Removes the sockets of killed servers. A living server loses nothing by it: it answers
/// its socket before the socket gets its name, and no other socket ever has the same
/// name.
fn remove_abandoned(folder: &Path) {
    for path in entries(folder) {
        let is_due = is_socket(&path, ANSWERED)
            || is_socket(&path, NEW) && age(&path).is_some_and(|age| age > NEW_TIME);
        let is_abandoned = || matches!(connect(&path), Err(error) if error.kind() == io::ErrorKind::ConnectionRefused);
        if is_due && is_abandoned() {
            let _ = fs::remove_file(&path);
        }
    }
}

fn age(path: &Path) -> Option<Duration> {
    let changed = fs::symlink_metadata(path).ok()?.modified().ok()?;
    SystemTime::now().duration_since(changed).ok()
}

/// Connects without waiting, because a stopped process accepts no more connections.
fn connect(path: &Path) -> io::Result<UnixStream> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(&SockAddr::unix(path)?)?;
    Ok(socket.into())
}

/// A server that this has asked, and the bytes of its answer so far.
struct Asked {
    stream: UnixStream,
    answer: Vec<u8>,
    is_over: bool,
}

/// Asks all servers at once. Leaves out a server that does not answer in time or whose
/// answer is longer than [`ANSWER_BYTES`].
fn ask(sockets: &[PathBuf]) -> Vec<Answer> {
    let by = Instant::now() + PATIENCE;
    let mut all: Vec<Asked> = sockets
        .iter()
        .filter_map(|path| connect(path).ok())
        .map(|stream| Asked {
            stream,
            answer: Vec::new(),
            is_over: false,
        })
        .collect();
    loop {
        let rest = by.saturating_duration_since(Instant::now());
        let mut open: Vec<&mut Asked> = all.iter_mut().filter(|it| !it.is_over).collect();
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
        .filter_map(|it| serde_json::from_slice::<Answer>(&it.answer).ok())
        .map(|mut answer| {
            answer.clean();
            answer
        })
        .collect()
}

impl Asked {
    /// Reads the bytes that have come. A server closes the connection after its answer.
    fn read(&mut self) {
        let mut bytes = [0; 4 << 10];
        match self.stream.read(&mut bytes) {
            Ok(0) => self.is_over = true,
            Ok(count) if self.answer.len() + count <= ANSWER_BYTES => {
                self.answer.extend_from_slice(&bytes[..count]);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(_) | Err(_) => {
                self.answer.clear();
                self.is_over = true;
            }
        }
    }
}

fn in_words(answer: &Answer) -> String {
    let Answer { stats, listening } = answer;
    let Stats {
        room,
        port,
        version,
        members,
        away,
        at_the_door,
        messages,
        deliveries,
        slow_readers,
        fell_behind,
        refused,
        addresses,
        ..
    } = stats;
    let uptime = duration(stats.uptime_seconds);
    let memory = stats.memory_bytes.div_ceil(1 << 20);
    let (full, many) = (refused.room_full, refused.too_many_connections);
    let door = refused.closed_door;
    let addresses = match addresses.as_slice() {
        [] => String::new(),
        addresses => format!("\x20 addresses     {}\n", addresses.join(", ")),
    };
    let room = if room.is_empty() { "A room" } else { room };
    let listening = match &listening[..] {
        [] => String::new(),
        addresses => format!("\x20 listens at    {}\n", addresses.join(", ")),
    };
    format!(
        "{room}, port {port}, serving for {uptime} (version {version})\n\
         {listening}\
         \x20 members       {members}, {away} of them away; {at_the_door} at the door\n\
         \x20 messages      {messages}, delivered {deliveries} times\n\
         \x20 slow readers  {slow_readers} now; {fell_behind} times a member missed messages\n\
         \x20 refused       {full} room full, {many} too many connections, {door} closed door\n\
         \x20 memory        {memory} MiB\n\
         {addresses}"
    )
}

fn duration(seconds: u64) -> String {
    match (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use crate::server::{Server, Settings};

    use super::*;

    fn server() -> Server {
        let settings = Settings {
            port: 0,
            room_name: Some("Ada's".to_owned()),
            ..Settings::default()
        };
        Server::bind(settings).unwrap()
    }

    fn open(folder: &Path, server: &Server) -> StatusSocket {
        StatusSocket::open_in(folder, server.handle(), &server.listening()).unwrap()
    }

    /// Starts a program that sends this answer at a socket in `folder`, and then does
    /// anything else.
    fn other(
        folder: &Path,
        name: &str,
        answer: impl FnOnce(UnixStream) + Send + 'static,
    ) -> PathBuf {
        let path = folder.join(name);
        let listener = UnixListener::bind(&path).unwrap();
        thread::spawn(move || {
            if let Ok((stream, _)) = listener.accept() {
                answer(stream);
            }
        });
        path
    }

    #[test]
    fn a_server_tells_how_it_is_doing_until_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("chatroom");
        let server = server();
        let socket = open(&folder, &server);
        let path = socket.0.clone();
        // A client that does not read delays nobody.
        let _silent = UnixStream::connect(&path).unwrap();
        let answers = ask(std::slice::from_ref(&path));
        let [answer] = &answers[..] else {
            panic!("{answers:?}")
        };
        let stats = &answer.stats;
        assert_eq!((&*stats.room, stats.port), ("Ada's", server.port()));
        let words = in_words(answer);
        assert!(words.starts_with("Ada's, port "), "{words}");
        let listens = server.listening()[0].to_string();
        assert!(words.contains(&listens), "{words}");
        drop(socket);
        assert_eq!(entries(&folder).count(), 0);
    }

    #[test]
    fn two_servers_with_one_port_have_a_socket_each() {
        let folder = tempfile::tempdir().unwrap();
        let server = server();
        let sockets = [open(folder.path(), &server), open(folder.path(), &server)];
        let [one, other] = sockets;
        assert_eq!(ask(&[one.0.clone(), other.0.clone()]).len(), 2);
        drop(one);
        assert_eq!(ask(std::slice::from_ref(&other.0)).len(), 1);
    }

    #[test]
    fn what_killed_servers_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let server = server();
        let live = open(folder.path(), &server);
        for name in ["4000.sock", "4001-0123456789abcdef.sock", "4002-new.new"] {
            drop(UnixListener::bind(path(name)).unwrap());
        }
        fs::write(path("file.sock"), "mine").unwrap();
        std::os::unix::fs::symlink(path("4000.sock"), path("link.sock")).unwrap();
        // A stopped server accepts no connection, but it is not dead.
        let stopped = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        stopped
            .bind(&SockAddr::unix(path("stopped.sock")).unwrap())
            .unwrap();
        stopped.listen(0).unwrap();
        let mut full = Vec::new();
        while let Ok(stream) = connect(&path("stopped.sock")) {
            full.push(stream);
        }
        remove_abandoned(folder.path());
        let mut left: Vec<String> = entries(folder.path())
            .map(|it| it.file_name().unwrap().to_str().unwrap().to_owned())
            .collect();
        left.sort();
        let live_name = live.0.file_name().unwrap().to_str().unwrap();
        let mut wanted = [
            live_name,
            "4002-new.new",
            "file.sock",
            "link.sock",
            "stopped.sock",
        ];
        wanted.sort_unstable();
        assert_eq!(left, wanted);
        // A socket of a start that failed long ago never becomes a server's.
        let old = fs::File::options().read(true).open(path("file.sock"));
        drop(old);
        let times = rustix::fs::Timestamps {
            last_access: rustix::fs::Timespec {
                tv_sec: 1,
                tv_nsec: 0,
            },
            last_modification: rustix::fs::Timespec {
                tv_sec: 1,
                tv_nsec: 0,
            },
        };
        let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
        rustix::fs::utimensat(rustix::fs::CWD, path("4002-new.new"), &times, flags).unwrap();
        remove_abandoned(folder.path());
        assert!(!path("4002-new.new").exists() && live.0.exists());
    }

    #[test]
    fn what_another_program_answers_is_cleaned_and_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let server = server();
        let mut stats = server.handle().stats();
        stats.room = "a\u{1b}[2J\nb\u{9b}\u{202e}c".to_owned();
        stats.version = "1\u{1b}]0;x\u{7}\n".repeat(10_000 / 8);
        let listening = vec!["x\r\n".to_owned(); 1_000];
        let answer = serde_json::to_vec(&Answer { stats, listening }).unwrap();
        let bad = other(folder.path(), "1.sock", move |mut stream| {
            stream.write_all(&answer).unwrap();
        });
        let long = other(folder.path(), "2.sock", |mut stream| {
            // The answer has no end.
            while stream.write_all(&[b' '; 1 << 10]).is_ok() {}
        });
        let answers = ask(&[bad, long]);
        let [answer] = &answers[..] else {
            panic!("{answers:?}")
        };
        assert_eq!(answer.stats.room, "a[2J bc");
        let acts = |c: char| {
            c.is_control() && c != '\n'
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        for words in [in_words(answer), serde_json::to_string(answer).unwrap()] {
            assert!(!words.contains(acts), "{words:?}");
            assert!(words.len() < 2_000, "{words}");
        }
    }

    #[test]
    fn those_who_drip_or_say_nothing_hold_nobody_up_and_hide_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let (ended, is_ended) = mpsc::channel::<()>();
        let mut sockets = vec![other(folder.path(), "drip.sock", |mut stream| {
            while stream.write_all(b" ").is_ok() {
                thread::sleep(Duration::from_millis(100));
            }
        })];
        let mut silent = Vec::new();
        for n in 0..20 {
            let path = folder.path().join(format!("{n}.sock"));
            silent.push(UnixListener::bind(&path).unwrap());
            sockets.push(path);
        }
        let server = server();
        let live = open(folder.path(), &server);
        sockets.push(live.0.clone());
        thread::spawn(move || {
            assert_eq!(ask(&sockets).len(), 1);
            ended.send(()).unwrap();
        });
        is_ended.recv_timeout(5 * PATIENCE).unwrap();
    }

    #[test]
    fn a_time_is_told_as_exactly_as_matters() {
        let told = [5, 65, 3_700, 90_000].map(duration);
        assert_eq!(told, ["5 s", "1 min", "1 h 1 min", "1 d 1 h"]);
    }
}
