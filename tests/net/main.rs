//! How a room copes with the computer's network, in networks that the tests make for
//! themselves, and on systems that lack something. Where a system allows no such
//! networks, each test says that it is skipped.

mod addresses;
mod banned;
mod namespace;
mod options;
mod ports;
mod subscribers;
#[path = "../support/mod.rs"]
mod support;
