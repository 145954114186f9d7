//! The task of a connection: it waits for its link, for new log entries and for
//! deadlines, and does what [`Talk`] asks for.

use std::future::{Future, poll_fn};
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use crate::room::{Entry, Why};
use crate::store::ReadError;

use super::super::budget::Share;
use super::super::fanout::{FanOut, FollowerSlot};
use super::super::hub::{Guest, Hub};
use super::super::link::{After, Link};
use super::super::listener::UNSENT_BYTES;
use super::super::session::{Farewell, Wanted};
use super::super::wakers::{Seat, Waiter};
use super::close::part;
use super::talk::Talk;
use super::transfer::{Written, read, write};

/// One connection, with everything needed to serve it.
///
/// Most connections are idle most of the time, and there may be thousands, so one that
/// waits keeps little memory. Therefore it is a state that the task polls, not the much
/// larger state of an async function, and rare parts are boxed.
pub struct Connection {
    hub: Arc<Hub>,
    link: Link,
    talk: Talk,
    news: Waiter,
    /// Its slot in the fan-out.
    slot: FollowerSlot,
    /// The event it waits for besides input and deadlines; `None` if it has something to
    /// do.
    waiting: Option<More>,
    /// Past messages that it is fetching from the store.
    fetching: Option<Fetching>,
    /// The memory that the server holds for its peer.
    share: Share,
    /// Counts it among the connections of its thread.
    _seat: Seat,
}

type Fetching = Pin<Box<dyn Future<Output = Result<Vec<Entry<'static>>, ReadError>> + Send>>;

/// The event after which there may be more to write.
#[derive(Clone, Copy)]
enum More {
    /// The peer accepts more; new entries can wait until the rest is written.
    Space,
    /// The log grew.
    Log,
    /// The fan-out gives the link back; it writes the log from the session's cursor on.
    Follow,
}

/// Serves a connection until it ends.
pub async fn serve(mut connection: Box<Connection>) {
    let farewell = poll_fn(|context| connection.poll(context)).await;
    if let Some(farewell) = farewell {
        Box::pin(async move {
            let Connection { link, talk, .. } = &mut *connection;
            part(link, talk, farewell).await;
        })
        .await;
    }
}

/// The reason why a connection continues.
enum Wake {
    /// There may be something to write.
    News,
    /// There may be something to read.
    Input,
    Alarm,
}

/// How a connection continues.
enum Next {
    /// At once.
    Go,
    /// After the others had their turn.
    Yield,
    /// When there is something to do.
    Wait(More),
    /// It does not continue.
    End(Option<Farewell>),
}

impl Connection {
    /// The connection of `guest`, served by the thread of this seat and its fan-out.
    pub fn new(link: Link, guest: Guest, fan_out: &Arc<FanOut>, seat: Seat) -> Self {
        Self {
            hub: Arc::clone(guest.hub()),
            news: seat.thread().waiter(),
            slot: FollowerSlot::new(fan_out, &link),
            link,
            talk: Talk::new(guest, Instant::now()),
            waiting: None,
            fetching: None,
            share: Share::default(),
            _seat: seat,
        }
    }

    /// Runs until the session ends; is ready with `None` if the connection broke.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Farewell>> {
        loop {
            let next = if let Some(more) = self.waiting {
                let wake = ready!(self.poll_wake(more, context));
                self.waiting = None;
                self.wake_up(&wake)
            } else {
                ready!(self.poll_fetching(context));
                self.go_on()
            };
            match next {
                Next::Go => {}
                Next::Yield => {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Next::Wait(more) => {
                    self.count_held(more, context);
                    self.waiting = Some(more);
                }
                Next::End(farewell) => return Poll::Ready(farewell),
            }
        }
    }

    /// Does all that it can do without waiting.
    fn go_on(&mut self) -> Next {
        let talk = &mut self.talk;
        if self.share.is_over() {
            talk.break_off(Why::Timeout, Instant::now());
            return Next::End(None);
        }
        self.news.see();
        talk.tell_changes();
        let Ok(written) = write(&self.link, talk) else {
            talk.break_off(Why::Lost, Instant::now());
            return Next::End(None);
        };
        if talk.ending().is_some() {
            return Next::End(talk.ending());
        }
        if talk.can_take_up() {
            talk.take_up(Instant::now());
            return Next::Yield;
        }
        if let Some(wanted) = talk.wanted() {
            let fetch = fetch(Arc::clone(&self.hub), wanted.clone());
            self.fetching = Some(Box::pin(fetch));
            return Next::Go;
        }
        if written == Written::Enough {
            return Next::Yield;
        }
        talk.set_slow(written == Written::Blocked);
        Next::Wait(match talk.follows_from() {
            _ if written == Written::Blocked => More::Space,
            Some(_) => More::Follow,
            None => More::Log,
        })
    }

    /// Waits until there is something to do.
    fn poll_wake(&mut self, more: More, context: &mut Context<'_>) -> Poll<Wake> {
        let deadline = self.talk.deadline();
        let follows = match more {
            More::Follow => self.talk.follows_from(),
            More::Space | More::Log => None,
        };
        let given_back = self.slot.poll_wait(follows, deadline, context);
        let has_more = match more {
            More::Space => self.link.poll_write_ready(context),
            More::Log => self.news.poll_notified(context),
            More::Follow => given_back,
        };
        let outcomes = self.talk.poll_outcomes(Instant::now, context);
        let wants_input = self.talk.wants_input();
        // The notifier wakes a member that the server does not read from when reading
        // resumes.
        let follows_no_more = matches!(more, More::Follow) && follows.is_none();
        if has_more.is_ready() || outcomes.is_ready() || follows_no_more || self.share.is_over() {
            return Poll::Ready(Wake::News);
        }
        if wants_input && self.link.poll_read_ready(context).is_ready() {
            return Poll::Ready(Wake::Input);
        }
        if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            return Poll::Ready(Wake::Alarm);
        }
        Poll::Pending
    }

    /// Counts the memory held for the peer while this waits.
    fn count_held(&mut self, more: More, context: &Context<'_>) {
        let kernel = match more {
            // The peer accepts nothing more, so the kernel holds as much as it may.
            More::Space => UNSENT_BYTES as usize,
            More::Log | More::Follow => 0,
        };
        let bytes = kernel + self.talk.held_bytes() + self.link.held_bytes();
        self.share.set(&self.hub.budget, bytes, context);
    }

    /// Does what it was woken for.
    fn wake_up(&mut self, wake: &Wake) -> Next {
        let talk = &mut self.talk;
        if let Some(back) = self.slot.take_back() {
            let Ok(rest) = back.rest else {
                talk.break_off(Why::Lost, Instant::now());
                return Next::End(None);
            };
            talk.go_on(back.cursor, rest);
        }
        match wake {
            Wake::News => {}
            // The session may no longer want input by now.
            Wake::Input if !talk.wants_input() => {}
            Wake::Input => match read(&self.link, talk, &self.hub.tls) {
                // There may be more to read: after the others.
                Ok(After::More) => return Next::Yield,
                Ok(After::End) => talk.half_close(Instant::now()),
                Ok(After::Later) => {}
                Ok(After::Broken) => {
                    talk.break_off(Why::Lost, Instant::now());
                    return Next::End(Some(Farewell::Silent));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => {
                    talk.break_off(Why::Lost, Instant::now());
                    return Next::End(None);
                }
            },
            Wake::Alarm => talk.tick(Instant::now()),
        }
        Next::Go
    }

    /// Waits for a fetch from the store, if one is under way, and passes the result to
    /// the session.
    fn poll_fetching(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Some(fetching) = &mut self.fetching {
            let fetched = ready!(fetching.as_mut().poll(context));
            self.fetching = None;
            self.talk.take_past(fetched);
        }
        Poll::Ready(())
    }
}

/// Fetches past messages from the store.
async fn fetch(hub: Arc<Hub>, wanted: Wanted) -> Result<Vec<Entry<'static>>, ReadError> {
    let Some(history) = &hub.history else {
        return Ok(Vec::new());
    };
    let Range { start, end } = wanted.range;
    history.messages(start, end, wanted.bytes).await
}
