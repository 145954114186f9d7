//! What the program asks of the system beside sockets and files.

pub mod systemd;
