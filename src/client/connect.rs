//! From addresses to a connection.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::protocol::address::Address;

use super::end::End;
use super::link::Link;
use super::tls::{NoTls, Tls};
use super::trust::Goal;

/// The most addresses of servers that this tries.
const ADDRESSES: usize = 16;

/// How long this tries one address before it tries the next one beside it (RFC 8305,
/// section 5).
const NEXT_AFTER: Duration = Duration::from_millis(250);

/// The same once a server has taken the connection, and the handshake has begun.
const NEXT_AFTER_HANDSHAKE: Duration = Duration::from_secs(1);

/// The most news that wait; whoever has more waits.
const NEWS: usize = 16;

/// Why there is no connection.
pub(super) struct NotConnected {
    /// The end that says most.
    pub end: End,
    /// Whether another try makes sense: at one address, even if not at the others.
    pub is_temporary: bool,
}

impl From<End> for NotConnected {
    fn from(end: End) -> Self {
        let is_temporary = end.is_temporary();
        Self { end, is_temporary }
    }
}

/// News from a task, about one goal.
struct News {
    /// The place of the goal in the list.
    goal: usize,
    what: What,
}

enum What {
    /// The look-up of the host is over.
    Found(Vec<SocketAddr>),
    /// A server took the connection.
    Taken,
    /// A try is over.
    Tried(Box<Result<Link, End>>),
}

/// Connects to the first address that answers as expected.
///
/// # Errors
/// Why none does.
pub(super) async fn connect(
    goals: Vec<Goal>,
    tls: &Tls,
    within: Duration,
) -> Result<Link, NotConnected> {
    let by = Instant::now() + within;
    let (tell, mut news) = mpsc::channel(NEWS);
    let mut race = Race::new(goals, tls.clone(), tell);
    let mut next_at = Instant::now();
    while race.running > 0 || !race.candidates.is_empty() {
        if race.running == 0 {
            next_at = Instant::now();
        }
        tokio::select! {
            biased;
            () = sleep_until(by) => return Err(race.timed_out()),
            Some(News { goal, what }) = news.recv() => match what {
                What::Found(addresses) => race.found(goal, addresses),
                What::Taken => {
                    race.states[goal].is_taken = true;
                    next_at = next_at.max(Instant::now() + NEXT_AFTER_HANDSHAKE);
                }
                What::Tried(result) => match *result {
                    Ok(link) => return Ok(link),
                    Err(end) => {
                        race.failed(goal, end);
                        next_at = Instant::now();
                    }
                },
            },
            () = sleep_until(next_at), if !race.candidates.is_empty() => {
                race.try_next();
                next_at = Instant::now() + NEXT_AFTER;
            }
        }
    }
    Err(race.end())
}

/// Tries that go on beside each other. They end when this is dropped.
struct Race {
    goals: Vec<Goal>,
    /// One for each goal.
    states: Vec<State>,
    candidates: VecDeque<(usize, SocketAddr)>,
    /// The number of addresses that were found.
    found: usize,
    tls: Tls,
    tell: mpsc::Sender<News>,
    /// The number of tasks.
    running: usize,
    tasks: JoinSet<()>,
}

#[derive(Clone, Default)]
struct State {
    /// A server took a connection.
    is_taken: bool,
    end: Option<End>,
}

impl Race {
    /// Looks the hosts up.
    fn new(goals: Vec<Goal>, tls: Tls, tell: mpsc::Sender<News>) -> Self {
        let mut race = Self {
            states: vec![State::default(); goals.len()],
            candidates: VecDeque::new(),
            found: 0,
            tls,
            tell,
            running: goals.len(),
            tasks: JoinSet::new(),
            goals,
        };
        for (place, goal) in race.goals.iter().enumerate() {
            let (address, tell) = (goal.address.clone(), race.tell.clone());
            race.tasks.spawn(async move {
                let found = tokio::net::lookup_host((address.host.as_str(), address.port)).await;
                let found = found.map(|it| it.take(ADDRESSES).collect());
                let what = What::Found(found.unwrap_or_default());
                // Nobody wants it any more once there is a connection.
                let _ = tell.send(News { goal: place, what }).await;
            });
        }
        race
    }

    fn found(&mut self, goal: usize, addresses: Vec<SocketAddr>) {
        self.running -= 1;
        if addresses.is_empty() {
            let host = self.goals[goal].address.host.clone();
            self.end_of_try(goal, End::NoSuchHost(host));
        }
        for address in addresses {
            if self.found < ADDRESSES {
                self.found += 1;
                self.candidates.push_back((goal, address));
            }
        }
    }

    fn try_next(&mut self) {
        let Some((place, address)) = self.candidates.pop_front() else {
            return;
        };
        let (goal, tls, tell) = (
            self.goals[place].clone(),
            self.tls.clone(),
            self.tell.clone(),
        );
        self.running += 1;
        self.tasks.spawn(async move {
            let news = |what| News { goal: place, what };
            let taken = tell.clone();
            let taken = async move || {
                let _ = taken.send(news(What::Taken)).await;
            };
            let result = try_one(&goal, address, &tls, taken).await;
            let _ = tell.send(news(What::Tried(Box::new(result)))).await;
        });
    }

    fn failed(&mut self, goal: usize, end: End) {
        self.running -= 1;
        self.end_of_try(goal, end);
    }

    fn end_of_try(&mut self, goal: usize, end: End) {
        let before = &mut self.states[goal].end;
        if before.as_ref().is_none_or(|it| weight(it) <= weight(&end)) {
            *before = Some(end);
        }
    }

    /// The end if the time for connecting is over.
    fn timed_out(mut self) -> NotConnected {
        for (place, goal) in self.goals.iter().enumerate() {
            let State { is_taken, end } = &mut self.states[place];
            end.get_or_insert_with(|| {
                if *is_taken && goal.encrypted && !goal.may_be_plain {
                    End::NotEncrypted
                } else {
                    End::TimedOut(goal.address.clone())
                }
            });
        }
        self.end()
    }

    /// The end if nothing more can be tried.
    fn end(self) -> NotConnected {
        let ends: Vec<End> = self.states.into_iter().filter_map(|it| it.end).collect();
        let is_temporary = ends.iter().any(End::is_temporary);
        // The first of those that say most.
        let end = ends.into_iter().rev().max_by_key(weight);
        NotConnected {
            end: end.unwrap_or_else(|| End::NoSuchHost(String::new())),
            is_temporary,
        }
    }
}

/// How much an end says; of several, the user gets the one that says most. A refusal by
/// the host says more than a missing route to another of its addresses.
const fn weight(end: &End) -> u8 {
    match end {
        End::OtherIdentity { .. } => 3,
        End::NotEncrypted => 2,
        End::Refused(_) | End::NotChatroom(_) => 1,
        _ => 0,
    }
}

/// Connects to one address, and checks which server answers.
async fn try_one(
    goal: &Goal,
    address: SocketAddr,
    tls: &Tls,
    taken: impl AsyncFnOnce(),
) -> Result<Link, End> {
    let failed = |error: io::Error| end_of(&error, &goal.address);
    let stream = tcp(address).await.map_err(failed)?;
    taken().await;
    let plain = |stream| Link {
        bytes: Box::new(stream),
        pin: None,
        address: goal.address.clone(),
    };
    if !goal.encrypted {
        return Ok(plain(stream));
    }
    let shaken = tls
        .handshake(&goal.address.host, address.ip(), stream)
        .await;
    match shaken {
        Ok((stream, pin)) => match &goal.expected {
            Some(expected) if expected.pin != pin => Err(expected.other(pin)),
            _ => Ok(Link {
                bytes: Box::new(stream),
                pin: Some(pin),
                address: goal.address.clone(),
            }),
        },
        Err(NoTls::NotSpoken) if goal.may_be_plain => {
            Ok(plain(tcp(address).await.map_err(failed)?))
        }
        Err(_) if goal.may_be_plain => Err(End::NotChatroom(goal.address.clone())),
        Err(_) => Err(End::NotEncrypted),
    }
}

async fn tcp(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    if is_own(&stream)? {
        // A normal close would occupy the port for another minute, and no room could open
        // there.
        let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
        return Err(ErrorKind::ConnectionRefused.into());
    }
    // Not every system has this option; without it the connection works, more slowly.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// Whether both ends are the same. This happens when a client connects to a port of its
/// own computer at which nobody listens, and the kernel gives the client that very port
/// (RFC 9293, section 3.5). A room's port can be among those that the kernel gives.
fn is_own(stream: &TcpStream) -> io::Result<bool> {
    Ok(stream.local_addr()? == stream.peer_addr()?)
}

fn end_of(error: &io::Error, address: &Address) -> End {
    match error.kind() {
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => End::Refused(address.clone()),
        ErrorKind::TimedOut => End::TimedOut(address.clone()),
        // The system is out of descriptors, for example.
        _ if is_of_this_side(error) => End::NotBegun(error.to_string()),
        _ => End::Unreachable(address.clone()),
    }
}

/// Whether the client cannot open any connection.
fn is_of_this_side(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(
        errno,
        Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_to_itself_is_not_one_to_a_room() {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = socket.local_addr().unwrap();
        let stream = socket.connect(address).await.unwrap();
        assert!(is_own(&stream).unwrap());
    }
}
