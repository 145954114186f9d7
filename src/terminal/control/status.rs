//! The state of a server, as it goes over the socket and as people read it.

use serde::{Deserialize, Serialize};

use crate::room::clean_room_name;
use crate::server::Stats;

/// The most addresses in the list of those at which a server listens.
const ADDRESSES: usize = 16;

/// The length of a fingerprint: 32 bytes in hexadecimal, with colons between.
const FINGERPRINT: usize = 95;

/// The state of a server.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Status {
    #[serde(flatten)]
    pub stats: Stats,
    /// The addresses at which it listens.
    #[serde(default)]
    pub listening: Vec<String>,
    /// The fingerprint of its certificate, as `openssl x509 -fingerprint -sha256` prints it.
    #[serde(default)]
    pub fingerprint: String,
}

impl Status {
    /// Removes everything that could act on a terminal or pass for something else:
    /// another program may have written the answer.
    pub fn clean(&mut self) {
        let clean = |text: &mut String| *text = clean_room_name(text).unwrap_or_default();
        clean(&mut self.stats.room);
        clean(&mut self.stats.version);
        self.fingerprint
            .retain(|c| c.is_ascii_hexdigit() || c == ':');
        self.fingerprint.truncate(FINGERPRINT);
        for addresses in [&mut self.listening, &mut self.stats.addresses] {
            addresses.truncate(ADDRESSES);
            addresses.iter_mut().for_each(clean);
        }
    }
}

/// The state, for people.
pub(super) fn in_words(status: &Status) -> String {
    let Status {
        stats,
        listening,
        fingerprint,
    } = status;
    let Stats {
        room,
        port,
        version,
        private,
        members,
        away,
        tls_members,
        at_the_door,
        messages,
        deliveries,
        slow_readers,
        fell_behind,
        refused,
        bans,
        addresses,
        ..
    } = stats;
    let uptime = duration(stats.uptime_seconds);
    let memory = stats.memory_bytes.div_ceil(1 << 20);
    let (full, many) = (refused.room_full, refused.too_many_connections);
    let (door, plain, banned) = (refused.closed_door, refused.tls_needed, refused.banned);
    let (no_key, wrong_key) = (refused.key_needed, refused.key_wrong);
    let line = |label: &str, value: &str| match value {
        "" => String::new(),
        value => format!("\x20 {label:14}{value}\n"),
    };
    let addresses = line("addresses", &addresses.join(", "));
    let fingerprint = line("fingerprint", fingerprint);
    let room = if room.is_empty() { "A room" } else { room };
    let listening = line("listens at", &listening.join(", "));
    let access = if *private {
        "private: with an invitation"
    } else {
        "open to everyone"
    };
    format!(
        "{room}, port {port}, serving for {uptime} (version {version})\n\
         {listening}\
         \x20 access        {access}; {bans} bans\n\
         \x20 members       {members}, {away} of them away; {at_the_door} at the door; \
         {tls_members} encrypted\n\
         \x20 messages      {messages}, delivered {deliveries} times\n\
         \x20 slow readers  {slow_readers} now; {fell_behind} times a member missed messages\n\
         \x20 refused       {full} room full, {many} too many connections, {door} closed door,\n\
         \x20               {no_key} no key, {wrong_key} wrong key, {plain} not encrypted, \
         {banned} banned\n\
         \x20 memory        {memory} MiB\n\
         {addresses}\
         {fingerprint}"
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
