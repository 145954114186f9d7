//! The encryption of one connection. It does no I/O: bytes go in, bytes come out.

use std::fmt;
use std::io;
use std::mem;
use std::sync::Arc;

use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, UnbufferedStatus, WriteTraffic,
};

use crate::protocol::Pin;
use crate::tls::Offer;

use super::scratch::{OVERHEAD, Pieces, RECORD, Record};

/// The most bytes of a handshake that the server takes, and of a record that is not whole.
/// Clients send a few hundred bytes, with post-quantum key exchange two thousand; no record
/// is longer than 16,645 bytes.
const INPUT_LIMIT: usize = 18 << 10;

type Traffic<'a> = WriteTraffic<'a, ServerConnectionData>;

/// The encryption of one connection. Idle, it holds no buffer.
pub struct Tls {
    connection: UnbufferedServerConnection,
    /// The handshake, until it is done.
    handshake: Option<Box<Handshake>>,
    /// The bytes that wait, if there are some.
    waiting: Option<Box<Waiting>>,
}

/// Bytes that wait, of either direction.
#[derive(Default)]
struct Waiting {
    /// Input that is no whole record yet.
    incoming: Vec<u8>,
    /// Ciphertext that the socket has not taken: at most one record and what TLS itself
    /// sends. It cannot be made a second time.
    outgoing: Vec<u8>,
    /// The number of bytes of `outgoing` that are sent.
    sent: usize,
}

impl Waiting {
    /// These bytes, where there are some.
    fn or_none(self) -> Option<Box<Self>> {
        let is_empty = self.incoming.is_empty() && self.outgoing.is_empty();
        (!is_empty).then(|| Box::new(self))
    }
}

/// What is known of a handshake that is not done.
struct Handshake {
    offer: Arc<Offer>,
    /// The number of bytes that arrived.
    bytes: usize,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

/// What follows the bytes that were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// More will come, later.
    Later,
    /// More may be there already.
    More,
    /// Nothing: the peer has ended its sending half.
    End,
    /// Nothing: the connection is lost. What the link still has to send tells the peer why.
    Broken,
}

impl Tls {
    /// The encryption of a connection whose first bytes were a handshake's.
    ///
    /// # Errors
    /// If the cryptography fails.
    pub fn new(offer: Arc<Offer>) -> Result<Self, rustls::Error> {
        let connection = UnbufferedServerConnection::new(Arc::clone(offer.config()))?;
        let handshake = Some(Box::new(Handshake { offer, bytes: 0 }));
        Ok(Self {
            connection,
            handshake,
            waiting: None,
        })
    }

    /// Decrypts bytes of the peer, which this may overwrite, and appends the plaintext to
    /// `plain`.
    pub fn take(&mut self, bytes: &mut [u8], plain: &mut Vec<u8>) -> After {
        let count = bytes.len();
        let mut waiting = self.take_waiting();
        let Waiting {
            incoming, outgoing, ..
        } = &mut waiting;
        let mut after = if incoming.is_empty() {
            let (used, after) = self.process(bytes, plain, outgoing);
            incoming.extend_from_slice(&bytes[used..]);
            after
        } else {
            incoming.extend_from_slice(bytes);
            let (used, after) = self.process(incoming, plain, outgoing);
            if used > 0 {
                *incoming = incoming[used..].to_vec();
            }
            after
        };
        if after == After::Later {
            let length = match &mut self.handshake {
                Some(handshake) => {
                    handshake.bytes += count;
                    handshake.bytes
                }
                None => incoming.len(),
            };
            if length > INPUT_LIMIT {
                after = After::Broken;
            }
        }
        if after != After::Later {
            *incoming = Vec::new();
        }
        self.waiting = waiting.or_none();
        after
    }

    /// The bytes that wait, to be put back.
    fn take_waiting(&mut self) -> Waiting {
        self.waiting
            .take()
            .map_or_else(Waiting::default, |waiting| *waiting)
    }

    /// Handles what is whole; returns how much of the input that was.
    fn process(
        &mut self,
        input: &mut [u8],
        plain: &mut Vec<u8>,
        outgoing: &mut Vec<u8>,
    ) -> (usize, After) {
        let mut used = 0;
        loop {
            let UnbufferedStatus { mut discard, state } =
                self.connection.process_tls_records(&mut input[used..]);
            let mut after = None;
            match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        let Ok(record) = record else {
                            after = Some(After::Broken);
                            break;
                        };
                        discard += record.discard;
                        plain.extend_from_slice(record.payload);
                    }
                }
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    if encode(&mut data, outgoing).is_err() {
                        after = Some(After::Broken);
                    }
                }
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                Ok(ConnectionState::WriteTraffic(_) | ConnectionState::BlockedHandshake) => {
                    after = Some(After::Later);
                }
                Ok(ConnectionState::PeerClosed | ConnectionState::Closed) => {
                    after = Some(After::End);
                }
                // Early data, which the server does not allow, or a broken rule of TLS.
                Ok(_) | Err(_) => after = Some(After::Broken),
            }
            used += discard;
            match after {
                None => {}
                Some(After::Broken) => {
                    self.gather_alert(&mut input[used..], outgoing);
                    return (used, After::Broken);
                }
                Some(after) => return (used, after),
            }
        }
    }

    /// Collects the alert that tells the peer why the connection ends.
    fn gather_alert(&mut self, input: &mut [u8], outgoing: &mut Vec<u8>) {
        while self.connection.wants_write()
            && let Ok(ConnectionState::EncodeTlsData(mut data)) =
                self.connection.process_tls_records(input).state
            && encode(&mut data, outgoing).is_ok()
        {}
    }

    /// The pin of the certificate that the peer got: once, when the handshake is done.
    pub fn take_pin(&mut self) -> Option<Pin> {
        if !self.is_done() {
            return None;
        }
        let handshake = self.handshake.take()?;
        Some(handshake.offer.pin(self.connection.alpn_protocol()))
    }

    /// Whether the handshake is done.
    fn is_done(&self) -> bool {
        !self.connection.is_handshaking()
    }

    /// Encrypts plaintext into whole records, and sends them one after the other, until
    /// `send` does not take all of one; keeps what is left of that. Returns the number of
    /// bytes of plaintext taken, which must not be given to this again.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if it takes nothing now; any other error
    /// means that the connection is lost.
    pub fn write<'a>(
        &mut self,
        parts: impl Iterator<Item = &'a [u8]>,
        mut send: impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        if !self.flush(&mut send)? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        RECORD.with_borrow_mut(|Record { plain, cipher }| {
            let mut taken = 0;
            let mut pieces = Pieces::new(parts, plain);
            while let Some(piece) = pieces.next() {
                let length = match self.encrypt(piece, cipher) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock && taken > 0 => break,
                    result => result?,
                };
                taken += piece.len();
                let count = unless_blocked(send(&cipher[..length]))?;
                if count < length {
                    self.keep(&cipher[count..length]);
                    break;
                }
            }
            Ok(taken)
        })
    }

    /// Sends the ciphertext that waits; returns whether that is all.
    ///
    /// # Errors
    /// If the connection is lost.
    pub fn flush(&mut self, mut send: impl FnMut(&[u8]) -> io::Result<usize>) -> io::Result<bool> {
        let behind = self.waiting.as_mut().filter(|it| !it.outgoing.is_empty());
        let Some(waiting) = behind else {
            return Ok(true);
        };
        while waiting.sent < waiting.outgoing.len() {
            let count = unless_blocked(send(&waiting.outgoing[waiting.sent..]))?;
            if count == 0 {
                return Ok(false);
            }
            waiting.sent += count;
        }
        // An idle connection holds no buffer.
        self.waiting = Waiting {
            incoming: mem::take(&mut waiting.incoming),
            ..Waiting::default()
        }
        .or_none();
        Ok(true)
    }

    /// Whether there is ciphertext that has to be sent first.
    pub fn is_behind(&self) -> bool {
        self.waiting
            .as_ref()
            .is_some_and(|waiting| !waiting.outgoing.is_empty())
    }

    /// Encrypts at most [`RECORD_BYTES`] of plaintext into `record`, which has
    /// [`OVERHEAD`] more bytes. Returns the number of bytes of ciphertext; they must reach
    /// the peer before anything else does.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if the handshake is not done, or if there
    /// is something that must be sent first; otherwise the connection is lost.
    fn encrypt(&mut self, plain: &[u8], record: &mut [u8]) -> io::Result<usize> {
        if !self.is_done() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.with_traffic(|traffic| traffic.encrypt(plain, record))
    }

    /// Adds the end of the connection to what has to be sent, unless it is there. Nothing
    /// can be encrypted afterwards.
    pub fn close(&mut self) {
        if !self.is_done() {
            return;
        }
        let mut alert = [0; OVERHEAD];
        let written = self.with_traffic(|traffic| traffic.queue_close_notify(&mut alert));
        // Without it, the peer takes the connection for lost, which it is then.
        if let Ok(count) = written {
            self.keep(&alert[..count]);
        }
    }

    /// Acts on a connection that may send.
    fn with_traffic(
        &mut self,
        act: impl FnOnce(&mut Traffic<'_>) -> Result<usize, EncryptError>,
    ) -> io::Result<usize> {
        let mut waiting = self.take_waiting();
        let Waiting {
            incoming, outgoing, ..
        } = &mut waiting;
        let mut used = 0;
        let acted = loop {
            // It holds no whole record, so it stays; but TLS may refer to it.
            let UnbufferedStatus { discard, state } =
                self.connection.process_tls_records(&mut incoming[used..]);
            used += discard;
            match state {
                Ok(ConnectionState::WriteTraffic(mut traffic)) if outgoing.is_empty() => {
                    break act(&mut traffic).map_err(io::Error::other);
                }
                Ok(ConnectionState::WriteTraffic(_)) => {
                    break Err(io::ErrorKind::WouldBlock.into());
                }
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    if encode(&mut data, outgoing).is_err() {
                        break Err(io::ErrorKind::InvalidData.into());
                    }
                }
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                Ok(_) | Err(_) => break Err(io::ErrorKind::InvalidData.into()),
            }
        };
        incoming.drain(..used);
        self.waiting = waiting.or_none();
        acted
    }

    /// Keeps ciphertext that was not sent.
    fn keep(&mut self, rest: &[u8]) {
        let waiting = self.waiting.get_or_insert_default();
        waiting.outgoing.extend_from_slice(rest);
    }

    /// The number of bytes of buffers held for the peer.
    pub fn held_bytes(&self) -> usize {
        self.waiting.as_ref().map_or(0, |waiting| {
            waiting.incoming.capacity() + waiting.outgoing.capacity()
        })
    }
}

/// How much was sent: nothing, if the socket takes nothing now.
fn unless_blocked(sent: io::Result<usize>) -> io::Result<usize> {
    match sent {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        sent => sent,
    }
}

/// Appends what TLS itself sends.
fn encode(
    data: &mut EncodeTlsData<'_, ServerConnectionData>,
    to: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let start = to.len();
    let mut room = OVERHEAD;
    loop {
        to.resize(start + room, 0);
        match data.encode(&mut to[start..]) {
            Ok(count) => {
                to.truncate(start + count);
                return Ok(());
            }
            Err(EncodeError::InsufficientSize(size)) if size.required_size > room => {
                room = size.required_size;
            }
            Err(error) => {
                to.truncate(start);
                return Err(error);
            }
        }
    }
}
