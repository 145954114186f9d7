//! The saved state of the app: drafts, and sessions that the user did not end (*stays*).
//!
//! The state is in memory, and in a file that follows it: soon after a change, and at
//! once when the user leaves a room or closes a window. Other threads read and write the
//! disk.

mod file;
pub(crate) mod rooms;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use async_channel::{Receiver, Sender};
use gio::prelude::*;

use crate::protocol::address::Address;
use crate::protocol::invitation::Invitation;

pub use self::rooms::Stay;
use self::rooms::{ROOMS, Rooms};

/// How long changes wait before they are written together.
const SOON: Duration = Duration::from_secs(1);

/// The same for changes that matter less: the position up to which the user has read.
const LATER: Duration = Duration::from_secs(10);

/// A handle to the saved state. All its clones share the same state.
#[derive(Clone, Debug, Default)]
pub struct SavedState(Rc<Inner>);

#[derive(Debug)]
struct Inner {
    rooms: RefCell<Rooms>,
    /// The places that belong to a window of this app, or soon will.
    taken: RefCell<BTreeSet<String>>,
    is_read: Cell<bool>,
    /// Close when the file has been read.
    reading: (Sender<()>, Receiver<()>),
    /// There is something to write.
    changed: Cell<bool>,
    writing: Cell<bool>,
    timer: RefCell<Option<(Duration, glib::SourceId)>>,
}

impl Default for Inner {
    fn default() -> Self {
        Self {
            rooms: RefCell::default(),
            taken: RefCell::default(),
            is_read: Cell::default(),
            reading: async_channel::bounded(1),
            changed: Cell::default(),
            writing: Cell::default(),
            timer: RefCell::default(),
        }
    }
}

thread_local! {
    /// Of the thread with the main loop.
    static SHARED: SavedState = SavedState::default();
}

/// The saved state of a window's stay in a room. It belongs to that window alone while
/// this value exists.
#[derive(Debug)]
pub struct SavedRoom {
    state: SavedState,
    place: String,
}

/// The path of the file (XDG Base Directory Specification).
fn path() -> PathBuf {
    let folder = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let folder = folder.filter(|folder| folder.is_absolute());
    let folder = folder.unwrap_or_else(|| glib::home_dir().join(".local/state"));
    folder.join("chatroom").join("rooms.json")
}

/// The key of the window with this number in a room.
fn place(address: &Address, window: usize) -> String {
    match window {
        1 => address.to_string(),
        _ => format!("{address} {window}"),
    }
}

/// The room of a place.
pub fn address_of(place: &str) -> Option<Address> {
    room_of(place).parse().ok()
}

/// The address of the room of a place: all windows in a room have it in common.
fn room_of(place: &str) -> &str {
    place.split(' ').next().unwrap_or_default()
}

fn now() -> i64 {
    crate::clock::now().as_second()
}

impl SavedState {
    /// The app's saved state.
    pub fn shared() -> Self {
        SHARED.with(Self::clone)
    }

    /// Reads the state that an earlier run of the app saved.
    pub async fn read(&self) {
        let bytes = gio::spawn_blocking(|| file::read(&path())).await;
        let mut before = Rooms::read(&bytes.unwrap_or_default());
        before.give_up_old(now());
        self.0.rooms.borrow_mut().put_before(before);
        self.0.is_read.set(true);
        self.0.reading.0.close();
        if self.0.changed.get() {
            self.write_within(SOON);
        }
    }

    /// Returns when the file has been read.
    pub async fn ready(&self) {
        let reading = self.0.reading.1.clone();
        // The closing of the channel is the signal.
        let _ = reading.recv().await;
    }

    /// Takes a place in the room at an address. Each window in the room has a place of
    /// its own: the first free one with a stay, else the first free one with a draft,
    /// else the first free one.
    pub fn take(&self, address: &Address) -> Option<SavedRoom> {
        let (rooms, mut taken) = (self.0.rooms.borrow(), self.0.taken.borrow_mut());
        let places = (1..=ROOMS).map(|window| place(address, window));
        let free = places.filter(|place| !taken.contains(place));
        let place = free.min_by_key(|place| {
            let has_stay = rooms.stay(place).is_some();
            (!has_stay, rooms.draft(place).is_empty())
        })?;
        taken.insert(place.clone());
        let state = self.clone();
        Some(SavedRoom { state, place })
    }

    /// The latest stay to which the user can return, and its place.
    pub fn latest(&self) -> Option<(String, Stay)> {
        let (rooms, taken) = (self.0.rooms.borrow(), self.0.taken.borrow());
        let mut stays = rooms.stays();
        let (place, stay) = stays.find(|(place, _)| !taken.contains(*place))?;
        Some((place.to_owned(), stay.clone()))
    }

    /// The user does not want to return there.
    pub fn give_up(&self, place: &str) {
        self.0.rooms.borrow_mut().give_up(place);
        self.0.changed.set(true);
        self.write();
    }

    /// Writes the changes now.
    pub fn write(&self) {
        if let Some((_, timer)) = self.0.timer.take() {
            timer.remove();
        }
        // The task that writes also writes the changes from meanwhile.
        if !self.0.changed.get() || !self.0.is_read.get() || self.0.writing.replace(true) {
            return;
        }
        let state = self.clone();
        // The app does not end before the file is written.
        let hold = gio::Application::default().map(|app| app.hold());
        glib::spawn_future_local(async move {
            while state.0.changed.take() {
                let bytes = state.0.rooms.borrow().write();
                // If the file cannot be written, the state exists as long as the app.
                let _ = gio::spawn_blocking(move || file::write(&path(), &bytes)).await;
            }
            state.0.writing.set(false);
            drop(hold);
        });
    }

    fn write_within(&self, time: Duration) {
        self.0.changed.set(true);
        let timer = self.0.timer.take();
        if let Some((set, timer)) = timer {
            if set <= time {
                self.0.timer.replace(Some((set, timer)));
                return;
            }
            timer.remove();
        }
        let state = self.clone();
        let timer = glib::timeout_add_local_once(time, move || {
            // This timer has ended by itself.
            state.0.timer.take();
            state.write();
        });
        self.0.timer.replace(Some((time, timer)));
    }
}

impl SavedRoom {
    /// The text that the user typed and did not send.
    pub fn draft(&self) -> String {
        self.state.0.rooms.borrow().draft(&self.place).to_owned()
    }

    /// Saves the typed text.
    pub fn set_draft(&self, draft: &str) {
        let changed = &self.state.0.rooms;
        if changed.borrow_mut().set_draft(&self.place, draft) {
            self.state.write_within(SOON);
        }
    }

    /// The invitation with which the user last got in, if the address was not enough.
    pub fn invitation(&self) -> Option<Invitation> {
        let rooms = self.state.0.rooms.borrow();
        let room = room_of(&self.place);
        let link = rooms.invitation(room);
        (!link.is_empty()).then(|| link.parse().ok()).flatten()
    }

    /// Saves the invitation with which the user got in; `None` if the address is enough.
    pub fn set_invitation(&self, invitation: Option<&Invitation>) {
        let link = invitation.map(Invitation::link).unwrap_or_default();
        let changed = &self.state.0.rooms;
        if changed
            .borrow_mut()
            .set_invitation(room_of(&self.place), &link)
        {
            self.state.write_within(SOON);
        }
    }

    /// The stay that the user did not end, if it has this name; gives up a stay with
    /// another name.
    pub fn stay(&self, name: &str) -> Option<Stay> {
        let mut rooms = self.state.0.rooms.borrow_mut();
        let stay = rooms.stay(&self.place).filter(|stay| stay.name == name);
        let stay = stay.cloned();
        if stay.is_none() {
            rooms.give_up(&self.place);
        }
        stay
    }

    /// Saves a stay that begins.
    pub fn begin(&self, mut stay: Stay) {
        stay.at = now();
        let mut rooms = self.state.0.rooms.borrow_mut();
        rooms.set_stay(&self.place, Some(stay));
        drop(rooms);
        self.state.write_within(SOON);
    }

    /// Saves the position up to which the user has read, and the unconfirmed messages.
    pub fn go_on(&self, after: u64, unsent: Vec<(String, String)>) {
        let mut rooms = self.state.0.rooms.borrow_mut();
        let Some(stay) = rooms.stay(&self.place) else {
            return;
        };
        // Before the first message, the position comes from the welcome.
        let after = if after == 0 { stay.after } else { after };
        let same = stay.unsent == unsent;
        if same && stay.after == after {
            return;
        }
        let mut stay = stay.clone();
        (stay.after, stay.at, stay.unsent) = (after, now(), unsent);
        rooms.set_stay(&self.place, Some(stay));
        drop(rooms);
        self.state.write_within(if same { LATER } else { SOON });
    }

    /// Deletes the stay and the draft.
    pub fn discard(&self) {
        let mut rooms = self.state.0.rooms.borrow_mut();
        rooms.set_stay(&self.place, None);
        rooms.set_draft(&self.place, "");
        drop(rooms);
        self.state.write_within(SOON);
    }

    /// Ends the stay: the user cannot return to it. Messages that could not be sent
    /// become a part of the draft.
    pub fn give_up(&self) {
        self.state.0.rooms.borrow_mut().give_up(&self.place);
        self.state.write_within(SOON);
    }
}

impl Drop for SavedRoom {
    fn drop(&mut self) {
        self.state.0.taken.borrow_mut().remove(&self.place);
        self.state.write();
    }
}
