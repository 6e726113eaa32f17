//! Messages on their way, in the store.

use std::time::Duration;

use aws_lc_rs::digest;
use cause::Cause;
use data_encoding::HEXLOWER;
use identifiers::UeServiceId;
use msgin5g::values::MessageId;
use store::{Class, Error, Kind, Names, Record as _, Shape, Store, Tag, Watch};

use crate::error::RequestError;
use crate::records::{AcceptedRecord, QueuedRecord};

/// Queues by recipient.
pub(crate) struct Queue {
    store: Store,
    limit: usize,
}

/// Under which name something is accepted once.
pub(crate) struct OnceName(String);

impl OnceName {
    /// Of a message, or of one segment of it.
    pub(crate) fn message(originator: &UeServiceId, id: &MessageId, segment: Option<u16>) -> Self {
        let whole = Self::prefix("msg", originator.as_str(), id);
        Self(format!("{whole}{:04}", segment.unwrap_or_default()))
    }

    /// Of a report.
    pub(crate) fn report(originator: &str, id: &MessageId) -> Self {
        Self(Self::prefix("imdn", originator, id))
    }

    // The message id is free text; in hexadecimal digits it cannot be mistaken for another part of the name.
    fn prefix(kind: &str, originator: &str, id: &MessageId) -> String {
        let id = HEXLOWER.encode(id.as_str().as_bytes());
        format!("{kind} {originator} {id} ")
    }
}

/// Whether something was accepted now or before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Now, under this name in the queue.
    New(String),
    /// Before; `stored` is what its sender was told.
    Before {
        /// It was said to be stored.
        stored: bool,
    },
}

/// What is to be accepted.
pub(crate) struct Acceptance {
    pub(crate) name: OnceName,
    pub(crate) queued: QueuedRecord,
    pub(crate) stored: bool,
    pub(crate) report_wanted: bool,
    pub(crate) now: u64,
}

impl Queue {
    pub(crate) const fn new(store: Store, limit: usize) -> Self {
        Self { store, limit }
    }

    /// Puts something into a queue, durably and once.
    ///
    /// # Errors
    /// [`Cause::Conflict`] if the name was used for another body; [`Cause::QuotaExceeded`] if too much waits for the
    /// recipient; the store's.
    pub(crate) async fn put(
        &self,
        recipient: &UeServiceId,
        acceptance: &Acceptance,
    ) -> Result<Taken, RequestError> {
        let tag = self.tag(recipient)?;
        let OnceName(name) = &acceptance.name;
        let fingerprint = digest::digest(&digest::SHA256, &acceptance.queued.body);
        let accepted = AcceptedRecord {
            fingerprint: fingerprint.as_ref().to_vec(),
            stored: acceptance.stored,
            report_wanted: acceptance.report_wanted,
        };
        let keep = acceptance.queued.keep_until.saturating_sub(acceptance.now);
        loop {
            if let Some(before) = self.store.read_named::<AcceptedRecord>(&tag, name).await? {
                if before.record.fingerprint != accepted.fingerprint {
                    return Err(RequestError::Refused(Cause::Conflict));
                }
                // What is told again has to be as safe as what was told first.
                self.store.settle().await?;
                let stored = before.record.stored;
                return Ok(Taken::Before { stored });
            }
            if self.count(recipient).await? >= self.limit {
                return Err(RequestError::Refused(Cause::QuotaExceeded));
            }
            let mut transaction = self.store.transaction(&tag, Class::Record);
            transaction
                .put_named(name, &accepted)
                .if_absent()
                .expires_in(Duration::from_secs(keep) + MEMORY);
            let place = transaction.append(
                &acceptance.queued,
                Some(Duration::from_secs(keep) + OVERTIME),
            );
            match self.store.commit(transaction).await {
                Ok(committed) => return Ok(Taken::New(committed.appended(place))),
                // Somebody else accepted the same: the next round finds it.
                Err(error) if error.is_conflict() => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Whether a message of this originator to this recipient, for which a report is wanted, was accepted.
    pub(crate) async fn awaits_report(
        &self,
        recipient: &UeServiceId,
        originator: &UeServiceId,
        id: &MessageId,
    ) -> Result<bool, Error> {
        let names = Names::starting_with(OnceName::prefix("msg", originator.as_str(), id));
        let tag = self.tag(recipient)?;
        let parts = self
            .store
            .list::<AcceptedRecord>(&tag, &names, store::MAX_ROWS)
            .await?;
        Ok(parts.iter().any(|(_, part)| part.record.report_wanted))
    }

    /// Some of what waits, oldest first, behind a name.
    pub(crate) async fn page(
        &self,
        recipient: &UeServiceId,
        after: Option<&str>,
    ) -> Result<Vec<(String, QueuedRecord)>, Error> {
        let names = after.map_or_else(Names::all, |after| Names::all().after(after));
        let rows = self
            .store
            .list::<QueuedRecord>(&self.tag(recipient)?, &names, PAGE)
            .await?;
        Ok(rows
            .into_iter()
            .map(|(name, row)| (name, row.record))
            .collect())
    }

    /// Hints at what other servers on the store write.
    pub(crate) async fn watch(&self, kind: Kind) -> Result<Watch, Error> {
        self.store.watch_kind(kind).await
    }

    /// The oldest of what waits that is newer than a name.
    pub(crate) async fn newer(
        &self,
        recipient: &UeServiceId,
        than: Option<&str>,
    ) -> Result<Option<String>, Error> {
        let names = than.map_or_else(Names::all, |name| Names::all().after(name));
        let tag = self.tag(recipient)?;
        let mut rows = self.store.scan(&tag, QueuedRecord::KIND, &names, 1).await?;
        Ok(rows.pop().map(|row| row.name))
    }

    /// How much waits, up to the limit.
    pub(crate) async fn count(&self, recipient: &UeServiceId) -> Result<usize, Error> {
        let tag = self.tag(recipient)?;
        let all = Names::all();
        let rows = self.store.scan(&tag, QueuedRecord::KIND, &all, self.limit);
        rows.await.map(|rows| rows.len())
    }

    /// Removes what was delivered or will never be.
    pub(crate) async fn remove(&self, recipient: &UeServiceId, name: &str) -> Result<(), Error> {
        let mut transaction = self.store.transaction(&self.tag(recipient)?, Class::Record);
        transaction.delete_named::<QueuedRecord>(name);
        self.store.commit(transaction).await.map(drop)
    }

    /// Every recipient for whom something waits.
    pub(crate) async fn recipients(&self) -> Result<Vec<UeServiceId>, Error> {
        let mut recipients = Vec::new();
        let mut from = None;
        loop {
            let page = self
                .store
                .tags(QueuedRecord::KIND, Shape::Named, from.as_ref())
                .await?;
            let names = page.tags.iter().map(|tag| UeServiceId::parse(tag.entity()));
            recipients.extend(names.filter_map(Result::ok));
            from = page.next;
            if from.is_none() {
                return Ok(recipients);
            }
        }
    }

    fn tag(&self, recipient: &UeServiceId) -> Result<Tag, Error> {
        Ok(self.store.tag(recipient.as_str())?)
    }
}

/// How long an acceptance is remembered after the message itself is gone: for repetitions, and for its report.
const MEMORY: Duration = Duration::from_secs(24 * 3600);

/// How long an expired message stays for the report on it to be made.
const OVERTIME: Duration = Duration::from_secs(24 * 3600);

/// Messages read at a time.
const PAGE: usize = 16;
