//! Runs a client on its own thread: one connection after the other.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::net::Monitor;

use super::backoff::Backoff;
use super::clock::slept;
use super::connect::{NotConnected, connect};
use super::connection::{Connection, Joined, Outcome};
use super::context::Context;
use super::end::End;
use super::event::{Event, Security};
use super::known_rooms::{KnownRooms, KnownRoomsError};
use super::link::Link;
use super::outbox::Outbox;
use super::resume_state::ResumeState;
use super::tls::Tls;
use super::trust::TrustStore;

/// The longest time that a stopping server can make the client wait.
const LONGEST_RETRY: Duration = Duration::from_mins(1);

/// Opens a client's connections, one after the other.
pub(super) struct Supervisor {
    pub context: Context,
    /// The source of the randomness of its waits.
    pub seed: u64,
    pub tls: Tls,
    pub trusts: TrustStore,
    /// The file of the known rooms failed, and nobody was told yet.
    pub trouble: Option<KnownRoomsError>,
}

impl Supervisor {
    /// Joins the room, and comes back to it after each loss, until the end.
    pub async fn run(mut self) -> End {
        let settings = &mut self.context.settings;
        let mut resume_state = ResumeState::new(settings.resume.take());
        let mut backoff = Backoff::new(settings.first_retry, settings.longest_retry, self.seed);
        // While the connection is lost: since when, and the news of the network.
        let mut away: Option<(Instant, Monitor)> = None;
        loop {
            let begun = Instant::now();
            let network = away.as_ref().map(|(_, network)| network);
            tracing::debug!(address = %self.context.settings.address, "connecting");
            let outcome = self.attempt(&mut resume_state, network).await;
            let may_come_back = self.context.settings.comes_back && resume_state.is_known();
            if !may_come_back || self.context.send_queue.is_leaving() || !outcome.is_temporary {
                return outcome.end;
            }
            if outcome.was_in {
                tracing::info!(why = outcome.end.kind(), "interrupted");
                self.context.send_queue.interrupted();
                away = None;
                if begun.elapsed() >= backoff.longest() {
                    backoff.reset();
                }
                let told = self
                    .context
                    .events
                    .send(Event::Interrupted(outcome.end.clone()));
                tokio::select! {
                    biased;
                    () = self.context.left() => return End::Left,
                    _ = told => {}
                }
            }
            let (since, network) = away.get_or_insert_with(|| (Instant::now(), Monitor::listen()));
            let wait = match outcome.end {
                End::ServiceStopping { retry: Some(retry) } => {
                    backoff.after(retry.min(LONGEST_RETRY))
                }
                _ => backoff.next(),
            };
            if let Some(longest) = self.context.settings.give_up_after
                && since.elapsed() + wait > longest
            {
                return outcome.end;
            }
            self.context
                .send_queue
                .set_next_try(Some((Instant::now() + wait).into_std()));
            tokio::select! {
                biased;
                () = self.context.left() => return End::Left,
                () = sleep(wait) => {}
                () = self.hurried(Some(network)) => backoff.reset(),
                () = slept() => backoff.reset(),
            }
            self.context.send_queue.set_next_try(None);
        }
    }

    /// Waits until there is a reason to try at once.
    async fn hurried(&self, network: Option<&Monitor>) {
        match network {
            Some(network) => tokio::select! {
                () = self.context.send_queue.hurried() => {}
                () = network.changed() => {}
            },
            None => std::future::pending().await,
        }
    }

    /// Connects, and runs the connection until its end.
    async fn attempt(
        &mut self,
        resume_state: &mut ResumeState,
        network: Option<&Monitor>,
    ) -> Outcome {
        self.read_known_rooms();
        let link = match self.connect(network).await {
            Ok(link) => link,
            Err(NotConnected { end, is_temporary }) => {
                return Outcome {
                    is_temporary,
                    ..end.into()
                };
            }
        };
        let settings = &self.context.settings;
        let met = self.trusts.meet(settings, &link.address, link.pin);
        if !met.may_resume {
            resume_state.forget();
            self.context.send_queue.answer(Outbox::give_up_old);
        }
        let context = &self.context;
        let connection = Connection { context };
        let greeted = connection.greet(link, met, &self.trusts, resume_state);
        match greeted.await {
            Ok(mut joined) => {
                self.trusts.joined(joined.security);
                self.remember(&joined);
                if let Some(trouble) = self.trouble.take() {
                    joined.tell(&trouble);
                }
                let context = &self.context;
                Connection { context }.run(joined, resume_state).await
            }
            Err(end) => end.into(),
        }
    }

    /// Reads which servers the user has met, unless the client comes back to one.
    fn read_known_rooms(&mut self) {
        let Some(path) = &self.context.settings.known_rooms else {
            return;
        };
        if !self.trusts.knows_its_server() {
            self.trusts.known = KnownRooms::read(path).unwrap_or_else(|error| {
                tracing::warn!(%error, "known rooms");
                self.trouble = Some(error);
                KnownRooms::default()
            });
        }
    }

    /// Remembers the server of a room.
    fn remember(&mut self, joined: &Joined) {
        let (Some(path), Security::Tls { pin, .. }) =
            (&self.context.settings.known_rooms, joined.security)
        else {
            return;
        };
        let written = KnownRooms::update(path, |known| {
            let is_news = known.remember(pin, &joined.room, joined.address());
            self.trusts.known = known.clone();
            is_news
        });
        if let Err(error) = written {
            tracing::warn!(%error, "known rooms");
            self.trouble.get_or_insert(error);
        }
    }

    async fn connect(&self, network: Option<&Monitor>) -> Result<Link, NotConnected> {
        let settings = &self.context.settings;
        let goals = self.trusts.goals(settings);
        loop {
            tokio::select! {
                biased;
                () = self.context.left() => return Err(End::Left.into()),
                connected = connect(goals.clone(), &self.tls, settings.connect_within) => {
                    return connected;
                }
                // After a change of the network this try may hang while a new one would
                // not.
                () = self.hurried(network) => {}
            }
        }
    }
}
