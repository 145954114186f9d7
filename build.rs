//! Compiles what the app embeds: the Blueprint templates, the resources and, for
//! a program that is run without being installed, the settings schema.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "gui")]
    if let Err(why) = gui::compile() {
        println!("cargo::error={why}");
    }
}

#[cfg(feature = "gui")]
mod gui {
    use std::ffi::OsString;
    use std::path::{Path, PathBuf};
    use std::process::Command;
    use std::{env, fs};

    /// The folder of the app, with the files that it embeds.
    const APP: &str = "src/app";
    /// The resources' list.
    const RESOURCES: &str = "src/app/resources/chatroom.gresource.xml";
    /// The settings' schema.
    const SCHEMA: &str = "data/io.github.chatroom.Chatroom.gschema.xml";
    /// The app's icons.
    const ICONS: &str = "data/icons";

    pub fn compile() -> Result<(), String> {
        let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo names no OUT_DIR")?);
        for path in [APP, SCHEMA, ICONS] {
            println!("cargo::rerun-if-changed={path}");
        }
        for option in ["LOCALEDIR", "CHATROOM_VERSION"] {
            println!("cargo::rerun-if-env-changed={option}");
        }
        compile_templates(&out)?;
        compile_resources(&out)?;
        compile_schema(&out)
    }

    fn compile_templates(out: &Path) -> Result<(), String> {
        let mut templates = Vec::new();
        find_templates(Path::new(APP), &mut templates)?;
        let mut arguments: Vec<OsString> = vec![
            "batch-compile".into(),
            out.join("templates").into(),
            APP.into(),
        ];
        arguments.extend(templates.into_iter().map(OsString::from));
        run("blueprint-compiler", "blueprint-compiler", arguments)
    }

    fn find_templates(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), String> {
        let mut entries = fs::read_dir(folder)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| format!("{} cannot be read: {error}", folder.display()))?;
        entries.sort_by_key(fs::DirEntry::path);
        for path in entries.into_iter().map(|entry| entry.path()) {
            if path.is_dir() {
                find_templates(&path, found)?;
            } else if path.extension().is_some_and(|it| it == "blp") {
                found.push(path);
            }
        }
        Ok(())
    }

    fn compile_resources(out: &Path) -> Result<(), String> {
        let mut arguments: Vec<OsString> = vec!["--target".into()];
        arguments.push(out.join("chatroom.gresource").into());
        for source in [
            &out.join("templates"),
            Path::new("src/app/resources"),
            Path::new(ICONS),
        ] {
            arguments.push("--sourcedir".into());
            arguments.push(source.into());
        }
        arguments.push(RESOURCES.into());
        run("glib-compile-resources", "libglib2.0-dev-bin", arguments)
    }

    fn compile_schema(out: &Path) -> Result<(), String> {
        let schemas = out.join("schemas");
        let name = Path::new(SCHEMA)
            .file_name()
            .ok_or("the schema has no name")?;
        fs::create_dir_all(&schemas)
            .and_then(|()| fs::copy(SCHEMA, schemas.join(name)))
            .map_err(|error| format!("{SCHEMA} cannot be copied: {error}"))?;
        let arguments = vec!["--strict".into(), schemas.into()];
        run("glib-compile-schemas", "libglib2.0-bin", arguments)
    }

    /// Runs a `tool`, which comes with `package`.
    fn run(tool: &str, package: &str, arguments: Vec<OsString>) -> Result<(), String> {
        let done = Command::new(tool)
            .args(arguments)
            .output()
            .map_err(|error| {
                format!(
                    "{tool} is needed to build the app and cannot be run ({error}): install \
                 {package}, use ./dev, or build with --no-default-features --features cli,store for \
                 the server and the listener alone"
                )
            })?;
        if done.status.success() {
            return Ok(());
        }
        let words = [done.stdout, done.stderr].concat();
        let words = String::from_utf8_lossy(&words)
            .trim()
            .replace('\n', "\ncargo::error=");
        Err(format!("{tool} failed:\ncargo::error={words}"))
    }
}
