//! News of the computer's own network.

use std::cell::Cell;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with};
use tokio::net::UnixDatagram;
use tokio::time::{Instant, sleep, sleep_until};

/// What the kernel tells about, of the groups of rtnetlink(7): links, addresses
/// and routes, of both versions of IP.
const GROUPS: u32 = 0x1 | 0x10 | 0x40 | 0x100 | 0x400;

/// A change comes in several parts: this long after the first, the rest is there.
const SETTLED: Duration = Duration::from_millis(200);

/// Changes are told no more often than this.
const SPACING: Duration = Duration::from_secs(1);

/// Hears when links, addresses or routes of this computer change.
#[derive(Debug)]
pub(super) struct Network {
    /// None where the kernel does not tell.
    news: Option<UnixDatagram>,
    /// Something changed, and that was not told yet.
    heard: Cell<bool>,
    told_at: Cell<Option<Instant>>,
}

impl Network {
    /// Begins to listen. Where that is not allowed, as in some sandboxes, nothing
    /// is ever heard.
    pub fn listen() -> Self {
        Self::new(socket())
    }

    fn new(socket: io::Result<OwnedFd>) -> Self {
        // A netlink socket is no Unix socket, but it is awaited and read like one.
        let news = socket.and_then(|socket| UnixDatagram::from_std(socket.into()));
        Self {
            news: news.ok(),
            heard: Cell::new(false),
            told_at: Cell::new(None),
        }
    }

    /// Waits until something has changed. Nothing is forgotten if this is not waited
    /// for to its end.
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

/// Reads all there is; whether that was anything. The content does not matter.
fn drain(news: &UnixDatagram) -> io::Result<bool> {
    let mut any = false;
    // A message that is longer is cut off. Messages that come without an end are
    // read later.
    let mut buffer = [0; 64];
    for _ in 0..1_000 {
        match news.try_recv(&mut buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => any = true,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            // More came than the kernel holds: that is news too.
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
        let network = Network::new(Ok(news));
        for _ in 0..2 {
            for _ in 0..5 {
                send(&kernel, &[1; 200], SendFlags::empty()).unwrap();
            }
            network.changed().await;
            tokio::select! {
                biased;
                () = network.changed() => panic!("told twice"),
                () = tokio::task::yield_now() => {}
            }
        }
    }

    #[tokio::test]
    async fn where_the_kernel_does_not_tell_nothing_is_heard() {
        let network = Network::new(Err(io::ErrorKind::PermissionDenied.into()));
        tokio::select! {
            biased;
            () = network.changed() => panic!("heard something"),
            () = tokio::task::yield_now() => {}
        }
    }

    #[tokio::test]
    async fn the_kernel_lets_a_program_listen_or_says_why_not() {
        match socket() {
            Ok(socket) => assert!(Network::new(Ok(socket)).news.is_some()),
            Err(error) => assert!(error.raw_os_error().is_some()),
        }
    }
}
