//! Values that are fixed when the app is built. An installer may set them; without one,
//! `cargo run` works with the defaults.

/// The id of the app on the desktop.
pub const APP_ID: &str = "io.github.chatroom.Chatroom";

/// The root of the app's embedded files: the id as a path.
pub const RESOURCE_PATH: &str = "/io/github/chatroom/Chatroom";

/// The gettext domain of the app.
pub const GETTEXT_DOMAIN: &str = "chatroom";

/// The version in the About dialog.
pub const VERSION: &str = match option_env!("CHATROOM_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};

/// The folder of the installed translations.
pub const LOCALEDIR: &str = match option_env!("LOCALEDIR") {
    Some(folder) => folder,
    None => "/usr/share/locale",
};

/// The compiled settings schema of this build, which the app uses if none is installed.
pub const SCHEMA_DIR: &str = concat!(env!("OUT_DIR"), "/schemas");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resources_lie_where_gtk_looks_for_them() {
        assert_eq!(RESOURCE_PATH, format!("/{}", APP_ID.replace('.', "/")));
    }
}
