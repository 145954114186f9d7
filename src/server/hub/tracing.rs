//! Tells the subscriber of the program, if there is one, what happens in a room. Nothing
//! here names more than the journal does, and nothing runs for a message.

use tracing::{debug, info, warn};

use super::super::event::Event;

/// Traces an event that is reported to the administrator.
pub fn trace(event: &Event) {
    match event {
        Event::Joined {
            name,
            address,
            protocol,
            count,
        } => info!(%name, %address, protocol = protocol.name(), count, "joined"),
        Event::Left {
            name,
            address,
            protocol,
            why,
            count,
        } => info!(%name, %address, protocol = protocol.name(), ?why, count, "left"),
        Event::Away {
            name,
            address,
            protocol,
        } => info!(%name, %address, protocol = protocol.name(), "away"),
        Event::Back {
            name,
            address,
            protocol,
        } => info!(%name, %address, protocol = protocol.name(), "back"),
        Event::Refused { address, why } => debug!(%address, %why, "connection refused"),
        Event::WrongKey { address } => debug!(%address, "wrong key"),
        Event::Removed {
            name,
            by,
            ban,
            count,
        } => info!(%name, %by, ?ban, count, "removed"),
        Event::Muted { name, by, period } => info!(%name, %by, ?period, "muted"),
        Event::Slow { every, by } => info!(?every, %by, "slow"),
        Event::Erased { seq, by } => info!(seq, %by, "erased"),
        Event::HostChanged { name, by } => info!(%name, %by, "is the host"),
        Event::KeyReplaced { by } => info!(%by, "the key was replaced"),
        Event::Unbanned { network, name } => info!(?network, ?name, "unbanned"),
        Event::CertificateChanged => info!("the certificate changed"),
        Event::FellBehind {
            name,
            address,
            protocol,
            missed,
        } => warn!(%name, %address, protocol = protocol.name(), missed, "fell behind"),
        Event::Unread(why) => warn!(why, "the store could not be read"),
        Event::Delayed(why) => warn!(why, "messages are delayed"),
        Event::Resumed(delay) => info!(?delay, "messages are no longer delayed"),
        Event::Stalled(why) => warn!(why, "no connection can be accepted"),
        Event::Clock(doubt) => warn!(?doubt, "the clock is doubtful"),
        Event::DiskLow(space) => warn!(?space, "little space is left"),
        Event::Addresses(addresses) => info!(count = addresses.len(), "the addresses changed"),
        // The reporter makes them of other events.
        Event::RefusedMany { .. } | Event::Missed(_) => {}
    }
}
