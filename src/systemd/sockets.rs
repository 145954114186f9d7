//! Sockets that a service manager passes (`sd_listen_fds(3)`).

use std::io;
use std::net::TcpListener;

use listenfd::ListenFd;
use socket2::SockRef;

/// What is wrong with a socket that was passed.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// It is none that a room can use.
    #[error(
        "Socket {0} that the service manager passed is not for TCP ({1}). A room needs \
         ListenStream= with a port in its .socket unit."
    )]
    NotTcp(usize, io::Error),
    /// It is one connection, and not a port.
    #[error(
        "Socket {0} that the service manager passed does not listen. A room serves all \
         connections in one process: its .socket unit needs Accept=no."
    )]
    NotListening(usize),
}

/// The listening sockets that a service manager passed to this process; none, if it
/// passed none. They can be taken once, and only before there is a second thread:
/// what tells of them in the environment is removed, so that no child takes them
/// for its own.
///
/// # Errors
/// If something else was passed.
pub fn take_sockets() -> Result<Vec<TcpListener>, SocketError> {
    let mut passed = ListenFd::from_env();
    let mut listeners = Vec::new();
    for index in 0..passed.len() {
        let number = index + 1;
        let listener = passed
            .take_tcp_listener(index)
            .map_err(|error| SocketError::NotTcp(number, error))?;
        let Some(listener) = listener else {
            continue;
        };
        if !SockRef::from(&listener).is_listener().unwrap_or(false) {
            return Err(SocketError::NotListening(number));
        }
        listeners.push(listener);
    }
    Ok(listeners)
}
