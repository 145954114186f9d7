//! The state of a server, as it goes over the socket and as people read it.

use serde::{Deserialize, Serialize};

use crate::room::clean_room_name;
use crate::server::Stats;

/// The most addresses in the list of those at which a server listens.
const ADDRESSES: usize = 16;

/// The state of a server.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Status {
    #[serde(flatten)]
    pub stats: Stats,
    /// The addresses at which it listens.
    #[serde(default)]
    pub listening: Vec<String>,
}

impl Status {
    /// Removes everything that could act on a terminal or pass for something else:
    /// another program may have written the answer.
    pub fn clean(&mut self) {
        let clean = |text: &mut String| *text = clean_room_name(text).unwrap_or_default();
        clean(&mut self.stats.room);
        clean(&mut self.stats.version);
        for addresses in [&mut self.listening, &mut self.stats.addresses] {
            addresses.truncate(ADDRESSES);
            addresses.iter_mut().for_each(clean);
        }
    }
}

/// The state, for people.
pub(super) fn in_words(status: &Status) -> String {
    let Status { stats, listening } = status;
    let Stats {
        room,
        port,
        version,
        members,
        away,
        at_the_door,
        messages,
        deliveries,
        slow_readers,
        fell_behind,
        refused,
        addresses,
        ..
    } = stats;
    let uptime = duration(stats.uptime_seconds);
    let memory = stats.memory_bytes.div_ceil(1 << 20);
    let (full, many) = (refused.room_full, refused.too_many_connections);
    let door = refused.closed_door;
    let addresses = match addresses.as_slice() {
        [] => String::new(),
        addresses => format!("\x20 addresses     {}\n", addresses.join(", ")),
    };
    let room = if room.is_empty() { "A room" } else { room };
    let listening = match &listening[..] {
        [] => String::new(),
        addresses => format!("\x20 listens at    {}\n", addresses.join(", ")),
    };
    format!(
        "{room}, port {port}, serving for {uptime} (version {version})\n\
         {listening}\
         \x20 members       {members}, {away} of them away; {at_the_door} at the door\n\
         \x20 messages      {messages}, delivered {deliveries} times\n\
         \x20 slow readers  {slow_readers} now; {fell_behind} times a member missed messages\n\
         \x20 refused       {full} room full, {many} too many connections, {door} closed door\n\
         \x20 memory        {memory} MiB\n\
         {addresses}"
    )
}

fn duration(seconds: u64) -> String {
    match (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_as_exactly_as_matters() {
        let told = [5, 65, 3_700, 90_000].map(duration);
        assert_eq!(told, ["5 s", "1 min", "1 h 1 min", "1 d 1 h"]);
    }
}
