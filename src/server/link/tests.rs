//! Tests of the encryption of a connection, driven by bytes, with a client of rustls.

use std::io::{self, Read as _, Write as _};
use std::sync::Arc;

use proptest::prelude::*;
use rustls::ClientConnection;

use crate::tls::testing::client;
use crate::tls::{ALPN, Certificate, Identity, ServerTls};

use super::tls::{After, Tls};

fn server() -> ServerTls {
    ServerTls::new(Arc::new(Identity::generate().unwrap()), None).unwrap()
}

/// The bytes that a client wants to send.
fn sent_by(client: &mut ClientConnection) -> Vec<u8> {
    let mut bytes = Vec::new();
    while client.wants_write() {
        client.write_tls(&mut bytes).unwrap();
    }
    bytes
}

/// Gives bytes to a client; returns the plaintext in them.
fn give(client: &mut ClientConnection, mut bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    while !bytes.is_empty() {
        client.read_tls(&mut bytes).unwrap();
        client.process_new_packets().unwrap();
        if let Err(error) = client.reader().read_to_end(&mut plain) {
            assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        }
    }
    plain
}

/// The bytes that the server has to send.
fn flushed(tls: &mut Tls) -> Vec<u8> {
    let mut bytes = Vec::new();
    let all = tls.flush(|part| {
        bytes.extend_from_slice(part);
        Ok(part.len())
    });
    assert!(all.unwrap());
    bytes
}

/// Both sides of a connection after the handshake.
fn secured(server: &ServerTls, alpn: &[&[u8]]) -> (Tls, ClientConnection) {
    let (mut tls, mut client) = (Tls::new(server.offer()).unwrap(), client(alpn));
    let mut plain = Vec::new();
    while tls.take_pin().is_none() {
        assert_eq!(
            tls.take(&mut sent_by(&mut client), &mut plain),
            After::Later
        );
        give(&mut client, &flushed(&mut tls));
    }
    assert_eq!(tls.held_bytes(), 0);
    (tls, client)
}

#[test]
fn a_handshake_may_come_in_pieces_of_any_size() {
    let server = server();
    let hello = sent_by(&mut client(&[ALPN]));
    for at in 0..=hello.len() {
        let mut client = client(&[ALPN]);
        let (mut tls, mut plain) = (Tls::new(server.offer()).unwrap(), Vec::new());
        let mut hello = sent_by(&mut client);
        let at = at.min(hello.len());
        for piece in [&mut hello[..at].to_vec(), &mut hello[at..].to_vec()] {
            if !piece.is_empty() {
                assert_eq!(tls.take(piece, &mut plain), After::Later);
            }
        }
        hello.clear();
        give(&mut client, &flushed(&mut tls));
        assert!(tls.take_pin().is_none());
        client.writer().write_all(b"hi").unwrap();
        for mut byte in sent_by(&mut client) {
            let byte = std::slice::from_mut(&mut byte);
            assert_eq!(tls.take(byte, &mut plain), After::Later);
        }
        assert_eq!(tls.take_pin(), Some(server.identity().pin()));
        assert_eq!((tls.take_pin(), &*plain), (None, &b"hi"[..]));
        assert_eq!(tls.held_bytes(), 0);
    }
}

#[test]
fn a_handshake_without_an_end_ends_the_connection() {
    let server = server();
    // One message of 64 KiB, in records of 1 KiB.
    let mut record = vec![0x16, 3, 1, 4, 0, 1, 0, 0xff, 0xff];
    record.resize(5 + 1_024, 0);
    let (mut tls, mut plain) = (Tls::new(server.offer()).unwrap(), Vec::new());
    let mut taken = 0;
    while tls.take(&mut record.clone(), &mut plain) == After::Later {
        taken += record.len();
        record[5..9].fill(0);
        assert!(taken <= 18 << 10);
    }
    assert!(taken > 16 << 10, "{taken}");
    assert_eq!(tls.held_bytes(), 0);
}

#[test]
fn the_certificate_is_the_one_that_the_client_asked_for() {
    let server = server();
    let identity = server.identity().pin();
    let own = |(mut tls, client): (Tls, ClientConnection)| {
        let _ = tls.take_pin();
        let certificates = client.peer_certificates().unwrap();
        crate::protocol::Pin::of(&certificates[0])
    };
    assert_eq!(own(secured(&server, &[])), identity);
    let pem = crate::tls::testing::pem();
    let other = Certificate::from_pem(pem.as_bytes(), pem.as_bytes()).unwrap();
    // A handshake that has begun keeps what it began with.
    let before = server.offer();
    server.set_certificate(Some(&other));
    assert_eq!(before.pin(None), identity);
    assert_eq!(own(secured(&server, &[ALPN])), identity);
    assert_eq!(own(secured(&server, &[b"http/1.1", ALPN])), identity);
    assert_eq!(own(secured(&server, &[])), other.pin());
    assert_eq!(own(secured(&server, &[b"h2", b"http/1.1"])), other.pin());
    for (alpn, pin) in [(None, other.pin()), (Some(ALPN), identity)] {
        assert_eq!(server.offer().pin(alpn), pin);
    }
    server.set_certificate(None);
    assert_eq!(own(secured(&server, &[])), identity);
    let shown = format!("{server:?} {other:?} {:?}", server.offer());
    assert!(!shown.contains("PRIVATE") && shown.len() < 200, "{shown}");
}

#[test]
fn new_keys_in_the_middle_lose_nothing() {
    let (mut tls, mut client) = secured(&server(), &[ALPN]);
    let mut plain = Vec::new();
    for round in 0..3 {
        client.refresh_traffic_keys().unwrap();
        client.writer().write_all(b"hi").unwrap();
        // The request alone, and then what follows.
        for mut byte in sent_by(&mut client) {
            let byte = std::slice::from_mut(&mut byte);
            assert_eq!(tls.take(byte, &mut plain), After::Later);
        }
        let mut sent = Vec::new();
        let count = tls.write([&b"hello"[..]].into_iter(), |part| {
            sent.extend_from_slice(part);
            Ok(part.len())
        });
        assert_eq!(count.unwrap(), 5);
        assert_eq!(give(&mut client, &sent), b"hello", "round {round}");
    }
    assert_eq!(plain, b"hihihi");
}

#[test]
fn what_is_no_tls_ends_the_connection_with_an_alert() {
    let long = {
        let mut record = vec![0x17, 3, 3, 0x50, 0];
        record.resize(5 + 0x5000, 7);
        record
    };
    for mut bytes in [
        b"\x17\x03\x03\x00\x20garbagegarbagegarbagegarbage!!!!".to_vec(),
        b"{\"hello\":{}}\n".to_vec(),
        long,
    ] {
        let (mut tls, mut client) = secured(&server(), &[]);
        let mut plain = Vec::new();
        assert_eq!(tls.take(&mut bytes, &mut plain), After::Broken);
        assert!(plain.is_empty());
        let alert = flushed(&mut tls);
        client.read_tls(&mut &alert[..]).unwrap();
        assert!(client.process_new_packets().is_err());
    }
    // Nothing that came before is lost.
    let (mut tls, mut client) = secured(&server(), &[]);
    client.writer().write_all(b"hi").unwrap();
    let mut bytes = sent_by(&mut client);
    bytes.extend_from_slice(b"garbage");
    let mut plain = Vec::new();
    assert_eq!(tls.take(&mut bytes, &mut plain), After::Broken);
    assert_eq!(plain, b"hi");
}

#[test]
fn each_side_announces_its_end() {
    let (mut tls, mut client) = secured(&server(), &[]);
    let mut plain = Vec::new();
    client.writer().write_all(b"bye").unwrap();
    client.send_close_notify();
    assert_eq!(tls.take(&mut sent_by(&mut client), &mut plain), After::End);
    assert_eq!(plain, b"bye");
    // The other direction is open until the server closes it.
    let mut sent = Vec::new();
    tls.write([&b"Goodbye."[..]].into_iter(), |part| {
        sent.extend_from_slice(part);
        Ok(part.len())
    })
    .unwrap();
    tls.close();
    tls.close();
    sent.extend(flushed(&mut tls));
    assert_eq!(give(&mut client, &sent), b"Goodbye.");
    assert_eq!(client.reader().read(&mut [0]).unwrap(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However much of a write the socket takes each time, the client gets the same bytes.
    #[test]
    fn partial_writes_lose_nothing_and_send_nothing_twice(
        lengths in proptest::collection::vec(
            prop_oneof![0..300_usize, 16_000..17_000_usize, 30_000..70_000_usize],
            1..8,
        ),
        takes in proptest::collection::vec(
            prop_oneof![Just(0), 1..50_usize, 1_000..40_000_usize],
            1..50,
        ),
    ) {
        let (mut tls, mut client) = secured(&server(), &[ALPN]);
        let parts: Vec<Vec<u8>> = (0_u8..)
            .zip(&lengths)
            .map(|(salt, length)| {
                (0..*length).map(|at| at.to_le_bytes()[0] ^ at.to_le_bytes()[1] ^ salt).collect()
            })
            .collect();
        let wanted = parts.concat();
        let (mut takes, mut on_the_wire) = (takes.into_iter(), Vec::new());
        let mut send = |part: &[u8]| {
            let count = takes.next().unwrap_or(usize::MAX).min(part.len());
            if count == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            on_the_wire.extend_from_slice(&part[..count]);
            Ok(count)
        };
        let mut done = 0;
        while done < wanted.len() || tls.is_behind() {
            // What was not taken, as the caller would give it again.
            let mut skip = done;
            let rest: Vec<&[u8]> = parts
                .iter()
                .map(|part| {
                    let from = skip.min(part.len());
                    skip -= from;
                    &part[from..]
                })
                .collect();
            match tls.write(rest.into_iter(), &mut send) {
                Ok(count) => done += count,
                Err(error) => prop_assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
            }
            // One record, and what TLS itself sends.
            prop_assert!(tls.held_bytes() <= (16 << 10) + 512);
        }
        prop_assert_eq!(done, wanted.len());
        prop_assert!(give(&mut client, &on_the_wire) == wanted);
        prop_assert_eq!(tls.held_bytes(), 0);
    }
}
