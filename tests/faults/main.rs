//! Tests of failures: of the disk, the power, the process and the line.
//!
//! A [process](writer) of its own writes a store alone. A whole server is a
//! [service](service), on a [`disk::FaultyDisk`] or not; its [clients] connect directly or
//! by a [line] that fails.

mod chance;
mod clients;
mod cut;
mod disk;
mod failing;
mod killed;
mod line;
mod power;
mod served;
mod service;
#[path = "../support/mod.rs"]
mod support;
mod told;
mod writer;

use self::support::sentences;
