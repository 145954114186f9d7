//! How connections end, and how they never come to be.

use socket2::{Domain, Socket, Type};

use super::*;

#[test]
fn nobody_at_the_port_is_refused() {
    // Bound, so that nobody else takes the port, but not listening.
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    socket.bind(&any.into()).unwrap();
    let port = socket.local_addr().unwrap().as_socket().unwrap().port();
    let (client, events) = Client::connect(settings(port));
    let address = Address::new("127.0.0.1", port);
    assert_eq!(end(&events), End::Refused(address));
    assert_eq!(client.say("hi"), Err(NotQueued::Over));
}

#[test]
fn every_address_of_a_host_is_tried() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut settings = settings(listener.local_addr().unwrap().port());
    // If `localhost` is ::1 first, nobody listens there.
    settings.address.host = "localhost".to_owned();
    let (_client, events) = Client::connect(settings);
    Peer::accept(&listener).tell(WELCOME);
    assert!(matches!(next(&events), Event::Welcomed(_)));
}

#[test]
fn a_host_that_does_not_exist_is_told() {
    // This asks no name server, because a label has at most 63 bytes.
    let host = "n".repeat(64) + ".invalid";
    let (_client, events) = Client::connect(Settings {
        address: Address::new(host.as_str(), 1),
        ..settings(0)
    });
    assert_eq!(end(&events), End::NoSuchHost(host));
}

/// A port where connections are neither taken nor refused, and what keeps it so.
fn clogged() -> (u16, Vec<Socket>) {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    listener.bind(&any.into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut sockets = vec![listener];
    // Fills the queue: the first call that has to wait shows that it is full.
    for _ in 0..100 {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let connected = socket.connect_timeout(&address, SECOND / 5);
        sockets.push(socket);
        if connected.is_err() {
            return (address.as_socket().unwrap().port(), sockets);
        }
    }
    panic!("the queue is never full")
}

#[test]
fn a_host_that_does_not_answer_is_told_in_time() {
    let (port, _sockets) = clogged();
    let mut settings = settings(port);
    settings.connect_within = SECOND / 20;
    let (_client, events) = Client::connect(settings);
    let address = Address::new("127.0.0.1", port);
    assert_eq!(end(&events), End::TimedOut(address));
}

#[test]
fn connecting_can_be_given_up_at_any_time() {
    let (port, _sockets) = clogged();
    let (client, events) = Client::connect(settings(port));
    drop(client);
    assert_eq!(end(&events), End::Left);

    let (listener, settings) = local();
    let (client, events) = Client::connect(settings);
    let mut peer = Peer::accept(&listener);
    peer.hear();
    client.leave();
    assert_eq!(end(&events), End::Left);
    assert_eq!(peer.hear(), "");
}

#[test]
fn what_is_not_a_chatroom_server_is_told() {
    // A server that sends nothing.
    let (listener, mut settings) = local();
    settings.welcome_within = SECOND / 20;
    let not_chatroom = End::NotChatroom(settings.address.clone());
    let (_client, events) = Client::connect(settings.clone());
    let _silent = Peer::accept(&listener);
    assert_eq!(end(&events), not_chatroom);

    // A server that speaks another protocol.
    for words in [
        "HTTP/1.1 400 Bad Request\r\n\r\n<html>no</html>",
        r#"{"error":"unexpected method"}"#,
        "",
    ] {
        settings.welcome_within = 60 * SECOND;
        let (_client, events) = Client::connect(settings.clone());
        let mut peer = Peer::accept(&listener);
        peer.hear();
        peer.tell(words);
        drop(peer);
        assert_eq!(end(&events), not_chatroom, "{words}");
    }

    // A server that never stops sending.
    let (_client, events) = Client::connect(settings);
    let mut peer = Peer::accept(&listener);
    let endless =
        std::thread::spawn(move || while peer.0.get_mut().write(&[b'x'; 4_096]).is_ok() {});
    assert_eq!(end(&events), not_chatroom);
    endless.join().unwrap();
}

#[test]
fn why_a_server_does_not_let_someone_in_is_told() {
    let (listener, settings) = local();
    let (client, events) = Client::connect(settings);
    let id = client.say("only for the room").unwrap();
    let mut peer = Peer::accept(&listener);
    assert!(peer.hear().starts_with(r#"{"hello":"#));
    peer.tell(r#"{"error":{"code":"room-full","text":"x","fatal":true}}"#);
    assert_eq!(unsent(&events), id);
    assert_eq!(end(&events), End::RoomFull);
    // The client sent the messages for that room to nobody.
    assert_eq!(peer.hear(), "");
}

#[test]
fn a_closed_room_is_told_after_what_was_said_in_it() {
    let (_client, events, mut peer) = joined(|_| {});
    peer.tell(&message(1));
    peer.tell(r#"{"closed":{"code":"host-closed","text":"x"}}"#);
    drop(peer);
    assert!(matches!(next(&events), Event::Message(_)));
    assert_eq!(end(&events), End::RoomClosed);
}

#[test]
fn a_broken_connection_is_lost() {
    let (_client, events, mut peer) = joined(|_| {});
    peer.tell(&message(1));
    drop(peer);
    assert!(matches!(next(&events), Event::Message(_)));
    assert_eq!(end(&events), End::Lost(Loss::Ended));
}

#[test]
fn a_server_that_fell_silent_is_lost() {
    let silence = SECOND / 10;
    let (_client, events, _peer) = joined(|settings| settings.dead_after = silence);
    assert_eq!(end(&events), End::Lost(Loss::Silence(silence)));
}
