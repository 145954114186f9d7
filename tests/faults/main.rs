//! A store on a disk that fails, or whose power is cut.
//!
//! The store is written by a process of its own, on a [`disk::FaultyDisk`].

mod disk;
mod failing;
mod power;
mod writer;
