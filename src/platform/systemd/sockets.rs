//! Sockets that a service manager passes (`sd_listen_fds(3)`).

use std::io;
use std::net::TcpListener;

use listenfd::ListenFd;
use socket2::SockRef;

/// An error in a socket that the service manager passed.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// The socket is not a TCP socket.
    #[error(
        "Socket {0} that the service manager passed is not for TCP ({1}). A room needs \
         ListenStream= with a port in its .socket unit."
    )]
    NotTcp(usize, io::Error),
    /// The socket is one connection, not a listener.
    #[error(
        "Socket {0} that the service manager passed does not listen. A room serves all \
         connections in one process: its .socket unit needs Accept=no."
    )]
    NotListening(usize),
}

/// Takes the listening sockets that a service manager passed to this process, if any.
/// Call it once, and before the process has a second thread: it removes the variables
/// that announce the sockets from the environment, so that no child takes them for its
/// own.
///
/// # Errors
/// If the manager passed something other than a listening TCP socket.
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
