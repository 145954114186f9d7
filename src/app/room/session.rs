//! The user's session in a room: the connection, and the server if they host the room.

use std::cell::{Cell, OnceCell, RefCell};
use std::time::Instant;

use gettextrs::gettext;
use gtk::gio;
use gtk::glib;
use gtk::glib::subclass::Signal;
use gtk::prelude::*;
use gtk::subclass::prelude::*;

use crate::app::kept::{self, Kept};
use crate::client::{Client, EVENTS, End, Event, Resume, Settings};
use crate::protocol::address::Address;
use crate::protocol::native::frame::Limits;
use crate::room::Closing;
use crate::server::Running;

use super::coming_back::CatchingUp;
use super::conversation::Conversation;
use super::interruption::Interruption;
use super::me::Me;
use super::member::Member;
use super::members::{Members, Row};
use super::past::Past;
use super::taking::{self, Taken};

/// The state of the connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "ChatroomSessionState")]
pub enum State {
    /// Joining the room.
    #[default]
    Joining,
    /// In the room.
    Joined,
    /// Out of the room.
    Ended,
}

mod imp {
    use std::sync::LazyLock;

    use super::*;

    #[derive(Debug, Default, glib::Properties)]
    #[properties(wrapper_type = super::Session)]
    pub struct Session {
        /// The state of the connection.
        #[property(get, builder(State::Joining))]
        pub state: Cell<State>,
        /// The name of the room.
        #[property(get)]
        pub room_name: RefCell<String>,
        /// Whether the messages survive the server.
        #[property(get)]
        pub durable: Cell<bool>,
        /// The connection is lost, and the client is restoring it.
        #[property(get)]
        pub interrupted: Cell<bool>,
        /// The number of members.
        #[property(get)]
        pub member_count: Cell<u32>,
        /// The conversation.
        #[property(get)]
        pub conversation: RefCell<Conversation>,
        /// Older messages are on their way.
        #[property(get)]
        pub loading: Cell<bool>,
        /// The known members: [`Member`]s.
        #[property(get)]
        pub member_list: OnceCell<gio::ListStore>,

        pub interruption: RefCell<Option<Interruption>>,
        pub client: OnceCell<Client>,
        /// The saved state of the session, while it goes on.
        pub kept: RefCell<Option<Kept>>,
        /// Unconfirmed messages of an earlier run of the app: ids and texts.
        pub said_before: RefCell<Vec<(String, String)>>,
        /// The log that an earlier run of the app read, and the position up to which it
        /// did.
        pub read_before: RefCell<Option<(String, u64)>>,
        /// The name that the user asked for.
        pub wanted_name: RefCell<String>,
        /// The epoch of the current log.
        pub epoch: RefCell<String>,
        /// The missed messages, while they come.
        pub catching_up: Cell<Option<CatchingUp>>,
        /// The server, if the user hosts the room and has not closed it yet.
        pub server: RefCell<Option<Running>>,
        pub me: RefCell<Me>,
        pub limits: Cell<Option<Limits>>,
        pub end: RefCell<Option<End>>,
        pub past: Cell<Past>,
        pub members: RefCell<Members>,
        /// The rows that `member_list` shows.
        pub listed: RefCell<Vec<Row>>,
        /// A reference to itself while it leaves: until it knows which messages were
        /// sent.
        pub leaving: RefCell<Option<super::Session>>,
        pub refreshing: Cell<bool>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Session {
        const NAME: &'static str = "ChatroomSession";
        type Type = super::Session;
    }

    #[glib::derived_properties]
    impl ObjectImpl for Session {
        fn signals() -> &'static [Signal] {
            static SIGNALS: LazyLock<[Signal; 1]> = LazyLock::new(|| {
                [Signal::builder("received")
                    .param_types([u32::static_type(), Vec::<String>::static_type()])
                    .build()]
            });
            SIGNALS.as_ref()
        }

        fn constructed(&self) {
            self.parent_constructed();
            let _ = self.member_list.set(gio::ListStore::new::<Member>());
        }

        fn dispose(&self) {
            // Dropping a server waits for its end, so it happens on another thread.
            if let Some(server) = self.server.take() {
                close_aside(server);
            }
        }
    }
}

glib::wrapper! {
    /// The user's session in a room. It begins when it is created. Its state says whether
    /// it is over or was never established.
    pub struct Session(ObjectSubclass<imp::Session>);
}

impl Session {
    /// Joins the room at `address`; comes back to it if the user did not leave it.
    pub fn join(address: Address, name: &str) -> Self {
        Self::new(address, name, None)
    }

    /// Joins the room of the user's own `server`, like any other client.
    pub fn host(server: Running, name: &str) -> Self {
        let address = Address::new("127.0.0.1", server.port());
        let session = Self::new(address, name, Some(server.handle().host_key().to_owned()));
        session.imp().server.replace(Some(server));
        session
    }

    fn new(address: Address, name: &str, host_key: Option<String>) -> Self {
        let session: Self = glib::Object::new();
        let imp = session.imp();
        let kept = kept::keeper().and_then(|keeper| keeper.take(&address));
        let stay = kept.as_ref().and_then(|kept| kept.stay(name));
        let mut settings = Settings {
            address,
            name: name.to_owned(),
            host_key,
            ..Settings::default()
        };
        if let Some(stay) = stay {
            settings.unsent = stay.unsent;
            settings.resume = Some(Resume {
                session: stay.session,
                epoch: stay.epoch,
                after: stay.after,
            });
        }
        imp.kept.replace(kept);
        imp.wanted_name.replace(settings.name.clone());
        imp.said_before.replace(settings.unsent.clone());
        let resume = settings.resume.as_ref();
        imp.read_before
            .replace(resume.map(|it| (it.epoch.clone(), it.after)));
        let (client, events) = Client::connect(settings);
        let _ = imp.client.set(client);
        // The app does not end before it has told the server.
        let hold = gio::Application::default().map(|app| app.hold());
        let weak = session.downgrade();
        glib::spawn_future_local(async move {
            let _hold = hold;
            while let Ok(first) = events.recv().await {
                let mut batch = vec![first];
                while batch.len() < EVENTS
                    && let Ok(next) = events.try_recv()
                {
                    batch.push(next);
                }
                if let Some(session) = weak.upgrade() {
                    session.take(batch);
                }
            }
        });
        session
    }

    /// Whether the user hosts the room and has not closed it yet.
    pub fn hosts(&self) -> bool {
        self.imp().server.borrow().is_some()
    }

    /// The number of others in the room, as far as the server has reported. This does not
    /// ask the host's own server: it may be busy, and this is GTK's thread.
    pub fn others(&self) -> u32 {
        let own = u32::from(self.state() == State::Joined);
        self.member_count().saturating_sub(own)
    }

    /// Why the session is over, if it is.
    pub fn end(&self) -> Option<End> {
        self.imp().end.borrow().clone()
    }

    /// The most characters of a message.
    pub fn text_limit(&self) -> usize {
        let limits = self.imp().limits.get();
        limits.map_or(crate::room::TEXT_LIMIT, |limits| limits.text)
    }

    /// Leaves the room, or stops joining it. A host's room closes first; the server tells
    /// everyone in it. Returns when that is done. Messages that turn out to be unsent
    /// become a part of the draft.
    pub async fn leave(&self) {
        if self.state() == State::Ended {
            self.let_go();
        } else {
            self.imp().leaving.replace(Some(self.clone()));
        }
        self.close().await;
    }

    /// Leaves the room in such a way that the user can return to it in another run of the
    /// app.
    pub async fn break_off(&self) {
        self.imp().kept.take();
        self.close().await;
    }

    /// The user will not return to this session.
    fn let_go(&self) {
        if let Some(kept) = self.imp().kept.take() {
            kept.give_up();
        }
    }

    async fn close(&self) {
        let server = self.imp().server.take();
        if let Some(server) = server {
            let hold = gio::Application::default().map(|app| app.hold());
            // A user who has left does not need the result.
            let _ = close_aside(server).await;
            drop(hold);
        }
        if let Some(client) = self.imp().client.get() {
            client.leave();
        }
    }

    fn take(&self, batch: Vec<Event>) {
        let imp = self.imp();
        let mut taken = Taken::default();
        let mut end = None;
        let mut joined = false;
        let mut older = Vec::new();
        let mut interruption = None;
        self.conversation().change(|timeline| {
            let mut members = imp.members.borrow_mut();
            for event in batch {
                let event = match event {
                    Event::Page(page) => {
                        older.push(page);
                        continue;
                    }
                    event => event,
                };
                match &event {
                    Event::Welcomed(welcome) => {
                        self.welcomed(welcome, timeline);
                        joined = true;
                    }
                    Event::Returned(welcome) => {
                        self.returned(welcome, timeline, &mut members);
                        interruption = Some(None);
                    }
                    Event::Interrupted(why) => {
                        let lost = Interruption::new(why.clone(), Instant::now());
                        interruption = Some(Some(lost));
                    }
                    Event::Ended(why) => {
                        timeline.give_up_all(&gettext("Not sent"));
                        end = Some(why.clone());
                    }
                    _ => {}
                }
                let received = taken.received;
                taking::take(event, &imp.me.borrow(), timeline, &mut members, &mut taken);
                self.catch_up(taken.received - received, timeline, &mut taken);
            }
        });
        for page in older {
            taken.spoken.extend(self.take_older(page));
        }
        if taken.members_changed {
            self.list_members();
        }
        if let Some(interruption) = interruption {
            self.forget_asked();
            self.notify_durable();
            self.set_interruption(interruption);
        }
        self.keep();
        if joined {
            self.notify_room_name();
            self.notify_durable();
            imp.state.set(State::Joined);
            self.notify_state();
        }
        if let Some(ask) = taken.ask {
            self.ask_members(ask);
        }
        if taken.members_stale {
            self.refresh_members_soon();
        }
        if taken.received > 0 || !taken.spoken.is_empty() {
            self.emit_by_name::<()>("received", &[&taken.received, &taken.spoken]);
        }
        if let Some(end) = end {
            self.forget_asked();
            self.set_interruption(None);
            if imp.leaving.take().is_some() {
                self.let_go();
            } else {
                self.end_kept(&end);
            }
            imp.end.replace(Some(end));
            imp.state.set(State::Ended);
            self.notify_state();
        }
    }

    /// Calls `received` when messages from others came, with their number and the text
    /// for a screen reader.
    pub fn connect_received(
        &self,
        received: impl Fn(&Self, u32, Vec<String>) + 'static,
    ) -> glib::SignalHandlerId {
        self.connect_closure(
            "received",
            false,
            glib::closure_local!(move |session: &Self, messages: u32, spoken: Vec<String>| {
                received(session, messages, spoken);
            }),
        )
    }
}

/// Closes a server for good, on another thread.
fn close_aside(server: Running) -> gio::JoinHandle<()> {
    gio::spawn_blocking(move || {
        // Nobody is left to whom an error of the server would matter.
        let _ = server.close(Closing::ForGood);
    })
}
