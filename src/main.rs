//! Reads the command line, and starts the app, the server or the listener.

use std::error::Error;
use std::process::ExitCode;

use chatroom::cli::Face;
use chatroom::protocol::address::Address;
use chatroom::{manual, options, terminal};

fn main() -> ExitCode {
    let face = match Face::read(std::env::args_os()) {
        Ok(face) => face,
        Err(error) => {
            let _ = error.print();
            return u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, Into::into);
        }
    };
    let ended = match face {
        Face::App(address) => app(address),
        Face::Service => service(),
        Face::Server(source) => terminal::serve(*source).map(|()| ExitCode::SUCCESS),
        Face::CheckConfig(file) => options::read(&file)
            .map(|_| ExitCode::SUCCESS)
            .map_err(Into::into),
        Face::Status { port, json } => terminal::status(port, json).map(|()| ExitCode::SUCCESS),
        Face::Generate(what) => manual::generate(what, std::io::stdout())
            .map(|()| ExitCode::SUCCESS)
            .map_err(Into::into),
        Face::Listener { address, name } => {
            terminal::listen(address, name).map(|()| ExitCode::SUCCESS)
        }
    };
    ended.unwrap_or_else(|error| {
        terminal::complain(&*error);
        terminal::exit_status(&*error).into()
    })
}

#[cfg(feature = "gui")]
fn app(address: Option<Address>) -> Result<ExitCode, Box<dyn Error>> {
    Ok(chatroom::app::run(address)?)
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
fn app(_: Option<Address>) -> Result<ExitCode, Box<dyn Error>> {
    Err(
        "This program was built without the app. “chatroom --server” hosts a room, and \
         “chatroom --listen” prints the messages of a room."
            .into(),
    )
}
