//! The life of a client, on its own thread: one connection after the other.

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

/// The longest that a server that stops can make this side wait.
const LONGEST_RETRY: Duration = Duration::from_mins(1);

/// What a client holds on to.
pub(super) struct Life {
    pub settings: Settings,
    pub desk: Arc<Desk>,
    pub events: Sender<Event>,
    /// Stands for all that is random.
    pub seed: u64,
}

/// A connection, or a try to have one.
pub(super) struct Visit {
    pub end: End,
    /// Whether it led into the room.
    pub was_in: bool,
}

impl From<End> for Visit {
    fn from(end: End) -> Self {
        let was_in = false;
        Self { end, was_in }
    }
}

impl Life {
    /// Joins the room, and comes back to it, until the end.
    pub async fn run(mut self) -> End {
        let settings = &mut self.settings;
        let mut place = Place::new(settings.resume.take());
        let mut backoff = Backoff::new(settings.first_retry, settings.longest_retry, self.seed);
        // While this side is away: since when, and the network's news.
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

    /// Waits until this side leaves, or nobody listens.
    pub(super) async fn left(&self) {
        tokio::select! {
            () = self.desk.left() => {}
            () = self.events.closed() => {}
        }
    }

    /// Waits until a try is worth while at once.
    async fn hurried(&self, network: Option<&Monitor>) {
        match network {
            Some(network) => tokio::select! {
                () = self.desk.hurried() => {}
                () = network.changed() => {}
            },
            None => std::future::pending().await,
        }
    }

    /// Connects, and stays until the end of the connection.
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
                // On another network this try may hang where the next one does not.
                () = self.hurried(network) => {}
            }
        }
    }
}

/// Whether it is worth while to try again.
const fn is_temporary(end: &End) -> bool {
    match end {
        // A network that one has to log in to first answers in the server's place.
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
