//! Every door inside TLS behaves as outside: the same tests once more, through a tunnel.

// That is what it is for.
#![allow(clippy::duplicate_mod)]

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
