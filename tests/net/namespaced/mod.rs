//! How a room copes with the computer's network, in networks that the tests make for
//! themselves.

mod addresses;
mod banned;
mod ports;
mod subscribers;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

/// A network of its own, with only a loopback interface at first. It is gone when this
/// is dropped.
pub struct Namespace {
    holder: Child,
    /// Of the programs in it.
    folder: tempfile::TempDir,
}

impl Namespace {
    pub fn new() -> Self {
        match Self::make() {
            Ok(made) => made,
            Err(why) => panic!(
                "this system allows no network of one's own: {why}; to leave these tests out, \
                 skip namespaced::"
            ),
        }
    }

    fn make() -> Result<Self, String> {
        let mut holder = Command::new("unshare")
            .args(["--user", "--map-root-user", "--net", "--", "sh", "-c"])
            .arg(
                "ip link set lo up && ip link add v0 type veth peer name v1 && ip link delete v0 \
                  && echo ready && exec sleep infinity",
            )
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        let mut ready = String::new();
        let out = holder.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut ready).unwrap();
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let mut namespace = Self { holder, folder };
        if ready == "ready\n" {
            return Ok(namespace);
        }
        let mut why = String::new();
        let words = namespace.holder.stderr.as_mut().unwrap();
        words.read_to_string(&mut why).unwrap();
        Err(why.trim().to_owned())
    }

    /// A command in it.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--target={}", self.holder.id()))
            .args(["--user", "--net", "--preserve-credentials", "--", program])
            .env("XDG_RUNTIME_DIR", self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs lines of a shell in it, and returns what they print.
    pub fn run(&self, lines: &str) -> String {
        let output = self.command("sh").args(["-euc", lines]).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{lines}: {told}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Adds an interface with this address and prefix, that is connected to another one,
    /// `NAME-far`.
    pub fn add_link(&self, name: &str, address: &str) {
        self.run(&format!(
            "ip link add {name} type veth peer name {name}-far
             ip address add {address} dev {name}
             ip link set {name} up
             ip link set {name}-far up"
        ));
    }

    /// Adds a bridge with this address and prefix, to which nothing is connected.
    pub fn add_bridge(&self, name: &str, address: &str) {
        self.run(&format!(
            "ip link add {name} type bridge
             ip address add {address} dev {name}
             ip link set {name} up"
        ));
    }

    /// Runs a script of Python in it, and returns what it prints.
    pub fn python(&self, script: &str) -> String {
        let output = self
            .command("python3")
            .args(["-c", script])
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{told}");
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
