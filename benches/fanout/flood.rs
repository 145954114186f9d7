//! A member who sends more than the limit, as fast as the server reads.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::thread::{self, JoinHandle};

use super::server::Server;

/// Floods a room of our server until dropped.
pub struct Flood {
    stream: TcpStream,
    threads: Vec<JoinHandle<()>>,
}

impl Flood {
    pub fn start(server: &Server) -> io::Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port))?;
        let protocol = server.protocol();
        (&stream).write_all(&(protocol.hello)(usize::MAX))?;
        // Without the mark, so that the load does not count it as a delivery.
        let burst = (protocol.say)("a flood of words").repeat(1_000);
        let mut writer = stream.try_clone()?;
        let mut reader = stream.try_clone()?;
        let threads = vec![
            thread::spawn(move || while writer.write_all(&burst).is_ok() {}),
            thread::spawn(move || {
                let mut buffer = vec![0; 64 << 10];
                while reader.read(&mut buffer).is_ok_and(|count| count > 0) {}
            }),
        ];
        Ok(Self { stream, threads })
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
