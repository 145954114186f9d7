//! The GNOME app.
//!
//! - `application`: the program on the desktop; its windows and its end;
//! - `window`: a window, which shows one page at a time;
//! - `pages`: home, connect and chat, each with its template;
//! - `room`: a room as the app knows it, apart from how it is shown;
//! - `kept`: what outlives the app: drafts, and stays to come back to;
//! - `hosting`: opening a room on this computer;
//! - `words`, `settings`, `config`: what is said, remembered and fixed.

// The private half of a widget, `imp`, has the imports of its public half.
#![allow(clippy::wildcard_imports)]

mod application;
pub mod config;
mod hosting;
pub(crate) mod kept;
mod pages;
mod room;
mod settings;
mod window;
mod words;

use std::process::ExitCode;

use adw::prelude::*;
use gtk::gio;

use crate::wire::address::Address;

pub use self::config::APP_ID;

use self::application::Application;

/// There is no display to open a window on.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error(
    "There is no display to open a window on; “chatroom --server” hosts a room in a terminal and \
     “chatroom --listen” prints what is said in one."
)]
pub struct NoDisplay;

/// Runs the app until its last window is closed, and all it does is done. With an
/// `address` it joins the room there at once.
///
/// If the app runs already, that one opens a new window and this one ends.
///
/// # Errors
/// If there is no display.
pub fn run(address: Option<Address>) -> Result<ExitCode, NoDisplay> {
    let link = address.map(|it| Address::to_link(&it));
    run_with(link.as_deref())
}

/// Runs the app without a window until the desktop asks for one, or until some
/// time is over.
///
/// # Errors
/// If there is no display.
pub fn run_as_service() -> Result<ExitCode, NoDisplay> {
    run_with(Some("--gapplication-service"))
}

fn run_with(argument: Option<&str>) -> Result<ExitCode, NoDisplay> {
    speak_the_users_language();
    gtk::init().map_err(|_| NoDisplay)?;
    // Without them no window can be built; they are part of this program.
    gio::resources_register_include!("chatroom.gresource").map_err(|_| NoDisplay)?;
    let arguments: Vec<&str> = std::iter::once("chatroom").chain(argument).collect();
    Ok(Application::default().run_with_args(&arguments).into())
}

/// Finds the translations; GTK sets the language when it begins. Where there are none, all is in English.
fn speak_the_users_language() {
    use self::config::{GETTEXT_DOMAIN, LOCALEDIR};
    use gettextrs::{bind_textdomain_codeset, bindtextdomain, textdomain};

    let _ = bindtextdomain(GETTEXT_DOMAIN, LOCALEDIR);
    let _ = bind_textdomain_codeset(GETTEXT_DOMAIN, "UTF-8");
    let _ = textdomain(GETTEXT_DOMAIN);
}
