//! How a server is doing, told by a local socket to whoever may open it: for a
//! service that is the administrator.

use std::error::Error;
use std::io::{self, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs};

use crate::server::{Handle, Vitals};

/// How long the other side may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// The most bytes that a server tells of itself.
const ANSWER_BYTES: u64 = 64 << 10;

/// The socket by which a server tells; it goes when this is dropped.
pub struct StatusSocket(PathBuf);

impl StatusSocket {
    /// Answers from now on, on a thread of its own. `None` where there is no folder
    /// for it: the room can do without.
    pub fn open(handle: Handle) -> Option<Self> {
        Self::open_in(&own_folder()?, handle).ok()
    }

    fn open_in(folder: &Path, handle: Handle) -> io::Result<Self> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let path = folder.join(format!("{}.sock", handle.vitals().port));
        // Whoever left it there had this port, and has it no more.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        std::thread::Builder::new()
            .name("status".to_owned())
            .spawn(move || {
                // One after the other; none can hold the next one up for long.
                for stream in listener.incoming() {
                    match stream {
                        Ok(stream) => drop(tell(&stream, &handle.vitals())),
                        Err(_) => std::thread::sleep(PATIENCE),
                    }
                }
            })?;
        Ok(Self(path))
    }
}

impl Drop for StatusSocket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn tell(mut stream: &UnixStream, vitals: &Vitals) -> io::Result<()> {
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut answer = serde_json::to_vec(vitals)?;
    answer.push(b'\n');
    stream.write_all(&answer)
}

/// Where this program's own socket is: the folder that a service manager made for
/// it, else the user's.
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

/// Prints how the servers on this computer are doing, or the one with a `port`; for
/// people, or as `json`, a line for each.
///
/// # Errors
/// If no server tells.
pub fn status(port: Option<u16>, json: bool) -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    let mut found = false;
    for vitals in sockets().iter().filter_map(|path| ask(path).ok()) {
        if port.is_some_and(|port| port != vitals.port) {
            continue;
        }
        if json {
            writeln!(out, "{}", serde_json::to_string(&vitals)?)?;
        } else if found {
            write!(out, "\n{}", in_words(&vitals))?;
        } else {
            write!(out, "{}", in_words(&vitals))?;
        }
        found = true;
    }
    if found {
        return Ok(());
    }
    let which = port.map_or_else(String::new, |port| format!(" on port {port}"));
    Err(format!(
        "No server{which} tells you how it is doing. One that runs as a service tells the \
         administrator (sudo chatroom --status); one that waits for its first visitor is not \
         running."
    )
    .into())
}

/// The sockets that this user may know of, each once.
fn sockets() -> Vec<PathBuf> {
    let services = entries(Path::new("/run")).into_iter().filter(|path| {
        let name = path.file_name().and_then(|it| it.to_str());
        name.is_some_and(|name| name.starts_with("chatroom"))
    });
    let mut sockets: Vec<PathBuf> = own_folder()
        .into_iter()
        .chain(services)
        .filter_map(|folder| fs::canonicalize(folder).ok())
        .flat_map(|folder| entries(&folder))
        .filter(|path| path.extension().is_some_and(|it| it == "sock"))
        .collect();
    sockets.sort();
    sockets.dedup();
    sockets
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect()
}

fn ask(path: &Path) -> io::Result<Vitals> {
    let stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES).read_to_end(&mut answer)?;
    Ok(serde_json::from_slice(&answer)?)
}

fn in_words(vitals: &Vitals) -> String {
    let Vitals {
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
    } = vitals;
    let uptime = duration(vitals.uptime_seconds);
    let memory = vitals.memory_bytes.div_ceil(1 << 20);
    let (full, many) = (refused.room_full, refused.too_many_connections);
    let door = refused.closed_door;
    let addresses = match addresses.as_slice() {
        [] => String::new(),
        addresses => format!("\x20 addresses     {}\n", addresses.join(", ")),
    };
    format!(
        "{room}, port {port}, serving for {uptime} (version {version})\n\
         \x20 members       {members}, {away} of them away; {at_the_door} at the door\n\
         \x20 messages      {messages}, delivered {deliveries} times\n\
         \x20 slow readers  {slow_readers} now; {fell_behind} times one missed messages\n\
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
    use crate::server::{Server, Settings};

    use super::*;

    #[test]
    fn a_server_tells_how_it_is_doing_until_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings {
            port: 0,
            room_name: Some("Ada's".to_owned()),
            ..Settings::default()
        };
        let server = Server::bind(settings).unwrap();
        let path = folder
            .path()
            .join(format!("chatroom/{}.sock", server.port()));
        // What an earlier one left.
        fs::create_dir(path.parent().unwrap()).unwrap();
        drop(UnixListener::bind(&path).unwrap());
        let socket = StatusSocket::open_in(path.parent().unwrap(), server.handle()).unwrap();
        // Someone who does not read holds up nobody.
        let _silent = UnixStream::connect(&path).unwrap();
        let vitals = ask(&path).unwrap();
        assert_eq!((&*vitals.room, vitals.port), ("Ada's", server.port()));
        assert!(in_words(&vitals).starts_with("Ada's, port "));
        drop(socket);
        assert!(!path.exists());
    }

    #[test]
    fn a_time_is_told_as_exactly_as_matters() {
        let told = [5, 65, 3_700, 90_000].map(duration);
        assert_eq!(told, ["5 s", "1 min", "1 h 1 min", "1 d 1 h"]);
    }
}
