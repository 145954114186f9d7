//! A test of what the subscriber of the program is told.

use std::fmt::{Debug, Write as _};
use std::sync::Arc;
use std::time::Instant;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::lock::{Mutex, Rank};

use super::super::hub::Hub;
use super::super::settings::Settings;
use super::super::testing::host;

/// Keeps all events of this crate, a line for each.
#[derive(Clone)]
struct Lines(Arc<Mutex<String>>);

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl Subscriber for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        let mut lines = self.0.lock();
        *lines += &fields.0;
        *lines += "\n";
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn whoever_embeds_a_server_sees_what_a_connection_does_and_no_secret() {
    let lines = Lines(Arc::new(Mutex::new(Rank::Lines, String::new())));
    let (hub, now) = (Hub::in_memory(Settings::default()), Instant::now());
    let keys = hub.keys();
    tracing::subscriber::with_default(lines.clone(), || {
        let mut talk = host(&hub, "ada", now);
        talk.take(b"{\"say\":{\"text\":\"a secret\"}}\n{\"bye\":{}}\n", now);
    });
    let lines = lines.0.lock().clone();
    let mut rest = &*lines;
    for told in [
        "message=connection accepted address=192.0.2.1:9",
        "message=protocol chosen address=192.0.2.1:9 transport=Tls protocol=\"native\"",
        "message=joined name=ada",
        "message=left name=ada",
        "message=connection ended",
    ] {
        let (_, after) = rest
            .split_once(told)
            .unwrap_or_else(|| panic!("{told}: {lines}"));
        rest = after;
    }
    let secrets = ["secret", keys.key.secret(), keys.host_key.secret()];
    for secret in secrets {
        assert!(!lines.contains(secret) && !lines.contains("mac"), "{lines}");
    }
}
