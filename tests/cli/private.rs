//! Private rooms and their administrator: invitations, commands, certificates; and that no
//! key is where others could read it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rustix::process::Signal;
use tempfile::TempDir;

use super::sentences::{self, from_server};
use super::support::{CHATROOM, Peer, Program, port_of};

/// The folders of one user, with a server and what it printed when it opened.
struct Room {
    server: Program,
    port: u16,
    home: TempDir,
}

impl Room {
    fn open(arguments: &[&str]) -> Self {
        Self::open_in(tempfile::tempdir().unwrap(), arguments)
    }

    fn open_in(home: TempDir, arguments: &[&str]) -> Self {
        let mut command = Command::new(CHATROOM);
        let own = ["--server", "--port", "0", "--stay-open"];
        command.args(own).args(arguments);
        at_home(&mut command, home.path());
        let mut server = Program::start_command(&mut command);
        let (addresses, _) = server.opening();
        let port = port_of(&addresses);
        Self { server, port, home }
    }

    /// Runs a command of the administrator.
    fn ask(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(CHATROOM);
        command.args(["--port", &self.port.to_string()]);
        command.args(arguments);
        at_home(&mut command, self.home.path());
        command.output().unwrap()
    }

    /// The same, where it succeeds; returns what it printed.
    fn told(&self, arguments: &[&str]) -> String {
        let output = self.ask(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        let told = String::from_utf8(output.stdout).unwrap();
        told.trim_end().to_owned()
    }

    /// A listener that gets this link on its standard input.
    fn listen(&self, link: &str) -> Program {
        let mut command = Command::new(CHATROOM);
        command.args(["--listen", "-", "--name", "eve"]);
        at_home(&mut command, self.home.path());
        let mut listener = Program::start_command(command.stdin(Stdio::piped()));
        listener.tell(&format!("{link}\n"));
        listener
    }

    /// A listener in the room.
    fn member(&self, link: &str) -> Program {
        let mut listener = self.listen(link);
        let welcome = listener.line();
        let start = from_server(sentences::WELCOME);
        assert!(welcome.starts_with(&start), "{welcome}");
        let security = listener.line();
        let start = from_server(sentences::ENCRYPTED);
        assert!(security.starts_with(&start), "{security}");
        listener
    }

    /// Lines of the server until one that starts like this.
    fn until(&mut self, start: &str) -> String {
        let mut lines = String::new();
        loop {
            let line = self.server.line();
            assert!(!line.is_empty(), "{start}: {lines}");
            lines += &line;
            lines += "\n";
            if line.starts_with(start) {
                return lines;
            }
        }
    }
}

fn at_home(command: &mut Command, home: &Path) {
    command
        .env_remove("RUNTIME_DIRECTORY")
        .env_remove("STATE_DIRECTORY")
        .env("XDG_RUNTIME_DIR", home)
        .env("XDG_STATE_HOME", home)
        .env("XDG_DATA_HOME", home);
}

/// The key in a link.
fn key_of(link: &str) -> String {
    let (_, key) = link.split_once("k=").expect("a key");
    key.chars().take(16).collect()
}

/// Makes a file that only its owner can read.
fn secret(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn whoever_has_the_invitation_joins_until_there_is_a_new_one() {
    let mut room = Room::open(&["--private"]);
    assert_eq!(room.server.line(), sentences::INVITE_PRINTS_IT);
    let link = room.told(&["--invite"]);
    let eve = room.member(&link);
    let kicked = room.told(&["--control", "kick", "eve", "ban", "10m"]);
    assert!(kicked.starts_with("“eve” is removed."), "{kicked}");
    let (_, complaint, code) = eve.end();
    assert!(complaint.starts_with(sentences::REMOVED), "{complaint}");
    assert_eq!(code, Some(1));
    // She is kept out, and then no longer.
    let bans = room.told(&["--control", "bans"]);
    assert!(bans.contains("eve"), "{bans}");
    let (_, complaint, _) = room.listen(&link).end();
    assert!(complaint.starts_with(sentences::BANNED), "{complaint}");
    room.told(&["--control", "unban eve"]);
    let eve = room.member(&link);
    let new = room.told(&["--invite", "--new"]);
    assert_ne!(key_of(&new), key_of(&link));
    let (_, complaint, code) = room.listen(&link).end();
    assert!(complaint.starts_with(sentences::KEY_WRONG), "{complaint}");
    assert_eq!(code, Some(1));
    // Whoever is in stays.
    let muted = room.told(&["--control", "mute eve 5m", "--json"]);
    let muted: serde_json::Value = serde_json::from_str(&muted).unwrap();
    assert_eq!((&muted["ok"], &muted["for_s"]), (&true.into(), &300.into()));
    drop(room.member(&new));
    drop(eve);
}

#[test]
fn a_key_is_nowhere_but_in_the_invitation() {
    let room = Room::open(&["--private"]);
    let link = room.told(&["--invite"]);
    let mut secrets = vec![key_of(&link)];
    let host = room.told(&["--invite", "--host"]);
    let (_, host_key) = host.split_once("h=").unwrap();
    secrets.push(host_key.chars().take(16).collect());
    let eve = room.member(&link);
    room.listen(&link.replace(&secrets[0], "abcdefghijklmnop"))
        .end();
    secrets.push(key_of(&room.told(&["--invite", "--new"])));
    let mut seen = room.told(&["--status"]) + &room.told(&["--status", "--json"]);
    for command in ["bans", "slow 1", "kick eve", "erase 1", "kik"] {
        let output = room.ask(&["--control", command]);
        seen += &String::from_utf8(output.stdout).unwrap();
        seen += &String::from_utf8(output.stderr).unwrap();
    }
    for process in [room.server.id(), eve.id()] {
        for file in ["cmdline", "environ"] {
            let bytes = fs::read(format!("/proc/{process}/{file}")).unwrap_or_default();
            seen += &String::from_utf8_lossy(&bytes);
        }
    }
    let (out, complaint, _) = eve.end();
    seen += &(out + &complaint);
    room.server.send(Signal::TERM);
    let home = room.home;
    let (out, complaint, code) = room.server.end();
    assert_eq!(code, Some(0), "{complaint}");
    // The server told what happened.
    for start in [
        "A wrong key came from",
        "“eve” was removed",
        "The key was replaced",
    ] {
        assert!(out.contains(start), "{start}: {out}");
    }
    seen += &(out + &complaint);
    let mut files = 0;
    let mut folders = vec![home.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(bytes) = fs::read(&path) {
                files += 1;
                seen += &String::from_utf8_lossy(&bytes);
            }
        }
    }
    assert!(files >= 2, "{files}");
    for secret in &secrets {
        assert_eq!(secret.len(), 16);
        assert!(!seen.contains(secret), "a key was found");
    }
}

#[test]
fn the_owners_terminal_shows_the_link_in_one_piece_and_nobody_elses_output_does() {
    let arguments = ["--server", "--port", "0", "--private"];
    // Narrower than the link.
    let mut server = Program::start_in_terminal(60, &arguments);
    server.opening();
    let mut line = server.line();
    while !line.starts_with("chatroom://") {
        assert!(!line.contains("k="), "{line}");
        line = server.line();
    }
    assert_eq!(key_of(&line).len(), 16);
    assert!(line.contains("#p="), "{line}");
    // The terminal goes away, which closes the room.
    server.close_output();
    assert_eq!(server.code(), Some(0));
}

#[test]
fn a_service_keeps_the_invitation_in_its_state_directory() {
    let home = tempfile::tempdir().unwrap();
    let state = home.path().join("state");
    fs::create_dir(&state).unwrap();
    let mut command = Command::new(CHATROOM);
    command.args(["--server", "--port", "0", "--private", "--stay-open"]);
    at_home(&mut command, home.path());
    command.env("STATE_DIRECTORY", &state);
    let mut server = Program::start_command(&mut command);
    let port = port_of(&server.opening().0);
    let room = Room { server, port, home };
    let link = room.told(&["--invite"]);
    let file = state.join("invitation");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("{link}\n"));
    assert_eq!(
        (mode(&file), mode(&state.join("identity.pem"))),
        (0o600, 0o600)
    );
    let new = room.told(&["--invite", "--new"]);
    // The file follows; the last entry of the log is behind it.
    let mut room = room;
    room.until("The key was replaced");
    room.told(&["--control", "slow off"]);
    room.until("Members may send");
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("{new}\n"));
}

#[test]
fn a_key_from_a_file_stays_and_a_wrong_file_opens_no_room() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("key");
    let key = "abcdefghijklmnop";
    secret(&path, "ABCD-efgh-ijkl-mnop\n");
    let file = path.to_str().unwrap().to_owned();
    let mut room = Room::open_in(home, &["--private", "--key-file", &file]);
    let link = room.told(&["--invite"]);
    assert_eq!(key_of(&link), key);
    let fixed = room.ask(&["--invite", "--new"]);
    assert_eq!(fixed.status.code(), Some(1));
    let fixed = String::from_utf8(fixed.stderr).unwrap();
    assert!(fixed.contains("chosen the room's key"), "{fixed}");
    // The listener can have the key in a file as well, and needs no pin.
    let address = format!("127.0.0.1:{}", room.port);
    let mut command = Command::new(CHATROOM);
    command.args(["--listen", &address, "--key-file", &file, "--name", "ben"]);
    at_home(&mut command, room.home.path());
    let mut listener = Program::start_command(&mut command);
    let start = from_server(sentences::WELCOME);
    assert!(listener.line().starts_with(&start));
    // Another key in the file counts from the next reload on; whoever is there stays.
    secret(&path, "bbbb-bbbb-bbbb-bbbb\n");
    room.server.send(Signal::HUP);
    room.until(sentences::KEY_REPLACED);
    assert_eq!(key_of(&room.told(&["--invite"])), "bbbbbbbbbbbbbbbb");
    assert_eq!(room.ask(&["--invite", "--new"]).status.code(), Some(1));
    let old = room.listen(&link);
    let (_, complaint, code) = old.end();
    assert_eq!(code, Some(1));
    assert!(complaint.contains(sentences::KEY_WRONG), "{complaint}");
    // It comes from this computer itself, whose addresses nobody can ban.
    let kicked = room.told(&["--control", "kick ben ban 10m"]);
    assert!(kicked.contains("is one of this computer"), "{kicked}");
    let (_, complaint, _) = listener.end();
    assert!(complaint.starts_with(sentences::REMOVED), "{complaint}");
    for (text, mode, words) in [
        ("abcdefghijklmno", 0o600, "has no key of a room"),
        (key, 0o644, "Other users may read"),
    ] {
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let arguments = ["--server", "--port", "0", "--private", "--key-file", &file];
        let (out, complaint, code) = Program::start(&arguments).end();
        assert_eq!((&*out, code), ("", Some(78)));
        assert!(complaint.contains(words), "{complaint}");
        assert!(!complaint.contains("abcdefghijk"), "{complaint}");
    }
}

#[test]
fn a_listener_asks_for_the_key_on_the_terminal_and_shows_nothing_of_it() {
    let room = Room::open(&["--private"]);
    let key = key_of(&room.told(&["--invite"]));
    let address = format!("127.0.0.1:{}", room.port);
    let arguments = ["--listen", &address, "--name", "eve"];
    let mut listener = Program::start_in_terminal(200, &arguments);
    listener.read_until("Its key: ");
    listener.tell("abcd-efgh-ijkl-mnop\n");
    listener.read_until("The key: ");
    listener.tell(&format!("{key}\n"));
    let seen = listener.read_until(sentences::ENCRYPTED);
    assert!(seen.contains(sentences::WELCOME), "{seen}");
    assert!(!seen.contains(&key[..4]), "{seen}");
    // A signal ends it while it asks, and the terminal shows what is typed again.
    let mut listener = Program::start_in_terminal(200, &arguments);
    listener.read_until("Its key: ");
    listener.send(Signal::INT);
    assert_eq!(listener.code(), Some(0));
}

#[test]
fn without_a_terminal_it_says_what_to_do() {
    let room = Room::open(&["--private"]);
    let address = format!("127.0.0.1:{}", room.port);
    let mut command = Command::new("setsid");
    command.args(["--wait", CHATROOM, "--listen", &address]);
    at_home(&mut command, room.home.path());
    let output = command.stdin(Stdio::null()).output().unwrap();
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    for words in ["This room is private", "--listen -", "--key-file"] {
        assert!(complaint.contains(words), "{complaint}");
    }
    for (input, words) in [("\n", "is empty"), ("h#k=abcdefghijklmnop\n", "no link")] {
        let mut command = Command::new(CHATROOM);
        command.args(["--listen", "-"]);
        let mut listener = Program::start_command(command.stdin(Stdio::piped()));
        listener.tell(input);
        let (_, complaint, code) = listener.end();
        assert_eq!(code, Some(1));
        assert!(complaint.contains(words), "{complaint}");
        assert!(!complaint.contains("abcdef"), "{complaint}");
    }
}

/// Makes a certificate and its key in two files.
fn certificate(folder: &Path, name: &str, year: i32) -> (PathBuf, PathBuf) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.not_after = rcgen::date_time_ymd(year, 1, 1);
    let made = params.self_signed(&key).unwrap();
    let pem = |label: &str, bytes: &[u8]| {
        let text = data_encoding::BASE64.encode(bytes);
        format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
    };
    let (certificate, secret_key) = (folder.join(name), folder.join(format!("{name}.key")));
    secret(&certificate, &pem("CERTIFICATE", made.der()));
    secret(&secret_key, &pem("PRIVATE KEY", &key.serialize_der()));
    (certificate, secret_key)
}

/// The fingerprint of the certificate in a file, or that a server shows to openssl.
fn fingerprint(source: &str) -> String {
    let script = "case $1 in /*) cat \"$1\" ;; *) openssl s_client -connect \"$1\" </dev/null ;; esac \
                  2>/dev/null | openssl x509 -noout -fingerprint -sha256";
    let mut command = Command::new("sh");
    let output = command.args(["-c", script, "sh", source]).output().unwrap();
    let line = String::from_utf8(output.stdout).unwrap();
    line.trim().rsplit('=').next().unwrap().to_owned()
}

#[test]
fn a_renewed_certificate_is_taken_while_everyone_stays_and_a_wrong_one_is_not() {
    let home = tempfile::tempdir().unwrap();
    let (one, one_key) = certificate(home.path(), "one.pem", 2090);
    let (other, other_key) = certificate(home.path(), "other.pem", 2090);
    let (old, old_key) = certificate(home.path(), "old.pem", 2001);
    let (shown, key) = (home.path().join("cert.pem"), home.path().join("key.pem"));
    let put = |from: (&Path, &Path)| {
        fs::copy(from.0, &shown).unwrap();
        fs::copy(from.1, &key).unwrap();
    };
    put((&one, &one_key));
    let (cert_file, key_file) = (shown.to_str().unwrap(), key.to_str().unwrap());
    let arguments = ["--tls-cert", cert_file, "--tls-key", key_file];
    let mut room = Room::open_in(home, &arguments);
    let server = format!("127.0.0.1:{}", room.port);
    let of = |path: &Path| fingerprint(path.to_str().unwrap());
    assert_eq!(fingerprint(&server), of(&one));
    let mut ada = Peer::native(room.port, "ada");
    let link = room.told(&["--invite"]);
    // Chatroom's own programs know the server by another certificate.
    let mut eve = room.member(&link);
    put((&other, &other_key));
    room.server.send(Signal::HUP);
    room.until(sentences::CERTIFICATE_CHANGED);
    assert_eq!(fingerprint(&server), of(&other));
    for from in [(&one, &other_key), (&one, &one)] {
        put((from.0, from.1));
        room.server.send(Signal::HUP);
        let told = room.until(sentences::CERTIFICATE_KEPT);
        assert!(told.contains("cert.pem"), "{told}");
        assert_eq!(fingerprint(&server), of(&other));
    }
    put((&old, &old_key));
    room.server.send(Signal::HUP);
    let warning = format!("The certificate in {cert_file} has expired on 2001-01-01");
    room.until(&warning);
    assert_eq!(fingerprint(&server), of(&old));
    ada.chat("still here");
    while eve.line() != "ada: still here" {}
    assert_eq!(room.told(&["--invite"]), link);
}

#[test]
fn half_of_a_certificate_or_a_wrong_one_opens_no_room() {
    let home = tempfile::tempdir().unwrap();
    let (one, key) = certificate(home.path(), "one.pem", 2090);
    let (other, _) = certificate(home.path(), "other.pem", 2090);
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let missing = text(&home.path().join("missing"));
    for (arguments, words) in [
        (vec!["--tls-cert", &*text(&one)], "tls-cert needs tls-key"),
        (vec!["--tls-key", &*text(&key)], "tls-key needs tls-cert"),
        (
            vec!["--tls-cert", &*text(&other), "--tls-key", &*text(&key)],
            "does not belong to the certificate.",
        ),
        (
            vec!["--tls-cert", &*missing, "--tls-key", &*text(&key)],
            "cannot be read",
        ),
        (vec!["--identity", &*text(&one)], "no private key"),
        (vec!["--identity", "/proc/nowhere/x"], "cannot be saved"),
    ] {
        let arguments = [&["--server", "--port", "0"], &arguments[..]].concat();
        let (out, complaint, code) = Program::start(&arguments).end();
        assert_eq!(out, "", "{arguments:?}");
        assert!(matches!(code, Some(1 | 78)), "{arguments:?}: {code:?}");
        assert!(complaint.contains(words), "{arguments:?}: {complaint}");
        assert_eq!(complaint.lines().count(), 1, "{complaint}");
    }
}

#[test]
fn another_identity_is_told_with_both_fingerprints_and_what_to_do() {
    let room = Room::open(&[]);
    let link = room.told(&["--invite"]);
    let Room { server, port, home } = room;
    server.send(Signal::TERM);
    assert_eq!(server.end().2, Some(0));
    let before = fs::read(home.path().join("chatroom/identity.pem")).unwrap();
    fs::remove_file(home.path().join("chatroom/identity.pem")).unwrap();
    let port_now = port.to_string();
    let mut command = Command::new(CHATROOM);
    command.args(["--server", "--stay-open", "--port", &port_now]);
    at_home(&mut command, home.path());
    let mut server = Program::start_command(&mut command);
    server.opening();
    let room = Room { server, port, home };
    assert_ne!(
        before,
        fs::read(room.home.path().join("chatroom/identity.pem")).unwrap()
    );
    let (out, complaint, code) = room.listen(&link).end();
    assert_eq!((&*out, code), ("", Some(1)));
    let status = room.told(&["--status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    let found = status["fingerprint"].as_str().unwrap();
    assert!(complaint.contains(found), "{complaint}");
    // What it says to do works.
    let (_, accepted) = complaint.split_once("--listen '").unwrap();
    let (accepted, _) = accepted.split_once('\'').unwrap();
    assert!(accepted.contains("#p="), "{accepted}");
    drop(room.member(accepted));
}
