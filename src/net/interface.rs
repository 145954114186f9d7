//! Descriptions of network interfaces.

use std::net::IpAddr;

/// A network interface as the kernel describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// The kernel's number for it.
    pub index: u32,
    /// Its name, `eth0` for one.
    pub name: String,
    /// The kind of virtual interface, as the kernel reports it (`bridge`, `veth`, `tun`
    /// …); `None` for hardware.
    pub kind: Option<String>,
    /// Whether it works.
    pub state: State,
    /// Whether it reaches this computer only.
    pub loopback: bool,
    /// Whether it has one peer at its other end, rather than a link with many.
    pub point_to_point: bool,
    /// The index of the bridge, bond or similar interface that it is a port of.
    pub controller: Option<u32>,
    /// The metric of the best default route over it (lower is better); `None` if it has
    /// no default route.
    pub default_metric: Option<u32>,
    /// Its usable addresses, in the order of the kernel.
    pub addresses: Vec<LocalAddress>,
}

/// Whether an interface works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// It is switched off.
    #[default]
    Down,
    /// It is switched on, but has no link: no cable, no Wi-Fi network.
    Waiting,
    /// It works.
    Running,
}

/// An address of this computer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalAddress {
    /// The address.
    pub ip: IpAddr,
    /// The number of bits of it that identify the link.
    pub prefix_len: u8,
    /// Whether the system drops it after some hours or days, for privacy (RFC 8981).
    pub temporary: bool,
}

/// The network at the other end of an interface: the nearer to the people around this
/// computer, the earlier in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// A network with other computers in it: Ethernet, Wi-Fi, or something built on them.
    Lan,
    /// A tunnel to another network.
    Vpn,
    /// Containers or virtual machines on this computer, or nothing at all.
    Virtual,
}

/// The usual names of tunnels whose kind does not identify them.
const VPN_NAMES: [&str; 8] = [
    "tun",
    "tap",
    "utun",
    "wg",
    "ppp",
    "tailscale",
    "zt",
    "nebula",
];

/// The usual names of interfaces of containers and virtual machines whose kind does not
/// identify them.
const VIRTUAL_NAMES: [&str; 14] = [
    "veth", "ve-", "vb-", "vz-", "vnet", "vmnet", "vboxnet", "docker", "podman", "cni", "cali",
    "flannel", "lxc", "dummy",
];

impl Interface {
    /// The class of the network at its other end. `all` are the interfaces of this
    /// computer, including this one: a bridge has the class of its ports.
    #[must_use]
    pub fn class(&self, all: &[Self]) -> Class {
        if self.kind.as_deref() != Some("bridge") {
            return self.own_class();
        }
        let mut ports = all.iter().filter(|it| it.controller == Some(self.index));
        // The kernel does not allow a bridge as a port of another bridge, so this does
        // not recurse without end.
        if ports.any(|port| port.own_class() == Class::Lan) {
            Class::Lan
        } else {
            Class::Virtual
        }
    }

    fn own_class(&self) -> Class {
        match self.kind.as_deref() {
            Some(
                "tun" | "wireguard" | "ovpn" | "ppp" | "ipip" | "sit" | "ip6tnl" | "gre" | "gretap"
                | "ip6gre" | "ip6gretap" | "erspan" | "ip6erspan" | "vti" | "vti6" | "xfrm" | "amt"
                | "gtp",
            ) => Class::Vpn,
            Some("bridge" | "vxlan" | "geneve" | "bareudp" | "ifb" | "nlmon" | "netdevsim") => {
                Class::Virtual
            }
            // The other end of a veth lies in a container; or this computer is the
            // container, and the veth is its way out. Only the name distinguishes the
            // two.
            _ if has_name_of(&self.name, &VPN_NAMES) => Class::Vpn,
            _ if has_name_of(&self.name, &VIRTUAL_NAMES) => Class::Virtual,
            _ => Class::Lan,
        }
    }

    /// Whether others may join over it.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        // A bridge without ports has no link, but its address will never be more usable:
        // it is for containers that start later.
        let is_bridge = self.kind.as_deref() == Some("bridge");
        !self.loopback
            && match self.state {
                State::Down => false,
                State::Waiting => is_bridge,
                State::Running => true,
            }
    }
}

/// Whether a name is one of these followed by something, usually a number.
fn has_name_of(name: &str, known: &[&str]) -> bool {
    known.iter().any(|it| name.starts_with(it))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(index: u32, name: &str, kind: Option<&str>, controller: Option<u32>) -> Interface {
        Interface {
            index,
            name: name.to_owned(),
            kind: kind.map(str::to_owned),
            state: State::Running,
            controller,
            ..Interface::default()
        }
    }

    #[test]
    fn an_interface_is_told_by_its_kind_and_where_that_says_nothing_by_its_name() {
        for (name, kind, class) in [
            ("eth0", None, Class::Lan),
            ("wlp3s0", None, Class::Lan),
            ("bond0", Some("bond"), Class::Lan),
            ("eth0.7", Some("vlan"), Class::Lan),
            ("macvlan0", Some("macvlan"), Class::Lan),
            // The way out as a container sees it.
            ("eth0", Some("veth"), Class::Lan),
            ("host0", Some("veth"), Class::Lan),
            ("tun0", Some("tun"), Class::Vpn),
            ("office", Some("wireguard"), Class::Vpn),
            ("ppp0", None, Class::Vpn),
            ("tailscale0", Some("tun"), Class::Vpn),
            ("veth1a2b3c4", Some("veth"), Class::Virtual),
            ("ve-debian", Some("veth"), Class::Virtual),
            ("vmnet8", None, Class::Virtual),
            ("vboxnet0", None, Class::Virtual),
            ("flannel.1", Some("vxlan"), Class::Virtual),
            ("dummy0", Some("dummy"), Class::Virtual),
        ] {
            let it = interface(1, name, kind, None);
            assert_eq!(
                it.class(std::slice::from_ref(&it)),
                class,
                "{name} {kind:?}"
            );
        }
    }

    #[test]
    fn a_bridge_is_what_its_ports_are() {
        let docker = interface(1, "docker0", Some("bridge"), None);
        let machines = interface(2, "virbr0", Some("bridge"), None);
        let home = interface(3, "br0", Some("bridge"), None);
        let empty = interface(4, "br1", Some("bridge"), None);
        let all = [
            docker.clone(),
            machines.clone(),
            home.clone(),
            empty.clone(),
            interface(5, "veth12", Some("veth"), Some(1)),
            interface(6, "vnet0", Some("tun"), Some(2)),
            interface(7, "enp1s0", None, Some(3)),
            interface(8, "vnet1", Some("tun"), Some(3)),
        ];
        let classes = [docker, machines, home, empty].map(|it| it.class(&all));
        let wanted = [Class::Virtual, Class::Virtual, Class::Lan, Class::Virtual];
        assert_eq!(classes, wanted);
    }

    #[test]
    fn a_link_that_is_down_is_not_usable() {
        let mut wired = interface(1, "eth0", None, None);
        assert!(wired.is_usable());
        wired.state = State::Waiting;
        assert!(!wired.is_usable());
        let mut bridge = interface(2, "br0", Some("bridge"), None);
        bridge.state = State::Waiting;
        assert!(bridge.is_usable());
        bridge.state = State::Down;
        assert!(!bridge.is_usable());
        let mut loopback = interface(3, "lo", None, None);
        loopback.loopback = true;
        assert!(!loopback.is_usable());
    }
}
