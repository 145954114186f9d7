//! A server that runs: its handle, and how it ended.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use crate::protocol::Pin;
use crate::protocol::address::Address;
use crate::protocol::invitation::Invitation;
use crate::room::{Closing, RoomKey};
use crate::tls::Certificate;

use super::event::Event;
use super::hub::Hub;
use super::settings::Settings;
use super::stats::Stats;

/// The reason why a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was closed.
    Closed(Closing),
    /// All members had left.
    Empty,
}

/// Controls a server, from any thread.
#[derive(Clone, Debug)]
pub struct Handle {
    pub(super) hub: Arc<Hub>,
    port: u16,
}

impl Handle {
    /// Controls the server of this hub, which listens on this port.
    pub(super) const fn new(hub: Arc<Hub>, port: u16) -> Self {
        Self { hub, port }
    }

    /// Asks the server to close the room: it notifies everyone, then closes every
    /// connection. Returns at once. Only the first call has an effect.
    pub fn close(&self, closing: Closing) {
        self.hub.request_close(closing);
    }

    /// The host key, a secret: a client that proves that it knows it is a host.
    #[must_use]
    pub fn host_key(&self) -> RoomKey {
        self.hub.keys().host_key.clone()
    }

    /// An invitation to the room: the addresses where others can join, the server's pin,
    /// and the key if the room is private; with the host key for `host`. `None` if no
    /// address is known. With a key in it, it is a secret.
    #[must_use]
    pub fn invitation(&self, host: bool) -> Option<Invitation> {
        self.hub.invitation(host)
    }

    /// Applies those `settings` that can change while every member stays: the name of the
    /// room (for newcomers), when it ends by itself, how much history newcomers get, the
    /// time to give a name and to come back, and the limits of members, connections and
    /// rates. A key replaces that of the room; without one it stays. Ignores the other
    /// settings.
    pub fn change(&self, settings: &Settings) {
        self.hub.change(settings);
    }

    /// The pin of the server's identity: clients know the server by it.
    #[must_use]
    pub fn pin(&self) -> Pin {
        self.hub.tls.identity().pin()
    }

    /// Replaces the administrator's certificate, or removes it. It is for connections that
    /// begin afterwards; open ones stay as they are.
    pub fn set_certificate(&self, certificate: Option<&Certificate>) {
        self.hub.tls.set_certificate(certificate);
        self.hub.report(Event::CertificateChanged);
    }

    /// The server's statistics at this moment. Does not wait for any work of the server.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.hub.stats(self.port)
    }

    /// The number of messages sent since the server started. Does not wait.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.hub.messages()
    }

    /// The number of members in the room, including absent ones. Does not wait.
    #[must_use]
    pub fn members(&self) -> usize {
        self.hub.members()
    }
}

/// A server that runs on a thread of its own. Dropping it closes the room for good, after
/// everyone was notified.
#[derive(Debug)]
pub struct Running {
    handle: Handle,
    port: u16,
    thread: Option<JoinHandle<io::Result<Ended>>>,
}

impl Running {
    /// A server that this handle controls and this thread serves.
    pub(super) const fn new(
        handle: Handle,
        port: u16,
        thread: JoinHandle<io::Result<Ended>>,
    ) -> Self {
        let thread = Some(thread);
        Self {
            handle,
            port,
            thread,
        }
    }

    /// The handle to control the server.
    #[must_use]
    pub const fn handle(&self) -> &Handle {
        &self.handle
    }

    /// The TCP port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The addresses where others can join at this moment, the likeliest first.
    #[must_use]
    pub fn addresses(&self) -> Arc<Vec<Address>> {
        self.handle.hub.surroundings.addresses()
    }

    /// Waits until the server has ended.
    ///
    /// # Errors
    /// If it could not serve.
    pub fn wait(mut self) -> io::Result<Ended> {
        self.join()
    }

    /// Closes the room, and waits until everyone was notified, a few seconds at most.
    ///
    /// # Errors
    /// If it could not serve.
    pub fn close(mut self, closing: Closing) -> io::Result<Ended> {
        self.handle.close(closing);
        self.join()
    }

    fn join(&mut self) -> io::Result<Ended> {
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(ended)) => ended,
            Some(Err(_)) => Err(io::Error::other("the server's thread panicked")),
            None => Ok(Ended::Closed(Closing::ForGood)),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.close(Closing::ForGood);
        // Whether or not it served, there is nobody left to report an error to.
        let _ = self.join();
    }
}
