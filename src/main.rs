//! Picks a face of the program; nothing else.
fn main() -> std::process::ExitCode {
    #[cfg(feature = "gui")]
    return chatroom::app::run();
    #[cfg(not(feature = "gui"))]
    std::process::ExitCode::SUCCESS
}
