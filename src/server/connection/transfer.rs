//! Carries bytes between a link and what happens on it.

use std::io;
use std::time::Instant;

use crate::tls::ServerTls;

use super::super::link::{After, Link};
use super::super::session::Found;
use super::scratch::{SCRATCH, Scratch};
use super::talk::Talk;

/// The most bytes that one connection writes before the others get their turn.
const WRITE_BYTES: usize = 1 << 20;

/// Reads the bytes that arrived, as many as fit into the buffer, and handles them. Returns
/// what follows them.
///
/// # Errors
/// If there are none now, or the connection is lost.
pub fn read(link: &Link, talk: &mut Talk, tls: &ServerTls) -> io::Result<After> {
    SCRATCH.with_borrow_mut(|scratch| {
        let Scratch { read, plain, .. } = scratch;
        let received = link.read(read, plain)?;
        let (count, mut after) = (received.bytes.len(), received.after);
        if count > 0 && talk.chooses_tls(received.bytes) {
            link.secure(tls.offer())?;
            let is_full = after == After::More;
            after = link.decrypt(&mut read[..count], plain).after;
            if is_full && after == After::Later {
                after = After::More;
            }
            take(link, talk, plain);
        } else {
            take(link, talk, received.bytes);
        }
        // A buffer for plaintext is only a little longer than the one for what arrives.
        plain.clear();
        Ok(after)
    })
}

/// Handles bytes that arrived, after what the link learned with them.
fn take(link: &Link, talk: &mut Talk, bytes: &[u8]) {
    if talk.awaits_handshake()
        && let Some(pin) = link.take_pin()
    {
        talk.secured(pin, Instant::now());
    }
    if !bytes.is_empty() {
        talk.take(bytes, Instant::now());
    }
}

/// How far writing got.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// Everything is written.
    All,
    /// The peer accepts no more for now.
    Blocked,
    /// The connection has used up its turn.
    Enough,
}

/// Writes what is pending.
///
/// # Errors
/// If the connection is lost.
pub fn write(link: &Link, talk: &mut Talk) -> io::Result<Written> {
    SCRATCH.with_borrow_mut(|Scratch { slices, .. }| {
        let mut total = 0;
        loop {
            if !link.flush()? {
                return Ok(Written::Blocked);
            }
            let found = talk.gather(slices);
            if found == Found::Nothing {
                return Ok(Written::All);
            }
            let result = if slices.is_empty() {
                link.write(talk.output())
            } else {
                link.write_slices(slices)
            };
            let count = match result {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
                Err(error) => {
                    slices.clear();
                    return Err(error);
                }
                Ok(count) => Some(count),
            };
            let complete = talk.wrote(count.unwrap_or(0), slices);
            slices.clear();
            total += count.unwrap_or(0);
            if count.is_none() {
                return Ok(Written::Blocked);
            }
            if found == Found::All && complete && !link.is_behind() {
                return Ok(Written::All);
            }
            if total >= WRITE_BYTES {
                return Ok(Written::Enough);
            }
        }
    })
}
