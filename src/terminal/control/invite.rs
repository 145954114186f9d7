//! `chatroom --invite`: prints the link to a room that runs on this computer.

use std::error::Error;

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use crate::net::{Listening, LocalNetwork, reachable};
use crate::protocol::address::Address;
use crate::protocol::invitation::{Invitation, MORE_ADDRESSES};

use super::answer::Answer;
use super::ask::{order, print};
use super::status::Status;

/// Which link to print.
#[derive(Clone, Debug)]
pub struct Inviting {
    /// The address in the link, instead of those that the server knows.
    pub address: Option<Address>,
    /// The link for hosts.
    pub host: bool,
    /// Replace the key first.
    pub new: bool,
    /// The port of the server.
    pub port: Option<u16>,
    /// Print JSON, for programs.
    pub json: bool,
}

/// Prints the link. Returns whether there is one; if not, the reason goes to standard
/// error.
///
/// # Errors
/// If no server answers, or several could be meant.
pub fn invite(inviting: &Inviting) -> Result<bool, Box<dyn Error>> {
    let mut command = "invite".to_owned();
    for (word, is_wanted) in [(" new", inviting.new), (" host", inviting.host)] {
        if is_wanted {
            command += word;
        }
    }
    let (status, mut answer) = order(&command, inviting.port)?;
    if let Some(link) = readdressed(&answer, inviting.address.as_ref(), &status) {
        answer.text.clone_from(&link);
        answer.data.insert("link".to_owned(), link.into());
    }
    print(&answer, inviting.json)
}

/// The link in an answer with other addresses: the one that the user chose; or, if the
/// server knows none by which others reach it, those of this computer. A service that its
/// socket starts sees no network.
fn readdressed(answer: &Answer, chosen: Option<&Address>, status: &Status) -> Option<String> {
    let mut link: Invitation = answer.data.get("link")?.as_str()?.parse().ok()?;
    if let Some(chosen) = chosen {
        link.address = chosen.clone();
        link.more.clear();
        return Some(link.link());
    }
    let is_loopback = |it: &Address| it.host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    let listens = status.listening.iter().filter_map(|it| it.parse().ok());
    let mut listens = listens.map(|it: SocketAddr| it.ip());
    if !is_loopback(&link.address) || !listens.any(|ip| ip.is_unspecified()) {
        return None;
    }
    let everywhere = Listening {
        address: (Ipv6Addr::UNSPECIFIED, link.address.port).into(),
        only_v6: false,
    };
    let mut own = reachable(&LocalNetwork::read().interfaces, &[everywhere]).into_iter();
    link.address = own.next()?;
    link.more = own.take(MORE_ADDRESSES).collect();
    Some(link.link())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::server::{Server, Settings};

    use super::*;

    #[test]
    fn a_link_has_the_chosen_address_or_one_by_which_others_come() {
        let settings = Settings {
            port: 0,
            ..Settings::default()
        };
        let figures = Server::bind(settings).unwrap().handle().stats();
        let readdressed = |link: &str, chosen: Option<&str>, listening: &str| {
            let answer = json!({ "ok": true, "text": link, "link": link });
            let answer: Answer = serde_json::from_value(answer).unwrap();
            let chosen = chosen.map(|it| it.parse().unwrap());
            let status = Status {
                stats: figures.clone(),
                listening: vec![listening.to_owned()],
                fingerprint: String::new(),
            };
            readdressed(&answer, chosen.as_ref(), &status)
        };
        let key = "k=abcdefghijklmnop";
        let link = format!("chatroom://127.0.0.1:9#{key}&a=10.0.0.5:9");
        let chosen = readdressed(&link, Some("example.org:4000"), "[::]:9");
        let wanted = format!("chatroom://example.org:4000#{key}");
        assert_eq!(chosen, Some(wanted));
        // The server listens there, and nowhere else.
        assert_eq!(readdressed(&link, None, "127.0.0.1:9"), None);
        let elsewhere = format!("chatroom://192.0.2.1:9#{key}");
        assert_eq!(readdressed(&elsewhere, None, "[::]:9"), None);
        let found: Invitation = readdressed(&link, None, "[::]:9").unwrap().parse().unwrap();
        let own = reachable(
            &LocalNetwork::read().interfaces,
            &[Listening {
                address: (Ipv6Addr::UNSPECIFIED, 9).into(),
                only_v6: false,
            }],
        );
        assert_eq!(found.address, own[0]);
        assert_eq!(found.key.unwrap().secret(), "abcdefghijklmnop");
    }
}
