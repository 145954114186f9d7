//! The manual page and completions for shells. They are made from the definition of the
//! command line, so that they always match it.

use std::io::{self, Write};

use clap_complete::Shell;

use crate::cli::{Generated, command};

/// The sections of the manual page other than the options.
const MORE: &str = include_str!("../data/command-line/manual.roff");

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

#[cfg(test)]
mod tests {
    use super::*;

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
