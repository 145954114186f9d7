//! Every door inside TLS behaves as outside: the same tests once more, through a tunnel.

// That is what it is for.
#![allow(clippy::duplicate_mod)]

use std::io::Read as _;

use chatroom::room::Closing;

use self::room_of::{Host as _, Peer, TestServer};

#[path = "door.rs"]
mod door;
#[path = "native.rs"]
mod native;
#[path = "resume.rs"]
mod resume;
#[path = "room.rs"]
mod room;
#[path = "text.rs"]
mod text;

/// The tunnel resets a connection that ends without `close_notify`.
#[test]
fn the_server_says_at_every_door_that_nothing_follows() {
    let server = TestServer::start();
    let bye = "{\"hello\":{\"protocol\":1}}\n{\"bye\":{}}\n";
    let broken = "{\"say\":{\"text\":\"too early\"}}\n";
    let (browser, irc) = ("GET / HTTP/1.1\r\n\r\n", "NICK ada\r\n");
    for first in [bye, broken, "ada\n?{quit}\n", browser, irc, "SSH-2.0-x\r\n"] {
        let mut peer = Peer::connect(server.address());
        peer.send(first);
        ends(peer);
    }
    let half_closed = Peer::text(&server, "ada");
    half_closed.half_close();
    ends(half_closed);
    let (native, text) = (Peer::native(&server, "bob"), Peer::text(&server, "kim"));
    server.close(Closing::ForGood);
    ends(native);
    ends(text);
}

fn ends(mut peer: Peer) {
    let mut rest = Vec::new();
    peer.stream
        .read_to_end(&mut rest)
        .unwrap_or_else(|error| panic!("{error} after {}", String::from_utf8_lossy(&rest)));
}

/// Where these tests find their server.
mod room_of {
    use std::net::SocketAddr;
    use std::ops::Deref;

    use chatroom::room::Closing;
    use chatroom::server::{Ended, Settings};

    use crate::common;
    pub use crate::common::{Host, Peer};
    use crate::support::Tunnel;

    /// A server with a tunnel into it, whose address is that of the tunnel.
    pub struct TestServer {
        tunnel: Tunnel,
        server: common::TestServer,
    }

    impl TestServer {
        pub const ENCRYPTS: bool = true;

        pub fn origin(&self, peer: &Peer) -> SocketAddr {
            self.tunnel.far_end(peer.stream.local_addr().unwrap())
        }

        pub fn start() -> Self {
            Self::with(|_| {})
        }

        pub fn with(change: impl FnOnce(&mut Settings)) -> Self {
            let server = common::TestServer::with(change);
            let tunnel = Tunnel::to(&server);
            Self { tunnel, server }
        }

        pub fn close(self, closing: Closing) -> Ended {
            self.server.close(closing)
        }

        pub fn wait(self) -> Ended {
            self.server.wait()
        }
    }

    impl Deref for TestServer {
        type Target = common::TestServer;

        fn deref(&self) -> &common::TestServer {
            &self.server
        }
    }

    impl Host for TestServer {
        fn address(&self) -> SocketAddr {
            self.tunnel.address()
        }
    }
}
