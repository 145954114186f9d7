//! Reads the command line, and starts the app, the server or the listener.

use std::error::Error;
use std::process::ExitCode;

use chatroom::cli::{self, Mode};
use chatroom::protocol::invitation::Invitation;
use chatroom::terminal;

fn main() -> ExitCode {
    let mode = match Mode::read(std::env::args_os()) {
        Ok(mode) => mode,
        Err(error) => {
            let _ = error.print();
            return u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, Into::into);
        }
    };
    let ended = match mode {
        Mode::App(invitation) => app(invitation),
        Mode::Service => service(),
        Mode::Server(source) => {
            let has_file = source.can_change();
            terminal::serve(source.into_reader(), has_file).map(|()| ExitCode::SUCCESS)
        }
        Mode::CheckConfig(source) => source
            .in_file()
            .map(|_| ExitCode::SUCCESS)
            .map_err(Into::into),
        Mode::Status { port, json } => terminal::status(port, json).map(|()| ExitCode::SUCCESS),
        Mode::Control {
            command,
            port,
            json,
        } => terminal::control(&command, port, json).map(exit_code),
        Mode::Invite(inviting) => terminal::invite(&inviting).map(exit_code),
        Mode::Generate(what) => cli::generate(what, std::io::stdout())
            .map(|()| ExitCode::SUCCESS)
            .map_err(Into::into),
        Mode::Listener(joining) => terminal::listen(*joining).map(|()| ExitCode::SUCCESS),
    };
    ended.unwrap_or_else(|error| {
        terminal::complain(&*error);
        cli::exit_status(&*error).into()
    })
}

fn exit_code(done: bool) -> ExitCode {
    if done {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

#[cfg(feature = "gui")]
fn app(invitation: Option<Box<Invitation>>) -> Result<ExitCode, Box<dyn Error>> {
    Ok(chatroom::app::run(invitation)?)
}

#[cfg(feature = "gui")]
fn service() -> Result<ExitCode, Box<dyn Error>> {
    Ok(chatroom::app::run_as_service()?)
}

#[cfg(not(feature = "gui"))]
fn service() -> Result<ExitCode, Box<dyn Error>> {
    app(None)
}

#[cfg(not(feature = "gui"))]
fn app(_: Option<Box<Invitation>>) -> Result<ExitCode, Box<dyn Error>> {
    Err(
        "This program was built without the app. “chatroom --server” hosts a room, and \
         “chatroom --listen” prints the messages of a room."
            .into(),
    )
}
