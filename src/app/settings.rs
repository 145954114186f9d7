//! What the app remembers.

use adw::gio;
use adw::prelude::*;
use gio::{Settings, SettingsSchemaSource};

use crate::room::DEFAULT_NAME;

use super::config::{APP_ID, SCHEMA_DIR};

/// All that is remembered.
const KEYS: [&str; 8] = [
    "name",
    "last-address",
    "last-port",
    "host-port",
    "host-keeps",
    "window-width",
    "window-height",
    "window-maximized",
];

/// The settings, or `None` where no schema is found: nothing is remembered then.
///
/// The schema is the installed one or else that of this build.
pub fn open() -> Option<Settings> {
    let installed = SettingsSchemaSource::default();
    let schema = installed
        .as_ref()
        .and_then(|source| source.lookup(APP_ID, true))
        // An older one lacks what GLib would end the program for.
        .filter(|schema| KEYS.iter().all(|key| schema.has_key(key)))
        .or_else(|| {
            SettingsSchemaSource::from_directory(SCHEMA_DIR, installed.as_ref(), false)
                .ok()?
                .lookup(APP_ID, false)
        })?;
    Some(Settings::new_full(
        &schema,
        None::<&gio::SettingsBackend>,
        None,
    ))
}

/// The name that the user had last, if it is remembered.
pub fn name(settings: Option<&Settings>) -> Option<String> {
    let remembered = settings.map(|it| it.string("name").to_string());
    remembered.filter(|name| !name.is_empty())
}

/// The name to offer to a user of whom none is remembered: their real one. The system may
/// ask a server on the network for it, so it is asked on another thread.
pub async fn first_name() -> String {
    let name = gio::spawn_blocking(real_name).await.ok().flatten();
    name.unwrap_or_else(|| DEFAULT_NAME.to_owned())
}

/// The user's real name, as far as the system knows one.
fn real_name() -> Option<String> {
    let name = gtk::glib::real_name().into_string().ok()?;
    // What GLib says when it knows none.
    crate::room::clean_name(&name).filter(|name| name != "Unknown")
}
