//! The GNOME app.
//!
//! It holds no more than an empty application yet: the window comes next.

use adw::prelude::*;

/// The id by which the desktop knows the app.
pub const APP_ID: &str = "io.github.chatroom.Chatroom";

/// Runs the app until its last window is closed.
#[must_use]
pub fn run() -> std::process::ExitCode {
    let app = adw::Application::builder().application_id(APP_ID).build();
    app.connect_activate(|app| {
        adw::ApplicationWindow::builder()
            .application(app)
            .title("Chatroom")
            .default_width(640)
            .default_height(480)
            .build()
            .present();
    });
    app.run_with_args::<&str>(&[]).into()
}
