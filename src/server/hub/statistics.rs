//! The statistics of one room.

use std::time::Instant;

use super::super::stats::{Stats, memory};
use super::core::Hub;

impl Hub {
    /// The server's statistics. The only lock it takes is that of the settings, which
    /// threads hold to copy a pointer.
    pub fn stats(&self, port: u16) -> Stats {
        let live = self.live();
        Stats {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            room: live.room_name.to_string(),
            port,
            durable: self.is_durable(),
            uptime_seconds: self.counters.uptime().as_secs(),
            members: self.room.members(),
            away: self.room.away(),
            private: live.private,
            tls_members: self.counters.tls_members(),
            bans: self.count_bans(Instant::now()),
            at_the_door: self.admission.at_the_door(),
            messages: self.messages(),
            deliveries: self.counters.deliveries(),
            slow_readers: self.counters.slow_readers(),
            fell_behind: self.counters.fell_behind(),
            refused: self.counters.refused(),
            memory_bytes: memory(),
            addresses: self.addresses(),
        }
    }

    /// The addresses where others can join, as people write them; the likeliest first.
    fn addresses(&self) -> Vec<String> {
        let addresses = self.surroundings.addresses();
        addresses.iter().map(ToString::to_string).collect()
    }
}
