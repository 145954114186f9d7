//! A big room with real traffic.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::Barrier;

use crate::common::{Host as _, TestServer};

const MEMBERS: usize = 500;
const SPEAKERS: usize = 4;
const TALK: Duration = Duration::from_mins(1);

/// The messages that a listener received, by `seq`: the sender and the id of each.
type Seen = Vec<(u64, String)>;

/// Reads until the message that says that it is the last one, and answers pings
/// meanwhile.
async fn follow(stream: TcpStream, number: usize) -> Seen {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let hello = json!({"hello": {"protocol": 1, "name": format!("member {number}"), "after": 0}});
    write
        .write_all(format!("{hello}\n").as_bytes())
        .await
        .unwrap();
    let mut seen = Seen::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        let frame: Value = serde_json::from_str(&line).unwrap();
        if frame.get("ping").is_some() {
            write.write_all(b"{\"pong\":{}}\n").await.unwrap();
        }
        assert_eq!(frame.get("gap"), None);
        if let Some(message) = frame.get("message") {
            seen.push((
                message["seq"].as_u64().unwrap(),
                format!("{} {}", message["from"]["name"], message["id"]),
            ));
            if message["text"] == "the end" {
                return seen;
            }
        }
    }
    panic!("member {number} was cut off");
}

/// Sends four messages a second, each after the echo of the one before, and then reads
/// until the end.
async fn speak(stream: TcpStream, number: usize, all_said: Arc<Barrier>) -> usize {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let hello = json!({"hello": {"protocol": 1, "name": format!("speaker {number}")}});
    write
        .write_all(format!("{hello}\n").as_bytes())
        .await
        .unwrap();
    let start = Instant::now();
    let mut said = 0;
    while start.elapsed() < TALK {
        said += 1;
        let id = said.to_string();
        let say = json!({"say": {"id": id, "text": format!("message {said} of {number}")}});
        write
            .write_all(format!("{say}\n").as_bytes())
            .await
            .unwrap();
        loop {
            let line = lines.next_line().await.unwrap().unwrap();
            let frame: Value = serde_json::from_str(&line).unwrap();
            assert_eq!(frame.get("error"), None, "{frame}");
            let message = &frame["message"];
            if message["from"]["name"] == format!("speaker {number}") && message["id"] == id {
                break;
            }
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    // All have received their last echo, so the next message is the last one.
    all_said.wait().await;
    if number == 0 {
        write
            .write_all(b"{\"say\":{\"id\":\"end\",\"text\":\"the end\"}}\n")
            .await
            .unwrap();
    }
    // The room expects nothing of this member, which no longer reads, but it must stay.
    while let Some(line) = lines.next_line().await.unwrap() {
        if line.contains("the end") {
            return said;
        }
    }
    panic!("speaker {number} was cut off");
}

#[test]
fn everyone_has_every_message_in_one_order() {
    let server = TestServer::with(|settings| settings.max_per_address = 0);
    let address = server.address();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (seen, said) = runtime.block_on(async {
        let mut listeners = Vec::new();
        for number in 0..MEMBERS - SPEAKERS {
            let stream = TcpStream::connect(address).await.unwrap();
            listeners.push(tokio::spawn(follow(stream, number)));
        }
        let mut speakers = Vec::new();
        let all_said = Arc::new(Barrier::new(SPEAKERS));
        for number in 0..SPEAKERS {
            let stream = TcpStream::connect(address).await.unwrap();
            speakers.push(tokio::spawn(speak(stream, number, Arc::clone(&all_said))));
        }
        let mut said = 0;
        for speaker in speakers {
            said += speaker.await.unwrap();
        }
        let mut seen = Vec::new();
        for listener in listeners {
            seen.push(listener.await.unwrap());
        }
        (seen, said)
    });
    // The last message marks the end.
    assert_eq!(seen[0].len(), said + 1);
    for (index, (seq, _)) in seen[0].iter().enumerate() {
        assert_eq!(*seq, index as u64 + 1);
    }
    for other in &seen {
        assert_eq!(*other, seen[0]);
    }
    println!("{said} messages, {} deliveries", (said + 1) * MEMBERS);
}
