//! The protocol between a member and a server of any kind.

/// The last byte of every message. Nothing else that a server sends has this byte, so the
/// load counts deliveries in every protocol at the same small cost.
pub const MARK: u8 = b'^';

/// The number of bytes in the text of a message.
pub const TEXT_BYTES: usize = 64;

/// The protocol of one kind of server.
pub struct Protocol {
    /// The first bytes that the member with this number sends.
    pub hello: fn(usize) -> Vec<u8>,
    /// The bytes that it then waits for, one after the other, each with its answer. After
    /// the last it is in the room; without any, at once.
    pub steps: &'static [(&'static [u8], &'static [u8])],
    /// A message with this text.
    pub say: fn(&str) -> Vec<u8>,
    /// The bytes that it sends before it leaves.
    pub bye: &'static [u8],
    /// Whether a sender receives its own messages too.
    pub echoes: bool,
}

impl Protocol {
    /// The bytes of one message.
    pub fn message(&self) -> Vec<u8> {
        (self.say)(&text())
    }
}

/// Chatroom's native door.
pub const NATIVE: Protocol = Protocol {
    hello: |number| {
        format!("{{\"hello\":{{\"protocol\":1,\"name\":\"member {number}\"}}}}\n").into_bytes()
    },
    steps: &[(b"{\"welcome\":", b"")],
    bye: b"{\"bye\":{}}\n",
    say: |text| format!("{{\"say\":{{\"text\":\"{text}\"}}}}\n").into_bytes(),
    echoes: true,
};

fn text() -> String {
    "x".repeat(TEXT_BYTES - 1) + char::from(MARK).encode_utf8(&mut [0; 4])
}

/// Finds the awaited bytes of each step in a stream that comes in pieces.
#[derive(Default)]
pub struct Entry {
    step: usize,
    /// The bytes since the last step.
    tail: Vec<u8>,
}

impl Entry {
    /// Takes new bytes. Returns the answer to send, and whether this was the last step.
    pub fn take(&mut self, protocol: &Protocol, bytes: &[u8]) -> (Vec<u8>, bool) {
        self.tail.extend_from_slice(bytes);
        let mut answer = Vec::new();
        while let Some((awaited, next)) = protocol.steps.get(self.step) {
            let Some(at) = memchr::memmem::find(&self.tail, awaited) else {
                // The tail may hold its beginning.
                let passed = self.tail.len().saturating_sub(awaited.len());
                self.tail.drain(..passed);
                return (answer, false);
            };
            self.tail.drain(..at + awaited.len());
            answer.extend_from_slice(next);
            self.step += 1;
        }
        (answer, true)
    }
}

#[cfg(test)]
#[allow(dead_code, unused_imports)] // see main.rs
mod tests {
    use super::*;

    const TWO_STEPS: Protocol = Protocol {
        steps: &[(b"ready", b"JOIN"), (b"welcome", b"")],
        ..NATIVE
    };

    #[test]
    fn a_message_is_marked_once_at_the_end_of_its_text() {
        assert_eq!(text().len(), TEXT_BYTES);
        let message = NATIVE.message();
        assert_eq!(memchr::memchr_iter(MARK, &message).count(), 1);
        assert!(memchr::memmem::find(&message, text().as_bytes()).is_some());
        assert!(!(NATIVE.hello)(1).contains(&MARK));
    }

    #[test]
    fn what_is_awaited_is_found_in_pieces() {
        let mut entry = Entry::default();
        for byte in b"are you read" {
            assert_eq!(entry.take(&TWO_STEPS, &[*byte]), (Vec::new(), false));
        }
        assert_eq!(entry.take(&TWO_STEPS, b"y"), (b"JOIN".to_vec(), false));
        assert_eq!(entry.take(&TWO_STEPS, b"welcom"), (Vec::new(), false));
        assert_eq!(entry.take(&TWO_STEPS, b"e!"), (Vec::new(), true));
    }

    #[test]
    fn all_steps_can_come_at_once() {
        let mut entry = Entry::default();
        let came = b"welcome before? ready; welcome";
        assert_eq!(entry.take(&TWO_STEPS, came), (b"JOIN".to_vec(), true));
    }
}
