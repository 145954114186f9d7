//! The conditions of a run: the machine, and the number of files that a process may have
//! open.

use std::fs;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The day and the machine, in lines.
pub fn machine() -> Vec<String> {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let value = |text: &str, key: &str| {
        let line = text.lines().find(|line| line.starts_with(key));
        let value = line.and_then(|line| line.split_once([':', '=']));
        value.map_or_else(
            || "unknown".to_owned(),
            |(_, it)| it.trim().trim_matches('"').to_owned(),
        )
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let now = jiff::Timestamp::now().to_string();
    vec![
        format!("Measured on {} (UTC).", now.get(..10).unwrap_or(&now)),
        format!(
            "Machine: {cores} × {}; Linux {}; {}.",
            value(&read("/proc/cpuinfo"), "model name"),
            read("/proc/sys/kernel/osrelease").trim(),
            value(&read("/etc/os-release"), "PRETTY_NAME"),
        ),
    ]
}

/// Raises the limit of open files for this process and the servers that it starts, up to
/// `wanted`. Returns the resulting limit.
pub fn open_files(wanted: usize) -> usize {
    let wanted = wanted as u64;
    let now = getrlimit(Resource::Nofile);
    let enough = |limit: Option<u64>| limit.is_none_or(|limit| limit >= wanted);
    if !enough(now.current) {
        // Only the superuser may exceed the maximum.
        let over = Rlimit {
            current: Some(wanted),
            maximum: if enough(now.maximum) {
                now.maximum
            } else {
                Some(wanted)
            },
        };
        if setrlimit(Resource::Nofile, over).is_err() {
            let current = now.maximum;
            let _ = setrlimit(Resource::Nofile, Rlimit { current, ..now });
        }
    }
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(wanted);
    usize::try_from(limit.min(wanted)).unwrap_or(usize::MAX)
}
