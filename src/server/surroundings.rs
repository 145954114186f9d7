//! The network around a server: the addresses at which others can join, and the
//! subscriber of each address. It stays current while the room is open.

use std::net::{IpAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::net::{Links, Listening, LocalNetwork, Monitor, Subscriber, reachable};
use crate::protocol::address::Address;

/// The least time between two checks for changes: people get a notice of each change.
const SPACING: Duration = Duration::from_secs(2);

/// The interval of the checks where the kernel does not report changes.
const LOOK: Duration = Duration::from_mins(1);

/// The network around a server. Reading it takes no lock.
#[derive(Debug)]
pub(super) struct Surroundings {
    listening: Vec<Listening>,
    links: ArcSwap<Links>,
    addresses: ArcSwap<Vec<Address>>,
}

impl Surroundings {
    /// The network around a server with these sockets.
    pub(super) fn of(listeners: &[TcpListener]) -> Self {
        let network = LocalNetwork::read();
        let listening: Vec<Listening> = listeners.iter().filter_map(Listening::of).collect();
        let addresses = reachable(&network.interfaces, &listening);
        Self {
            listening,
            links: ArcSwap::from_pointee(network.links),
            addresses: ArcSwap::from_pointee(addresses),
        }
    }

    /// A network of which nothing is known.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(super) fn unknown() -> Self {
        Self {
            listening: Vec::new(),
            links: ArcSwap::default(),
            addresses: ArcSwap::default(),
        }
    }

    /// The addresses where others can join, the likeliest first.
    pub(super) fn addresses(&self) -> Arc<Vec<Address>> {
        self.addresses.load_full()
    }

    /// The subscriber that a connection from this address counts for.
    pub(super) fn subscriber(&self, ip: IpAddr) -> Subscriber {
        self.links.load().subscriber(ip)
    }

    /// Applies the current state of the network; returns the addresses if they have
    /// changed.
    pub(super) fn change(&self, network: LocalNetwork) -> Option<Arc<Vec<Address>>> {
        let addresses = reachable(&network.interfaces, &self.listening);
        self.links.store(Arc::new(network.links));
        if **self.addresses.load() == addresses {
            return None;
        }
        let addresses = Arc::new(addresses);
        self.addresses.store(Arc::clone(&addresses));
        Some(addresses)
    }
}

impl Surroundings {
    /// Keeps the state of the network current, and calls `tell` with the addresses at each
    /// change of them; never returns.
    pub(super) async fn keep_current(&self, tell: impl Fn(Arc<Vec<Address>>)) {
        // First, so that it misses no change between the first check and the first report.
        let monitor = Monitor::listen();
        loop {
            // If the system cannot start a thread, the state stays as it is.
            if let Ok(network) = look().await
                && let Some(addresses) = self.change(network)
            {
                tell(addresses);
            }
            if monitor.is_deaf() {
                sleep(LOOK).await;
            } else {
                sleep(SPACING).await;
                monitor.changed().await;
            }
        }
    }
}

/// Reads the state of the network, on a thread of its own: it takes a moment, which must
/// not delay others.
async fn look() -> Result<LocalNetwork, oneshot::error::RecvError> {
    let (tell, told) = oneshot::channel();
    let thread = std::thread::Builder::new().name("network".to_owned());
    let _ = thread.spawn(move || tell.send(LocalNetwork::read()));
    told.await
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Instant;

    use crate::net::{Interface, LocalAddress, State};
    use crate::room::MemberId;

    use super::super::connection::Talk;
    use super::super::hub::Guest;
    use super::super::{Server, Settings, testing};
    use super::*;

    fn network(ip: [u8; 4]) -> LocalNetwork {
        let address = LocalAddress {
            ip: ip.into(),
            prefix_len: 24,
            temporary: false,
        };
        let interface = Interface {
            name: "eth0".to_owned(),
            state: State::Running,
            addresses: vec![address],
            ..Interface::default()
        };
        LocalNetwork {
            interfaces: vec![interface],
            ..LocalNetwork::default()
        }
    }

    #[test]
    fn whoever_hosts_the_room_is_told_while_it_is_open_and_nobody_else_is() {
        let settings = Settings {
            port: 0,
            bind: vec![IpAddr::from(Ipv4Addr::UNSPECIFIED).into()],
            ..Settings::default()
        };
        let server = Server::bind(settings).unwrap();
        let (hub, now) = (Arc::clone(&server.hub), Instant::now());
        let mut host = testing::host(&hub, "ada", now);
        assert!(testing::told(&mut host).contains("Others can join at"));
        let guest = Guest::arriving(&hub, ([192, 0, 2, 2], 1).into(), now).unwrap();
        let mut other = Talk::new(guest, now);
        other.take(b"{\"hello\":{\"protocol\":1}}\n", now);
        testing::told(&mut other);

        assert!(hub.surroundings.change(network([192, 0, 2, 7])).is_some());
        hub.tell_hosts();
        let recalled = hub.wakers.first().take_recalled();
        assert_eq!(*recalled, [MemberId::MIN]);
        for (talk, is_told) in [(&mut host, true), (&mut other, false)] {
            talk.tell_changes();
            let told = testing::told(talk);
            assert_eq!(told.contains("Others can now join at"), is_told, "{told}");
        }
    }

    #[test]
    fn what_changed_is_told_once() {
        let listener = TcpListener::bind("0.0.0.0:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let surroundings = Surroundings::of(&[listener]);
        let told = surroundings.change(network([192, 0, 2, 7])).unwrap();
        assert_eq!(told[0].to_string(), format!("192.0.2.7:{port}"));
        assert_eq!(surroundings.addresses(), told);
        assert_eq!(surroundings.change(network([192, 0, 2, 7])), None);
        let told = surroundings.change(LocalNetwork::default()).unwrap();
        assert_eq!(told[0].to_string(), format!("127.0.0.1:{port}"));
    }
}
