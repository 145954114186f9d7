//! Runs a client on its own thread: one connection after the other.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use crate::net::Monitor;

use super::backoff::Backoff;
use super::clock::slept;
use super::connect::connect;
use super::connection::{Connection, Outcome};
use super::context::Context;
use super::end::End;
use super::event::Event;
use super::resume_state::ResumeState;

/// The longest time that a stopping server can make the client wait.
const LONGEST_RETRY: Duration = Duration::from_mins(1);

/// Opens a client's connections, one after the other.
pub(super) struct Supervisor {
    pub context: Context,
    /// The source of all randomness.
    pub seed: u64,
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
            if !may_come_back || self.context.send_queue.is_leaving() || !is_temporary(&outcome.end)
            {
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
    async fn attempt(&self, resume_state: &mut ResumeState, network: Option<&Monitor>) -> Outcome {
        match self.connect(network).await {
            Ok(stream) => {
                let connection = Connection {
                    context: &self.context,
                };
                connection.run(stream, resume_state).await
            }
            Err(end) => end.into(),
        }
    }

    async fn connect(&self, network: Option<&Monitor>) -> Result<TcpStream, End> {
        let address = &self.context.settings.address;
        loop {
            tokio::select! {
                biased;
                () = self.context.left() => return Err(End::Left),
                connected = timeout(self.context.settings.connect_within, connect(address)) => {
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
        | End::KeyNeeded
        | End::KeyWrong
        | End::TlsNeeded
        | End::Banned { .. }
        | End::Removed
        | End::OtherIdentity { .. }
        | End::NotProven
        | End::NotEncrypted
        | End::OtherVersion
        | End::Rejected(_)
        | End::Garbled => false,
    }
}
