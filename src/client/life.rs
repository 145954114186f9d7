//! Runs a client on its own thread: one connection after the other.

use std::sync::Arc;
use std::time::Duration;

use async_channel::Sender;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use crate::net::Monitor;

use super::backoff::Backoff;
use super::clock::slept;
use super::connect::connect;
use super::connection::Connection;
use super::desk::Desk;
use super::place::Place;
use super::{End, Event, Settings};

/// The longest time that a stopping server can make the client wait.
const LONGEST_RETRY: Duration = Duration::from_mins(1);

/// The parts of a client.
pub(super) struct Life {
    pub settings: Settings,
    pub desk: Arc<Desk>,
    pub events: Sender<Event>,
    /// The source of all randomness.
    pub seed: u64,
}

/// A connection, or a try to have one.
pub(super) struct Visit {
    pub end: End,
    /// Whether the client got into the room.
    pub was_in: bool,
}

impl From<End> for Visit {
    fn from(end: End) -> Self {
        let was_in = false;
        Self { end, was_in }
    }
}

impl Life {
    /// Joins the room, and comes back to it after each loss, until the end.
    pub async fn run(mut self) -> End {
        let settings = &mut self.settings;
        let mut place = Place::new(settings.resume.take());
        let mut backoff = Backoff::new(settings.first_retry, settings.longest_retry, self.seed);
        // While the connection is lost: since when, and the news of the network.
        let mut away: Option<(Instant, Monitor)> = None;
        loop {
            let begun = Instant::now();
            let network = away.as_ref().map(|(_, network)| network);
            let visit = self.visit(&mut place, network).await;
            let may_come_back = self.settings.comes_back && place.is_known();
            if !may_come_back || self.desk.is_leaving() || !is_temporary(&visit.end) {
                return visit.end;
            }
            if visit.was_in {
                self.desk.interrupted();
                away = None;
                if begun.elapsed() >= backoff.longest() {
                    backoff.reset();
                }
                let told = self.events.send(Event::Interrupted(visit.end.clone()));
                tokio::select! {
                    biased;
                    () = self.left() => return End::Left,
                    _ = told => {}
                }
            }
            let (since, network) = away.get_or_insert_with(|| (Instant::now(), Monitor::listen()));
            let wait = match visit.end {
                End::ServiceStopping { retry: Some(retry) } => {
                    backoff.after(retry.min(LONGEST_RETRY))
                }
                _ => backoff.next(),
            };
            if let Some(longest) = self.settings.give_up_after
                && since.elapsed() + wait > longest
            {
                return visit.end;
            }
            self.desk
                .set_next_try(Some((Instant::now() + wait).into_std()));
            tokio::select! {
                biased;
                () = self.left() => return End::Left,
                () = sleep(wait) => {}
                () = self.hurried(Some(network)) => backoff.reset(),
                () = slept() => backoff.reset(),
            }
            self.desk.set_next_try(None);
        }
    }

    /// Waits until the client leaves, or nobody listens.
    pub(super) async fn left(&self) {
        tokio::select! {
            () = self.desk.left() => {}
            () = self.events.closed() => {}
        }
    }

    /// Waits until there is a reason to try at once.
    async fn hurried(&self, network: Option<&Monitor>) {
        match network {
            Some(network) => tokio::select! {
                () = self.desk.hurried() => {}
                () = network.changed() => {}
            },
            None => std::future::pending().await,
        }
    }

    /// Connects, and runs the connection until its end.
    async fn visit(&self, place: &mut Place, network: Option<&Monitor>) -> Visit {
        match self.connect(network).await {
            Ok(stream) => Connection { life: self }.run(stream, place).await,
            Err(end) => end.into(),
        }
    }

    async fn connect(&self, network: Option<&Monitor>) -> Result<TcpStream, End> {
        let address = &self.settings.address;
        loop {
            tokio::select! {
                biased;
                () = self.left() => return Err(End::Left),
                connected = timeout(self.settings.connect_within, connect(address)) => {
                    return connected.unwrap_or_else(|_| Err(End::TimedOut(address.clone())));
                }
                // After a change of the network this try may hang while a new one would
                // not.
                () = self.hurried(network) => {}
            }
        }
    }
}

/// Whether another try makes sense.
const fn is_temporary(end: &End) -> bool {
    match end {
        // A network with a login page answers in the server's place.
        End::NotChatroom(_)
        | End::ServiceStopping { .. }
        | End::Refused(_)
        | End::NoSuchHost(_)
        | End::Unreachable(_)
        | End::TimedOut(_)
        | End::TooManyConnections
        | End::Lost(_)
        | End::NotBegun(_) => true,
        End::Left
        | End::RoomClosed
        | End::TakenOver
        | End::RoomFull
        | End::OtherVersion
        | End::Rejected(_)
        | End::Garbled => false,
    }
}
