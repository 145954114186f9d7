//! The addresses by which others can join, the likeliest first.

use std::cmp::Reverse;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use socket2::SockRef;

use crate::protocol::address::Address;

use super::interface::{Class, Interface, LocalAddress};

/// The most addresses in the result: more help nobody, and people get each of them.
const ADDRESSES: usize = 16;

/// The place where a room listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listening {
    /// The address of the socket, perhaps the unspecified one.
    pub address: SocketAddr,
    /// Whether it is IPv6 without IPv4.
    pub only_v6: bool,
}

impl Listening {
    /// The place where a socket listens; `None` if the system does not report it.
    #[must_use]
    pub fn of(listener: &TcpListener) -> Option<Self> {
        let address = listener.local_addr().ok()?;
        // This claims only what the system confirms.
        let only_v6 = address.is_ipv6() && SockRef::from(listener).only_v6().unwrap_or(true);
        Some(Self { address, only_v6 })
    }

    /// Whether a connection to this address of the computer arrives at the socket.
    fn takes(&self, ip: IpAddr) -> bool {
        match ip {
            IpAddr::V4(_) => self.address.is_ipv4() || !self.only_v6,
            IpAddr::V6(_) => self.address.is_ipv6(),
        }
    }
}

/// How likely others can reach this computer over an interface; less is likelier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// First the interface of the default route; if both a tunnel and a network around
    /// this computer have one, the network's.
    leads_out: Reverse<bool>,
    class: Class,
    metric: u32,
    index: u32,
}

/// The addresses by which others can reach a room that listens there, the likeliest
/// first, at most 16.
///
/// The order: the interface of the default route, the other networks around this
/// computer, tunnels, and last the networks of containers and virtual machines; for each
/// interface IPv4 before IPv6. If every interface has only link-local addresses, the
/// result has those; if there are none either, this computer's own.
#[must_use]
pub fn reachable(interfaces: &[Interface], listening: &[Listening]) -> Vec<Address> {
    let mut found: Vec<Address> = Vec::new();
    for at in listening {
        let port = at.address.port();
        let new: Vec<Address> = if at.address.ip().is_unspecified() {
            let ordered = in_order(interfaces);
            let mut ips = usable(&ordered, *at, |it| !is_link_local(it.ip));
            if ips.is_empty() {
                ips = usable(&ordered, *at, |it| is_link_local(it.ip));
            }
            if ips.is_empty() && found.is_empty() {
                ips.push(own(*at).to_string());
            }
            ips.into_iter().map(|ip| Address::new(ip, port)).collect()
        } else {
            vec![by_name(interfaces, at.address)]
        };
        for address in new {
            if !found.contains(&address) && found.len() < ADDRESSES {
                found.push(address);
            }
        }
    }
    found
}

/// The interfaces over which others may join, the likeliest first.
fn in_order(interfaces: &[Interface]) -> Vec<&Interface> {
    let usable = interfaces.iter().filter(|it| it.is_usable());
    let mut ranked: Vec<(Rank, &Interface)> = usable
        .map(|interface| {
            let rank = Rank {
                leads_out: Reverse(false),
                class: interface.class(interfaces),
                metric: interface.default_metric.unwrap_or(u32::MAX),
                index: interface.index,
            };
            (rank, interface)
        })
        .collect();
    let leads_out = ranked
        .iter_mut()
        .filter(|(_, it)| it.default_metric.is_some())
        .min_by_key(|(rank, _)| *rank);
    if let Some((rank, _)) = leads_out {
        rank.leads_out = Reverse(true);
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, interface)| interface).collect()
}

/// The addresses of these interfaces that reach the socket and that `fit`.
fn usable(
    interfaces: &[&Interface],
    at: Listening,
    fit: impl Fn(&LocalAddress) -> bool,
) -> Vec<String> {
    let mut ips = Vec::new();
    for interface in interfaces {
        let mut addresses: Vec<&LocalAddress> = interface
            .addresses
            .iter()
            .filter(|it| !it.ip.is_loopback() && at.takes(it.ip) && fit(it))
            .collect();
        // A permanent address is better to pass on than one that the system soon drops.
        addresses.sort_by_key(|it| (it.ip.is_ipv6(), it.temporary));
        ips.extend(addresses.iter().map(|it| with_zone(it.ip, &interface.name)));
    }
    ips
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

/// An address as people write it: a link-local one means nothing without its zone (RFC
/// 4007, section 11).
fn with_zone(ip: IpAddr, zone: &str) -> String {
    match ip {
        IpAddr::V6(ip) if ip.is_unicast_link_local() => format!("{ip}%{zone}"),
        ip => ip.to_string(),
    }
}

/// The address of a socket that listens at one only, with the name of its zone if that is
/// known.
fn by_name(interfaces: &[Interface], address: SocketAddr) -> Address {
    let SocketAddr::V6(v6) = address else {
        return address.into();
    };
    match interfaces.iter().find(|it| it.index == v6.scope_id()) {
        Some(interface) => Address::new(with_zone((*v6.ip()).into(), &interface.name), v6.port()),
        None => address.into(),
    }
}

/// This computer's own address for itself.
fn own(at: Listening) -> IpAddr {
    if at.takes(Ipv4Addr::LOCALHOST.into()) {
        Ipv4Addr::LOCALHOST.into()
    } else {
        Ipv6Addr::LOCALHOST.into()
    }
}

#[cfg(test)]
mod tests {
    use super::super::interface::State;
    use super::*;

    fn interface(index: u32, name: &str, kind: Option<&str>, ips: &[&str]) -> Interface {
        Interface {
            index,
            name: name.to_owned(),
            kind: kind.map(str::to_owned),
            state: State::Running,
            addresses: ips.iter().map(|ip| address(ip)).collect(),
            ..Interface::default()
        }
    }

    fn address(ip: &str) -> LocalAddress {
        LocalAddress {
            ip: ip.parse().unwrap(),
            prefix_len: 24,
            temporary: false,
        }
    }

    fn loopback() -> Interface {
        Interface {
            loopback: true,
            ..interface(1, "lo", None, &["127.0.0.1", "::1"])
        }
    }

    fn everywhere() -> Listening {
        Listening {
            address: "[::]:53000".parse().unwrap(),
            only_v6: false,
        }
    }

    fn told(interfaces: &[Interface], listening: &[Listening]) -> Vec<String> {
        let addresses = reachable(interfaces, listening);
        addresses.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_interface_of_the_default_route_comes_first_and_containers_come_last() {
        let interfaces = [
            loopback(),
            interface(2, "docker0", Some("bridge"), &["172.17.0.1"]),
            interface(3, "virbr0", Some("bridge"), &["192.168.122.1"]),
            interface(4, "tun0", Some("tun"), &["10.8.0.2"]),
            interface(5, "eth0", None, &["10.1.0.5"]),
            Interface {
                default_metric: Some(600),
                ..interface(6, "wlan0", None, &["192.168.1.5", "2001:db8::5"])
            },
        ];
        assert_eq!(
            told(&interfaces, &[everywhere()]),
            [
                "192.168.1.5:53000",
                "[2001:db8::5]:53000",
                "10.1.0.5:53000",
                "10.8.0.2:53000",
                "172.17.0.1:53000",
                "192.168.122.1:53000",
            ]
        );
    }

    #[test]
    fn of_two_default_routes_the_better_one_leads_and_a_tunnel_takes_no_network_its_place() {
        let with_route = |metric, it| Interface {
            default_metric: Some(metric),
            ..it
        };
        let wired = with_route(100, interface(2, "eth0", None, &["10.1.0.5"]));
        let wireless = with_route(600, interface(3, "wlan0", None, &["192.168.1.5"]));
        let tunnel = with_route(50, interface(4, "tun0", Some("tun"), &["10.8.0.2"]));
        let first = |interfaces: &[Interface]| told(interfaces, &[everywhere()])[0].clone();
        let all = [tunnel.clone(), wireless.clone(), wired];
        assert_eq!(first(&all), "10.1.0.5:53000");
        assert_eq!(first(&all[..2]), "192.168.1.5:53000");
        // Without another way out, the tunnel is the likeliest.
        let without_route = Interface {
            default_metric: None,
            ..wireless
        };
        assert_eq!(first(&[without_route, tunnel]), "10.8.0.2:53000");
    }

    #[test]
    fn a_link_that_is_down_is_not_told() {
        let down = Interface {
            state: State::Waiting,
            ..interface(2, "eth0", None, &["10.1.0.5"])
        };
        let up = interface(3, "wlan0", None, &["192.168.1.5"]);
        assert_eq!(told(&[down, up], &[everywhere()]), ["192.168.1.5:53000"]);
    }

    #[test]
    fn a_link_local_address_is_told_with_its_zone_where_there_is_no_other() {
        let local = interface(2, "eth0", None, &["fe80::1", "169.254.7.7"]);
        let wanted = ["169.254.7.7:53000", "[fe80::1%eth0]:53000"];
        assert_eq!(told(&[loopback(), local.clone()], &[everywhere()]), wanted);
        let other = interface(3, "wlan0", None, &["192.168.1.5"]);
        let wanted = ["192.168.1.5:53000"];
        assert_eq!(told(&[local, other], &[everywhere()]), wanted);
    }

    #[test]
    fn without_a_network_this_computer_can_join_itself() {
        assert_eq!(told(&[loopback()], &[everywhere()]), ["127.0.0.1:53000"]);
        assert_eq!(told(&[], &[everywhere()]), ["127.0.0.1:53000"]);
        let only_v6 = Listening {
            only_v6: true,
            ..everywhere()
        };
        assert_eq!(told(&[], &[only_v6]), ["[::1]:53000"]);
    }

    #[test]
    fn only_addresses_at_which_the_socket_listens_are_told() {
        let both = interface(2, "eth0", None, &["10.1.0.5", "2001:db8::5"]);
        let at = |address: &str, only_v6| Listening {
            address: address.parse().unwrap(),
            only_v6,
        };
        let interfaces = [both];
        assert_eq!(told(&interfaces, &[at("0.0.0.0:7", false)]), ["10.1.0.5:7"]);
        assert_eq!(
            told(&interfaces, &[at("[::]:7", true)]),
            ["[2001:db8::5]:7"]
        );
        let chosen = [
            at("10.1.0.5:7", false),
            at("[::1]:7", true),
            at("10.1.0.5:7", false),
        ];
        assert_eq!(told(&interfaces, &chosen), ["10.1.0.5:7", "[::1]:7"]);
        assert_eq!(
            told(&interfaces, &[at("[fe80::5%2]:7", true)]),
            ["[fe80::5%eth0]:7"]
        );
    }

    #[test]
    fn an_address_that_is_soon_given_up_comes_after_one_that_stays() {
        let mut it = interface(2, "eth0", None, &["2001:db8::77", "2001:db8::5"]);
        it.addresses[0].temporary = true;
        let wanted = ["[2001:db8::5]:53000", "[2001:db8::77]:53000"];
        assert_eq!(told(&[it], &[everywhere()]), wanted);
    }

    #[test]
    fn however_many_addresses_there_are_few_are_told() {
        let ips: Vec<String> = (0..200).map(|n| format!("10.0.0.{n}")).collect();
        let ips: Vec<&str> = ips.iter().map(String::as_str).collect();
        let it = interface(2, "eth0", None, &ips);
        assert_eq!(told(&[it], &[everywhere()]).len(), ADDRESSES);
    }
}
