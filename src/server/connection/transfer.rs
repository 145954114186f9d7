//! Carries bytes between a link and what happens on it.

use std::io;
use std::time::Instant;

use super::super::link::Link;
use super::super::session::Found;
use super::scratch::{SCRATCH, Scratch};
use super::talk::Talk;

/// The most bytes that one connection writes before the others get their turn.
const WRITE_BYTES: usize = 1 << 20;

/// Reads the bytes that arrived, as many as fit into the buffer, and handles them. Returns
/// how many; 0 if no more will come.
///
/// # Errors
/// If there are none now, or the connection is lost.
pub fn read(link: &Link, talk: &mut Talk) -> io::Result<usize> {
    SCRATCH.with_borrow_mut(|scratch| {
        let count = link.read(&mut scratch.read)?;
        if count > 0 {
            talk.take(&scratch.read[..count], Instant::now());
        }
        Ok(count)
    })
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
            if found == Found::All && complete {
                return Ok(Written::All);
            }
            if total >= WRITE_BYTES {
                return Ok(Written::Enough);
            }
        }
    })
}
