//! What the pool of threads serves: the connections to one room, and their fan-outs.

use std::sync::Arc;

use tokio::net::TcpStream;

use super::super::fanout::FanOut;
use super::super::hub::{Guest, Hub};
use super::super::link::Link;
use super::super::pool;
use super::super::wakers::Seat;
use super::task::{Connection, serve};

/// The connections to one room, and the fan-out of each thread.
#[derive(Debug)]
pub struct Service {
    hub: Arc<Hub>,
    fan_outs: Box<[Arc<FanOut>]>,
}

impl Service {
    /// Serves the room of this hub.
    pub fn new(hub: Arc<Hub>) -> Self {
        let fan_outs = hub.wakers.all().iter().map(|_| Arc::default()).collect();
        Self { hub, fan_outs }
    }
}

impl pool::Service for Service {
    type Peer = Guest;

    async fn run(&self, thread: usize) {
        let waker = &self.hub.wakers.all()[thread];
        self.fan_outs[thread].run(&self.hub, waker).await;
    }

    fn serve(
        &self,
        stream: TcpStream,
        guest: Guest,
        thread: usize,
        seat: Seat,
    ) -> impl Future<Output = ()> + Send + 'static {
        let link = Link::new(stream);
        let connection = Connection::new(link, guest, &self.fan_outs[thread], seat);
        serve(Box::new(connection))
    }
}
