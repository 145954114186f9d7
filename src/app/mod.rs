//! The GNOME app.
//!
//! - `application`: the program on the desktop; its windows and its end;
//! - `window`: a window, which shows one page at a time;
//! - `pages`: home, connect and chat, each with its template;
//! - `models`: the objects over what the app shows of a room, without widgets;
//! - `saved_state`: the state that outlives the app: drafts, and sessions to come back to;
//! - `hosting`: opening a room on this computer;
//! - `strings`: the app's sentences; `settings`: the remembered settings; `config`: values
//!   of the build.

// The private half of a widget, `imp`, uses the imports of its public half.
#![allow(clippy::wildcard_imports)]

mod application;
pub mod config;
mod hosting;
mod models;
mod pages;
pub(crate) mod saved_state;
mod settings;
mod strings;
mod window;

use std::process::ExitCode;

use adw::prelude::*;
use gtk::gio;

use crate::protocol::invitation::Invitation;

pub use self::config::APP_ID;

use self::application::Application;

/// There is no display to open a window on.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error(
    "There is no display to open a window on; “chatroom --server” hosts a room in a terminal and \
     “chatroom --listen” prints what is said in one."
)]
pub struct NoDisplay;

/// Runs the app until its last window is closed and its work is done. With an
/// `invitation`, or an address alone, it joins the room there at once.
///
/// If the app runs already, the running one opens a new window and this one ends.
///
/// # Errors
/// If there is no display.
pub fn run(invitation: Option<Box<Invitation>>) -> Result<ExitCode, NoDisplay> {
    let link = invitation.map(|it| it.link());
    run_with(link.as_deref())
}

/// Runs the app without a window until the desktop asks for one. If none is asked for,
/// the app ends after a while.
///
/// # Errors
/// If there is no display.
pub fn run_as_service() -> Result<ExitCode, NoDisplay> {
    run_with(Some("--gapplication-service"))
}

fn run_with(argument: Option<&str>) -> Result<ExitCode, NoDisplay> {
    speak_the_users_language();
    gtk::init().map_err(|_| NoDisplay)?;
    // Without the resources the app cannot build a window; they are part of this program.
    gio::resources_register_include!("chatroom.gresource").map_err(|_| NoDisplay)?;
    let arguments: Vec<&str> = std::iter::once("chatroom").chain(argument).collect();
    Ok(Application::default().run_with_args(&arguments).into())
}

/// Sets up the translations; GTK sets the language when it starts. Without translations
/// everything is in English.
fn speak_the_users_language() {
    use self::config::{GETTEXT_DOMAIN, LOCALEDIR};
    use gettextrs::{bind_textdomain_codeset, bindtextdomain, textdomain};

    let _ = bindtextdomain(GETTEXT_DOMAIN, LOCALEDIR);
    let _ = bind_textdomain_codeset(GETTEXT_DOMAIN, "UTF-8");
    let _ = textdomain(GETTEXT_DOMAIN);
}
