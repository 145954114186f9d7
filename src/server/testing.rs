//! What tests of several parts of the server need: a host, without a socket.

use std::sync::Arc;
use std::time::Instant;

use crate::protocol::Pin;
use crate::protocol::native::frame::{Proof, Request, write_frame};
use crate::protocol::proof::{Binding, HOW, Label, Nonce};

use super::connection::Talk;
use super::hub::{Guest, Hub};
use super::session::{Found, Slices};

/// The certificate that a server without a socket shows.
pub const CERTIFICATE: Pin = Pin([7; 32]);

/// The bytes that would be written now.
pub fn told(talk: &mut Talk) -> String {
    let mut told = String::new();
    let mut slices = Slices::new();
    while talk.gather(&mut slices) != Found::Nothing {
        for slice in &slices {
            told += str::from_utf8(slice.bytes()).unwrap();
        }
        told += str::from_utf8(talk.output()).unwrap();
        let count = if slices.is_empty() {
            talk.output().len()
        } else {
            usize::MAX
        };
        talk.wrote(count, &slices);
        slices.clear();
    }
    told
}

/// A connection that has proved the host key, over an encrypted connection.
pub fn host(hub: &Arc<Hub>, name: &str, now: Instant) -> Talk {
    let guest = Guest::arriving(hub, ([192, 0, 2, 1], 9).into(), now).unwrap();
    let mut talk = Talk::encrypted(guest, CERTIFICATE, now);
    let client = Nonce([8; 16]);
    let hello = format!(
        "{{\"hello\":{{\"protocol\":1,\"name\":\"{name}\",\"host\":true,\"nonce\":\"{client}\"}}}}\n"
    );
    talk.take(hello.as_bytes(), now);
    let challenge = told(&mut talk);
    let (_, nonce) = challenge.split_once("\"nonce\":\"").unwrap();
    let binding = Binding {
        server: nonce.split('"').next().unwrap().parse().unwrap(),
        client,
        certificate: CERTIFICATE,
    };
    let mac = binding.prove(&hub.keys().host_key, Label::Host).to_base64();
    let mut frame = Vec::new();
    let proof = Proof {
        how: HOW.into(),
        mac: mac.into(),
    };
    write_frame(&Request::Proof(proof), &mut frame);
    talk.take(&frame, now);
    talk
}
