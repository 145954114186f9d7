//! `ncat --ssl`, which the server tells people to use.

use super::Part;
use crate::common::{Host as _, TestServer};
use crate::private::{KEY, join, key, private_room};
use crate::sentences::{self, from_server};
use crate::support::Tunnel;

fn ncat(server: &TestServer, options: &[&str]) -> Part {
    let port = server.address().port().to_string();
    Part::start("ncat", &[options, &["127.0.0.1", &port]].concat())
}

#[test]
fn a_person_is_told_to_encrypt_and_comes_in_by_the_key() {
    let server = private_room();
    let tunnel = Tunnel::to(&server);
    let (mut ada, _) = join(&tunnel, "ada", &key(KEY));
    let mut person = ncat(&server, &[]);
    person.types("kim");
    assert_eq!(
        person.line(),
        "SERVER: This room is private. Use: ncat --ssl HOST PORT"
    );
    let mut person = ncat(&server, &["--ssl"]);
    // Two seconds later.
    assert_eq!(
        person.line(),
        "SERVER: This room is private. Send its key first."
    );
    person.types(KEY);
    assert_eq!(person.line(), "SERVER: What is your name?");
    person.types("kim");
    person.line_with(&from_server(sentences::WELCOME));
    assert_eq!(ada.expect("joined")["name"], "kim");
    person.types("hello");
    assert_eq!(ada.heard(), "hello");
    ada.chat("hi");
    assert_eq!(person.line_with("ada: "), "ada: hi");
    person.types("?{quit}");
    assert_eq!(ada.find("left")["why"], "quit");
}
