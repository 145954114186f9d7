//! The part of MQTT 3.1.1 with quality of service 0 that one topic needs.

use super::Protocol;

/// The packet types that the load sends, with their flags.
const CONNECT: u8 = 0x10;
const SUBSCRIBE: u8 = 0x82;
const PUBLISH: u8 = 0x30;

const TOPIC: &str = "room";

/// MQTT; a subscriber receives its own messages too.
pub const MQTT: Protocol = Protocol {
    hello: |number| {
        // Version 4, a clean session, no keep-alive.
        let mut connect = [&string("MQTT")[..], &[4, 2, 0, 0]].concat();
        connect.extend(string(&format!("m{number}")));
        // Packet 1: the topic, with quality of service 0.
        let subscribe = [&[0, 1][..], &string(TOPIC), &[0]].concat();
        [packet(CONNECT, &connect), packet(SUBSCRIBE, &subscribe)].concat()
    },
    // SUBACK of packet 1, granted.
    steps: &[(&[0x90, 3, 0, 1, 0], b"")],
    say: |text| packet(PUBLISH, &[&string(TOPIC), text.as_bytes()].concat()),
    // DISCONNECT
    bye: &[0xe0, 0],
    echoes: true,
};

/// A packet: its kind, the length in seven bits a byte, and the body.
fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![kind];
    let mut rest = body.len();
    loop {
        let low = u8::try_from(rest % 128).unwrap_or_default();
        rest /= 128;
        packet.push(if rest > 0 { low | 128 } else { low });
        if rest == 0 {
            break;
        }
    }
    packet.extend_from_slice(body);
    packet
}

/// A text after its length in two bytes.
fn string(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes()[..], text.as_bytes()].concat()
}

#[cfg(test)]
#[allow(dead_code, unused_imports)] // see main.rs
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_packet_takes_as_many_bytes_as_it_needs() {
        assert_eq!(packet(PUBLISH, b""), [PUBLISH, 0]);
        assert_eq!(packet(PUBLISH, &[0; 127])[..2], [PUBLISH, 127]);
        assert_eq!(packet(PUBLISH, &[0; 128])[..3], [PUBLISH, 128, 1]);
        assert_eq!(packet(PUBLISH, &[0; 321])[..3], [PUBLISH, 193, 2]);
    }

    #[test]
    fn packets_are_as_the_standard_has_them() {
        assert_eq!((MQTT.say)("hi^"), b"\x30\x09\x00\x04roomhi^");
        assert_eq!(
            (MQTT.hello)(7),
            b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x00\x00\x02m7\x82\x09\x00\x01\x00\x04room\x00"
        );
    }
}
