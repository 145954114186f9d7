//! The user's session in a room: the connection, what it shows, and the server if the user
//! hosts the room.

use std::cell::{Cell, OnceCell, RefCell};
use std::time::Instant;

use gio::prelude::*;
use glib::subclass::Signal;
use glib::subclass::prelude::*;

use crate::app::saved_state::{SavedRoom, SavedState};
use crate::chat::{Chat, Earlier, Moment, News, Outage, Phase, Row, Standing};
use crate::client::{Client, EVENTS, End, Event, KnownRooms, Resume, Settings};
use crate::clock;
use crate::protocol::Pin;
use crate::protocol::address::Address;
use crate::protocol::invitation::Invitation;
use crate::room::Closing;
use crate::server::Running;

use super::conversation::Conversation;
use super::member::Member;

/// The state of the connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "ChatroomRoomSessionState")]
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
    #[properties(wrapper_type = super::RoomSession)]
    pub struct RoomSession {
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

        /// What the session shows.
        pub chat: RefCell<Chat>,
        /// The list is taking the changes of the conversation.
        pub showing: Cell<bool>,
        pub client: OnceCell<Client>,
        /// The saved state of the session, while it goes on.
        pub saved: RefCell<Option<SavedRoom>>,
        /// With what the user gets in: the address, the pin, the keys.
        pub way_in: RefCell<Invitation>,
        /// What the server said of how others can join.
        pub invitation: RefCell<Option<Invitation>>,
        /// The user has asked for a new invitation.
        pub renewing: Cell<bool>,
        /// What those who show it know of the standing.
        pub standing: Cell<Standing>,
        /// The name that the user asked for.
        pub wanted_name: RefCell<String>,
        /// The server, if the user hosts the room and has not closed it yet.
        pub server: RefCell<Option<Running>>,
        /// The rows that `member_list` shows.
        pub listed: RefCell<Vec<Row>>,
        /// A reference to itself while it leaves: until it knows which messages were
        /// sent.
        pub leaving: RefCell<Option<super::RoomSession>>,
        pub refreshing: Cell<bool>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for RoomSession {
        const NAME: &'static str = "ChatroomRoomSession";
        type Type = super::RoomSession;
    }

    #[glib::derived_properties]
    impl ObjectImpl for RoomSession {
        fn signals() -> &'static [Signal] {
            static SIGNALS: LazyLock<[Signal; 4]> = LazyLock::new(|| {
                let boxed = glib::BoxedAnyObject::static_type();
                [
                    Signal::builder("received")
                        .param_types([u32::static_type(), boxed])
                        .build(),
                    Signal::builder("answered").param_types([boxed]).build(),
                    Signal::builder("standing-changed").build(),
                    Signal::builder("invitation-changed").build(),
                ]
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
    pub struct RoomSession(ObjectSubclass<imp::RoomSession>);
}

impl RoomSession {
    /// Joins the room of an invitation; comes back to it if the user did not leave it. An
    /// address alone is an invitation too: then the pin and the key count with which the
    /// user last got in there. With `accepted`, the user has accepted a host with this pin.
    pub fn join(invitation: Invitation, name: &str, accepted: Option<Pin>) -> Self {
        Self::new(invitation, name, accepted)
    }

    /// Joins the room of the user's own `server`, like any other client; `invitation` has
    /// the pin and the keys of the room.
    pub fn host(server: Running, mut invitation: Invitation, name: &str) -> Self {
        invitation.address = Address::new("127.0.0.1", server.port());
        invitation.more.clear();
        let session = Self::new(invitation, name, None);
        session.imp().server.replace(Some(server));
        session
    }

    fn new(mut invitation: Invitation, name: &str, accepted: Option<Pin>) -> Self {
        let session: Self = glib::Object::new();
        let imp = session.imp();
        let saved = SavedState::shared().take(&invitation.address);
        let before = saved.as_ref().and_then(SavedRoom::invitation);
        if let Some(before) = before.filter(|_| invitation == invitation.address.clone().into()) {
            invitation = before;
        }
        let stay = saved.as_ref().and_then(|saved| saved.stay(name));
        let mut settings = Settings {
            name: name.to_owned(),
            known_rooms: KnownRooms::default_path(),
            ..Settings::invited(invitation.clone())
        };
        settings.pin = accepted.or(settings.pin);
        imp.way_in.replace(invitation);
        let mut earlier = Earlier::default();
        if let Some(stay) = stay {
            earlier.read = Some((stay.epoch.clone(), stay.after));
            earlier.unsent.clone_from(&stay.unsent);
            settings.unsent = stay.unsent;
            settings.resume = Some(Resume {
                session: stay.session,
                epoch: stay.epoch,
                after: stay.after,
            });
        }
        imp.saved.replace(saved);
        imp.wanted_name.replace(settings.name.clone());
        imp.chat.replace(Chat::new(earlier));
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

    /// With what the user got in, or tried to.
    pub fn way_in(&self) -> Invitation {
        self.imp().way_in.borrow().clone()
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
        match self.imp().chat.borrow().phase() {
            Phase::Ended(end) => Some(end.clone()),
            Phase::Joining | Phase::Joined => None,
        }
    }

    /// The most characters of a message.
    pub fn text_limit(&self) -> usize {
        self.imp().chat.borrow().text_limit()
    }

    /// Whether the room has any messages, as far as the user knows.
    pub fn has_messages(&self) -> bool {
        self.imp().chat.borrow().has_messages()
    }

    /// The lost connection as of now, while the client restores it.
    pub fn outage(&self) -> Option<Outage> {
        let imp = self.imp();
        let next_try = imp.client.get().and_then(Client::next_try);
        imp.chat.borrow().outage(next_try, Instant::now())
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
        self.imp().saved.take();
        self.close().await;
    }

    /// The user will not return to this session.
    fn let_go(&self) {
        if let Some(saved) = self.imp().saved.take() {
            saved.give_up();
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
        let effects = imp.chat.borrow_mut().reduce(batch, now());
        self.show_changes();
        if effects.members_changed {
            self.list_members();
        }
        if let Some(entered) = effects.entered {
            imp.room_name.replace(entered.room.clone());
            imp.durable.set(entered.durable);
            self.save_entering(entered);
            self.save_way_in();
            self.notify_durable();
        }
        self.show_standing();
        self.show_loading();
        self.show_interrupted();
        if effects.joined {
            self.notify_room_name();
            imp.state.set(State::Joined);
            self.notify_state();
        }
        self.save_stay();
        if let Some(ask) = effects.ask {
            self.ask_members(ask);
        }
        if effects.members_stale {
            self.refresh_members_soon();
        }
        if effects.received > 0 || !effects.news.is_empty() {
            let news = glib::BoxedAnyObject::new(effects.news);
            self.emit_by_name::<()>("received", &[&effects.received, &news]);
        }
        self.show_answers(effects.answers);
        if let Some(end) = effects.ended {
            if imp.leaving.take().is_some() {
                self.let_go();
            } else {
                self.end_stay(&end);
            }
            imp.state.set(State::Ended);
            self.notify_state();
        }
    }

    /// Lets the list take the changes of the conversation.
    pub(super) fn show_changes(&self) {
        let imp = self.imp();
        // A handler of a change may make another one, which follows.
        if imp.showing.replace(true) {
            return;
        }
        loop {
            let changes = imp.chat.borrow_mut().take_changes();
            if changes.is_empty() {
                break;
            }
            self.conversation().apply(changes);
        }
        imp.showing.set(false);
    }

    fn show_interrupted(&self) {
        let interrupted = self.imp().chat.borrow().is_interrupted();
        if self.imp().interrupted.replace(interrupted) != interrupted {
            self.notify_interrupted();
        }
    }

    /// Calls `received` when messages from others came, with their number and what a
    /// screen reader says.
    pub fn connect_received(
        &self,
        received: impl Fn(&Self, u32, &[News]) + 'static,
    ) -> glib::SignalHandlerId {
        self.connect_closure(
            "received",
            false,
            glib::closure_local!(
                move |session: &Self, messages: u32, news: &glib::BoxedAnyObject| {
                    received(session, messages, &news.borrow::<Vec<News>>());
                }
            ),
        )
    }
}

/// The time of an event.
pub(super) fn now() -> Moment {
    Moment {
        instant: Instant::now(),
        time: clock::now(),
    }
}

/// Closes a server for good, on another thread.
fn close_aside(server: Running) -> gio::JoinHandle<()> {
    gio::spawn_blocking(move || {
        // Nobody is left to whom an error of the server would matter.
        let _ = server.close(Closing::ForGood);
    })
}
