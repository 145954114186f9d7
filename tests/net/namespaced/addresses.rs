//! The addresses by which others can join.

use std::process::Command;

use super::Namespace;
use crate::serve;
use crate::support::CHATROOM;

fn server(namespace: &Namespace) -> Command {
    namespace.command(CHATROOM)
}

#[test]
fn the_interface_of_the_default_route_comes_first_and_containers_come_last() {
    let namespace = Namespace::new();
    namespace.add_bridge("docker0", "172.17.0.1/16");
    namespace.add_bridge("virbr0", "192.168.122.1/24");
    namespace.run(
        "ip link add vethc1 type veth peer name vethc2
         ip link set vethc1 master virbr0 up
         ip link set vethc2 up",
    );
    namespace.add_link("tun0", "10.8.0.2/24");
    namespace.add_link("eth0", "10.1.0.5/24");
    namespace.add_link("wlan0", "192.168.1.5/24");
    namespace.add_link("eth1", "10.2.0.5/24");
    namespace.run(
        "ip link set eth1-far down
         ip route add default via 192.168.1.1 dev wlan0",
    );
    let (_server, addresses) = serve(&mut server(&namespace));
    // The other end of eth1 is down.
    let wanted = [
        "192.168.1.5:53000",
        "10.1.0.5:53000",
        "10.8.0.2:53000",
        "172.17.0.1:53000",
        "192.168.122.1:53000",
    ];
    assert_eq!(addresses, wanted);
}

#[test]
fn a_bridge_of_a_real_network_is_one() {
    let namespace = Namespace::new();
    namespace.add_bridge("docker0", "172.17.0.1/16");
    namespace.add_bridge("br0", "192.168.1.5/24");
    namespace.run(
        "ip link add eth0 type veth peer name other0
         ip link set eth0 master br0 up
         ip link set other0 up",
    );
    let (_server, addresses) = serve(&mut server(&namespace));
    assert_eq!(addresses, ["192.168.1.5:53000", "172.17.0.1:53000"]);
}

#[test]
fn where_nothing_else_is_a_link_local_address_is_told_with_its_zone() {
    let namespace = Namespace::new();
    namespace.run(
        "ip link add eth0 type veth peer name other0
         ip link set eth0 addrgenmode none
         ip link set other0 addrgenmode none
         ip address add fe80::5/64 dev eth0 nodad
         ip link set eth0 up
         ip link set other0 up",
    );
    let (_server, addresses) = serve(&mut server(&namespace));
    assert_eq!(addresses, ["[fe80::5%eth0]:53000"]);
    // And it is one by which others join.
    let joined = namespace.python(
        r#"
import socket
room = socket.create_connection(("fe80::5%eth0", 53000), timeout=20)
room.sendall(b'{"ping":{}}\n')
print(room.recv(100))
"#,
    );
    assert!(joined.contains("pong"), "{joined}");
}

#[test]
fn addresses_that_come_and_go_are_told_while_the_room_is_open() {
    let namespace = Namespace::new();
    // As a service that is started before the network.
    let mut command = server(&namespace);
    let (mut server, addresses) = serve(command.args(["--room-name", "Moving"]));
    assert_eq!(addresses, ["127.0.0.1:53000"]);
    namespace.run(
        "ip link add eth0 type veth peer name other0
         ip link set eth0 addrgenmode none
         ip address add 192.168.1.5/24 dev eth0
         ip link set eth0 up
         ip link set other0 up",
    );
    assert_eq!(server.line(), "Others can now join at 192.168.1.5:53000.");
    let status = || {
        // Other servers may run on this computer.
        let told = namespace.run(&format!("{CHATROOM} --status --json"));
        let own = told.lines().find(|line| line.contains("Moving")).unwrap();
        let told: serde_json::Value = serde_json::from_str(own).unwrap();
        told["addresses"].to_string()
    };
    assert_eq!(status(), r#"["192.168.1.5:53000"]"#);
    // The cable is pulled out.
    namespace.run("ip link set other0 down");
    assert_eq!(server.line(), "Others can now join at 127.0.0.1:53000.");
    assert_eq!(status(), r#"["127.0.0.1:53000"]"#);
}
