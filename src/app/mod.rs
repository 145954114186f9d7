//! The GNOME app.
//!
//! It holds no more than an empty application yet: the window comes next.

use std::process::ExitCode;

use adw::prelude::*;

use crate::wire::address::Address;

/// The id by which the desktop knows the app.
pub const APP_ID: &str = "io.github.chatroom.Chatroom";

/// There is no display to open a window on.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error(
    "There is no display to open a window on; “chatroom --server” hosts a room in a terminal and \
     “chatroom --listen” prints what is said in one."
)]
pub struct NoDisplay;

/// Runs the app until its last window is closed. The address of a room to join is of
/// no use yet.
///
/// # Errors
/// If there is no display.
pub fn run(_: Option<Address>) -> Result<ExitCode, NoDisplay> {
    gtk::init().map_err(|_| NoDisplay)?;
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
    Ok(app.run_with_args::<&str>(&[]).into())
}
