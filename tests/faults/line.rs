//! A network line between clients and their server that fails in the ways of real lines.
//!
//! Each client has a port of its own, so that the fate of one connection can depend on the
//! next one of the same client.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::time::{sleep, timeout};

use crate::chance::Chance;

/// How long a connection that is cut for one side only stays open to the other.
const AFTERLIFE: Duration = Duration::from_secs(10);

/// The way in which a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Closed in an orderly way, at both sides.
    Clean,
    /// Reset, at both sides.
    Reset,
    /// Not ended: the line swallows everything.
    HalfOpen,
    /// Reset for the client only. The server learns of it after the client has come back by
    /// another connection, and only then receives the last bytes of this one.
    Late,
}

/// The way in which a connection is slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    Steady,
    /// Everything arrives later.
    Delay(Duration),
    /// At one moment nothing arrives for a while.
    Stall(Duration),
}

/// The fate of a connection.
#[derive(Clone, Copy, Debug)]
struct Fate {
    end: End,
    pace: Pace,
    /// The number of bytes in one direction after which it ends.
    after: usize,
    /// Whether that is the direction to the server.
    up: bool,
}

impl Fate {
    fn draw(chance: &mut Chance, longest: usize) -> Self {
        let end = match chance.below(8) {
            0 | 1 => End::Clean,
            2..=4 => End::Reset,
            5 => End::HalfOpen,
            _ => End::Late,
        };
        let pace = match chance.below(6) {
            0 => Pace::Delay(chance.pause(10)),
            1 => Pace::Stall(chance.pause(300)),
            _ => Pace::Steady,
        };
        // The direction to the server carries less.
        let up = chance.below(2) == 0;
        let longest = if up { longest / 20 } else { longest };
        Self {
            end,
            pace,
            after: 1 + chance.below(longest),
            up,
        }
    }
}

/// The counters of the line.
#[derive(Debug, Default)]
pub struct Faults {
    pub clean: AtomicU64,
    pub reset: AtomicU64,
    pub half_open: AtomicU64,
    pub late: AtomicU64,
    pub delayed: AtomicU64,
    pub stalled: AtomicU64,
    /// Connections that ended in the middle of a frame.
    pub in_frame: AtomicU64,
}

impl Faults {
    fn count(&self, end: End) {
        let counter = match end {
            End::Clean => &self.clean,
            End::Reset => &self.reset,
            End::HalfOpen => &self.half_open,
            End::Late => &self.late,
        };
        counter.fetch_add(1, Relaxed);
    }
}

/// The line, on a thread of its own. It works until the test makes it fail, and ends when
/// this is dropped.
pub struct Line {
    pub addresses: Vec<SocketAddr>,
    common: Arc<Common>,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Common {
    server: SocketAddr,
    fails: AtomicBool,
    faults: Faults,
    /// The most bytes until a connection is cut.
    longest: usize,
}

impl Line {
    /// A line for this many clients.
    pub fn new(server: SocketAddr, clients: usize, longest: usize, chance: &mut Chance) -> Self {
        let common = Arc::new(Common {
            server,
            fails: AtomicBool::new(false),
            faults: Faults::default(),
            longest,
        });
        let (mut addresses, mut ports) = (Vec::new(), Vec::new());
        for _ in 0..clients {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.set_nonblocking(true).unwrap();
            addresses.push(listener.local_addr().unwrap());
            ports.push((listener, chance.another()));
        }
        let (end, ended) = oneshot::channel();
        let theirs = Arc::clone(&common);
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                for (listener, chance) in ports {
                    let listener = TcpListener::from_std(listener).unwrap();
                    tokio::spawn(accept(listener, chance, Arc::clone(&theirs)));
                }
                let _ = ended.await;
            });
        });
        Self {
            addresses,
            common,
            end: Some(end),
            thread: Some(thread),
        }
    }

    /// Makes the line fail, or work again.
    pub fn fail(&self, fails: bool) {
        self.common.fails.store(fails, Relaxed);
    }

    pub fn faults(&self) -> &Faults {
        &self.common.faults
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.end = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Carries the connections of one client.
async fn accept(listener: TcpListener, mut chance: Chance, common: Arc<Common>) {
    // The number of connections that the server has answered.
    let answered = Arc::new(watch::channel(0_u64).0);
    loop {
        let (client, _) = listener.accept().await.unwrap();
        let Ok(server) = TcpStream::connect(common.server).await else {
            continue;
        };
        client.set_nodelay(true).unwrap();
        server.set_nodelay(true).unwrap();
        let fate = Fate::draw(&mut chance, common.longest);
        let carriage = Carriage {
            fate,
            common: Arc::clone(&common),
            answered: Arc::clone(&answered),
        };
        tokio::spawn(async move {
            // Either side may break it off.
            let _ = carriage.carry(client, server).await;
        });
    }
}

struct Carriage {
    fate: Fate,
    common: Arc<Common>,
    answered: Arc<watch::Sender<u64>>,
}

/// The reason why the line forwards nothing more.
enum Stop {
    /// The cut was due; the bytes received and not forwarded.
    Cut(Vec<u8>),
    /// The other side has ended it.
    Ended,
}

impl Carriage {
    async fn carry(&self, mut client: TcpStream, mut server: TcpStream) -> io::Result<()> {
        let (up, down) = if self.fate.up {
            (self.fate.after, usize::MAX)
        } else {
            (usize::MAX, self.fate.after)
        };
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let (stop, is_up) = tokio::select! {
            stop = self.pass(from_client, to_server, up, true) => (stop?, true),
            stop = self.pass(from_server, to_client, down, false) => (stop?, false),
        };
        let Stop::Cut(rest) = stop else {
            return Ok(());
        };
        self.common.faults.count(self.fate.end);
        match self.fate.end {
            End::Clean => {
                // Closing a socket with unread data would reset it.
                client.shutdown().await?;
                server.shutdown().await?;
                let _ = timeout(AFTERLIFE, async {
                    tokio::join!(swallow(&mut client), swallow(&mut server))
                })
                .await;
            }
            End::Reset => {
                reset(&client)?;
                reset(&server)?;
            }
            End::HalfOpen => {
                // The client leaves when it hears nothing; the server drops the connection
                // after the client has come back by another.
                let _ = timeout(AFTERLIFE, async {
                    swallow(&mut client).await;
                    swallow(&mut server).await;
                })
                .await;
                reset(&server)?;
            }
            End::Late => {
                let mut late = if is_up { rest } else { Vec::new() };
                let _ = client.try_read_buf(&mut late);
                let mut answered = self.answered.subscribe();
                answered.borrow_and_update();
                reset(&client)?;
                drop(client);
                let _ = timeout(AFTERLIFE, answered.changed()).await;
                server.write_all(&late).await?;
                let _ = timeout(AFTERLIFE, swallow(&mut server)).await;
            }
        }
        Ok(())
    }

    /// Forwards bytes up to this number, and counts them only while the line fails.
    async fn pass(
        &self,
        mut from: ReadHalf<'_>,
        mut to: WriteHalf<'_>,
        mut left: usize,
        is_up: bool,
    ) -> io::Result<Stop> {
        let faults = &self.common.faults;
        let stall_at = left / 2;
        let (mut stalled, mut delayed, mut is_first) = (false, false, true);
        let mut buffer = vec![0; 4 << 10];
        loop {
            let count = from.read(&mut buffer).await?;
            if count == 0 {
                return Ok(Stop::Ended);
            }
            let mut bytes = &buffer[..count];
            let mut rest = &[][..];
            let is_cut = self.common.fails.load(Relaxed) && {
                if count >= left {
                    (bytes, rest) = bytes.split_at(left);
                }
                left = left.saturating_sub(count);
                left == 0
            };
            match self.fate.pace {
                Pace::Delay(pause) if self.common.fails.load(Relaxed) => {
                    if !std::mem::replace(&mut delayed, true) && is_up {
                        faults.delayed.fetch_add(1, Relaxed);
                    }
                    sleep(pause).await;
                }
                Pace::Stall(pause) if left <= stall_at && !stalled => {
                    stalled = true;
                    faults.stalled.fetch_add(1, Relaxed);
                    sleep(pause).await;
                }
                _ => {}
            }
            to.write_all(bytes).await?;
            if !is_up && std::mem::take(&mut is_first) {
                self.answered.send_modify(|count| *count += 1);
            }
            if is_cut {
                if bytes.last() != Some(&b'\n') {
                    faults.in_frame.fetch_add(1, Relaxed);
                }
                return Ok(Stop::Cut(rest.to_vec()));
            }
        }
    }
}

/// Makes closing the socket reset it.
fn reset(stream: &TcpStream) -> io::Result<()> {
    SockRef::from(stream).set_linger(Some(Duration::ZERO))
}

/// Reads until the end.
async fn swallow(stream: &mut TcpStream) {
    let mut buffer = vec![0; 4 << 10];
    while let Ok(1..) = stream.read(&mut buffer).await {}
}
