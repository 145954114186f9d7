//! The server's side of the socket.
//!
//! Each server has a socket of its own, so that several can have the same port at
//! different addresses. A socket gets its final name only once the server answers it. So
//! a socket that nobody answers belongs to a killed server, and the program that finds it
//! removes it.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant, SystemTime};
use std::{env, fs};

use socket2::{Domain, SockAddr, Socket, Type};

use super::PATIENCE;
use super::answer::{Answer, answer};
use super::command::{COMMAND_BYTES, Command};
use super::moderator::Moderator;
use super::status::Status;

/// How long a client may take for the first byte of its request. After that it gets the
/// state: clients of earlier versions say nothing.
const SILENCE: Duration = Duration::from_millis(500);

/// The most clients that the server answers at the same time; more wait.
const CLIENTS: usize = 8;

/// The extension of a socket that its server answers.
pub(super) const ANSWERED: &str = "sock";

/// The extension of a socket until its server answers.
const NEW: &str = "new";

/// If a server does not answer a new socket within this time, it never will.
const NEW_TIME: Duration = Duration::from_mins(1);

/// The socket of a server's administrator; dropping this removes it.
pub struct ControlSocket(PathBuf);

impl ControlSocket {
    /// Answers for the server that `listens` there from now on, on threads of its own.
    /// Returns `None` if there is no folder for the socket: the room works without it.
    pub fn open(server: impl Moderator, listens: &[SocketAddr]) -> Option<Self> {
        Self::open_in(&own_folder()?, server, listens).ok()
    }

    pub(super) fn open_in(
        folder: &Path,
        server: impl Moderator,
        listens: &[SocketAddr],
    ) -> io::Result<Self> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        remove_abandoned(folder);
        let mut token = [0; 8];
        getrandom::fill(&mut token)?;
        let token = u64::from_ne_bytes(token);
        let port = server.stats().port;
        let path = folder.join(format!("{port}-{token:016x}.{ANSWERED}"));
        let new = path.with_extension(NEW);
        let listener = UnixListener::bind(&new)?;
        fs::rename(&new, &path).inspect_err(|_| drop(fs::remove_file(&new)))?;
        let socket = Self(path);
        let server = Arc::new(Server {
            server,
            listening: listens.iter().map(ToString::to_string).collect(),
        });
        std::thread::Builder::new()
            .name("control".to_owned())
            .spawn(move || accept(&listener, &server))?;
        Ok(socket)
    }

    #[cfg(test)]
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// The server, as clients of the socket see it.
struct Server<M> {
    server: M,
    listening: Vec<String>,
}

/// Answers each client on a thread of its own, so that none delays the others.
fn accept<M: Moderator>(listener: &UnixListener, server: &Arc<Server<M>>) {
    let (free, frees) = mpsc::channel();
    for _ in 0..CLIENTS {
        let _ = free.send(());
    }
    for stream in listener.incoming() {
        let Ok(stream) = stream else {
            // No descriptor is left, for example.
            std::thread::sleep(PATIENCE);
            continue;
        };
        if frees.recv().is_err() {
            return;
        }
        let (place, server) = (Place(free.clone()), Arc::clone(server));
        // Without a thread, the client hears nothing; it says so to its user.
        let _ = std::thread::Builder::new()
            .name("control".to_owned())
            .spawn(move || {
                let _place = place;
                let _ = server.talk(&stream);
            });
    }
}

/// One of the places for clients, which is free again when this is dropped.
struct Place(mpsc::Sender<()>);

impl Drop for Place {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

impl<M: Moderator> Server<M> {
    /// Reads a request and answers it.
    fn talk(&self, mut stream: &UnixStream) -> io::Result<()> {
        let mut line = match read_line(stream)? {
            None => self.status()?,
            Some(line) => self.answer(&line)?,
        };
        line.push(b'\n');
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.write_all(&line)
    }

    fn answer(&self, line: &str) -> serde_json::Result<Vec<u8>> {
        match line.parse() {
            Ok(Command::Status) => self.status(),
            Ok(command) => serde_json::to_vec(&answer(&command, &self.server)),
            Err(wrong) => serde_json::to_vec(&Answer::from(wrong)),
        }
    }

    fn status(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(&Status {
            stats: self.server.stats(),
            listening: self.listening.clone(),
            fingerprint: self.server.pin().fingerprint(),
        })
    }
}

/// Reads a line of a request; `None` if the client says nothing.
///
/// # Errors
/// If the line does not end in time.
fn read_line(mut stream: &UnixStream) -> io::Result<Option<String>> {
    let start = Instant::now();
    let mut line = Vec::new();
    let mut bytes = [0; 256];
    loop {
        let limit = if line.is_empty() { SILENCE } else { PATIENCE };
        let rest = limit.saturating_sub(start.elapsed());
        if rest.is_zero() {
            break;
        }
        stream.set_read_timeout(Some(rest))?;
        match stream.read(&mut bytes) {
            Ok(0) => break,
            Ok(count) => line.extend_from_slice(&bytes[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
        if let Some(end) = memchr::memchr(b'\n', &line) {
            line.truncate(end);
            return Ok(Some(String::from_utf8_lossy(&line).into_owned()));
        }
        // Too long: the parser says so.
        if line.len() > COMMAND_BYTES {
            return Ok(Some(String::from_utf8_lossy(&line).into_owned()));
        }
    }
    if line.is_empty() {
        Ok(None)
    } else {
        Err(ErrorKind::UnexpectedEof.into())
    }
}

/// The folder of this program's own socket: the one that a service manager made for the
/// program, else the user's.
pub(super) fn own_folder() -> Option<PathBuf> {
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

pub(super) fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.filter_map(|entry| Some(entry.ok()?.path()))
}

/// Whether the path is a socket, not a link to one, with this extension.
pub(super) fn is_socket(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|it| it == extension)
        && fs::symlink_metadata(path).is_ok_and(|it| it.file_type().is_socket())
}

/// Removes the sockets of killed servers. A living server loses nothing by it: it answers
/// its socket before the socket gets its name, and no other socket ever has the same
/// name.
pub(super) fn remove_abandoned(folder: &Path) {
    for path in entries(folder) {
        let is_due = is_socket(&path, ANSWERED)
            || is_socket(&path, NEW) && age(&path).is_some_and(|age| age > NEW_TIME);
        let is_abandoned =
            || matches!(connect(&path), Err(error) if error.kind() == ErrorKind::ConnectionRefused);
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
pub(super) fn connect(path: &Path) -> io::Result<UnixStream> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(&SockAddr::unix(path)?)?;
    Ok(socket.into())
}
