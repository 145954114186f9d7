//! Joining where a key is needed: the challenge, the proof, and what a server says of its
//! room before.

use std::mem;
use std::time::Instant;

use crate::protocol::PROTOCOL;
use crate::protocol::native::frame::{self, About, Challenge, Code, Empty, Reply, Request};
use crate::protocol::proof::{Binding, HOW, Label, Mac};
use crate::room::{Why, name_or_default};

use super::super::event::Refusal;
use super::super::hub::{Hub, Proven};
use super::super::sentences::{KEY, NAME, TOO_MANY_CONNECTIONS};
use super::peer::PeerSession;
use super::phase::{Challenged, Hail, Phase};

/// What a peer that says nothing is asked for, if anything: nothing that helps a peer that
/// will be refused.
pub fn prompt(hub: &Hub, is_encrypted: bool) -> Option<&'static str> {
    let live = hub.live();
    match (is_encrypted, live.private) {
        (true, true) => Some(KEY),
        (false, private) if private || live.tls_only => None,
        _ => Some(NAME),
    }
}

impl PeerSession {
    /// Tells a peer what room this is. Of a private room it learns nothing but that; and
    /// without encryption as little of one that takes encrypted connections only.
    pub(super) fn answer_about(&mut self) {
        let live = self.hub().live();
        let is_open = !live.private && (self.guest.is_encrypted() || !live.tls_only);
        let room = is_open.then(|| (&*live.room_name).into());
        self.reply(&Reply::About(About {
            protocol: PROTOCOL,
            room,
            private: live.private,
        }));
    }

    /// Refuses a native client whose connection has to be encrypted, and is not.
    pub(super) fn refuse_plain(&mut self) {
        self.guest.refused(Refusal::TlsNeeded);
        let live = self.hub().live();
        let why = if live.private {
            "This room is private"
        } else if live.tls_only {
            "This room is encrypted"
        } else {
            "A host has to prove its key"
        };
        self.fail(Code::TlsNeeded, format!("{why}: connect with TLS."));
    }

    /// Asks a native client for a proof of the key that it needs.
    pub(super) fn challenge(&mut self, mut hail: Hail, now: Instant) {
        let (Some(client), Some(certificate)) = (hail.nonce, self.certificate.as_deref()) else {
            self.guest.refused(Refusal::KeyNeeded);
            let why = if hail.host {
                "Send a “nonce” with “hello”, to prove the host key."
            } else {
                "This room is private: join it with its key, or with an invitation."
            };
            return self.fail(Code::KeyNeeded, why);
        };
        if !self.guest.may_try_key(now) {
            return self.refuse_many_keys();
        }
        // Without random numbers nobody can be challenged.
        let Ok(server) = self.hub().new_nonce() else {
            return self.end(Why::Lost);
        };
        let binding = Binding {
            server,
            client,
            certificate: *certificate,
        };
        // As much of it as counts: it is held until the proof comes.
        hail.name = name_or_default(&hail.name);
        let asked = if hail.host {
            Proven::Host
        } else {
            Proven::Member
        };
        self.phase = Phase::Challenged(Box::new(Challenged {
            hail,
            binding,
            asked,
        }));
        self.reply(&Reply::Challenge(Challenge {
            how: vec![HOW.into()],
            nonce: server.to_string().into(),
        }));
    }

    /// Handles a request of a client that has been challenged.
    pub(super) fn take_while_challenged(&mut self, request: &Request<'_>, now: Instant) {
        match request {
            Request::Proof(proof) => self.take_proof(proof, now),
            Request::Ping(Empty {}) => self.reply(&Reply::Pong(Empty {})),
            Request::Pong(Empty {}) => {}
            Request::About(Empty {}) => self.answer_about(),
            Request::Bye(Empty {}) => self.leave(),
            Request::Hello(_) => self.fail(
                Code::HelloTwice,
                "You have already sent a “hello”. Answer the “challenge”.",
            ),
            _ => self.fail(Code::KeyNeeded, "Answer the “challenge” first."),
        }
    }

    /// Verifies a proof, and asks to join if it is right. No lock is held meanwhile. The
    /// keys are those of this moment: if the key was replaced since the challenge, the old
    /// one is wrong.
    fn take_proof(&mut self, proof: &frame::Proof<'_>, now: Instant) {
        let Phase::Challenged(challenged) = mem::replace(&mut self.phase, Phase::Greeting) else {
            return;
        };
        if !self.guest.may_try_key(now) {
            return self.refuse_many_keys();
        }
        let Challenged {
            mut hail,
            binding,
            asked,
        } = *challenged;
        let keys = self.hub().keys();
        let key = keys.of(asked);
        let mac = Some(&proof.mac).filter(|_| proof.how == HOW);
        let mac = mac.and_then(|mac| mac.parse::<Mac>().ok());
        if mac.is_none_or(|mac| !binding.verify(key, asked.label(), &mac)) {
            self.guest.had_wrong_key(now);
            return self.fail(
                Code::KeyWrong,
                "This is not the room's key. Ask for a new invitation.",
            );
        }
        hail.proven = Some(asked);
        hail.proof = Some(binding.prove(key, Label::Room));
        self.ask_to_join(hail, now);
    }

    /// Ends the session of a client that was challenged and sent no proof in time.
    pub(super) fn end_unproven(&mut self) {
        self.guest.refused(Refusal::KeyNeeded);
        self.fail(
            Code::KeyNeeded,
            "The proof of the key did not come in time.",
        );
    }

    /// Refuses a native client from an address from where too many wrong keys came.
    fn refuse_many_keys(&mut self) {
        self.guest.refused(Refusal::TooManyConnections);
        self.fail(Code::TooManyConnections, TOO_MANY_CONNECTIONS);
    }
}
