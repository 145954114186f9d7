//! The way of bytes to and from one peer.

mod scratch;
#[cfg(test)]
mod tests;
mod tls;

use std::fmt;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::task::{Context, Poll};

use once_cell::race::OnceBox;
use tokio::net::TcpStream;

use crate::lock::{Mutex, Rank};
use crate::protocol::Pin;
use crate::room::Slice;
use crate::tls::Offer;

pub use self::tls::After;
use self::tls::Tls;

/// An open connection, as its transport carries bytes. Its task and the fan-out share it.
///
/// An encrypted one takes plaintext, and keeps what the socket did not accept of the
/// ciphertext: at most one record. It takes nothing more until that is sent.
#[derive(Clone)]
pub struct Link(Arc<Inner>);

struct Inner {
    stream: TcpStream,
    /// The encryption, if the peer chose it. A plain peer gets the very bytes.
    // A pointer, and not a word more: most connections may be plain.
    tls: OnceBox<Mutex<Tls>>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Link").field(&self.0.stream).finish()
    }
}

/// What was read from a link.
#[derive(Debug)]
pub struct Received<'a> {
    /// The peer's bytes; there may be none.
    pub bytes: &'a [u8],
    /// What follows them.
    pub after: After,
}

impl Link {
    /// A connection that is plain until its first bytes show another transport.
    pub fn new(stream: TcpStream) -> Self {
        let tls = OnceBox::new();
        Self(Arc::new(Inner { stream, tls }))
    }

    /// Encrypts the connection from now on; the peer's first bytes were a handshake's, and
    /// are to be [decrypted](Self::decrypt).
    ///
    /// # Errors
    /// If the cryptography fails.
    pub fn secure(&self, offer: Arc<Offer>) -> io::Result<()> {
        let tls = Tls::new(offer).map_err(io::Error::other)?;
        self.0
            .tls
            .get_or_init(|| Box::new(Mutex::new(Rank::Link, tls)));
        Ok(())
    }

    /// The socket, for everything but the bytes of the room.
    pub fn socket(&self) -> &TcpStream {
        &self.0.stream
    }

    /// Writes slices of the log; returns how many of their bytes it took. A plain link
    /// needs one system call, an encrypted one a call for each record.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if it takes nothing now; any other error
    /// means that the connection is lost.
    pub fn write_slices(&self, slices: &[Slice]) -> io::Result<usize> {
        match (self.0.tls.get(), slices) {
            (_, []) => Ok(0),
            (None, [slice]) => self.0.stream.try_write(slice.bytes()),
            (None, slices) => self.0.stream.try_write_vectored(&io_slices(slices)),
            (Some(tls), slices) => {
                let parts = slices.iter().map(Slice::bytes);
                tls.lock()
                    .write(parts, |bytes| self.0.stream.try_write(bytes))
            }
        }
    }

    /// Writes bytes for this peer alone; returns how many of them it took.
    ///
    /// # Errors
    /// As [`write_slices`](Self::write_slices).
    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.tls.get() {
            None => self.0.stream.try_write(bytes),
            Some(tls) => tls
                .lock()
                .write([bytes].into_iter(), |bytes| self.0.stream.try_write(bytes)),
        }
    }

    /// Sends what the link itself still has to send; returns whether that is all.
    ///
    /// # Errors
    /// If the connection is lost.
    pub fn flush(&self) -> io::Result<bool> {
        match self.0.tls.get() {
            None => Ok(true),
            Some(tls) => tls.lock().flush(|bytes| self.0.stream.try_write(bytes)),
        }
    }

    /// Whether the link has taken bytes that it has not sent.
    pub fn is_behind(&self) -> bool {
        let tls = self.0.tls.get();
        tls.is_some_and(|tls| tls.lock().is_behind())
    }

    /// Reads bytes of the peer with these buffers: `buffer` for what arrives, and `plain`
    /// for what is decrypted.
    ///
    /// # Errors
    /// As [`write_slices`](Self::write_slices).
    pub fn read<'a>(
        &self,
        buffer: &'a mut [u8],
        plain: &'a mut Vec<u8>,
    ) -> io::Result<Received<'a>> {
        let count = self.0.stream.try_read(buffer)?;
        let is_full = count == buffer.len();
        let received = if self.0.tls.get().is_some() {
            self.decrypt(&mut buffer[..count], plain)
        } else {
            let after = if count == 0 { After::End } else { After::Later };
            let bytes = &buffer[..count];
            Received { bytes, after }
        };
        Ok(match received.after {
            After::Later if is_full => Received {
                after: After::More,
                ..received
            },
            _ => received,
        })
    }

    /// Decrypts bytes that arrived on an encrypted link; none if no more will come: an end
    /// that the peer did not announce may be someone else's doing.
    pub fn decrypt<'a>(&self, bytes: &mut [u8], plain: &'a mut Vec<u8>) -> Received<'a> {
        plain.clear();
        let after = match self.0.tls.get() {
            Some(tls) if !bytes.is_empty() => {
                let mut tls = tls.lock();
                let after = tls.take(bytes, plain);
                // The rest, which does not fit now, goes before everything else.
                let sent = tls.flush(|bytes| self.0.stream.try_write(bytes));
                drop(tls);
                sent.map_or(After::Broken, |_| after)
            }
            _ => After::Broken,
        };
        Received {
            bytes: plain,
            after,
        }
    }

    /// The pin of the certificate that the peer got: once, when the handshake is done.
    pub fn take_pin(&self) -> Option<Pin> {
        self.0.tls.get()?.lock().take_pin()
    }

    /// Tells the peer that nothing more follows, where the transport can; then the link
    /// has to be [flushed](Self::flush).
    pub fn close(&self) {
        if let Some(tls) = self.0.tls.get() {
            tls.lock().close();
        }
    }

    /// The number of bytes of buffers held for the peer.
    pub fn held_bytes(&self) -> usize {
        let tls = self.0.tls.get();
        tls.map_or(0, |tls| tls.lock().held_bytes())
    }

    /// Is ready when there may be bytes to read.
    pub fn poll_read_ready(&self, context: &mut Context<'_>) -> Poll<()> {
        self.0.stream.poll_read_ready(context).map(drop)
    }

    /// Is ready when the peer may accept more bytes.
    pub fn poll_write_ready(&self, context: &mut Context<'_>) -> Poll<()> {
        self.0.stream.poll_write_ready(context).map(drop)
    }
}

/// The part of `slices` that one system call writes.
fn io_slices(slices: &[Slice]) -> Vec<IoSlice<'_>> {
    slices
        .iter()
        .map(|slice| IoSlice::new(slice.bytes()))
        .collect()
}
