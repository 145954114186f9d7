//! The manual page, completions for shells and an example of the configuration file. They
//! are made from the definition of the command line, so that they always match it.

use std::io::{self, Write};

use clap_complete::Shell;

use super::command_line::Generated;
use super::mode::command;
use super::options::{Definition, OPTIONS, Reload};

/// The sections of the manual page other than the options.
const MORE: &str = include_str!("../../data/command-line/manual.roff");

/// The first lines of the example of the configuration file.
const HEAD: &str = "\
# The configuration of a Chatroom server: \"chatroom --server --config FILE\".
#
# Every key is also an option of the command line (--port, --room-name, …). An option on
# the command line wins over this file. A setting in neither has its default. A key
# behind a \"#\" shows the default, or an example if there is none.
#
# Check the file:      chatroom --check-config FILE
# Apply it:            systemctl reload chatroom (SIGHUP), while everyone stays.
# The marked keys need a restart instead.
";

/// The width of a line of the example.
const COLUMNS: usize = 88;

/// Writes one of them.
///
/// # Errors
/// If it cannot be written.
pub fn generate(what: Generated, mut out: impl Write) -> io::Result<()> {
    let mut made = Vec::new();
    match what {
        Generated::Man => man(&mut made)?,
        Generated::Bash => complete(Shell::Bash, &mut made),
        Generated::Fish => complete(Shell::Fish, &mut made),
        Generated::Zsh => complete(Shell::Zsh, &mut made),
        Generated::Config => made.extend_from_slice(example().as_bytes()),
    }
    out.write_all(&made)
}

fn complete(shell: Shell, made: &mut Vec<u8>) {
    clap_complete::generate(shell, &mut command(), "chatroom", made);
}

fn man(made: &mut Vec<u8>) -> io::Result<()> {
    let page = clap_mangen::Man::new(command()).manual("User Commands");
    page.render_title(made)?;
    page.render_name_section(made)?;
    page.render_synopsis_section(made)?;
    page.render_description_section(made)?;
    page.render_options_section(made)?;
    page.render_extra_section(made)?;
    made.extend_from_slice(MORE.as_bytes());
    Ok(())
}

/// An example of the configuration file, which changes nothing.
fn example() -> String {
    OPTIONS.iter().fold(HEAD.to_owned(), |file, option| {
        let default = option.default();
        let value = option.example.unwrap_or(&default);
        file + "\n" + &comment(option) + &format!("#{} = {value}\n", option.key)
    })
}

/// The explanation of an option, in lines of comment.
fn comment(option: &Definition) -> String {
    let mut sentences = vec![format!("{}.", option.help), option.more.to_owned()];
    if let Some(limits) = option.limits() {
        sentences.push(format!("Accepted: {limits}."));
    }
    if option.example.is_some() {
        sentences.push(format!("Without this key: {}.", option.default()));
    }
    if option.reload == Reload::NeedsRestart {
        sentences.push("Needs a restart.".to_owned());
    }
    let mut lines = String::new();
    let mut columns = COLUMNS;
    for word in sentences.join(" ").split_whitespace() {
        let width = word.chars().count() + 1;
        if columns + width > COLUMNS {
            lines += "\n#";
            columns = 1;
        }
        lines = lines + " " + word;
        columns += width;
    }
    lines.trim_start().to_owned() + "\n"
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::cli::options::Options;
    use crate::cli::parse;
    use crate::server::Settings;

    use super::*;

    fn read(text: &str) -> Options {
        parse(text, Path::new("example")).unwrap()
    }

    /// The keys of the example, with the values that it shows.
    fn shown() -> Vec<String> {
        let example = example();
        let lines = example.lines().filter_map(|line| line.strip_prefix('#'));
        lines
            .filter(|line| !line.starts_with(' ') && !line.is_empty())
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn the_example_changes_nothing_and_shows_every_key_with_a_value_that_is_accepted() {
        assert_eq!(read(&example()), Options::default());
        let shown = shown();
        let keys: Vec<&str> = shown
            .iter()
            .filter_map(|line| line.split(" = ").next())
            .collect();
        assert_eq!(
            keys,
            OPTIONS.iter().map(|option| option.key).collect::<Vec<_>>()
        );
        read(&shown.join("\n"));
        assert!(
            example()
                .lines()
                .all(|line| line.chars().count() <= COLUMNS)
        );
    }

    #[test]
    fn the_values_that_the_example_shows_are_the_defaults_where_there_are_any() {
        let defaults: Vec<String> = shown()
            .into_iter()
            .zip(&OPTIONS)
            .filter_map(|(line, option)| option.example.is_none().then_some(line))
            .collect();
        assert!(defaults.len() > 8);
        let settings = Settings::from(&read(&defaults.join("\n")));
        assert_eq!(
            format!("{settings:?}"),
            format!("{:?}", Settings::default())
        );
    }

    /// The table of docs/hosting.md.
    fn table() -> String {
        let row = |option: &Definition| {
            let (key, default, help) = (option.key, option.default(), option.help);
            let limits = option.limits();
            let limits = limits.map_or_else(String::new, |it| format!(" ({it})"));
            let reload = match option.reload {
                Reload::Applies => "yes",
                Reload::NeedsRestart => "no",
            };
            format!("| `{key}` | {default} | {reload} | {help}{limits}. |\n")
        };
        let head = "| setting | default | reload | what it sets |\n| --- | --- | --- | --- |\n";
        head.to_owned() + &OPTIONS.iter().map(row).collect::<String>()
    }

    #[test]
    fn the_page_about_hosting_has_the_table_of_the_options() {
        let page = include_str!("../../docs/hosting.md");
        let table = table();
        assert!(
            page.contains(&table),
            "docs/hosting.md does not have:\n{table}"
        );
    }

    fn made(what: Generated) -> String {
        let mut made = Vec::new();
        generate(what, &mut made).unwrap();
        String::from_utf8(made).unwrap()
    }

    #[test]
    fn every_option_is_in_the_manual_and_in_the_completions() {
        let command = command();
        let options = command.get_arguments().filter(|it| !it.is_hide_set());
        let options: Vec<&str> = options.filter_map(|it| it.get_long()).collect();
        assert!(options.len() > 10);
        let man = made(Generated::Man).replace("\\-", "-");
        for what in [Generated::Bash, Generated::Fish, Generated::Zsh] {
            let shell = made(what);
            for option in &options {
                assert!(shell.contains(option), "{what:?}: {option}");
                assert!(man.contains(&format!("--{option}")), "{option}");
            }
        }
        assert!(!man.contains("--generate"));
    }
}
