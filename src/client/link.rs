//! The bytes between a client and a server: over TCP, with or without TLS.

use tokio::io::{AsyncRead, AsyncWrite};

use crate::protocol::Pin;
use crate::protocol::address::Address;

/// A stream of bytes in both directions.
pub(super) trait Bytes: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Bytes for T {}

/// A connection to a server. Nothing was sent over it but a handshake.
pub(super) struct Link {
    pub bytes: Box<dyn Bytes>,
    /// The pin of the server; `None` without encryption.
    pub pin: Option<Pin>,
    /// The address by which the server was found.
    pub address: Address,
}
