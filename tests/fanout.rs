//! The tests of the benchmark's parts, which `cargo bench` would not run.

// The tests do not use the code that measures.
#[allow(dead_code)]
#[path = "../benches/fanout/main.rs"]
mod fanout;
