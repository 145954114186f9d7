//! Asks the kernel for interfaces, addresses and routes (rtnetlink(7)).

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::address::{AddressAttribute, AddressFlags, AddressMessage};
use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkInfo, LinkMessage};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily as SocketFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recv, send,
    socket_with,
};

use super::interface::{Interface, LocalAddress, State};
use super::subscriber::Prefix;

/// The time that the kernel has to answer; usually it answers at once.
const PATIENCE: Duration = Duration::from_secs(1);

/// The most bytes in one part of an answer: the kernel sends 32 KiB at most.
const PART_BYTES: usize = 64 << 10;

/// The most parts in all answers together. A router that has a route for every network of
/// the internet has more; its default route comes first.
const PARTS: usize = 512;

/// The kernel's answer.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub interfaces: Vec<Interface>,
    /// The IPv6 prefixes that need no router.
    pub direct: Vec<Prefix>,
}

/// Asks the kernel.
///
/// # Errors
/// If it does not answer, as in some sandboxes, or not as documented.
pub(super) fn ask() -> io::Result<Told> {
    let socket = socket()?;
    let mut told = Told::default();
    let mut parts = PARTS;
    // In this order: addresses and routes are added to their interface.
    let links = RouteNetlinkMessage::GetLink(LinkMessage::default());
    let addresses = RouteNetlinkMessage::GetAddress(AddressMessage::default());
    for question in [links, addresses] {
        dump(&socket, question, &mut parts, &mut told)?;
    }
    for family in [AddressFamily::Inet, AddressFamily::Inet6] {
        let mut routes = RouteMessage::default();
        routes.header.address_family = family;
        // Without routes the addresses are still known; where there is no IPv6 there are
        // no IPv6 routes either.
        let _ = dump(
            &socket,
            RouteNetlinkMessage::GetRoute(routes),
            &mut parts,
            &mut told,
        );
    }
    Ok(told)
}

fn socket() -> io::Result<OwnedFd> {
    // The default is NETLINK_ROUTE.
    let socket = socket_with(
        SocketFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        None,
    )?;
    bind(&socket, &SocketAddrNetlink::new(0, 0))?;
    set_socket_timeout(&socket, Timeout::Recv, Some(PATIENCE))?;
    Ok(socket)
}

/// Requests all objects of one kind, and adds them to the answer.
fn dump(
    socket: &OwnedFd,
    question: RouteNetlinkMessage,
    parts: &mut usize,
    told: &mut Told,
) -> io::Result<()> {
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    let mut question = NetlinkMessage::new(header, NetlinkPayload::from(question));
    question.finalize();
    let mut bytes = vec![0; question.buffer_len()];
    question.serialize(&mut bytes);
    send(socket, &bytes, SendFlags::empty())?;
    let mut buffer = vec![0; PART_BYTES];
    while *parts > 0 {
        *parts -= 1;
        let (_, length) = recv(socket, buffer.as_mut_slice(), RecvFlags::TRUNC)?;
        let Some(part) = buffer.get(..length) else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        if note_part(part, told)? {
            return Ok(());
        }
    }
    Err(io::ErrorKind::FileTooLarge.into())
}

/// Adds the messages of one part to the answer; returns whether it was the last one.
fn note_part(mut part: &[u8], told: &mut Told) -> io::Result<bool> {
    while !part.is_empty() {
        let message = NetlinkMessage::<RouteNetlinkMessage>::deserialize(part)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
        match message.payload {
            NetlinkPayload::Done(_) => return Ok(true),
            NetlinkPayload::Error(error) => return Err(error.to_io()),
            NetlinkPayload::InnerMessage(message) => record(message, told),
            _ => {}
        }
        // Each begins at a multiple of four.
        let length = (message.header.length as usize).next_multiple_of(4);
        part = part.get(length.max(4)..).unwrap_or_default();
    }
    Ok(false)
}

fn record(message: RouteNetlinkMessage, told: &mut Told) {
    match message {
        RouteNetlinkMessage::NewLink(link) => told.interfaces.push(interface(link)),
        RouteNetlinkMessage::NewAddress(address) => {
            let index = address.header.index;
            let it = told.interfaces.iter_mut().find(|it| it.index == index);
            if let (Some(it), Some(address)) = (it, local_address(&address)) {
                it.addresses.push(address);
            }
        }
        RouteNetlinkMessage::NewRoute(route) => note_route(&route, told),
        _ => {}
    }
}

fn interface(link: LinkMessage) -> Interface {
    let flags = link.header.flags;
    let mut interface = Interface {
        index: link.header.index,
        state: match (
            flags.contains(LinkFlags::Up),
            flags.contains(LinkFlags::Running),
        ) {
            (false, _) => State::Down,
            (true, false) => State::Waiting,
            (true, true) => State::Running,
        },
        loopback: flags.contains(LinkFlags::Loopback),
        point_to_point: flags.contains(LinkFlags::Pointopoint),
        ..Interface::default()
    };
    for attribute in link.attributes {
        match attribute {
            LinkAttribute::IfName(name) => interface.name = name,
            LinkAttribute::Controller(index) => interface.controller = Some(index),
            LinkAttribute::LinkInfo(infos) => {
                interface.kind = infos.into_iter().find_map(|info| match info {
                    LinkInfo::Kind(kind) => Some(kind.to_string()),
                    _ => None,
                });
            }
            _ => {}
        }
    }
    interface
}

/// The address, if it is usable: not while the kernel still checks it, and not if it is a
/// duplicate or deprecated.
fn local_address(message: &AddressMessage) -> Option<LocalAddress> {
    let (mut local, mut address, mut flags) = (None, None, None);
    for attribute in &message.attributes {
        match attribute {
            // With a peer at the other end, `Address` is the peer's.
            AddressAttribute::Local(ip) => local = Some(*ip),
            AddressAttribute::Address(ip) => address = Some(*ip),
            AddressAttribute::Flags(all) => flags = Some(*all),
            _ => {}
        }
    }
    let ip = local.or(address)?;
    let first_flags = message.header.flags.bits();
    let flags = flags.unwrap_or(AddressFlags::from_bits_retain(first_flags.into()));
    let unusable = AddressFlags::Tentative | AddressFlags::Dadfailed | AddressFlags::Deprecated;
    // The kernel already uses an optimistic address while it checks it.
    if flags.intersects(unusable) && !flags.contains(AddressFlags::Optimistic) {
        return None;
    }
    Some(LocalAddress {
        ip,
        prefix_len: message.header.prefix_len,
        // For an IPv4 address, the same bit means that it is a secondary one.
        temporary: ip.is_ipv6() && flags.contains(AddressFlags::Secondary),
    })
}

/// Adds a default route, or a prefix that needs no router.
fn note_route(route: &RouteMessage, told: &mut Told) {
    let header = &route.header;
    if header.kind != RouteType::Unicast || header.table != RouteHeader::RT_TABLE_MAIN {
        return;
    }
    let (mut over, mut metric, mut to, mut direct) = (Vec::new(), 0, None, true);
    for attribute in &route.attributes {
        match attribute {
            RouteAttribute::Oif(index) => over.push(*index),
            RouteAttribute::MultiPath(hops) => {
                direct = false;
                over.extend(hops.iter().map(|hop| hop.interface_index));
            }
            RouteAttribute::Priority(priority) => metric = *priority,
            RouteAttribute::Destination(RouteAddress::Inet6(ip)) => to = Some(*ip),
            RouteAttribute::Gateway(_) | RouteAttribute::Via(_) => direct = false,
            _ => {}
        }
    }
    let length = header.destination_prefix_length;
    for it in told
        .interfaces
        .iter_mut()
        .filter(|it| over.contains(&it.index))
    {
        if length == 0 {
            let best = it.default_metric.unwrap_or(u32::MAX);
            it.default_metric = Some(best.min(metric));
        } else if direct
            && !it.point_to_point
            && !it.loopback
            && let Some(ip) = to
        {
            told.direct.push(Prefix::new(ip, length));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    #[test]
    fn the_kernel_tells_of_the_loopback_or_says_why_not() {
        match ask() {
            Ok(told) => {
                let loopback = told.interfaces.iter().find(|it| it.loopback);
                assert!(loopback.is_some_and(|it| !it.name.is_empty() && it.index > 0));
            }
            Err(error) => assert_ne!(error.to_string(), ""),
        }
    }

    #[test]
    fn bytes_that_are_no_message_are_an_error_and_no_panic() {
        let mut told = Told::default();
        for length in 1..200 {
            for byte in [0, 1, 4, 16, 255] {
                let _ = note_part(&vec![byte; length], &mut told);
            }
        }
    }

    #[test]
    fn of_an_address_with_a_peer_ours_is_told_and_one_that_is_no_use_is_not() {
        let mut message = AddressMessage::default();
        message.attributes = vec![
            AddressAttribute::Address(IpAddr::from([10, 8, 0, 1])),
            AddressAttribute::Local(IpAddr::from([10, 8, 0, 2])),
        ];
        let ip = |message: &AddressMessage| local_address(message).map(|it| it.ip);
        assert_eq!(ip(&message), Some(IpAddr::from([10, 8, 0, 2])));
        message
            .attributes
            .push(AddressAttribute::Flags(AddressFlags::Tentative));
        assert_eq!(ip(&message), None);
    }
}
