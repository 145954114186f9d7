//! Libraries in C that are loaded into a program before its own, to play a system.

use std::path::{Path, PathBuf};
use std::process::{self, Command};

/// Compiles a file below `tests/` into a library, with the libraries that it needs, and
/// returns the library's path. A test process does this once for each file.
pub fn library(source: &str, links: &[&str]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(source);
    let name = source.file_stem().unwrap().to_str().unwrap();
    let new = folder.join(format!("{name}-{}.so", process::id()));
    let status = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
        .arg(&new)
        .arg(&source)
        .args(links)
        .status()
        .unwrap();
    assert!(status.success());
    // Other processes may use the existing one.
    let library = folder.join(format!("{name}.so"));
    std::fs::rename(new, &library).unwrap();
    library
}
