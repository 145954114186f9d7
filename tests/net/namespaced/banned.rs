//! Members that are removed and kept out, at addresses other than this computer's.

use super::Namespace;
use crate::serve;
use crate::support::{CHATROOM, port_of};

/// Members come from several addresses, and the administrator removes one of them. Ends
/// with an error if anything is not as it should be.
const SCRIPT: &str = r#"
import json, socket, subprocess, sys

PROGRAM, PORT = "@PROGRAM@", @PORT@

class Peer:
    def __init__(self, source, name, **more):
        to = ("192.0.2.1", PORT)
        self.socket = socket.create_connection(to, timeout=20, source_address=(source, 0))
        self.lines = self.socket.makefile("rb")
        hello = {"hello": {"protocol": 1, "name": name, **more}}
        self.socket.sendall(json.dumps(hello).encode() + b"\n")
        self.first = json.loads(self.lines.readline())

    def find(self, name):
        for line in self.lines:
            frame = json.loads(line)
            if name in frame:
                return frame[name]
        sys.exit(f"no {name} came")

def control(*words):
    done = subprocess.run([PROGRAM, "--control", *words, "--port", str(PORT)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    return done.stdout

eve = Peer("192.0.2.2", "eve")
bob = Peer("192.0.2.2", "bob")
ada = Peer("192.0.2.3", "ada")
session = {name: peer.first["welcome"]["session"] for name, peer in [("eve", eve), ("bob", bob)]}

said = control("kick", "eve", "ban", "10m")
assert "Another member has the same address" in said, said
assert eve.find("closed")["code"] == "removed"
assert eve.lines.read() == b""
assert ada.find("left") == {"id": eve.first["welcome"]["you"]["id"], "name": "eve",
                            "why": "removed", "count": 2}

def is_banned(peer):
    error = peer.first["error"]
    assert error["code"] == "banned" and error["fatal"], error
    assert 590_000 < error["retry_ms"] <= 600_001, error
    assert peer.lines.read() == b""

# The address, and the session from elsewhere.
is_banned(Peer("192.0.2.2", "someone"))
is_banned(Peer("192.0.2.3", "eve", session=session["eve"]))
# Whoever else is there stays, and comes back.
bob.socket.sendall(b'{"say":{"text":"still here"}}\n')
assert ada.find("message")["text"] == "still here"
again = Peer("192.0.2.2", "bob", session=session["bob"])
assert again.first["welcome"]["resumed"]
# Other addresses are open.
assert "welcome" in Peer("192.0.2.3", "kim").first
# A person at the text door is kept out as well.
person = socket.create_connection(("192.0.2.1", PORT), timeout=20, source_address=("192.0.2.2", 0))
person.sendall(b"eve\n")
assert person.makefile("rb").read().startswith(b"SERVER: ")

assert "192.0.2.2" in control("bans")
control("unban", "192.0.2.2")
assert "welcome" in Peer("192.0.2.2", "someone").first
print("done")
"#;

#[test]
fn who_is_removed_and_kept_out_does_not_come_back_from_the_same_address() {
    let namespace = Namespace::new();
    namespace.run("for last in 1 2 3; do ip address add 192.0.2.$last/32 dev lo; done");
    let mut command = namespace.command(CHATROOM);
    let (_server, addresses) = serve(command.args(["--port", "0"]));
    let script = SCRIPT
        .replace("@PROGRAM@", CHATROOM)
        .replace("@PORT@", &port_of(&addresses).to_string());
    assert_eq!(namespace.python(&script), "done\n");
}
