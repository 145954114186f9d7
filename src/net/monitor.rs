//! Reports changes of the computer's own network.

use std::cell::Cell;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with};
use tokio::net::UnixDatagram;
use tokio::time::{Instant, sleep, sleep_until};

/// The groups of rtnetlink(7) to subscribe to: links, addresses and routes, of both
/// versions of IP.
const GROUPS: u32 = 0x1 | 0x10 | 0x40 | 0x100 | 0x400;

/// A change arrives in several parts; after this time the rest has arrived.
const SETTLED: Duration = Duration::from_millis(200);

/// The least time between two reports.
const SPACING: Duration = Duration::from_secs(1);

/// Reports when links, addresses or routes of this computer change.
#[derive(Debug)]
pub(crate) struct Monitor {
    /// The kernel's reports; `None` where it sends none.
    news: Option<UnixDatagram>,
    /// Whether something has changed that is not reported yet.
    heard: Cell<bool>,
    told_at: Cell<Option<Instant>>,
}

impl Monitor {
    /// Starts to listen. Where a sandbox does not allow it, this reports no changes.
    pub fn listen() -> Self {
        Self::new(socket())
    }

    fn new(socket: io::Result<OwnedFd>) -> Self {
        // A netlink socket is not a Unix socket, but can be awaited and read like one.
        let news = socket.and_then(|socket| UnixDatagram::from_std(socket.into()));
        Self {
            news: news.ok(),
            heard: Cell::new(false),
            told_at: Cell::new(None),
        }
    }

    /// Whether the kernel sends no reports here.
    pub const fn is_deaf(&self) -> bool {
        self.news.is_none()
    }

    /// Waits until something has changed. If the caller stops waiting early, the change
    /// is not lost.
    pub async fn changed(&self) {
        let Some(news) = &self.news else {
            return std::future::pending().await;
        };
        while !self.heard.get() {
            let read = news.readable().await.and_then(|()| drain(news));
            match read {
                Ok(any) => self.heard.set(any),
                Err(_) => return std::future::pending().await,
            }
        }
        if let Some(told_at) = self.told_at.get() {
            sleep_until(told_at + SPACING).await;
        }
        sleep(SETTLED).await;
        let _ = drain(news);
        self.heard.set(false);
        self.told_at.set(Some(Instant::now()));
    }
}

fn socket() -> io::Result<OwnedFd> {
    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::NONBLOCK | SocketFlags::CLOEXEC,
        // The default is NETLINK_ROUTE.
        None,
    )?;
    bind(&socket, &SocketAddrNetlink::new(0, GROUPS))?;
    Ok(socket)
}

/// Reads all pending messages, and returns whether there were any. The contents do not
/// matter.
fn drain(news: &UnixDatagram) -> io::Result<bool> {
    let mut any = false;
    // The kernel cuts off a longer message. If messages keep arriving, this reads the
    // rest later.
    let mut buffer = [0; 64];
    for _ in 0..1_000 {
        match news.try_recv(&mut buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => any = true,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            // More messages arrived than the kernel holds: that is a change too.
            Err(error) if Errno::from_io_error(&error) == Some(Errno::NOBUFS) => any = true,
            Err(error) => return Err(error),
        }
    }
    Ok(any)
}

#[cfg(test)]
mod tests {
    use rustix::net::{SendFlags, send, socketpair};

    use super::*;

    #[tokio::test]
    async fn changes_that_come_together_are_told_once_and_later_ones_again() {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let (kernel, news) =
            socketpair(AddressFamily::UNIX, SocketType::DGRAM, flags, None).unwrap();
        let monitor = Monitor::new(Ok(news));
        for _ in 0..2 {
            for _ in 0..5 {
                send(&kernel, &[1; 200], SendFlags::empty()).unwrap();
            }
            monitor.changed().await;
            tokio::select! {
                biased;
                () = monitor.changed() => panic!("told twice"),
                () = tokio::task::yield_now() => {}
            }
        }
    }

    #[tokio::test]
    async fn where_the_kernel_does_not_tell_nothing_is_heard() {
        let monitor = Monitor::new(Err(io::ErrorKind::PermissionDenied.into()));
        tokio::select! {
            biased;
            () = monitor.changed() => panic!("heard something"),
            () = tokio::task::yield_now() => {}
        }
    }

    #[tokio::test]
    async fn the_kernel_lets_a_program_listen_or_says_why_not() {
        match socket() {
            Ok(socket) => assert!(Monitor::new(Ok(socket)).news.is_some()),
            Err(error) => assert!(error.raw_os_error().is_some()),
        }
    }
}
