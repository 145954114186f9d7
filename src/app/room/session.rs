//! The user's stay in a room: the connection, and the server if they host it.

use std::cell::{Cell, OnceCell, RefCell};

use gettextrs::gettext;
use gtk::gio;
use gtk::glib;
use gtk::glib::subclass::Signal;
use gtk::prelude::*;
use gtk::subclass::prelude::*;

use crate::app::words;
use crate::client::{Client, EVENTS, End, Event, Settings};
use crate::room::{Closing, MemberId, clean_text, fits};
use crate::server::Running;
use crate::wire::MEMBERS_LIMIT;
use crate::wire::address::Address;
use crate::wire::frame::{Limits, Welcome};

use super::conversation::Conversation;
use super::member::Member;
use super::members::{Ask, Members};
use super::past::Past;
use super::taking::{self, Taken};
use super::timeline::difference;

/// How long changes in a big room are gathered before its members are asked for.
const REFRESH_SECONDS: u32 = 5;

/// What a server that has pages of the past says it can do.
const HISTORY: &str = "history";

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

        pub client: OnceCell<Client>,
        /// The server, if the user hosts the room and it was not closed yet.
        pub server: RefCell<Option<Running>>,
        pub me: Cell<Option<MemberId>>,
        pub limits: Cell<Option<Limits>>,
        pub end: RefCell<Option<End>>,
        pub past: Cell<Past>,
        pub members: RefCell<Members>,
        /// The ids of `member_list`.
        pub listed: RefCell<Vec<MemberId>>,
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
    /// Joins the room at `address`.
    pub fn join(address: Address, name: &str) -> Self {
        Self::new(Settings {
            address,
            name: name.to_owned(),
            ..Settings::default()
        })
    }

    /// Joins the room of the user's own `server`, like any other client.
    pub fn host(server: Running, name: &str) -> Self {
        let session = Self::new(Settings {
            address: Address::new("127.0.0.1", server.port()),
            name: name.to_owned(),
            host_key: Some(server.handle().host_key().to_owned()),
            ..Settings::default()
        });
        session.imp().server.replace(Some(server));
        session
    }

    fn new(settings: Settings) -> Self {
        let session: Self = glib::Object::new();
        let (client, events) = Client::connect(Settings {
            // The window does not show a connection that is being restored.
            comes_back: false,
            ..settings
        });
        let _ = session.imp().client.set(client);
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

    /// How many others are in the room; the host's own server knows it also when
    /// the host's connection is lost.
    pub fn others(&self) -> u32 {
        let own = u32::from(self.state() == State::Joined);
        let members = match &*self.imp().server.borrow() {
            Some(server) => u32::try_from(server.handle().members()).unwrap_or(u32::MAX),
            None => self.member_count(),
        };
        members.saturating_sub(own)
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

    /// Says something.
    ///
    /// # Errors
    /// Why it cannot be sent, in a sentence.
    pub fn say(&self, text: &str) -> Result<(), String> {
        let imp = self.imp();
        let text = clean_text(text);
        let (State::Joined, Some(me), Some(client)) =
            (self.state(), imp.me.get(), imp.client.get())
        else {
            return Err(gettext("You are not in the room any more."));
        };
        if text.chars().count() > self.text_limit() || !fits(&text) {
            return Err(words::too_long(self.text_limit()));
        }
        let id = client.say(&text).map_err(words::not_queued)?;
        let name = imp.members.borrow().name(me).unwrap_or_default().to_owned();
        let message = taking::pending(id, me, &name, &text);
        self.conversation().change(|timeline| timeline.say(message));
        Ok(())
    }

    /// Takes a refused message out of the conversation; returns its text.
    pub fn take_refused(&self, key: u64) -> Option<String> {
        self.conversation()
            .change(|timeline| timeline.take_refused(key))
    }

    /// Leaves the room, or stops to join it. The host's room is closed first;
    /// everyone in it is told. Returns when that is done.
    pub async fn leave(&self) {
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
                        self.welcomed(welcome);
                        joined = true;
                    }
                    Event::Ended(why) => {
                        timeline.give_up(&gettext("Perhaps not sent: the connection ended first."));
                        end = Some(why.clone());
                    }
                    _ => {}
                }
                taking::take(event, imp.me.get(), timeline, &mut members, &mut taken);
            }
        });
        for page in older {
            taken.spoken.extend(self.take_older(page));
        }
        if taken.members_changed {
            self.list_members();
        }
        if joined {
            self.notify_room_name();
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
            imp.end.replace(Some(end));
            imp.state.set(State::Ended);
            self.notify_state();
        }
    }

    fn welcomed(&self, welcome: &Welcome<'_>) {
        let imp = self.imp();
        imp.me.set(Some(welcome.you.id));
        imp.limits.set(Some(welcome.limits));
        imp.room_name.replace(welcome.room.to_string());
        if welcome.features.iter().any(|it| it == HISTORY) {
            imp.past.set(Past::before(welcome.next));
        }
    }

    /// Brings the list that is shown up to date: one change at most.
    fn list_members(&self) {
        let imp = self.imp();
        let members = imp.members.borrow();
        let me = imp.me.get();
        let mut listed = imp.listed.borrow_mut();
        let ids: Vec<MemberId> = members.known().map(|(id, _)| id).collect();
        let (before, removed, added) = difference(&listed, &ids);
        let added: Vec<Member> = members
            .known()
            .skip(before)
            .take(added)
            .map(|(id, known)| {
                let role = match (Some(id) == me, known.host) {
                    (true, true) => gettext("You, the host"),
                    (true, false) => gettext("You"),
                    (false, true) => gettext("Host"),
                    (false, false) => String::new(),
                };
                Member::new(&known.name, &role)
            })
            .collect();
        let count = u32::try_from(members.count()).unwrap_or(u32::MAX);
        *listed = ids;
        drop((listed, members));
        let length = |length| u32::try_from(length).unwrap_or(u32::MAX);
        self.member_list()
            .splice(length(before), length(removed), &added);
        if imp.member_count.replace(count) != count {
            self.notify_member_count();
        }
    }

    fn ask_members(&self, ask: Ask) {
        if let Some(client) = self.imp().client.get() {
            // If it cannot be sent, the list stays as it is.
            let _ = client.ask_members(ask.after, MEMBERS_LIMIT as u64);
        }
    }

    fn refresh_members_soon(&self) {
        if self.imp().refreshing.replace(true) {
            return;
        }
        let weak = self.downgrade();
        glib::timeout_add_seconds_local_once(REFRESH_SECONDS, move || {
            let Some(session) = weak.upgrade() else {
                return;
            };
            session.imp().refreshing.set(false);
            let ask = session.imp().members.borrow_mut().refresh();
            if let Some(ask) = ask {
                session.ask_members(ask);
            }
        });
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
