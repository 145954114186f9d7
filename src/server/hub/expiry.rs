//! Removes absent members who do not come back in time.

use std::time::Instant;

use tokio::time::sleep_until;

use crate::protocol::sniff::Protocol;
use crate::room::Expire;

use super::super::event::Event;
use super::core::Hub;

impl Hub {
    /// Reports that a member is away, so that it [expires](Self::expire) in time.
    pub fn tell_absence(&self) {
        self.absence.notify_one();
    }

    /// Removes each absent member at its deadline; never returns.
    pub async fn expire_in_time(&self) {
        loop {
            let next = self.room().next_expiry();
            match next {
                // A member that goes away later has a later deadline.
                Some(next) => {
                    sleep_until(self.instant(next).into()).await;
                    self.expire(Instant::now());
                }
                None => self.absence.notified().await,
            }
        }
    }

    /// Removes the members who did not come back until `now`, and notifies everyone.
    pub fn expire(&self, now: Instant) {
        let time = self.time(now);
        loop {
            let mut room = self.room();
            let Some(expired) = room.apply(Expire { time }) else {
                break;
            };
            let gathered = room.has_gathered();
            let address = self.admission.remove_away(expired.id);
            drop(room);
            self.tell_change(gathered);
            if let Some(address) = address {
                self.report(Event::Left {
                    name: expired.name,
                    address,
                    protocol: Protocol::Native,
                    why: expired.why,
                    count: expired.count,
                });
            }
        }
        self.look_for_the_last();
    }
}
