//! What the kernel tells of a process, and ports for servers. The benchmark has this too.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Ports outside the kernel's range for outgoing connections: while a server is down, an
/// outgoing connection could take a port of that range, or connect to itself.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// The resident memory of its own, in bytes: without the code of the program, which the
/// kernel reads when it first runs, whoever comes then.
pub fn memory(process: u32) -> io::Result<usize> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let kib = status.lines().find_map(|line| {
        let kib = line.strip_prefix("RssAnon:")?.trim().strip_suffix(" kB")?;
        kib.parse::<usize>().ok()
    });
    kib.map(|kib| kib << 10)
        .ok_or_else(|| io::Error::other("it has no RssAnon"))
}

/// The CPU time that all its threads have used, also those that have ended, in ticks of
/// the kernel's clock (hundredths of a second on most systems).
pub fn ticks(process: u32) -> io::Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name is in parentheses. These fields after it are the time in its own code, and
    // in the kernel's.
    let fields = stat.rsplit(") ").next().unwrap_or_default();
    let times = fields.split_ascii_whitespace().skip(11).take(2);
    Ok(times.filter_map(|it| it.parse::<u64>().ok()).sum())
}

/// Returns another free port each time, so that ended connections do not interfere.
pub fn free_port() -> io::Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let process = u16::try_from(std::process::id() % 997).unwrap_or_default();
    for _ in PORTS {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let offset = process.wrapping_mul(12).wrapping_add(step) % (PORTS.end - PORTS.start);
        let port = PORTS.start + offset;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    Err(io::Error::other("there is no free port"))
}
