//! Who counts as one subscriber.

use super::Namespace;
use crate::serve;
use crate::support::CHATROOM;

/// Connects from each of 300 addresses once, and prints how many were let in.
const CROWD: &str = r#"
import socket
peers = []
for number in range(1, 301):
    peer = socket.socket(socket.AF_INET6)
    peer.settimeout(20)
    peer.bind((f"PREFIX{number:x}", 0))
    peer.connect(("TARGET", 53000))
    peers.append(peer)
let_in = 0
for peer in peers:
    peer.sendall(b'{"ping":{}}\n')
    try:
        let_in += b"pong" in peer.recv(100)
    except ConnectionError:
        pass
print(let_in)
"#;

fn crowd(namespace: &Namespace, prefix: &str, target: &str) -> u32 {
    let script = CROWD.replace("PREFIX", prefix).replace("TARGET", target);
    namespace.python(&script).trim().parse().unwrap()
}

#[test]
fn three_hundred_computers_on_one_link_are_all_let_in() {
    let namespace = Namespace::new();
    namespace.run(
        "ip link add eth0 type veth peer name other0
         for n in $(seq 1 300); do
             printf 'address add 2001:db8:9::%x/64 dev eth0 nodad\\n' $n
             printf 'address add fd00:9::%x/64 dev eth0 nodad\\n' $n
             printf 'address add 2001:db8:77::%x/128 dev lo nodad\\n' $n
         done | ip -batch -
         ip link set eth0 up
         ip link set other0 up",
    );
    let (_server, _) = serve(&mut namespace.command(CHATROOM));
    assert_eq!(crowd(&namespace, "2001:db8:9::", "2001:db8:9::1"), 300);
    assert_eq!(crowd(&namespace, "fd00:9::", "fd00:9::1"), 300);
    // On no link of ours, it is one subscriber.
    assert_eq!(crowd(&namespace, "2001:db8:77::", "2001:db8:9::1"), 256);
}

#[test]
fn a_link_that_comes_later_counts_as_one_too() {
    let namespace = Namespace::new();
    let (mut server, _) = serve(&mut namespace.command(CHATROOM));
    namespace.run(
        "ip link add eth0 type veth peer name other0
         ip link set eth0 up
         ip link set other0 up
         for n in $(seq 1 300); do
             printf 'address add 2001:db8:9::%x/64 dev eth0 nodad\\n' $n
         done | ip -batch -",
    );
    assert!(server.line().contains("[2001:db8:9::"));
    assert_eq!(crowd(&namespace, "2001:db8:9::", "2001:db8:9::1"), 300);
}
