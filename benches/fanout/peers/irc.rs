//! The part of IRC that messages in one channel need.

use super::Protocol;

/// IRC; a sender does not receive its own messages.
pub const IRC: Protocol = Protocol {
    hello: |number| format!("NICK m{number}\r\nUSER m 0 * :m\r\n").into_bytes(),
    // The welcome, and the end of the list of the channel's members.
    steps: &[(b" 001 ", b"JOIN #room\r\n"), (b" 366 ", b"")],
    say: |text| format!("PRIVMSG #room :{text}\r\n").into_bytes(),
    bye: b"QUIT\r\n",
    echoes: false,
};

#[cfg(test)]
#[allow(dead_code, unused_imports)] // see main.rs
mod tests {
    use super::super::super::protocol::Entry;
    use super::*;

    #[test]
    fn who_is_welcome_joins_the_channel_and_is_in_it_when_the_list_ends() {
        let mut entry = Entry::default();
        let welcome = b":irc.test NOTICE * :hello\r\n:irc.test 001 m7 :Welcome\r\n";
        assert_eq!(
            entry.take(&IRC, welcome),
            (b"JOIN #room\r\n".to_vec(), false)
        );
        let list =
            b":m7 JOIN #room\r\n:irc.test 353 m7 = #room :m7\r\n:irc.test 366 m7 #room :End\r\n";
        assert_eq!(entry.take(&IRC, list), (Vec::new(), true));
    }

    #[test]
    fn a_message_goes_to_the_channel() {
        assert_eq!((IRC.say)("hi^"), b"PRIVMSG #room :hi^\r\n");
        assert_eq!((IRC.hello)(7), b"NICK m7\r\nUSER m 0 * :m\r\n");
    }
}
