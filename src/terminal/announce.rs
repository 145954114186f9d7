//! Tells the owner of a private room where the invitation is.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::lock::{Mutex, Rank};
use crate::protocol::invitation::Invitation;
use crate::server::Handle;

use super::invitation_file::InvitationFile;
use super::log::Log;
use super::log_entry::LogEntry;
use super::wrap::UNBROKEN;

/// Tells the invitation to the owner's terminal, and keeps it in a service's file.
pub struct Announcer {
    handle: Handle,
    log: Arc<Log>,
    /// The file of a service, and the invitation that was told last.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    file: Option<InvitationFile>,
    told: Option<Invitation>,
}

impl Announcer {
    /// For the server of this handle. `state` is the folder of a service.
    pub fn new(handle: Handle, log: Arc<Log>, state: Option<&Path>) -> Self {
        let state = State {
            file: state.map(InvitationFile::new),
            told: None,
        };
        Self {
            handle,
            log,
            state: Mutex::new(Rank::Invitation, state),
        }
    }

    /// Tells the invitation, if it is another one than before.
    pub fn update(&self) {
        let mut state = self.state.lock();
        let invitation = self.handle.invitation(false);
        if invitation.is_some() && invitation == state.told {
            return;
        }
        let failed = state.file.as_mut().and_then(|file| {
            let error = file.update(invitation.as_ref()).err()?;
            let path = file.path().display();
            Some(format!(
                "The invitation cannot be written to {path}: {error}."
            ))
        });
        let had_key = state.told.as_ref().and_then(|it| it.key.clone());
        let has_file = state.file.is_some();
        state.told.clone_from(&invitation);
        drop(state);
        if let Some(failed) = failed {
            self.log.record(&LogEntry::warned(&failed));
        } else if let Some(invitation) = invitation
            && invitation.key.is_some()
            && invitation.key != had_key
            && !has_file
            && let Log::Lines { printer, .. } = &*self.log
        {
            let is_terminal = io::stdout().is_terminal();
            // Elsewhere the words do not change with the key.
            if is_terminal || had_key.is_none() {
                printer.print(words(&invitation, is_terminal).as_bytes());
            }
        }
    }

    /// The file of a service with the invitation.
    pub fn file(&self) -> Option<PathBuf> {
        let state = self.state.lock();
        state.file.as_ref().map(|it| it.path().to_owned())
    }
}

/// What the output says of the invitation to a private room. The invitation itself is only
/// for the owner's terminal: a pipe or a file may be read by others, and for long.
fn words(invitation: &Invitation, is_terminal: bool) -> String {
    if is_terminal {
        let link = invitation.link();
        format!("Only those with this invitation can join:\n{UNBROKEN}{link}\n")
    } else {
        "Only those with an invitation can join: “chatroom --invite” prints it.\n".to_owned()
    }
}
