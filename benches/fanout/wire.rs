//! The connection of a member to the server.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::fd::AsFd;

/// A connection that does not block, once it is open.
pub trait Wire: AsFd + Sized {
    /// Opens a connection to a port of this computer, and sends the first bytes.
    fn open(port: u16, first: &[u8]) -> io::Result<Self>;

    /// Takes the bytes that have come, and returns their number. Fails if the server has
    /// ended the connection.
    fn take(&mut self, into: &mut [u8]) -> io::Result<usize>;

    /// Sends a few bytes at once.
    fn send(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Does what can be done before `out` is sent: all senders then send as close after each
    /// other as in plaintext.
    fn prepare(&mut self, _out: &mut Vec<u8>) -> io::Result<()> {
        Ok(())
    }

    /// Sends as much of `out` as the socket takes, removes that, and returns whether it was
    /// all.
    fn flush(&mut self, out: &mut Vec<u8>) -> io::Result<bool>;
}

pub fn cut_off() -> io::Error {
    io::Error::other("the server cut a member off")
}

pub fn connect(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Plaintext.
impl Wire for TcpStream {
    fn open(port: u16, first: &[u8]) -> io::Result<Self> {
        let mut stream = connect(port)?;
        stream.write_all(first)?;
        stream.set_nonblocking(true)?;
        Ok(stream)
    }

    fn take(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.read(into)? {
            0 => Err(cut_off()),
            count => Ok(count),
        }
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn flush(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        while !out.is_empty() {
            match self.write(out) {
                Ok(count) => drop(out.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}
