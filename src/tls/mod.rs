//! Encryption on the way: who a server is, and how it shows that.
//!
//! A server has an [`Identity`]: a certificate that it signed itself, and that clients
//! know by its [`Pin`](crate::protocol::Pin). An administrator may add a [`Certificate`]
//! of their own, so that browsers trust the server. [`ServerTls`] chooses between them for
//! each connection.
//!
//! TLS 1.3 only, without tickets, resumption or early data. No Debug output here shows a
//! key.

mod certificate;
mod identity;
mod pem;
mod server;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod verifier;

pub use self::certificate::{Certificate, CertificateError};
pub use self::identity::{Identity, IdentityError};
pub use self::pem::{NotUsable, read_pem_file};
pub use self::server::{Offer, ServerTls};
pub(crate) use self::verifier::client_config;

/// The protocol that clients of a room offer (ALPN, RFC 7301).
pub const ALPN: &[u8] = b"chatroom/1";
