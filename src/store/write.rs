//! Writing what happened.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::error::{Trouble, WriteError};
use super::schema::CHECKPOINT_PAGES;
use super::{IDS_SAID, Keep, Store, TRIM_STEP};
use crate::room::{MemberId, Record};

const HOURS_A_DAY: i64 = 24;

/// How old messages are, oldest first.
pub(super) const AGES: &str =
    "SELECT seq, at FROM message WHERE seq >= ?1 AND seq < ?2 ORDER BY seq";

impl Store {
    /// Stores all of `batch`, in one transaction: all of it or nothing. What is
    /// over the limits of [`Keep`] by then is let go of in the same transaction,
    /// at most [`TRIM_STEP`] messages and as many as came.
    ///
    /// # Errors
    /// If it is not known to be on disk. Nothing of it may be told then; and since
    /// the system does not say what became of it, the store takes nothing more.
    /// Opened again, it holds the whole batch or nothing of it.
    pub fn write(&mut self, batch: &[Record]) -> Result<(), WriteError> {
        if batch.is_empty() {
            return Ok(());
        }
        self.guard(|store| {
            // Before the batch: if it fails, nothing of it is there.
            store.checkpoint_if_due()?;
            store.write_all(batch)
        })
    }

    /// Lets go of what is over the limits of [`Keep`] at this time, at most
    /// [`TRIM_STEP`] messages. Says whether there is more to do. A room in which
    /// nobody speaks needs this once in a while; [`Store::write`] does the same.
    ///
    /// # Errors
    /// If it cannot be written. The store takes nothing more then.
    pub fn trim(&mut self, now: Timestamp) -> Result<bool, WriteError> {
        self.guard(|store| {
            store.checkpoint_if_due()?;
            store.trim_step(now)
        })
    }

    fn guard<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, Trouble>,
    ) -> Result<T, WriteError> {
        if self.failed {
            return Err(WriteError::FailedBefore(self.place.path().to_owned()));
        }
        work(self).map_err(|trouble| {
            self.failed = true;
            trouble.writing(self.place.path())
        })
    }

    fn checkpoint_if_due(&self) -> Result<(), Trouble> {
        let mut ask = self
            .connection
            .prepare_cached("PRAGMA wal_checkpoint(NOOP)")?;
        let pages: i64 = ask.query_row([], |row| row.get(1))?;
        if pages >= i64::from(CHECKPOINT_PAGES) {
            checkpoint(&self.connection)?;
        }
        Ok(())
    }

    fn write_all(&mut self, batch: &[Record]) -> Result<(), Trouble> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut writer = Writer {
            transaction: &transaction,
            rings: &mut self.rings,
            next_seq: self.next_seq,
            last_member: self.last_member,
        };
        let mut now = None;
        for record in batch {
            writer.write(record)?;
            if let Record::Message { at, .. } = record {
                now = Some(*at);
            }
        }
        let (next_seq, last_member) = (writer.next_seq, writer.last_member);
        if last_member != self.last_member {
            transaction
                .prepare_cached("UPDATE room SET last_member = ?1")?
                .execute([last_member])?;
        }
        let mut oldest_seq = self.oldest_seq;
        if let Some(now) = now {
            let step = TRIM_STEP.max(batch.len() as u64);
            oldest_seq = self
                .keep
                .kept_from(&transaction, oldest_seq, next_seq, step, now)?;
            trim(&transaction, self.oldest_seq, oldest_seq)?;
        }
        transaction.commit()?;
        self.next_seq = next_seq;
        self.last_member = last_member;
        self.oldest_seq = oldest_seq;
        Ok(())
    }

    pub(super) fn trim_step(&mut self, now: Timestamp) -> Result<bool, Trouble> {
        let (oldest, next) = (self.oldest_seq, self.next_seq);
        let to = self
            .keep
            .kept_from(&self.connection, oldest, next, TRIM_STEP, now)?;
        if to != oldest {
            let transaction = self
                .connection
                .transaction_with_behavior(TransactionBehavior::Immediate)?;
            trim(&transaction, oldest, to)?;
            transaction.commit()?;
            self.oldest_seq = to;
        }
        Ok(to - oldest == TRIM_STEP)
    }
}

impl Keep {
    /// The `seq` of the first message to keep, at most `step` after the oldest.
    fn kept_from(
        self,
        connection: &Connection,
        oldest_seq: u64,
        next_seq: u64,
        step: u64,
        now: Timestamp,
    ) -> Result<u64, Trouble> {
        let end = next_seq.min(oldest_seq + step);
        let over = self
            .messages
            .map_or(0, |messages| next_seq.saturating_sub(messages));
        let mut from = oldest_seq.max(over.min(end));
        if let Some(days) = self.days {
            let age = SignedDuration::from_hours(HOURS_A_DAY * i64::from(days));
            // What the calendar cannot hold is long enough.
            let oldest = now.checked_sub(age).unwrap_or(Timestamp::MIN);
            let mut ages = connection.prepare_cached(AGES)?;
            let mut ages = ages.query([from, end])?;
            // Up to the first that is young enough: clocks may be set back.
            while let Some(row) = ages.next()?
                && row.get::<_, i64>(1)? < oldest.as_microsecond()
            {
                from = row.get::<_, u64>(0)? + 1;
            }
        }
        Ok(from)
    }
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
    next_seq: u64,
    last_member: u64,
}

impl Writer<'_> {
    fn write(&mut self, record: &Record) -> Result<(), Trouble> {
        match record {
            Record::Message {
                seq,
                at,
                from,
                name,
                id,
                text,
            } => {
                if *seq != self.next_seq {
                    return Err(Trouble::OutOfOrder);
                }
                self.next_seq += 1;
                self.transaction
                    .prepare_cached(
                        "INSERT INTO message (seq, at, member, name, id, text) \
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    )?
                    .execute((seq, at.as_microsecond(), from.get(), &**name, id, text))?;
                if let Some(id) = id {
                    self.remember(*from, id, *seq)?;
                }
            }
            Record::Entered {
                id,
                name,
                host,
                session,
            } => {
                if id.get() <= self.last_member {
                    return Err(Trouble::OutOfOrder);
                }
                self.last_member = id.get();
                if let Some(key) = session {
                    self.rings.insert(*id, 0);
                    self.transaction
                        .prepare_cached(
                            "INSERT INTO session (member, name, host, key) \
                             VALUES (?1, ?2, ?3, ?4)",
                        )?
                        .execute((id.get(), &**name, host, key.0))?;
                }
            }
            Record::Left { id } => {
                // Who had no session left nothing here.
                if self.rings.remove(id).is_some() {
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
            Record::Closed => {
                self.rings.clear();
                self.transaction
                    .execute_batch("DELETE FROM session; DELETE FROM said")?;
            }
        }
        Ok(())
    }

    /// Stores that this session said this id. It takes the place of the one that
    /// was said [`IDS_SAID`] before.
    fn remember(&mut self, member: MemberId, id: &str, seq: u64) -> Result<(), Trouble> {
        // Without a session nobody comes back to say it again.
        let Some(slot) = self.rings.get_mut(&member) else {
            return Ok(());
        };
        self.transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO said (member, slot, seq, id) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute((member.get(), *slot % IDS_SAID, seq, id))?;
        *slot += 1;
        Ok(())
    }
}

/// Moves what was written into the file itself, as far as it goes while others
/// read.
pub(super) fn checkpoint(connection: &Connection) -> Result<(), Trouble> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
    Ok(())
}
