//! Reads back what the store has.

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::file::StoreFile;
use super::schema::{KIND_ERASED, KIND_GONE, KIND_TEXT};
use super::trouble::Trouble;
use crate::room::{Author, BANS_LIMIT, Body, Entry, Keys, MemberId, Network, RoomKey, TokenHash};
use crate::store::age::{Saved, SeenTime};
use crate::store::{RECENT_IDS, ReadError, Recent, StoredBan, StoredSession};

pub(super) const ROOM: &str =
    "SELECT epoch, last_member, oldest_seq, time, clock, doubt, began FROM room LIMIT 2";
pub(super) const NEWEST_TIME: &str = "SELECT at FROM message ORDER BY seq DESC LIMIT 1";
pub(super) const LAST_SEQ: &str = "SELECT max(seq) FROM message";
pub(super) const FIRST_SEQ: &str = "SELECT min(seq) FROM message";
pub(super) const NEWEST: &str = "SELECT seq, at, member, name, id, text, kind, erases FROM message \
     ORDER BY seq DESC LIMIT ?1";
pub(super) const RANGE: &str = "SELECT seq, at, member, name, id, text, kind, erases FROM message \
     WHERE seq >= ?1 AND seq < ?2 ORDER BY seq LIMIT ?3";
const SESSIONS: &str =
    "SELECT member, name, host, key, muted, muted_ends FROM session ORDER BY member";
const KEYS: &str = "SELECT key, host_key, slow FROM room";
const BANS: &str = "SELECT address, prefix, token, name, until, ends FROM ban ORDER BY rowid";
const SAID: &str = "SELECT member, slot, seq, id FROM said";

/// The state of the log as a whole.
pub(super) struct Head {
    pub(super) epoch: String,
    pub(super) next_seq: u64,
    pub(super) oldest_seq: u64,
    pub(super) last_member: u64,
    /// The stored seen time, if the store has counted time.
    pub(super) seen: Option<Saved>,
}

/// When the room accepted the newest message, in microseconds since 1970.
pub(super) fn newest_time(connection: &Connection) -> Result<Option<i64>, Trouble> {
    let time = connection.query_row(NEWEST_TIME, [], |row| row.get(0));
    Ok(time.optional()?)
}

/// The stored seen time: columns 3 to 6 of [`ROOM`].
fn seen(row: &Row<'_>) -> Result<Option<Saved>, Trouble> {
    match (row.get(3)?, row.get(4)?, row.get(6)?) {
        (Some(time), Some(clock), Some(began)) => Ok(Some(Saved {
            time,
            clock,
            doubt: row.get(5)?,
            began,
        })),
        (None, None, None) => Ok(None),
        _ => Err(Trouble::Damaged),
    }
}

pub(super) fn head(connection: &Connection) -> Result<Head, Trouble> {
    let mut rooms = connection.prepare(ROOM)?;
    let mut rooms = rooms.query([])?;
    let room = rooms.next()?.ok_or(Trouble::Damaged)?;
    let (epoch, last_member, oldest_seq): (String, u64, u64) =
        (room.get(0)?, room.get(1)?, room.get(2)?);
    let seen = seen(room)?;
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if epoch.len() != 32 || !epoch.bytes().all(is_hex) || rooms.next()?.is_some() {
        return Err(Trouble::Damaged);
    }
    let end = |sql| connection.query_row(sql, [], |row| row.get::<_, Option<u64>>(0));
    let (first, last) = (end(FIRST_SEQ)?, end(LAST_SEQ)?);
    let next_seq = last.map_or(Some(oldest_seq), |last| last.checked_add(1));
    if oldest_seq == 0 || first.is_some_and(|first| first != oldest_seq) {
        return Err(Trouble::Damaged);
    }
    Ok(Head {
        epoch,
        next_seq: next_seq.ok_or(Trouble::Damaged)?,
        oldest_seq,
        last_member,
        seen,
    })
}

/// The newest entries, in order and without a hole.
pub(super) fn newest(
    connection: &Connection,
    recent: Recent,
    next_seq: u64,
) -> Result<Vec<Entry<'static>>, Trouble> {
    let mut statement = connection.prepare(NEWEST)?;
    let mut rows = statement.query([recent.entries.min(next_seq)])?;
    let mut entries = Vec::new();
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        let entry = entry(row)?;
        if entry.seq + entries.len() as u64 + 1 != next_seq {
            return Err(Trouble::Damaged);
        }
        bytes += entry.weight();
        if bytes > recent.bytes {
            break;
        }
        entries.push(entry);
    }
    entries.reverse();
    Ok(entries)
}

/// All members who may come back, and the next slot in the ring of each.
pub(super) fn sessions(
    connection: &Connection,
    head: &Head,
    seen: &SeenTime,
) -> Result<(Vec<StoredSession>, HashMap<MemberId, u64>), Trouble> {
    let mut said: HashMap<MemberId, Vec<(u64, u64, Box<str>)>> = HashMap::new();
    let mut statement = connection.prepare(SAID)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (slot, seq): (u64, u64) = (row.get(1)?, row.get(2)?);
        if slot >= RECENT_IDS || seq == 0 || seq >= head.next_seq {
            return Err(Trouble::Damaged);
        }
        let ids = said.entry(member(row, 0)?).or_default();
        ids.push((seq, slot, text(row, 3)?));
    }
    let mut statement = connection.prepare(SESSIONS)?;
    let mut rows = statement.query([])?;
    let (mut sessions, mut rings) = (Vec::new(), HashMap::new());
    while let Some(row) = rows.next()? {
        let id = member(row, 0)?;
        if id.get() > head.last_member {
            return Err(Trouble::Damaged);
        }
        let mut said = said.remove(&id).unwrap_or_default();
        said.sort_unstable_by_key(|(seq, ..)| *seq);
        rings.insert(id, said.last().map_or(0, |(_, slot, _)| slot + 1));
        sessions.push(StoredSession {
            id,
            name: text(row, 1)?,
            host: row.get(2)?,
            token: TokenHash(row.get(3)?),
            muted: muted(row, seen)?,
            said: said.into_iter().map(|(seq, _, id)| (id, seq)).collect(),
        });
    }
    // These ids belong to no session.
    if said.is_empty() {
        Ok((sessions, rings))
    } else {
        Err(Trouble::Damaged)
    }
}

/// For how long the member of a session is still muted.
fn muted(row: &Row<'_>, seen: &SeenTime) -> Result<Option<Duration>, Trouble> {
    match (row.get::<_, Option<i64>>(4)?, row.get(5)?) {
        (Some(until), Some(ends)) => {
            time(until)?;
            Ok(seen.time_to(ends))
        }
        (None, None) => Ok(None),
        _ => Err(Trouble::Damaged),
    }
}

/// The keys of the room, and the least time between two messages of a member.
pub(super) fn keys(connection: &Connection) -> Result<(Keys, Duration), Trouble> {
    let (key, host_key, slow): (Option<String>, Option<String>, i64) =
        connection.query_row(KEYS, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let keys = Keys {
        key: room_key(key)?,
        host_key: room_key(host_key)?,
    };
    let slow = u64::try_from(slow).map_err(|_| Trouble::Damaged)?;
    Ok((keys, Duration::from_micros(slow)))
}

/// A key as the store writes it, and not as people may.
fn room_key(text: Option<String>) -> Result<Option<RoomKey>, Trouble> {
    let Some(text) = text else {
        return Ok(None);
    };
    let key: RoomKey = text.parse().map_err(|_| Trouble::Damaged)?;
    if key.secret() == text {
        Ok(Some(key))
    } else {
        Err(Trouble::Damaged)
    }
}

/// The bans that have not ended, in the order in which they were made.
pub(super) fn bans(connection: &Connection, seen: &SeenTime) -> Result<Vec<StoredBan>, Trouble> {
    let mut statement = connection.prepare(BANS)?;
    let mut rows = statement.query([])?;
    let mut bans = Vec::new();
    while let Some(row) = rows.next()? {
        let network = match (row.get::<_, Option<String>>(0)?, row.get(1)?) {
            (Some(address), Some(prefix)) => {
                let address: IpAddr = address.parse().map_err(|_| Trouble::Damaged)?;
                let network = Network::new(address, prefix);
                if (network.address(), network.prefix()) != (address, prefix) {
                    return Err(Trouble::Damaged);
                }
                Some(network)
            }
            (None, None) => None,
            _ => return Err(Trouble::Damaged),
        };
        let token = row.get::<_, Option<[u8; 32]>>(2)?.map(TokenHash);
        let (name, until) = (row.get(3)?, time(row.get(4)?)?);
        if network.is_none() && token.is_none() {
            return Err(Trouble::Damaged);
        }
        if let Some(remaining) = seen.time_to(row.get(5)?) {
            // The room has no more. If the clock was wrong, more may seem to hold.
            if bans.len() == BANS_LIMIT {
                bans.remove(0);
            }
            bans.push(StoredBan {
                network,
                token,
                name,
                until,
                remaining,
            });
        }
    }
    Ok(bans)
}

fn entry(row: &Row<'_>) -> Result<Entry<'static>, Trouble> {
    let owned = |column| -> Result<_, Trouble> { Ok(Cow::Owned(row.get::<_, String>(column)?)) };
    let seq = row.get(0)?;
    let author = MemberId::new(row.get(2)?);
    let id = || -> Result<_, Trouble> { Ok(row.get::<_, Option<String>>(4)?.map(Cow::Owned)) };
    let text: Cow<'static, str> = owned(5)?;
    let body = match (row.get(6)?, author, row.get(7)?) {
        (KIND_TEXT, Some(_), None) => Body::Text { id: id()?, text },
        (KIND_GONE, Some(_), None) if text.is_empty() => Body::Gone { id: id()? },
        (KIND_ERASED, _, Some(of)) if 0 < of && of < seq => Body::Erased { of },
        // A version that knew more kinds would have a higher number.
        _ => return Err(Trouble::Damaged),
    };
    Ok(Entry {
        seq,
        at: time(row.get(1)?)?,
        author: Author {
            id: author,
            name: owned(3)?,
        },
        body,
    })
}

/// The time that is so many microseconds after 1970.
fn time(microseconds: i64) -> Result<Timestamp, Trouble> {
    Timestamp::from_microsecond(microseconds).map_err(|_| Trouble::Damaged)
}

fn member(row: &Row<'_>, column: usize) -> Result<MemberId, Trouble> {
    MemberId::new(row.get(column)?).ok_or(Trouble::Damaged)
}

fn text(row: &Row<'_>, column: usize) -> Result<Box<str>, Trouble> {
    Ok(row.get(column)?)
}

/// Reads old entries while the [`Store`](super::Store) writes new ones, on another
/// thread if necessary.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
    /// Held until the last connection is gone.
    file: Arc<StoreFile>,
}

impl Reader {
    pub(super) const fn new(connection: Connection, file: Arc<StoreFile>) -> Self {
        Self { connection, file }
    }

    fn path(&self) -> &Path {
        self.file.path()
    }

    /// The entries from `from_seq` to before `end_seq` in order, at most `limit`. The
    /// last one is the one with which they take `bytes` of memory. If the first of them
    /// are gone, the answer begins with the oldest one that is stored.
    ///
    /// The answer includes everything that was committed before, and nothing stays
    /// locked.
    ///
    /// # Errors
    /// If the file cannot be read or is damaged.
    pub fn entries(
        &mut self,
        from_seq: u64,
        end_seq: u64,
        limit: u64,
        bytes: usize,
    ) -> Result<Vec<Entry<'static>>, ReadError> {
        self.range(from_seq, end_seq, limit, bytes)
            .map_err(|trouble| trouble.reading(self.path()))
    }

    fn range(
        &mut self,
        from_seq: u64,
        end_seq: u64,
        limit: u64,
        bytes: usize,
    ) -> Result<Vec<Entry<'static>>, Trouble> {
        // One transaction for both queries, or a message deleted in between would look
        // like a hole.
        let view = self.connection.transaction()?;
        let from_seq = oldest_seq(&view)?.max(from_seq);
        // No `seq` is larger, and SQLite cannot count further.
        let end_seq = end_seq.min(i64::MAX as u64);
        let limit = limit.min(end_seq.saturating_sub(from_seq));
        let mut entries: Vec<Entry<'static>> = Vec::new();
        let mut weight = 0;
        let mut statement = view.prepare_cached(RANGE)?;
        let mut rows = statement.query([from_seq.min(end_seq), end_seq, limit])?;
        while weight < bytes
            && let Some(row) = rows.next()?
        {
            let entry = entry(row)?;
            if entry.seq != from_seq + entries.len() as u64 {
                return Err(Trouble::Damaged);
            }
            weight += entry.weight();
            entries.push(entry);
        }
        Ok(entries)
    }

    /// The `seq` of the oldest stored entry, or of the next one if none is stored.
    ///
    /// # Errors
    /// If the file cannot be read or is damaged.
    pub fn oldest_seq(&mut self) -> Result<u64, ReadError> {
        oldest_seq(&self.connection).map_err(|trouble| trouble.reading(self.path()))
    }
}

fn oldest_seq(connection: &Connection) -> Result<u64, Trouble> {
    let mut statement = connection.prepare_cached("SELECT oldest_seq FROM room")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}
