//! The user's stay in a room: the connection, and the server if they host it.

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
use crate::room::Closing;
use crate::server::Running;
use crate::wire::address::Address;
use crate::wire::frame::Limits;

use super::coming_back::CatchingUp;
use super::conversation::Conversation;
use super::interruption::Interruption;
use super::me::Me;
use super::member::Member;
use super::members::{Members, Row};
use super::past::Past;
use super::taking::{self, Taken};

/// Where the connection stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "ChatroomSessionState")]
pub enum State {
    /// On its way in.
    #[default]
    Joining,
    /// In the room.
    Joined,
    /// Out of it.
    Ended,
}

mod imp {
    use std::sync::LazyLock;

    use super::*;

    #[derive(Debug, Default, glib::Properties)]
    #[properties(wrapper_type = super::Session)]
    pub struct Session {
        /// Where the connection stands.
        #[property(get, builder(State::Joining))]
        pub state: Cell<State>,
        /// The name of the room.
        #[property(get)]
        pub room_name: RefCell<String>,
        /// Whether what is said outlives the server.
        #[property(get)]
        pub durable: Cell<bool>,
        /// The connection was lost, and is being restored.
        #[property(get)]
        pub interrupted: Cell<bool>,
        /// How many are in the room.
        #[property(get)]
        pub member_count: Cell<u32>,
        /// What was said.
        #[property(get)]
        pub conversation: RefCell<Conversation>,
        /// Older messages are on their way.
        #[property(get)]
        pub loading: Cell<bool>,
        /// Those in the room who are known: [`Member`]s.
        #[property(get)]
        pub member_list: OnceCell<gio::ListStore>,

        pub interruption: RefCell<Option<Interruption>>,
        pub client: OnceCell<Client>,
        /// What is kept of the stay, while it goes on.
        pub kept: RefCell<Option<Kept>>,
        /// Said in an earlier run of the app, and not confirmed: ids and texts.
        pub said_before: RefCell<Vec<(String, String)>>,
        /// The log that was read in an earlier run of the app, and up to where.
        pub read_before: RefCell<Option<(String, u64)>>,
        /// The name that was wanted.
        pub wanted_name: RefCell<String>,
        /// The log that is read.
        pub epoch: RefCell<String>,
        /// What was missed is coming.
        pub catching_up: Cell<Option<CatchingUp>>,
        /// The server, if the user hosts the room and it was not closed yet.
        pub server: RefCell<Option<Running>>,
        pub me: RefCell<Me>,
        pub limits: Cell<Option<Limits>>,
        pub end: RefCell<Option<End>>,
        pub past: Cell<Past>,
        pub members: RefCell<Members>,
        /// What `member_list` shows, row by row.
        pub listed: RefCell<Vec<Row>>,
        /// Itself, while it leaves: until it is known what was sent.
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
            // Dropping a server waits for its end: not on this thread.
            if let Some(server) = self.server.take() {
                close_aside(server);
            }
        }
    }
}

glib::wrapper! {
    /// The user's stay in a room. It begins when it is made; that it is over, or
    /// never came to be, is told by its state.
    pub struct Session(ObjectSubclass<imp::Session>);
}

impl Session {
    /// Joins the room at `address`; comes back to it if it was not left.
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
        // The app does not end before the server has been told.
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

    /// Whether the user hosts the room, and it was not closed yet.
    pub fn hosts(&self) -> bool {
        self.imp().server.borrow().is_some()
    }

    /// How many others are in the room, as far as the server has told. The host's own
    /// server is not asked: it may be busy, and this is GTK's thread.
    pub fn others(&self) -> u32 {
        let own = u32::from(self.state() == State::Joined);
        self.member_count().saturating_sub(own)
    }

    /// Why it is over, if it is.
    pub fn end(&self) -> Option<End> {
        self.imp().end.borrow().clone()
    }

    /// The most characters of a message.
    pub fn text_limit(&self) -> usize {
        let limits = self.imp().limits.get();
        limits.map_or(crate::room::TEXT_LIMIT, |limits| limits.text)
    }

    /// Leaves the room, or stops to join it. The host's room is closed first;
    /// everyone in it is told. Returns when that is done. What turns out not to be sent
    /// becomes a part of the draft.
    pub async fn leave(&self) {
        if self.state() == State::Ended {
            self.let_go();
        } else {
            self.imp().leaving.replace(Some(self.clone()));
        }
        self.close().await;
    }

    /// Leaves the room, but such that the user can return to it in another run of the
    /// app.
    pub async fn break_off(&self) {
        self.imp().kept.take();
        self.close().await;
    }

    /// Nobody returns to this stay.
    fn let_go(&self) {
        if let Some(kept) = self.imp().kept.take() {
            kept.give_up();
        }
    }

    async fn close(&self) {
        let server = self.imp().server.take();
        if let Some(server) = server {
            let hold = gio::Application::default().map(|app| app.hold());
            // Its result is of no use to someone who has left.
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

    /// Calls `received` when messages of others came, with their number and what
    /// a screen reader is to say.
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
        // There is nobody left to tell that it could not serve.
        let _ = server.close(Closing::ForGood);
    })
}
