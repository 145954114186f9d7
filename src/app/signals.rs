//! Being asked to end by the system.

use tokio::signal::unix::{SignalKind, signal};

/// Tells when the program is asked to end: by Ctrl+C in its terminal, by the
/// terminal's end or by the system.
pub fn asked_to_end() -> async_channel::Receiver<()> {
    let (ask, asked) = async_channel::bounded(1);
    let thread = std::thread::Builder::new().name("signals".into());
    // Without such a thread the system ends the program as it is.
    let _ = thread.spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build();
        if runtime.and_then(|runtime| runtime.block_on(wait())).is_ok() {
            let _ = ask.send_blocking(());
        }
    });
    asked
}

async fn wait() -> std::io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hang_up.recv() => {}
    }
    Ok(())
}
