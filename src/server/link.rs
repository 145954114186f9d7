//! The way of bytes to and from one peer.

use std::io::{self, IoSlice};
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::net::TcpStream;

use crate::room::Slice;

use crate::protocol::sniff::Transport;

/// An open connection, as its transport carries bytes. Its task and the fan-out share it.
///
/// A transport that transforms what it sends takes whole slices, and keeps what the socket
/// did not accept of their new form: at most one write's. It takes nothing more until that
/// is written.
#[derive(Clone, Debug)]
pub enum Link {
    /// The peer gets the very bytes.
    Plain(Arc<TcpStream>),
}

impl Link {
    /// A connection whose peer chose this transport.
    pub fn new(transport: Transport, stream: TcpStream) -> Self {
        match transport {
            Transport::Plain => Self::Plain(Arc::new(stream)),
        }
    }

    /// The socket, for everything but the bytes of the room.
    pub fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
        }
    }

    /// Writes slices of the log with one system call; returns how many of their bytes it
    /// took.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if it takes nothing now; any other error
    /// means that the connection is lost.
    pub fn write_slices(&self, slices: &[Slice]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => match slices {
                [] => Ok(0),
                [slice] => stream.try_write(slice.bytes()),
                slices => stream.try_write_vectored(&io_slices(slices)),
            },
        }
    }

    /// Writes bytes for this peer alone; returns how many of them it took.
    ///
    /// # Errors
    /// As [`write_slices`](Self::write_slices).
    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.try_write(bytes),
        }
    }

    /// Reads bytes of the peer into `buffer`; returns how many, 0 if no more will come.
    ///
    /// # Errors
    /// As [`write_slices`](Self::write_slices).
    pub fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.try_read(buffer),
        }
    }

    /// Is ready when there may be bytes to read.
    pub fn poll_read_ready(&self, context: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Plain(stream) => stream.poll_read_ready(context).map(drop),
        }
    }

    /// Is ready when the peer may accept more bytes.
    pub fn poll_write_ready(&self, context: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Plain(stream) => stream.poll_write_ready(context).map(drop),
        }
    }
}

/// The part of `slices` that one system call writes.
fn io_slices(slices: &[Slice]) -> Vec<IoSlice<'_>> {
    slices
        .iter()
        .map(|slice| IoSlice::new(slice.bytes()))
        .collect()
}
