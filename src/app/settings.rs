//! The settings that the app remembers.

use adw::gio;
use adw::prelude::*;
use gio::{Settings, SettingsSchemaSource};

use crate::room::DEFAULT_NAME;

use super::config::{APP_ID, SCHEMA_DIR};

/// The remembered settings.
const KEYS: [&str; 9] = [
    "name",
    "last-address",
    "last-port",
    "host-port",
    "host-keeps",
    "host-private",
    "window-width",
    "window-height",
    "window-maximized",
];

/// The settings, or `None` if there is no schema: then the app remembers nothing.
///
/// The schema is the installed one, or else that of this build.
pub fn open() -> Option<Settings> {
    let installed = SettingsSchemaSource::default();
    let schema = installed
        .as_ref()
        .and_then(|source| source.lookup(APP_ID, true))
        // GLib would end the program over a key that an older schema lacks.
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

/// The name that the user had last, if the app remembers it.
pub fn name(settings: Option<&Settings>) -> Option<String> {
    let remembered = settings.map(|it| it.string("name").to_string());
    remembered.filter(|name| !name.is_empty())
}

/// The name to offer if the app remembers none: the user's real name. The system may ask
/// a server on the network for it, so another thread asks the system.
pub async fn first_name() -> String {
    let name = gio::spawn_blocking(real_name).await.ok().flatten();
    name.unwrap_or_else(|| DEFAULT_NAME.to_owned())
}

/// The user's real name, if the system knows it.
fn real_name() -> Option<String> {
    let name = gtk::glib::real_name().into_string().ok()?;
    // GLib returns this if it knows no name.
    crate::room::clean_name(&name).filter(|name| name != "Unknown")
}
