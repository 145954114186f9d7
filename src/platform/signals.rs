//! The signals that end the program.

use std::io;

use tokio::runtime::Runtime;
use tokio::signal::unix::{self, SignalKind};

/// A signal that asks the program to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl+C.
    Interrupt,
    /// SIGTERM, from a service manager or `kill`.
    Terminate,
    /// SIGHUP: the terminal went away.
    HangUp,
}

impl Signal {
    /// The number of the signal (signal(7)).
    const fn number(self) -> i32 {
        match self {
            Self::HangUp => 1,
            Self::Interrupt => 2,
            Self::Terminate => 15,
        }
    }
}

/// The signals. The program catches them from the moment this value is made.
pub struct Signals {
    runtime: Runtime,
    caught: Caught,
}

struct Caught {
    interrupt: unix::Signal,
    terminate: unix::Signal,
    /// Not under `nohup`, which ignores the hang-up.
    hang_up: Option<unix::Signal>,
}

impl Signals {
    /// Catches the signals.
    ///
    /// # Errors
    /// If the system does not allow it.
    pub fn catch() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()?;
        let entered = runtime.enter();
        let hang_up = if is_ignored(Signal::HangUp) {
            None
        } else {
            Some(unix::signal(SignalKind::hangup())?)
        };
        let caught = Caught {
            interrupt: unix::signal(SignalKind::interrupt())?,
            terminate: unix::signal(SignalKind::terminate())?,
            hang_up,
        };
        drop(entered);
        Ok(Self { runtime, caught })
    }

    /// Calls `end` with the first signal, on a thread of its own. A second one ends the
    /// program at once with the exit code that a shell gives to it, unless it only
    /// reports that the terminal went away.
    ///
    /// # Errors
    /// If the system has no thread left.
    pub fn on_first(self, end: impl FnOnce(Signal) + Send + 'static) -> io::Result<()> {
        self.on_each(None::<fn()>, end)
    }

    /// The same, but until the program ends, a hang-up calls `reload`, if there is one.
    ///
    /// # Errors
    /// If the system has no thread left.
    pub fn on_each(
        self,
        mut reload: Option<impl FnMut() + Send + 'static>,
        end: impl FnOnce(Signal) + Send + 'static,
    ) -> io::Result<()> {
        let Self {
            runtime,
            mut caught,
        } = self;
        std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    end(loop {
                        match (caught.next().await, &mut reload) {
                            (Signal::HangUp, Some(reload)) => reload(),
                            (signal, _) => break signal,
                        }
                    });
                    loop {
                        match caught.next().await {
                            // A terminal that goes away may send the signal twice.
                            Signal::HangUp => {}
                            signal => std::process::exit(128 + signal.number()),
                        }
                    }
                });
            })?;
        Ok(())
    }
}

impl Caught {
    async fn next(&mut self) -> Signal {
        let hang_up = async {
            match &mut self.hang_up {
                Some(hang_up) => hang_up.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
            _ = hang_up => Signal::HangUp,
        }
    }
}

/// Whether the parent process wants the program to ignore a signal.
fn is_ignored(signal: Signal) -> bool {
    std::fs::read_to_string("/proc/self/status")
        .is_ok_and(|status| ignored(&status) >> (signal.number() - 1) & 1 == 1)
}

/// The ignored signals in the kernel's status of a process (proc(5)), the first in the
/// lowest bit.
fn ignored(status: &str) -> u64 {
    status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_read_as_the_kernel_writes_them() {
        let status = "Name:\tx\nSigBlk:\t0000000000000002\nSigIgn:\t0000000000001001\n";
        assert_eq!(ignored(status), 0x1001);
        assert_eq!(ignored("Name:\tx\n"), 0);
        // Rust programs ignore the broken pipe.
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        assert_eq!(ignored(&status) >> 12 & 1, 1);
    }
}
