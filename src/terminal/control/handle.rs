//! A running server, for its administrator.

use std::net::IpAddr;
use std::time::Duration;

use crate::server::{Handle, Stats};

use super::command::Who;
use super::moderator::{Ban, Kicked, Moderator, Refused};

const NOT_YET: Refused = Refused {
    code: "not-there",
    text: String::new(),
};

impl Moderator for Handle {
    fn stats(&self) -> Stats {
        Self::stats(self)
    }

    fn kick(&self, _: &Who, _: Option<Duration>) -> Result<Kicked, Refused> {
        Err(NOT_YET)
    }

    fn mute(&self, _: &Who, _: Duration) -> Result<String, Refused> {
        Err(NOT_YET)
    }

    fn slow(&self, _: Duration) -> Result<(), Refused> {
        Err(NOT_YET)
    }

    fn erase(&self, _: u64) -> Result<(), Refused> {
        Err(NOT_YET)
    }

    fn make_host(&self, _: &Who) -> Result<String, Refused> {
        Err(NOT_YET)
    }

    fn bans(&self) -> Vec<Ban> {
        Vec::new()
    }

    fn unban(&self, _: IpAddr) -> Result<bool, Refused> {
        Err(NOT_YET)
    }

    fn invitation(&self, _: bool) -> Result<String, Refused> {
        Err(NOT_YET)
    }

    fn renew_invitation(&self) -> Result<(), Refused> {
        Err(NOT_YET)
    }
}
