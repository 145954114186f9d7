//! This computer's network at one moment.

use super::interface::{Interface, LocalAddress, State};
use super::netlink::{self, Told};
use super::subscriber::{Links, Prefix};

/// This computer's network at one moment. It is a value: later changes need a new one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocalNetwork {
    /// The interfaces, with their addresses.
    pub interfaces: Vec<Interface>,
    /// The links of this computer.
    pub links: Links,
}

impl LocalNetwork {
    /// Reads the network from the kernel. This takes less than a millisecond on a usual
    /// computer, and a few seconds at most where the kernel does not answer.
    ///
    /// Where the kernel does not report everything (in some sandboxes), the result has
    /// fewer interfaces, with fewer details, or none.
    #[must_use]
    pub fn read() -> Self {
        // Some systems report addresses, but no kinds and routes.
        let Told { interfaces, direct } = netlink::ask().unwrap_or_else(|_| Told {
            interfaces: from_addresses(),
            direct: Vec::new(),
        });
        let own = interfaces
            .iter()
            .filter(|it| !it.loopback && !it.point_to_point)
            .flat_map(|it| &it.addresses)
            .filter_map(Prefix::of);
        let links = own.chain(direct).collect();
        Self { interfaces, links }
    }
}

/// The interfaces, by the addresses that the C library reports.
fn from_addresses() -> Vec<Interface> {
    let mut interfaces: Vec<Interface> = Vec::new();
    for told in if_addrs::get_if_addrs().unwrap_or_default() {
        let address = LocalAddress {
            ip: told.ip(),
            prefix_len: match &told.addr {
                if_addrs::IfAddr::V4(v4) => v4.prefixlen,
                if_addrs::IfAddr::V6(v6) => v6.prefixlen,
            },
            temporary: false,
        };
        if let Some(known) = interfaces.iter_mut().find(|it| it.name == told.name) {
            known.addresses.push(address);
            continue;
        }
        interfaces.push(Interface {
            index: told.index.unwrap_or_default(),
            loopback: told.is_loopback(),
            point_to_point: told.is_p2p(),
            // It has an address, and nothing else is known.
            state: match told.oper_status {
                if_addrs::IfOperStatus::Down => State::Down,
                _ => State::Running,
            },
            addresses: vec![address],
            name: told.name,
            ..Interface::default()
        });
    }
    interfaces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_ask_tell_the_same_addresses() {
        let addresses = |interfaces: &[Interface]| {
            let mut ips: Vec<String> = interfaces
                .iter()
                .filter(|it| it.state != State::Down)
                .flat_map(|it| &it.addresses)
                .map(|it| it.ip.to_string())
                .collect();
            ips.sort();
            ips.dedup();
            ips
        };
        let Ok(told) = netlink::ask() else { return };
        let asked = addresses(&told.interfaces);
        let library = addresses(&from_addresses());
        // The other way also reports unusable addresses.
        assert!(
            asked.iter().all(|ip| library.contains(ip)),
            "{asked:?} {library:?}"
        );
    }
}
