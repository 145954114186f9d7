//! What must hold when something fails: the disk, the power, the process, the line.
//!
//! A store alone is written by a [process](writer) of its own, and a whole server is
//! a [service](service), on a [`disk::FaultyDisk`] or not; its [clients] come to it
//! directly or by a [line] that fails.

mod chance;
mod clients;
mod cut;
mod disk;
mod failing;
mod killed;
mod line;
mod power;
#[path = "../support/sentences.rs"]
mod sentences;
mod served;
mod service;
mod told;
mod writer;
