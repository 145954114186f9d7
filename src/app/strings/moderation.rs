//! What a host does, and what it does to the user.

use std::time::Duration;

use gettextrs::gettext;

use crate::chat::{Answer, Refusal};

use super::{count, fill, isolated, time, time_left};

/// What the server answers to a host.
pub fn answer(answer: &Answer) -> String {
    match answer {
        Answer::Removed { name, ban, shared } => removed(name, *ban, *shared),
        Answer::Muted { name, time } if time.is_zero() => fill(
            &gettext("{name} can send messages again"),
            &[("name", &isolated(name))],
        ),
        Answer::Muted {
            name,
            time: for_time,
        } => fill(
            &gettext("{name} cannot send messages for {time}"),
            &[("name", &isolated(name)), ("time", &time(*for_time))],
        ),
        Answer::Refused(refused) => refusal(*refused),
        Answer::Invitation(_) => gettext("The room has a new invitation"),
    }
}

fn removed(name: &str, ban: Option<Duration>, shared: usize) -> String {
    let template = match ban {
        None => gettext("{name} was removed"),
        Some(_) => gettext("{name} was removed, and kept out for {time}"),
    };
    let for_time = ban.map(time).unwrap_or_default();
    let mut sentence = fill(&template, &[("name", &isolated(name)), ("time", &for_time)]);
    if shared > 0 {
        sentence += ". ";
        sentence += &count(
            "{n} other member has the same address.",
            "{n} other members have the same address.",
            shared,
        );
    }
    sentence
}

/// Why the server refused something.
pub fn refusal(refusal: Refusal) -> String {
    match refusal {
        Refusal::NotHost => {
            gettext("Only the host can do that, and you are not the host any more.")
        }
        Refusal::NoSuchMember => gettext("This member has left the room."),
        Refusal::NoSuchMessage => gettext("The room no longer has this message."),
        Refusal::KeyFixed => gettext(
            "The administrator of the server has chosen the key of this room. Only they can replace it.",
        ),
    }
}

/// Says how often each member can send a message, if that is limited.
pub fn slow_mode(every: Duration) -> Option<String> {
    let words = || {
        fill(
            &gettext("Slow mode: a message every {time}."),
            &[("time", &time(every))],
        )
    };
    (!every.is_zero()).then(words)
}

/// Says that the user is muted, and for how long.
pub fn muted(left: Duration) -> String {
    fill(
        &gettext("The host has muted you. You can send messages again in {time}."),
        &[("time", &time_left(left))],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_learns_who_else_has_the_address() {
        let told = |ban, shared| {
            let name = "Ben".to_owned();
            answer(&Answer::Removed { name, ban, shared })
        };
        assert_eq!(told(None, 0), "Ben was removed");
        let hour = Some(Duration::from_hours(1));
        assert_eq!(told(hour, 0), "Ben was removed, and kept out for 1 hour");
        assert_eq!(
            told(hour, 2),
            "Ben was removed, and kept out for 1 hour. 2 other members have the same address."
        );
    }

    #[test]
    fn a_mute_is_told_with_its_end() {
        assert_eq!(
            muted(Duration::from_millis(59_001)),
            "The host has muted you. You can send messages again in 1 minute."
        );
        for (seconds, time) in [
            (0, "1 second"),
            (299, "5 minutes"),
            (301, "6 minutes"),
            (3_540, "59 minutes"),
            (3_541, "1 hour"),
            (3_601, "2 hours"),
        ] {
            let words = muted(Duration::from_secs(seconds));
            assert!(words.ends_with(&format!(" in {time}.")), "{words}");
        }
        let time = Duration::ZERO;
        let name = "Ben".to_owned();
        let told = answer(&Answer::Muted { name, time });
        assert_eq!(told, "Ben can send messages again");
    }
}
