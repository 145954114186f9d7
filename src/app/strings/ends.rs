//! How connections end, and how long they have been lost.

use gettextrs::gettext;

use crate::chat::Outage;
use crate::client::{End, Loss};

use super::{fill, time, time_left};

/// Why a connection ended or was never established, in a sentence with a remedy.
pub fn end(end: &End) -> String {
    let at = |template: String, address: &dyn ToString| {
        fill(&template, &[("address", &address.to_string())])
    };
    match end {
        End::Left => gettext("You left the room."),
        End::RoomClosed => {
            gettext("The room was closed. You can keep reading, and leave when you like.")
        }
        End::ServiceStopping { .. } => {
            gettext("The server of the room is stopping. It may start again soon.")
        }
        End::TakenOver => gettext("You are in the room from another window or device."),
        End::Refused(address) => at(
            gettext("No room is open at {address}. Check the address, or host a room there."),
            address,
        ),
        End::NoSuchHost(host) => fill(
            &gettext("No computer named “{host}” was found. Check the name and your network."),
            &[("host", host)],
        ),
        End::Unreachable(address) => at(
            gettext("{address} cannot be reached from here. Check the address and your network."),
            address,
        ),
        End::TimedOut(address) => at(
            gettext("{address} did not answer in time. Check the address and your network."),
            address,
        ),
        End::NotChatroom(address) => at(
            gettext(
                "Another program answers at {address}, not a room. Check the address and the port.",
            ),
            address,
        ),
        End::RoomFull => gettext("The room is full. Try again when someone has left."),
        End::TooManyConnections => gettext(
            "Too many connections to the room come from your address. Close one and try again.",
        ),
        End::KeyNeeded => gettext(
            "This room is private. Enter its key, or open an invitation. The host has both.",
        ),
        End::KeyWrong => gettext(
            "This key does not let you in. It was mistyped, or there is a new one. Ask the host for a new invitation.",
        ),
        End::TlsNeeded => gettext(
            "This room takes encrypted connections only. Use a newer version of Chatroom to join.",
        ),
        End::Banned { retry: Some(retry) } => fill(
            &gettext("The host keeps you out of this room. You can join again in {time}."),
            &[("time", &time_left(*retry))],
        ),
        End::Banned { retry: None } => {
            gettext("The host keeps you out of this room. Try again later, or ask the host.")
        }
        End::Removed => gettext("The host has removed you from the room. You can keep reading."),
        End::OtherIdentity { .. } => {
            gettext("Another computer answers than the one you know. Nothing was sent to it.")
        }
        End::NotProven => gettext(
            "This computer could not prove that it hosts the room of your key. Check the address, or ask the host for a new invitation.",
        ),
        End::NotEncrypted => gettext(
            "The room should be encrypted, but the answer is not. Nothing was sent. Check the address and your network.",
        ),
        End::OtherVersion => gettext(
            "The room speaks another version of the protocol. Use the same version of Chatroom as the host.",
        ),
        End::Rejected(words) => fill(
            &gettext("The server ended the connection: {words}"),
            &[("words", words)],
        ),
        End::Garbled => gettext(
            "The server sent something that this version of Chatroom does not understand. Use the same version as the host.",
        ),
        End::Lost(loss) => lost(loss),
        End::NotBegun(cause) => fill(
            &gettext(
                "The connection could not be started: {cause}. Close some programs and try again.",
            ),
            &[("cause", cause)],
        ),
    }
}

/// A sentence about a lost connection, which says for how long it has been lost and when
/// the client tries again.
pub fn outage(outage: &Outage) -> String {
    let template = match (outage.stopping, outage.wait) {
        (false, Some(_)) => gettext("Connection lost {time} ago. Trying again in {wait}."),
        (false, None) => gettext("Connection lost {time} ago. Reconnecting…"),
        (true, Some(_)) => gettext("The service stopped {time} ago. Trying again in {wait}."),
        (true, None) => gettext("The service stopped {time} ago. Reconnecting…"),
    };
    let lost_for = time(outage.lost_for);
    let wait = outage.wait.map(time).unwrap_or_default();
    fill(&template, &[("time", &lost_for), ("wait", &wait)])
}

fn lost(loss: &Loss) -> String {
    match loss {
        Loss::Silence(_) | Loss::Slept | Loss::Ended => {
            gettext("The connection to the room was lost. Check your network and join again.")
        }
        Loss::Broken(cause) => fill(
            &gettext(
                "The connection to the room was lost: {cause}. Check your network and join again.",
            ),
            &[("cause", cause)],
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_lost_connection_is_told_with_its_times() {
        let minutes = |minutes| Duration::from_mins(minutes);
        let lost = Outage {
            stopping: false,
            lost_for: Duration::from_secs(10),
            wait: Some(Duration::from_secs(8)),
        };
        assert_eq!(
            outage(&lost),
            "Connection lost 10 seconds ago. Trying again in 8 seconds."
        );
        let trying = Outage {
            lost_for: minutes(1),
            wait: None,
            ..lost
        };
        assert_eq!(
            outage(&trying),
            "Connection lost 1 minute ago. Reconnecting…"
        );
        let stopping = Outage {
            stopping: true,
            lost_for: Duration::ZERO,
            ..trying
        };
        assert_eq!(
            outage(&stopping),
            "The service stopped 1 second ago. Reconnecting…"
        );
    }

    #[test]
    fn a_ban_is_told_with_its_end() {
        let retry = Some(Duration::from_secs(599));
        assert_eq!(
            end(&End::Banned { retry }),
            "The host keeps you out of this room. You can join again in 10 minutes."
        );
        assert!(end(&End::Banned { retry: None }).ends_with("ask the host."));
    }
}
