//! The tests of the benchmark's parts, which `cargo bench` would not run.

// What measures is not used here.
#[allow(dead_code)]
#[path = "../benches/fanout/main.rs"]
mod fanout;
