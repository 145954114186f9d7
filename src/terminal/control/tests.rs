//! The socket, with servers that are real and programs that are not.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::IpAddr;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};

use crate::protocol::Pin;
use crate::protocol::invitation::Invitation;
use crate::room::{Banned, Network};
use crate::server::{HeldBan, Kicked, NotModerated, Server, Settings, Stats, Target};

use super::PATIENCE;
use super::ask::{ask_all, ask_one};
use super::command::COMMAND_BYTES;
use super::moderator::Moderator;
use super::socket::{ControlSocket, connect, entries, remove_abandoned};
use super::status::{Status, in_words};

/// A server that does what it is told to “ada”, and tells it to the test.
struct Played {
    stats: Stats,
    done: mpsc::SyncSender<String>,
}

impl Played {
    fn new() -> (Self, mpsc::Receiver<String>) {
        let (done, doings) = mpsc::sync_channel(100);
        let stats = server().handle().stats();
        (Self { stats, done }, doings)
    }

    fn tell(&self, what: String) {
        self.done.send(what).unwrap();
    }

    fn ada(&self, whom: &Target, what: String) -> Result<Arc<str>, NotModerated> {
        match whom {
            Target::Name(name) if name != "ada" => Err(NotModerated::NoSuchMember),
            _ => {
                self.tell(what);
                Ok("ada".into())
            }
        }
    }
}

impl Moderator for Played {
    fn stats(&self) -> Stats {
        self.stats.clone()
    }

    fn pin(&self) -> Pin {
        Pin::of(b"")
    }

    fn kick(&self, whom: &Target, ban: Option<Duration>) -> Result<Kicked, NotModerated> {
        let name = self.ada(whom, format!("kick {ban:?}"))?;
        let shared = 2;
        Ok(Kicked { name, ban, shared })
    }

    fn mute(&self, whom: &Target, time: Duration) -> Result<Arc<str>, NotModerated> {
        self.ada(whom, format!("mute {time:?}"))
    }

    fn slow(&self, every: Duration) -> Result<(), NotModerated> {
        self.tell(format!("slow {every:?}"));
        Ok(())
    }

    fn erase(&self, seq: u64) -> Result<(), NotModerated> {
        self.tell(format!("erase {seq}"));
        Ok(())
    }

    fn make_host(&self, whom: &Target) -> Result<Arc<str>, NotModerated> {
        self.ada(whom, "host".to_owned())
    }

    fn bans(&self) -> Vec<HeldBan> {
        let ban = |network: Option<(&str, u8)>, name: Option<&str>, rest| HeldBan {
            network: network.map(|(ip, prefix)| Network::new(ip.parse().unwrap(), prefix)),
            name: name.map(Into::into),
            remaining: Duration::from_secs(rest),
        };
        vec![
            ban(Some(("192.0.2.1", 32)), Some("eve"), 61),
            ban(Some(("2001:db8::", 64)), None, 7_300),
            ban(None, Some("mallory"), 5),
        ]
    }

    fn unban(&self, whom: Banned) -> Result<usize, NotModerated> {
        let one = IpAddr::from([192, 0, 2, 1]);
        Ok(usize::from(whom == Banned::Address(one)))
    }

    fn invitation(&self, host: bool) -> Option<Invitation> {
        let part = if host { "h" } else { "k" };
        let link = format!("chatroom://h#{part}=abcdefghijklmnop");
        Some(link.parse().unwrap())
    }

    fn new_invitation(&self) -> Result<Invitation, NotModerated> {
        self.tell("renew".to_owned());
        self.invitation(false).ok_or(NotModerated::NoAddress)
    }
}

/// The socket of a played server, and what the server does.
fn played(folder: &Path) -> (ControlSocket, mpsc::Receiver<String>) {
    let (played, doings) = Played::new();
    let socket = ControlSocket::open_in(folder, played, &[]).unwrap();
    (socket, doings)
}

#[test]
fn each_command_reaches_the_server_and_is_answered_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let (socket, doings) = played(folder.path());
    for (command, done, text, data) in [
        (
            "kick ada",
            "kick None",
            "“ada” is removed. 2 other members have the same address.",
            r#"{"name":"ada","shared":2}"#,
        ),
        (
            "kick #9 ban 10m",
            "kick Some(600s)",
            "“ada” is removed. Nobody can join from the same address for 10 min. 2 other members \
             have the same address.",
            r#"{"ban_s":600,"name":"ada","shared":2}"#,
        ),
        (
            "mute ada 90",
            "mute 90s",
            "“ada” can send no messages for 1 min 30 s.",
            r#"{"for_s":90,"name":"ada"}"#,
        ),
        (
            "unmute ada",
            "mute 0ns",
            "“ada” may send messages again.",
            r#"{"for_s":0,"name":"ada"}"#,
        ),
        (
            "slow 10",
            "slow 10s",
            "Each member may send one message in 10 s.",
            r#"{"every_s":10}"#,
        ),
        (
            "slow off",
            "slow 0ns",
            "Members may send messages as fast as usual.",
            r#"{"every_s":0}"#,
        ),
        (
            "erase 42",
            "erase 42",
            "Message 42 is erased.",
            r#"{"seq":42}"#,
        ),
        (
            "host ada",
            "host",
            "“ada” is a host now.",
            r#"{"name":"ada"}"#,
        ),
        (
            "bans",
            "",
            "192.0.2.1 (“eve”) for 1 min 1 s more\n2001:db8::/64 for 2 h 1 min more\n“mallory” for \
             5 s more",
            r#"{"bans":[{"address":"192.0.2.1","name":"eve","rest_s":61},{"address":"2001:db8::/64","rest_s":7300},{"name":"mallory","rest_s":5}]}"#,
        ),
        (
            "unban 192.0.2.1",
            "",
            "192.0.2.1 may join again.",
            r#"{"count":1}"#,
        ),
        (
            "invite",
            "",
            "chatroom://h:53000#k=abcdefghijklmnop",
            r#"{"link":"chatroom://h:53000#k=abcdefghijklmnop","new":false}"#,
        ),
        (
            "invite new host",
            "renew",
            "chatroom://h:53000#h=abcdefghijklmnop",
            r#"{"link":"chatroom://h:53000#h=abcdefghijklmnop","new":true}"#,
        ),
    ] {
        let answer = ask_one(socket.path(), command).unwrap();
        assert!(answer.ok, "{command}");
        assert_eq!(answer.text, text, "{command}");
        assert_eq!(
            serde_json::to_string(&answer.data).unwrap(),
            data,
            "{command}"
        );
        assert_eq!(doings.try_recv().unwrap_or_default(), done, "{command}");
    }
}

#[test]
fn what_a_server_does_not_do_is_told_with_a_code() {
    let folder = tempfile::tempdir().unwrap();
    let (socket, doings) = played(folder.path());
    for (command, code, text) in [
        ("kick eve", "no-such-member", "There is no such member."),
        (
            "unban 192.0.2.2",
            "no-such-ban",
            "192.0.2.2 is not kept out",
        ),
        ("kik ada", "bad-command", "There is no command “kik”"),
        (
            &"x".repeat(COMMAND_BYTES),
            "bad-command",
            "There is no command",
        ),
        (&"x".repeat(COMMAND_BYTES + 100), "bad-command", "too long"),
        (&"x".repeat(1 << 20), "bad-command", "too long"),
    ] {
        // It closes while the longest is still being sent.
        let Ok(answer) = ask_one(socket.path(), command) else {
            assert_eq!(command.len(), 1 << 20);
            continue;
        };
        assert!(!answer.ok && answer.text.contains(text), "{}", answer.text);
        assert_eq!(answer.code.as_deref(), Some(code));
    }
    doings.try_recv().unwrap_err();
}

#[test]
fn clients_that_say_nothing_get_the_state_and_no_number_of_them_stops_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let (socket, doings) = played(folder.path());
    // Half a request each, as many as are answered at once and more.
    let halves: Vec<UnixStream> = (0..20)
        .map(|_| {
            let mut stream = connect(socket.path()).unwrap();
            stream.write_all(b"kick ad").unwrap();
            stream
        })
        .collect();
    let mut silent = UnixStream::connect(socket.path()).unwrap();
    silent.set_read_timeout(Some(10 * PATIENCE)).unwrap();
    let mut state = String::new();
    silent.read_to_string(&mut state).unwrap();
    let status: Status = serde_json::from_str(&state).unwrap();
    assert_eq!(status.stats.room, "Ada's");
    assert!(ask_one(socket.path(), "kick ada").unwrap().ok);
    assert_eq!(doings.try_iter().count(), 1);
    drop(halves);
}

#[test]
fn a_server_of_an_earlier_version_is_told_from_one_that_takes_commands() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("1.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let state = serde_json::to_vec(&Status {
        stats: server().handle().stats(),
        listening: Vec::new(),
        fingerprint: String::new(),
    });
    let line = Arc::new([&state.unwrap()[..], b"\n"].concat());
    thread::spawn(move || {
        for stream in listener.incoming() {
            stream.unwrap().write_all(&line).unwrap();
        }
    });
    assert_eq!(ask_all(std::slice::from_ref(&path)).len(), 1);
    let error = ask_one(&path, "kick ada").unwrap_err().to_string();
    assert!(error.contains("earlier version"), "{error}");
}

#[test]
fn nothing_in_an_answer_acts_on_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let bad = other(folder.path(), "1.sock", |mut stream| {
        let answer = r#"{"ok":true,"text":"a\u001b[2J\nb","x\u009b":["\u202e",{"y":"\u0007"}]}"#;
        stream.write_all(answer.as_bytes()).unwrap();
        stream.write_all(b"\n").unwrap();
    });
    let answer = ask_one(&bad, "bans").unwrap();
    assert_eq!(answer.text, "a\u{fffd}[2J\nb");
    let json = serde_json::to_string(&answer).unwrap();
    let acts = |c: char| c.is_control() || c == '\u{202e}';
    assert!(!json.contains(acts) && !json.contains("\\u"), "{json}");
}

fn server() -> Server {
    let settings = Settings {
        port: 0,
        room_name: Some("Ada's".to_owned()),
        ..Settings::default()
    };
    Server::bind(settings).unwrap()
}

fn open(folder: &Path, server: &Server) -> ControlSocket {
    ControlSocket::open_in(folder, server.handle(), &server.listening()).unwrap()
}

/// Starts a program that sends this answer at a socket in `folder`, and then does
/// anything else.
fn other(folder: &Path, name: &str, answer: impl FnOnce(UnixStream) + Send + 'static) -> PathBuf {
    let path = folder.join(name);
    let listener = UnixListener::bind(&path).unwrap();
    thread::spawn(move || {
        if let Ok((stream, _)) = listener.accept() {
            answer(stream);
        }
    });
    path
}

#[test]
fn a_server_tells_how_it_is_doing_until_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("chatroom");
    let server = server();
    let socket = open(&folder, &server);
    let path = socket.path().to_owned();
    // A client that does not read delays nobody.
    let _silent = UnixStream::connect(&path).unwrap();
    let answers = ask_all(std::slice::from_ref(&path));
    let [found] = &answers[..] else {
        panic!("{answers:?}")
    };
    let stats = &found.stats;
    assert_eq!((&*stats.room, stats.port), ("Ada's", server.port()));
    let words = in_words(found);
    assert!(words.starts_with("Ada's, port "), "{words}");
    let listens = server.listening()[0].to_string();
    assert!(words.contains(&listens), "{words}");
    drop(socket);
    assert_eq!(entries(&folder).count(), 0);
}

#[test]
fn two_servers_with_one_port_have_a_socket_each() {
    let folder = tempfile::tempdir().unwrap();
    let server = server();
    let sockets = [open(folder.path(), &server), open(folder.path(), &server)];
    let [one, other] = sockets;
    assert_eq!(
        ask_all(&[one.path().to_owned(), other.path().to_owned()]).len(),
        2
    );
    drop(one);
    assert_eq!(
        ask_all(std::slice::from_ref(&other.path().to_owned())).len(),
        1
    );
}

#[test]
fn what_killed_servers_left_is_removed_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let server = server();
    let live = open(folder.path(), &server);
    for name in ["4000.sock", "4001-0123456789abcdef.sock", "4002-new.new"] {
        drop(UnixListener::bind(path(name)).unwrap());
    }
    fs::write(path("file.sock"), "mine").unwrap();
    std::os::unix::fs::symlink(path("4000.sock"), path("link.sock")).unwrap();
    // A stopped server accepts no connection, but it is not dead.
    let stopped = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    stopped
        .bind(&SockAddr::unix(path("stopped.sock")).unwrap())
        .unwrap();
    stopped.listen(0).unwrap();
    let mut full = Vec::new();
    while let Ok(stream) = connect(&path("stopped.sock")) {
        full.push(stream);
    }
    remove_abandoned(folder.path());
    let mut left: Vec<String> = entries(folder.path())
        .map(|it| it.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    left.sort();
    let live_name = live.path().file_name().unwrap().to_str().unwrap();
    let mut wanted = [
        live_name,
        "4002-new.new",
        "file.sock",
        "link.sock",
        "stopped.sock",
    ];
    wanted.sort_unstable();
    assert_eq!(left, wanted);
    // A socket of a start that failed long ago never becomes a server's.
    let old = fs::File::options().read(true).open(path("file.sock"));
    drop(old);
    let times = rustix::fs::Timestamps {
        last_access: rustix::fs::Timespec {
            tv_sec: 1,
            tv_nsec: 0,
        },
        last_modification: rustix::fs::Timespec {
            tv_sec: 1,
            tv_nsec: 0,
        },
    };
    let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
    rustix::fs::utimensat(rustix::fs::CWD, path("4002-new.new"), &times, flags).unwrap();
    remove_abandoned(folder.path());
    assert!(!path("4002-new.new").exists() && live.path().exists());
}

#[test]
fn what_another_program_answers_is_cleaned_and_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let server = server();
    let mut stats = server.handle().stats();
    stats.room = "a\u{1b}[2J\nb\u{9b}\u{202e}c".to_owned();
    stats.version = "1\u{1b}]0;x\u{7}\n".repeat(10_000 / 8);
    let listening = vec!["x\r\n".to_owned(); 1_000];
    let answer = serde_json::to_vec(&Status {
        stats,
        listening,
        fingerprint: "\u{1b}[2J".to_owned(),
    })
    .unwrap();
    let bad = other(folder.path(), "1.sock", move |mut stream| {
        stream.write_all(&answer).unwrap();
        stream.write_all(b"\n").unwrap();
    });
    let long = other(folder.path(), "2.sock", |mut stream| {
        // The answer has no end.
        while stream.write_all(&[b' '; 1 << 10]).is_ok() {}
    });
    let answers = ask_all(&[bad, long]);
    let [found] = &answers[..] else {
        panic!("{answers:?}")
    };
    assert_eq!(found.stats.room, "a[2J bc");
    let acts = |c: char| {
        c.is_control() && c != '\n'
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    for words in [in_words(found), serde_json::to_string(found).unwrap()] {
        assert!(!words.contains(acts), "{words:?}");
        assert!(words.len() < 2_000, "{words}");
    }
}

#[test]
fn those_who_drip_or_say_nothing_hold_nobody_up_and_hide_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let (ended, is_ended) = mpsc::channel::<()>();
    let mut sockets = vec![other(folder.path(), "drip.sock", |mut stream| {
        while stream.write_all(b" ").is_ok() {
            thread::sleep(Duration::from_millis(100));
        }
    })];
    let mut silent = Vec::new();
    for n in 0..20 {
        let path = folder.path().join(format!("{n}.sock"));
        silent.push(UnixListener::bind(&path).unwrap());
        sockets.push(path);
    }
    let server = server();
    let live = open(folder.path(), &server);
    sockets.push(live.path().to_owned());
    thread::spawn(move || {
        assert_eq!(ask_all(&sockets).len(), 1);
        ended.send(()).unwrap();
    });
    is_ended.recv_timeout(5 * PATIENCE).unwrap();
}
