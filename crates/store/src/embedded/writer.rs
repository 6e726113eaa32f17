//! The one thread that writes: it takes all waiting transactions into one durable commit, and sweeps.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use redb::{Database, Durability, ReadableDatabase, ReadableTable, Table};
use tokio::sync::{OwnedSemaphorePermit, broadcast, oneshot};

use super::layout::{EXPIRY, META, META_VERSION, Row, VALUES};
use super::unavailable;
use crate::clock::{Clock, lifetime_ms};
use crate::error::Error;
use crate::key::{Key, Tag};
use crate::observe::{Observation, Observer};
use crate::transaction::{Class, Committed, Operation, Transaction, appended_name};
use crate::value::{COUNTER_MAX, Value, Version, Versioned};
use crate::watch::{Change, Hint};

/// A transaction on its way to the writer.
pub(super) struct Job {
    pub(super) transaction: Transaction,
    pub(super) reply: oneshot::Sender<Result<Committed, Error>>,
    /// Held until the job is done: bounds the queue.
    pub(super) _permit: OwnedSemaphorePermit,
}

pub(super) enum Order {
    Apply(Job),
    Stop,
}

pub(super) struct Writer {
    pub(super) database: Arc<Database>,
    pub(super) orders: Receiver<Order>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) hints: broadcast::Sender<Arc<Hint>>,
    /// The last version that was given to a value.
    pub(super) version: u64,
}

/// Most transactions in one commit.
const BATCH: usize = 512;
/// How often ended lifetimes are looked for. Reads never see them, swept or not.
const SWEEP_EVERY: Duration = Duration::from_millis(500);
/// Most rows that one sweep removes, so that it delays nobody.
const SWEEP_ROWS: usize = 2000;

type Values<'t> = Table<'t, &'static str, &'static [u8]>;
type Expiry<'t> = Table<'t, (u64, &'static str), ()>;

impl Writer {
    pub(super) fn run(mut self) {
        let mut next_sweep = Instant::now() + SWEEP_EVERY;
        let mut flush_owed = false;
        loop {
            let wait = next_sweep.saturating_duration_since(Instant::now());
            match self.orders.recv_timeout(wait) {
                Ok(Order::Apply(job)) => {
                    let (batch, stop) = self.gather(job);
                    flush_owed |= self.apply(batch);
                    if stop {
                        break;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => break,
            }
            if Instant::now() >= next_sweep {
                match self.sweep(flush_owed) {
                    Ok(()) => flush_owed = false,
                    Err(error) => {
                        tracing::warn!(error = %error, "sweep of ended lifetimes failed");
                    }
                }
                next_sweep = Instant::now() + SWEEP_EVERY;
            }
        }
    }

    /// What waits behind the first job, and whether an order to stop was among it.
    fn gather(&self, first: Job) -> (Vec<Job>, bool) {
        let mut batch = vec![first];
        while batch.len() < BATCH {
            match self.orders.try_recv() {
                Ok(Order::Apply(job)) => batch.push(job),
                Ok(Order::Stop) => return (batch, true),
                Err(_) => break,
            }
        }
        (batch, false)
    }

    /// Applies a batch, answers each job, and tells whether the disk is still owed a flush.
    fn apply(&mut self, batch: Vec<Job>) -> bool {
        let started = Instant::now();
        let ephemeral = batch
            .iter()
            .all(|job| job.transaction.class() == Class::Ephemeral);
        let durability = if ephemeral {
            Durability::None
        } else {
            Durability::Immediate
        };
        let results = self.write(&batch, durability);
        let transactions = batch.len();
        match results {
            Ok(results) => {
                for (job, result) in batch.into_iter().zip(results) {
                    if let Ok(applied) = &result {
                        self.hint(&applied.keys);
                    }
                    // A caller that went away does not want the answer.
                    let _gone = job.reply.send(result.map(|applied| applied.committed));
                }
            }
            Err(failed) => {
                for job in batch {
                    let _gone = job.reply.send(Err(failed.for_one()));
                }
            }
        }
        self.observer.observe(Observation::Batch {
            transactions,
            elapsed: started.elapsed(),
        });
        ephemeral
    }

    fn write(
        &mut self,
        batch: &[Job],
        durability: Durability,
    ) -> Result<Vec<Result<Applied, Error>>, BatchFailed> {
        let now_ms = self.clock.unix_ms();
        let mut write = self.database.begin_write().map_err(BatchFailed::before)?;
        write
            .set_durability(durability)
            .map_err(BatchFailed::before)?;
        let mut results = Vec::with_capacity(batch.len());
        {
            let mut rows = Rows {
                values: write.open_table(VALUES).map_err(BatchFailed::before)?,
                expiry: write.open_table(EXPIRY).map_err(BatchFailed::before)?,
                now_ms,
            };
            for job in batch {
                let version = Version::new(self.version + 1);
                let result = rows
                    .apply(&job.transaction, version)
                    .map_err(BatchFailed::before)?;
                if result.is_ok() {
                    self.version = version.get();
                }
                results.push(result);
            }
            let mut meta = write.open_table(META).map_err(BatchFailed::before)?;
            meta.insert(META_VERSION, self.version)
                .map_err(BatchFailed::before)?;
        }
        if results.iter().any(Result::is_ok) {
            write.commit().map_err(BatchFailed::during)?;
        } else {
            write.abort().map_err(BatchFailed::before)?;
        }
        Ok(results)
    }

    fn hint(&self, keys: &[String]) {
        for change in keys.iter().filter_map(|key| Change::of_key(key)) {
            // Nobody may be watching.
            let _unwatched = self.hints.send(Arc::new(Hint::Changed(change)));
        }
    }

    /// Removes rows whose lifetime has ended, and makes everything so far durable if that is owed.
    fn sweep(&self, flush_owed: bool) -> Result<(), Error> {
        let now_ms = self.clock.unix_ms();
        let ended = self.ended(now_ms).map_err(unavailable)?;
        if ended.is_empty() && !flush_owed {
            return Ok(());
        }
        let write = self.database.begin_write().map_err(unavailable)?;
        {
            let mut values = write.open_table(VALUES).map_err(unavailable)?;
            let mut expiry = write.open_table(EXPIRY).map_err(unavailable)?;
            for (at, key) in &ended {
                expiry.remove((*at, key.as_str())).map_err(unavailable)?;
                values.remove(key.as_str()).map_err(unavailable)?;
            }
        }
        write.commit().map_err(unavailable)
    }

    fn ended(&self, now_ms: u64) -> Result<Vec<(u64, String)>, redb::Error> {
        let read = self.database.begin_read()?;
        let expiry = read.open_table(EXPIRY)?;
        let mut ended = Vec::new();
        for entry in expiry.range((0, "")..(now_ms.saturating_add(1), ""))? {
            let (key, ()) = entry.map(|(key, unit)| (key, unit.value()))?;
            let (at, text) = key.value();
            ended.push((at, text.to_owned()));
            if ended.len() == SWEEP_ROWS {
                break;
            }
        }
        Ok(ended)
    }
}

/// A transaction that is part of the batch, and the keys that it changed.
struct Applied {
    committed: Committed,
    keys: Vec<String>,
}

/// The batch as a whole failed.
struct BatchFailed {
    error: Arc<redb::Error>,
    committing: bool,
}

impl BatchFailed {
    fn before(error: impl Into<redb::Error>) -> Self {
        Self {
            error: Arc::new(error.into()),
            committing: false,
        }
    }

    fn during(error: impl Into<redb::Error>) -> Self {
        Self {
            error: Arc::new(error.into()),
            committing: true,
        }
    }

    fn for_one(&self) -> Error {
        let source = Some(self.error.clone().into());
        if self.committing {
            Error::OutcomeUnknown {
                reason: "the disk did not confirm it",
                source,
            }
        } else {
            Error::Unavailable {
                reason: "the database file cannot be written",
                source,
            }
        }
    }
}

/// The tables of one write transaction.
struct Rows<'t> {
    values: Values<'t>,
    expiry: Expiry<'t>,
    now_ms: u64,
}

impl Rows<'_> {
    /// Applies one transaction: everything is checked before anything is written.
    fn apply(
        &mut self,
        transaction: &Transaction,
        version: Version,
    ) -> Result<Result<Applied, Error>, redb::Error> {
        let tag = transaction.tag();
        for condition in transaction.conditions() {
            let found = self.live(&tag.key(condition.field.clone()))?;
            if found.map(|row| row.versioned.version) != condition.version {
                return Ok(Err(Error::Conflict {
                    kind: condition.field.kind().as_str(),
                }));
            }
        }
        let steps = match self.steps(transaction)? {
            Ok(steps) => steps,
            Err(error) => return Ok(Err(error)),
        };
        let counters = steps.iter().map(|step| step.count).collect();
        let keys = self.change(tag, transaction.operations(), &steps, version)?;
        Ok(Ok(Applied {
            committed: Committed { version, counters },
            keys,
        }))
    }

    /// The new counts, if none is exhausted.
    fn steps(&self, transaction: &Transaction) -> Result<Result<Vec<Step>, Error>, redb::Error> {
        let mut steps = Vec::new();
        for operation in transaction.operations() {
            let Operation::Add { field, by, ttl } = operation else {
                continue;
            };
            let kind = field.kind().as_str();
            let (old, expires_ms) = match self.live(&transaction.tag().key(field.clone()))? {
                None => (Some(0), self.end_of(*ttl)),
                Some(row) => (row.versioned.value.as_counter(), row.expires_ms),
            };
            let Some(old) = old else {
                return Ok(Err(Error::Corrupt { kind }));
            };
            match old.checked_add(*by).filter(|count| *count <= COUNTER_MAX) {
                Some(count) => steps.push(Step { count, expires_ms }),
                None => return Ok(Err(Error::CounterExhausted { kind })),
            }
        }
        Ok(Ok(steps))
    }

    fn change(
        &mut self,
        tag: &Tag,
        operations: &[Operation],
        steps: &[Step],
        version: Version,
    ) -> Result<Vec<String>, redb::Error> {
        let mut keys = Vec::with_capacity(operations.len());
        let mut steps = steps.iter();
        let mut appends = 0;
        for operation in operations {
            let key = match operation {
                Operation::Put { field, value, ttl } => {
                    let key = tag.key(field.clone()).text();
                    self.put(&key, version, value.clone(), self.end_of(*ttl))?;
                    key
                }
                Operation::Delete { field } => {
                    let key = tag.key(field.clone()).text();
                    self.remove(&key)?;
                    key
                }
                Operation::Append { kind, value, ttl } => {
                    let name = appended_name(version, appends);
                    appends += 1;
                    let key = format!("{}:{}:{name}", tag.prefix(), kind.as_str());
                    self.put(&key, version, value.clone(), self.end_of(*ttl))?;
                    key
                }
                Operation::Add { field, .. } => {
                    let key = tag.key(field.clone()).text();
                    if let Some(step) = steps.next() {
                        self.put(&key, version, Value::counter(step.count), step.expires_ms)?;
                    }
                    key
                }
            };
            keys.push(key);
        }
        Ok(keys)
    }

    fn live(&self, key: &Key) -> Result<Option<Row>, redb::Error> {
        let found = self.values.get(key.text().as_str())?;
        Ok(found
            .and_then(|row| Row::decode(row.value()))
            .filter(|row| row.is_live(self.now_ms)))
    }

    fn put(
        &mut self,
        key: &str,
        version: Version,
        value: Value,
        expires_ms: u64,
    ) -> Result<(), redb::Error> {
        let row = Row {
            versioned: Versioned { version, value },
            expires_ms,
        };
        let replaced = self
            .values
            .insert(key, row.encode().as_slice())?
            .and_then(|old| Row::decode(old.value()));
        self.forget_expiry(key, replaced)?;
        if expires_ms != 0 {
            self.expiry.insert((expires_ms, key), ())?;
        }
        Ok(())
    }

    fn remove(&mut self, key: &str) -> Result<(), redb::Error> {
        let removed = self
            .values
            .remove(key)?
            .and_then(|old| Row::decode(old.value()));
        self.forget_expiry(key, removed)
    }

    fn forget_expiry(&mut self, key: &str, row: Option<Row>) -> Result<(), redb::Error> {
        if let Some(row) = row.filter(|row| row.expires_ms != 0) {
            self.expiry.remove((row.expires_ms, key))?;
        }
        Ok(())
    }

    fn end_of(&self, ttl: Option<Duration>) -> u64 {
        ttl.map_or(0, |ttl| self.now_ms.saturating_add(lifetime_ms(ttl)))
    }
}

/// The next count of a counter.
struct Step {
    count: u64,
    expires_ms: u64,
}
