//! From the first frame to the welcome: what the client asks, says and proves, and whether
//! it lets a server welcome it. Does no I/O.

use crate::protocol::Pin;
use crate::protocol::native::frame::{
    About, Challenge, Empty, Hello, Proof, Request, Welcome, write_frame,
};
use crate::protocol::proof::{Binding, HOW, Label, Nonce};
use crate::room::RoomKey;

use super::end::End;
use super::event::{Security, Trust};
use super::settings::Settings;
use super::trust::{Met, TrustStore};

/// The beginning of a connection.
#[derive(Debug)]
pub(super) struct Greeting<'a> {
    settings: &'a Settings,
    trusts: &'a TrustStore,
    met: Met,
    /// The client's part of a proof that it can give.
    nonce: Option<Nonce>,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// The server owes the name of its room. Then the client says this.
    Asked { hello: Vec<u8> },
    /// The client has said hello.
    Greeted,
    /// The client has proved that it knows the key.
    Proved(Binding),
}

impl<'a> Greeting<'a> {
    /// Begins with a server that the client has met so, and returns what to send. `nonce`
    /// is random.
    pub fn begin<'b>(
        settings: &'a Settings,
        trusts: &'a TrustStore,
        met: Met,
        nonce: Nonce,
        hello: Hello<'b>,
    ) -> (Self, Vec<u8>) {
        let mut greeting = Self {
            settings,
            trusts,
            met,
            nonce: None,
            stage: Stage::Greeted,
        };
        // A proof is bound to a certificate, so there is none without encryption.
        if met.pin.is_some() && greeting.key().is_some() {
            greeting.nonce = Some(nonce);
        }
        let mut first = Vec::new();
        let hello = Request::Hello(Hello {
            nonce: greeting.nonce.map(|nonce| nonce.to_string().into()),
            host: settings.host_key.is_some(),
            ..hello
        });
        write_frame(&hello, &mut first);
        if met.is_asked {
            let hello = std::mem::take(&mut first);
            write_frame(&Request::About(Empty {}), &mut first);
            greeting.stage = Stage::Asked { hello };
        }
        (greeting, first)
    }

    /// The key to prove, and the label under which.
    fn key(&self) -> Option<(&'a RoomKey, Label)> {
        let host = self
            .settings
            .host_key
            .as_ref()
            .map(|key| (key, Label::Host));
        host.or_else(|| Some((self.settings.key.as_ref()?, Label::Member)))
    }

    /// The server tells about its room. Returns what to send.
    ///
    /// # Errors
    /// If another server is known to have this room.
    pub fn take_about(&mut self, about: &About<'_>) -> Result<Vec<u8>, End> {
        let Stage::Asked { hello } = &mut self.stage else {
            return Ok(Vec::new());
        };
        if let (Some(room), Some(pin)) = (&about.room, self.met.pin) {
            self.trusts.check_room(room, pin)?;
        }
        let hello = std::mem::take(hello);
        self.stage = Stage::Greeted;
        Ok(hello)
    }

    /// The server wants a proof. Returns what to send.
    ///
    /// # Errors
    /// If the client cannot give one.
    pub fn take_challenge(&mut self, challenge: &Challenge<'_>) -> Result<Vec<u8>, End> {
        let Stage::Greeted = self.stage else {
            return Err(End::Garbled);
        };
        let (Some(client), Some(certificate), Some((key, label))) =
            (self.nonce, self.met.pin, self.key())
        else {
            return Err(End::KeyNeeded);
        };
        if !challenge.how.iter().any(|how| how == HOW) {
            return Err(End::OtherVersion);
        }
        let server = challenge.nonce.parse().map_err(|_| End::Garbled)?;
        let binding = Binding {
            server,
            client,
            certificate,
        };
        let mac = binding.prove(key, label).to_base64();
        self.stage = Stage::Proved(binding);
        let proof = Proof {
            how: HOW.into(),
            mac: mac.into(),
        };
        let mut line = Vec::new();
        write_frame(&Request::Proof(proof), &mut line);
        Ok(line)
    }

    /// The server welcomes the client. Returns how the connection is protected.
    ///
    /// # Errors
    /// If this is not the server that the client wants.
    pub fn admit(&self, welcome: &Welcome<'_>) -> Result<Security, End> {
        let proved = match &self.stage {
            Stage::Asked { .. } => return Err(End::Garbled),
            Stage::Greeted => false,
            Stage::Proved(binding) => {
                let proof = welcome.proof.as_ref().and_then(|it| it.parse().ok());
                let (Some(proof), Some((key, _))) = (proof, self.key()) else {
                    return Err(End::NotProven);
                };
                if !binding.verify(key, Label::Room, &proof) {
                    return Err(End::NotProven);
                }
                true
            }
        };
        let Some(pin) = self.met.pin else {
            return Ok(Security::Plain);
        };
        // Someone in between could have left out the challenge.
        if !proved && self.met.verified.is_none() && self.key().is_some() {
            return Err(End::NotProven);
        }
        let trust = self.trusts.trust(&self.met, pin, proved);
        self.check_name(welcome, pin, trust)?;
        Ok(Security::Tls { pin, trust })
    }

    /// The name of the room again: a private one does not tell it before.
    fn check_name(&self, welcome: &Welcome<'_>, pin: Pin, trust: Trust) -> Result<(), End> {
        if self.met.is_asked && trust != Trust::Key {
            self.trusts.check_room(&welcome.room, pin)?;
        }
        Ok(())
    }
}
