//! What is fixed when the app is built. An installer may set it; without one,
//! `cargo run` works with the defaults.

/// The id by which the desktop knows the app.
pub const APP_ID: &str = "io.github.chatroom.Chatroom";

/// Where the app's embedded files begin: the id as a path.
pub const RESOURCE_PATH: &str = "/io/github/chatroom/Chatroom";

/// The name of the app's translations.
pub const GETTEXT_DOMAIN: &str = "chatroom";

/// The version that is shown.
pub const VERSION: &str = match option_env!("CHATROOM_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};

/// Where the translations are installed.
pub const LOCALEDIR: &str = match option_env!("LOCALEDIR") {
    Some(folder) => folder,
    None => "/usr/share/locale",
};

/// The compiled settings schema of this build, for when none is installed.
pub const SCHEMA_DIR: &str = concat!(env!("OUT_DIR"), "/schemas");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resources_lie_where_gtk_looks_for_them() {
        assert_eq!(RESOURCE_PATH, format!("/{}", APP_ID.replace('.', "/")));
    }
}
