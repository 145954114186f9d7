//! Writes records to the store.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::Store;
use super::schema::{BUSY_WAIT, CHECKPOINT_PAGES, KIND_ERASED, KIND_GONE, KIND_TEXT};
use super::trouble::Trouble;
use crate::clock::LATEST;
use crate::room::{Ban, Body, Entry, MemberId, Network, Record, RoomKey};
use crate::store::WriteError;
use crate::store::age::{DAY, Saved, SeenTime};
use crate::store::{Keep, RECENT_IDS, Reading, SIZE_LEAVES, TRIM_STEP};

/// The seen times of messages, oldest first.
pub(super) const AGES: &str =
    "SELECT seq, stored, at FROM message WHERE seq >= ?1 AND seq < ?2 ORDER BY seq";

/// The sizes of messages in bytes, oldest first.
pub(super) const SIZES: &str = "SELECT seq, octet_length(text) + octet_length(name) + \
     coalesce(octet_length(id), 0) FROM message WHERE seq >= ?1 AND seq < ?2 ORDER BY seq";

/// The least that a message takes in the file besides its texts, in bytes.
const ROW_BYTES: u64 = 24;

/// While messages come, the store writes the seen time with them if it has advanced by
/// this much, in microseconds.
const SAVE_EVERY: i64 = 60 * 1_000_000;

/// While no messages come, the store writes the seen time by itself after this much, in
/// microseconds.
const SAVE_IDLE: i64 = 60 * SAVE_EVERY;

impl Store {
    /// Stores all of `batch` in one transaction: all of it or nothing. The same
    /// transaction deletes messages over the limits of [`Keep`], at most [`TRIM_STEP`]
    /// messages and as many as came.
    ///
    /// # Errors
    /// If the batch is not known to be on disk. The server must not report anything of it
    /// then. Since the system does not say what became of the batch, the store accepts
    /// nothing more. When it is opened again, it has the whole batch or nothing of it.
    /// Only after an [obstacle](WriteError::obstacle) nothing of the batch was written,
    /// and the same batch can be tried again.
    pub fn write(&mut self, batch: &[Record]) -> Result<(), WriteError> {
        if batch.is_empty() {
            return Ok(());
        }
        self.guard(|store| {
            // Before the batch: if this fails, nothing of the batch is on disk.
            store.checkpoint_if_due()?;
            store.write_all(batch)?;
            if batch.iter().any(erases) {
                store.to_scrub = true;
                store.scrub()?;
            }
            Ok(())
        })
    }

    /// Deletes messages that are over the limits of [`Keep`] at this time, at most
    /// [`TRIM_STEP`] messages. Returns whether there is more to do. A room in which
    /// nobody writes needs this once in a while; [`Store::write`] does the same.
    ///
    /// # Errors
    /// As those of [`Store::write`].
    pub fn trim(&mut self, now: Reading) -> Result<bool, WriteError> {
        self.look(now);
        self.guard(|store| {
            store.checkpoint_if_due()?;
            store.scrub()?;
            let more = store.trim_step()?;
            if store.is_unsaved(SAVE_IDLE) {
                match store.save_seen_time() {
                    Err(trouble) if trouble.is_passing() => {}
                    result => result?,
                }
            }
            Ok(more)
        })
    }

    /// Whether the seen time has advanced by this much since the store wrote it, or the
    /// state of the clock's doubt has changed.
    fn is_unsaved(&self, by: i64) -> bool {
        let now = self.seen.saved();
        self.seen_saved.is_none_or(|saved| {
            let doubt = |saved: Saved| saved.doubt.map_or(-SAVE_EVERY, |it| it / SAVE_IDLE);
            now.time.saturating_sub(saved.time) >= by || doubt(now) != doubt(saved)
        })
    }

    /// Stores the seen time by itself.
    pub(super) fn save_seen_time(&mut self) -> Result<(), Trouble> {
        let seen = self.seen.saved();
        save(&self.connection, seen)?;
        self.seen_saved = Some(seen);
        Ok(())
    }

    fn guard<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, Trouble>,
    ) -> Result<T, WriteError> {
        if self.failed {
            return Err(WriteError::FailedBefore(self.file.path().to_owned()));
        }
        work(self).map_err(|trouble| {
            self.failed |= !trouble.is_passing();
            trouble.writing(self.file.path())
        })
    }

    fn checkpoint_if_due(&self) -> Result<(), Trouble> {
        let mut ask = self
            .connection
            .prepare_cached("PRAGMA wal_checkpoint(NOOP)")?;
        let pages: i64 = ask.query_row([], |row| row.get(1))?;
        if pages >= i64::from(CHECKPOINT_PAGES) {
            match checkpoint(&self.connection) {
                // Nothing is lost: the pages stay where they are until the next time.
                Err(trouble) if trouble.is_passing() => {}
                result => result?,
            }
        }
        Ok(())
    }

    /// Empties the write-ahead log, if erased texts or replaced keys may be in it. While someone reads, this
    /// is put off until the next [trim](Self::trim).
    fn scrub(&mut self) -> Result<(), Trouble> {
        if self.to_scrub {
            // It must not keep anyone waiting.
            self.connection.busy_timeout(Duration::ZERO)?;
            let emptied = empty_log(&self.connection);
            self.connection.busy_timeout(BUSY_WAIT)?;
            match emptied {
                Err(trouble) if trouble.is_passing() => {}
                result => self.to_scrub = !result?,
            }
        }
        Ok(())
    }

    /// Deletes the mutes and bans whose end has passed.
    pub(super) fn drop_ended(&self) -> Result<(), Trouble> {
        let now = self.seen.seconds();
        self.connection
            .execute("DELETE FROM ban WHERE ends <= ?1", [now])?;
        self.connection.execute(
            "UPDATE session SET muted = NULL, muted_ends = NULL WHERE muted_ends <= ?1",
            [now],
        )?;
        Ok(())
    }

    fn write_all(&mut self, batch: &[Record]) -> Result<(), Trouble> {
        let mut undo = Vec::new();
        let result = self.try_to_write(batch, &mut undo);
        if result.is_err() {
            for (member, slot) in undo.into_iter().rev() {
                match slot {
                    Some(slot) => self.rings.insert(member, slot),
                    None => self.rings.remove(&member),
                };
            }
        }
        result
    }

    /// Writes a batch. `undo` gets the rings of ids as they were before each change.
    fn try_to_write(
        &mut self,
        batch: &[Record],
        undo: &mut Vec<(MemberId, Option<u64>)>,
    ) -> Result<(), Trouble> {
        let save_seen = self.is_unsaved(SAVE_EVERY).then(|| self.seen.saved());
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut writer = Writer {
            transaction: &transaction,
            rings: &mut self.rings,
            undo,
            seen: &self.seen,
            next_seq: self.next_seq,
            last_member: self.last_member,
        };
        for record in batch {
            writer.write(record)?;
        }
        let (next_seq, last_member) = (writer.next_seq, writer.last_member);
        if last_member != self.last_member {
            transaction
                .prepare_cached("UPDATE room SET last_member = ?1")?
                .execute([last_member])?;
        }
        if let Some(seen) = save_seen {
            save(&transaction, seen)?;
        }
        let mut oldest_seq = self.oldest_seq;
        if next_seq != self.next_seq {
            let step = TRIM_STEP.max(batch.len() as u64);
            oldest_seq =
                self.keep
                    .kept_from(&transaction, oldest_seq, next_seq, step, &self.seen)?;
            trim(&transaction, self.oldest_seq, oldest_seq)?;
        }
        transaction.commit()?;
        self.next_seq = next_seq;
        self.last_member = last_member;
        self.oldest_seq = oldest_seq;
        if let Some(seen) = save_seen {
            self.seen_saved = Some(seen);
        }
        Ok(())
    }

    pub(super) fn trim_step(&mut self) -> Result<bool, Trouble> {
        let (oldest, next) = (self.oldest_seq, self.next_seq);
        let to = self
            .keep
            .kept_from(&self.connection, oldest, next, TRIM_STEP, &self.seen)?;
        if to != oldest {
            let seen = self.seen.saved();
            let transaction = self
                .connection
                .transaction_with_behavior(TransactionBehavior::Immediate)?;
            trim(&transaction, oldest, to)?;
            save(&transaction, seen)?;
            transaction.commit()?;
            self.oldest_seq = to;
            self.seen_saved = Some(seen);
        }
        Ok(to - oldest == TRIM_STEP)
    }
}

impl Keep {
    /// How long messages are kept, in microseconds.
    pub(super) fn micros(self) -> Option<i64> {
        self.days.map(|days| DAY.saturating_mul(i64::from(days)))
    }

    /// The `seq` of the first message to keep, at most `step` after the oldest.
    fn kept_from(
        self,
        connection: &Connection,
        oldest_seq: u64,
        next_seq: u64,
        step: u64,
        seen: &SeenTime,
    ) -> Result<u64, Trouble> {
        let end = next_seq.min(oldest_seq + step);
        let over = self
            .messages
            .map_or(0, |messages| next_seq.saturating_sub(messages));
        let mut from = oldest_seq.max(over.min(end));
        if let Some(kept) = self.micros() {
            let oldest = seen.seconds().saturating_sub(kept / 1_000_000);
            let mut ages = connection.prepare_cached(AGES)?;
            let mut ages = ages.query([from, end])?;
            // The store wrote them in this order.
            while let Some(row) = ages.next()?
                && seen.stored(row.get(1)?, row.get(2)?) < oldest
            {
                from = row.get::<_, u64>(0)? + 1;
            }
        }
        if let Some(bytes) = self.bytes {
            let mut excess = used(connection)?.saturating_sub(bytes);
            let end = end.min(next_seq.saturating_sub(SIZE_LEAVES));
            let mut sizes = connection.prepare_cached(SIZES)?;
            let mut sizes = sizes.query([oldest_seq.min(end), end])?;
            // Messages that are over another limit make room as well.
            while excess > 0
                && let Some(row) = sizes.next()?
            {
                excess = excess.saturating_sub(row.get::<_, u64>(1)? + ROW_BYTES);
                from = from.max(row.get::<_, u64>(0)? + 1);
            }
        }
        Ok(from)
    }
}

/// The bytes of the file that are in use.
fn used(connection: &Connection) -> Result<u64, Trouble> {
    let ask = |pragma| -> Result<u64, Trouble> {
        Ok(connection
            .prepare_cached(pragma)?
            .query_row([], |row| row.get(0))?)
    };
    let pages = ask("PRAGMA page_count")?.saturating_sub(ask("PRAGMA freelist_count")?);
    Ok(pages.saturating_mul(ask("PRAGMA page_size")?))
}

/// Stores the seen time.
fn save(connection: &Connection, seen: Saved) -> Result<(), Trouble> {
    connection
        .prepare_cached("UPDATE room SET time = ?1, clock = ?2, doubt = ?3, began = ?4")?
        .execute((seen.time, seen.clock, seen.doubt, seen.began))?;
    Ok(())
}

fn trim(transaction: &Transaction<'_>, oldest_seq: u64, to: u64) -> Result<(), Trouble> {
    if to != oldest_seq {
        transaction
            .prepare_cached("DELETE FROM message WHERE seq < ?1")?
            .execute([to])?;
        transaction
            .prepare_cached("UPDATE room SET oldest_seq = ?1")?
            .execute([to])?;
    }
    Ok(())
}

/// One transaction.
struct Writer<'a> {
    transaction: &'a Transaction<'a>,
    rings: &'a mut HashMap<MemberId, u64>,
    /// The rings before each change, in order.
    undo: &'a mut Vec<(MemberId, Option<u64>)>,
    seen: &'a SeenTime,
    next_seq: u64,
    last_member: u64,
}

impl Writer<'_> {
    fn write(&mut self, record: &Record) -> Result<(), Trouble> {
        match record {
            Record::Entry(entry) => self.write_entry(entry)?,
            Record::Entered {
                id,
                name,
                host,
                token,
            } => {
                if id.get() <= self.last_member {
                    return Err(Trouble::OutOfOrder);
                }
                self.last_member = id.get();
                if let Some(token) = token {
                    self.undo.push((*id, self.rings.insert(*id, 0)));
                    self.transaction
                        .prepare_cached(
                            "INSERT INTO session (member, name, host, key) \
                             VALUES (?1, ?2, ?3, ?4)",
                        )?
                        .execute((id.get(), &**name, host, token.0))?;
                }
            }
            Record::Left { id } => {
                // A member without a session has no row.
                if let Some(slot) = self.rings.remove(id) {
                    self.undo.push((*id, Some(slot)));
                    for table in [
                        "DELETE FROM session WHERE member = ?1",
                        "DELETE FROM said WHERE member = ?1",
                    ] {
                        self.transaction
                            .prepare_cached(table)?
                            .execute([id.get()])?;
                    }
                }
            }
            Record::Keys(keys) => {
                let secret = |key: &Option<RoomKey>| key.as_ref().map(|it| it.secret().to_owned());
                self.transaction
                    .prepare_cached("UPDATE room SET key = ?1, host_key = ?2")?
                    .execute((secret(&keys.key), secret(&keys.host_key)))?;
            }
            Record::Slow { every } => {
                let every = i64::try_from(every.as_micros()).unwrap_or(i64::MAX);
                self.transaction
                    .prepare_cached("UPDATE room SET slow = ?1")?
                    .execute([every])?;
            }
            Record::Host { from, to } => {
                // A member without a session has no row.
                let mut set = self
                    .transaction
                    .prepare_cached("UPDATE session SET host = ?2 WHERE member = ?1")?;
                if let Some(from) = from {
                    set.execute((from.get(), false))?;
                }
                set.execute((to.get(), true))?;
            }
            Record::Muted { id, until } => {
                self.transaction
                    .prepare_cached(
                        "UPDATE session SET muted = ?2, muted_ends = ?3 WHERE member = ?1",
                    )?
                    .execute((
                        id.get(),
                        until.map(microseconds),
                        until.map(|until| self.ends(until)),
                    ))?;
            }
            Record::Banned(ban) => self.write_ban(ban)?,
            Record::Unbanned(ban) => self.delete_ban(ban)?,
            Record::Closed => {
                let all = self.rings.drain();
                self.undo.extend(all.map(|(id, slot)| (id, Some(slot))));
                self.transaction
                    .execute_batch("DELETE FROM session; DELETE FROM said")?;
            }
        }
        Ok(())
    }

    fn write_entry(&mut self, entry: &Entry<'_>) -> Result<(), Trouble> {
        let (seq, author) = (entry.seq, &entry.author);
        if seq != self.next_seq {
            return Err(Trouble::OutOfOrder);
        }
        let (kind, erases) = match (&entry.body, author.id) {
            (Body::Text { .. }, Some(_)) => (KIND_TEXT, None),
            (Body::Gone { .. }, Some(_)) => (KIND_GONE, None),
            (Body::Erased { of }, _) if *of < seq => (KIND_ERASED, Some(*of)),
            _ => return Err(Trouble::OutOfOrder),
        };
        self.next_seq += 1;
        let (id, text) = (entry.message_id(), entry.text().unwrap_or_default());
        self.transaction
            .prepare_cached(
                "INSERT INTO message (seq, at, member, name, id, text, stored, kind, erases) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute((
                seq,
                microseconds(entry.at),
                author.id.map_or(0, MemberId::get),
                &author.name,
                id,
                text,
                self.seen.seconds(),
                kind,
                erases,
            ))?;
        if let Some(of) = erases {
            self.transaction
                .prepare_cached(
                    "UPDATE message SET text = '', kind = ?2 WHERE seq = ?1 AND kind = ?3",
                )?
                .execute((of, KIND_GONE, KIND_TEXT))?;
        }
        match (id, author.id) {
            (Some(id), Some(author)) => self.remember(author, id, seq),
            _ => Ok(()),
        }
    }

    /// The seen time at that time of day, in seconds.
    fn ends(&self, until: Timestamp) -> i64 {
        let left = self.seen.seconds_until(until);
        self.seen.seconds().saturating_add(left)
    }

    fn write_ban(&self, ban: &Ban) -> Result<(), Trouble> {
        self.transaction
            .prepare_cached(
                "INSERT INTO ban (address, prefix, token, name, until, ends) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute((
                ban.network.map(|it| it.address().to_string()),
                ban.network.map(Network::prefix),
                ban.token.map(|it| it.0),
                ban.name.as_deref(),
                microseconds(ban.until.1),
                self.ends(ban.until.1),
            ))?;
        Ok(())
    }

    fn delete_ban(&self, ban: &Ban) -> Result<(), Trouble> {
        self.transaction
            .prepare_cached("DELETE FROM ban WHERE address IS ?1 AND prefix IS ?2 AND token IS ?3")?
            .execute((
                ban.network.map(|it| it.address().to_string()),
                ban.network.map(Network::prefix),
                ban.token.map(|it| it.0),
            ))?;
        Ok(())
    }

    /// Stores this message id for the session. It takes the slot of the id from
    /// [`RECENT_IDS`] messages before.
    fn remember(&mut self, member: MemberId, id: &str, seq: u64) -> Result<(), Trouble> {
        // Without a session nobody can come back and send the message again.
        let Some(slot) = self.rings.get_mut(&member) else {
            return Ok(());
        };
        self.transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO said (member, slot, seq, id) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute((member.get(), *slot % RECENT_IDS, seq, id))?;
        self.undo.push((member, Some(*slot)));
        *slot += 1;
        Ok(())
    }
}

/// The time in microseconds since 1970. One that is rounded up is still a valid time.
fn microseconds(at: Timestamp) -> i64 {
    at.min(LATEST).as_microsecond()
}

/// Whether something secret or erased was stored before this record, and is no longer.
const fn erases(record: &Record) -> bool {
    matches!(
        record,
        Record::Keys(_)
            | Record::Entry(Entry {
                body: Body::Erased { .. },
                ..
            })
    )
}

/// Moves the write-ahead log into the main file, and cuts it to nothing. Returns whether
/// that was possible: while someone reads, it is not.
fn empty_log(connection: &Connection) -> Result<bool, Trouble> {
    let busy: i64 =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    Ok(busy == 0)
}

/// Moves the write-ahead log into the main file, as far as other readers allow.
pub(super) fn checkpoint(connection: &Connection) -> Result<(), Trouble> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
    Ok(())
}
