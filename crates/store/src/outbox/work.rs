//! Applies the messages of one tag, in order, while no other process does.

use std::sync::Arc;
use std::time::Duration;

use prost::Message;
use tokio::time::sleep;

use super::{Applied, Applier, Drained, Outgoing};
use crate::audit::Known;
use crate::backend::Names;
use crate::error::Error;
use crate::key::{Kind, Tag};
use crate::lease::Lease;
use crate::record::{Record, Stored};
use crate::store::Store;
use crate::transaction::Class;

/// A message in the store.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Row {
    #[prost(string, tag = "1")]
    pub(super) topic: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) payload: Vec<u8>,
    /// Of the procedure that sent it; empty where none was traced.
    #[prost(string, tag = "3")]
    pub(super) traceparent: String,
}

impl Record for Row {
    const KIND: Kind = Kind::new("outbox");
    const SCHEMA: u16 = 1;
}

pub(crate) const KNOWN: Known = Known::of::<Row>();

/// A message that was refused, kept for a person to look at.
#[derive(Clone, PartialEq, Message)]
struct Refused {
    #[prost(string, tag = "1")]
    topic: String,
    #[prost(bytes = "vec", tag = "2")]
    payload: Vec<u8>,
    #[prost(string, tag = "3")]
    reason: String,
}

impl Record for Refused {
    const KIND: Kind = Kind::new("outbox-refused");
    const SCHEMA: u16 = 1;
}

pub(crate) const KNOWN_REFUSED: Known = Known::of::<Refused>();

/// How long a process has a tag to itself before another may take it over. Renewed while it works.
const LEASE: Duration = Duration::from_secs(4);
const LEASE_NAME: &str = "outbox";
/// Messages read at once.
const PAGE: usize = 32;
/// How long a refused message is kept.
const KEEP_REFUSED: Duration = Duration::from_secs(30 * 86_400);

#[derive(Clone)]
pub(super) struct Worker {
    store: Store,
    applier: Arc<dyn Applier>,
}

impl Worker {
    pub(super) fn new(store: Store, applier: Arc<dyn Applier>) -> Self {
        Self { store, applier }
    }

    pub(super) const fn store(&self) -> &Store {
        &self.store
    }

    /// Applies what a tag has to send, unless another process is at it.
    pub(super) async fn work_on(&self, tag: &Tag) -> Result<Drained, Error> {
        if self.messages(tag).await?.is_empty() {
            return Ok(Drained::Empty);
        }
        let Some(lease) = self.store.take_lease(tag, LEASE_NAME, LEASE).await? else {
            return Ok(Drained::Pending);
        };
        match self.work_alone(lease).await {
            // The lease went to another process.
            Err(error) if error.is_conflict() => Ok(Drained::Pending),
            worked => worked,
        }
    }

    async fn work_alone(&self, mut lease: Lease) -> Result<Drained, Error> {
        loop {
            // Read under the lease: another process may have applied what was there before.
            let messages = self.messages(lease.tag()).await?;
            if messages.is_empty() {
                self.store.release_lease(lease).await?;
                return Ok(Drained::Empty);
            }
            let many = messages.len();
            for (n, (name, message)) in messages.into_iter().enumerate() {
                if lease.remaining() < LEASE / 2 && !self.store.renew_lease(&mut lease).await? {
                    return Ok(Drained::Pending);
                }
                let is_last = n + 1 == many && many < PAGE;
                let outgoing = Outgoing {
                    tag: lease.tag().clone(),
                    topic: message.record.topic,
                    payload: message.record.payload,
                    traceparent: message.record.traceparent,
                    sequence: message.version,
                    token: lease.token(),
                };
                let refused = match self.apply(&outgoing, &mut lease).await {
                    Applied::Done => None,
                    Applied::Refused(reason) => Some(Refused {
                        topic: outgoing.topic,
                        payload: outgoing.payload,
                        reason,
                    }),
                    Applied::Retry => {
                        self.store.release_lease(lease).await?;
                        return Ok(Drained::Pending);
                    }
                };
                self.take_out(&lease, &name, refused, is_last).await?;
                if is_last {
                    // What was sent meanwhile wakes the outbox itself.
                    return Ok(Drained::Empty);
                }
            }
        }
    }

    /// Applies a message, and keeps the lease meanwhile. If it is lost all the same, taking the message out fails.
    async fn apply(&self, outgoing: &Outgoing, lease: &mut Lease) -> Applied {
        let mut applying = self.applier.apply(outgoing);
        loop {
            tokio::select! {
                applied = &mut applying => return applied,
                () = sleep(LEASE / 4) => {
                    if let Err(error) = self.store.renew_lease(lease).await {
                        tracing::debug!(error = %error, "outbox cannot renew its lease");
                    }
                }
            }
        }
    }

    async fn messages(&self, tag: &Tag) -> Result<Vec<(String, Stored<Row>)>, Error> {
        self.store.list(tag, &Names::all(), PAGE).await
    }

    /// Takes a message out while the lease is held, puts it aside if it was refused, and gives the lease up
    /// with the last one.
    async fn take_out(
        &self,
        lease: &Lease,
        name: &str,
        refused: Option<Refused>,
        is_last: bool,
    ) -> Result<(), Error> {
        let mut transaction = self.store.transaction(lease.tag(), Class::Session);
        transaction.delete_named::<Row>(name);
        if let Some(refused) = refused {
            tracing::warn!(
                topic = refused.topic,
                reason = refused.reason,
                "outbox message was refused"
            );
            transaction.append(&refused, Some(KEEP_REFUSED));
        }
        if is_last {
            lease.release_with(&mut transaction);
        } else {
            lease.guard(&mut transaction);
        }
        self.store.commit(transaction).await.map(drop)
    }
}
