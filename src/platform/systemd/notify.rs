//! Notifications to the service manager about the state of the program (`sd_notify(3)`).

use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// A service manager that expects notifications.
#[derive(Debug)]
pub struct Manager {
    socket: UnixDatagram,
    watchdog: Option<Duration>,
}

impl Manager {
    /// The manager that started this process, if it expects notifications.
    #[must_use]
    pub fn from_env() -> Option<Self> {
        let address = address(&env::var_os("NOTIFY_SOCKET")?).ok()?;
        let socket = UnixDatagram::unbound().ok()?;
        socket.connect_addr(&address).ok()?;
        // Nothing waits for a slow service manager: the next notification repeats the state.
        socket.set_nonblocking(true).ok()?;
        let text = |name| env::var(name).ok();
        let watchdog = watchdog(
            text("WATCHDOG_USEC").as_deref(),
            text("WATCHDOG_PID").as_deref(),
        );
        Some(Self { socket, watchdog })
    }

    /// The watchdog's time limit: the manager expects `WATCHDOG=1` again and again, each
    /// within this time. `None` if it has no watchdog.
    #[must_use]
    pub const fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    /// Sends a notification: assignments, one per line. Does not wait, and drops a
    /// notification that the manager does not accept at once.
    pub fn tell(&self, state: &str) {
        let _ = self.socket.send(state.as_bytes());
    }

    /// Notifies the manager that the program reads its configuration again. The manager
    /// then waits for `READY=1`.
    pub fn tell_reloading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        let micros = (now.tv_sec.saturating_mul(1_000_000)).saturating_add(now.tv_nsec / 1_000);
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={micros}"));
    }
}

fn address(name: &OsStr) -> io::Result<SocketAddr> {
    match name.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(name),
    }
}

fn watchdog(micros: Option<&str>, pid: Option<&str>) -> Option<Duration> {
    let ours = std::process::id();
    let is_ours = pid.is_none_or(|pid| pid.parse() == Ok(ours));
    let micros = micros?.parse().ok().filter(|micros| *micros > 0)?;
    is_ours.then(|| Duration::from_micros(micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_watchdog_is_the_one_of_this_process() {
        let ours = std::process::id().to_string();
        let second = Some(Duration::from_secs(1));
        assert_eq!(watchdog(Some("1000000"), None), second);
        assert_eq!(watchdog(Some("1000000"), Some(&ours)), second);
        for (micros, pid) in [
            (None, None),
            (Some("0"), None),
            (Some("x"), None),
            (Some("1"), Some("1")),
        ] {
            assert_eq!(watchdog(micros, pid), None);
        }
    }

    #[test]
    fn what_is_told_arrives_and_a_manager_that_reads_nothing_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let reader = UnixDatagram::bind(&path).unwrap();
        let socket = UnixDatagram::unbound().unwrap();
        socket
            .connect_addr(&address(path.as_os_str()).unwrap())
            .unwrap();
        socket.set_nonblocking(true).unwrap();
        let manager = Manager {
            socket,
            watchdog: None,
        };
        manager.tell("READY=1");
        let mut told = [0; 64];
        let count = reader.recv(&mut told).unwrap();
        assert_eq!(&told[..count], b"READY=1");
        for _ in 0..10_000 {
            manager.tell("WATCHDOG=1");
        }
    }
}
