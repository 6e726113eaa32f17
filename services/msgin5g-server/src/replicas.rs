//! Which servers run on the same store.
//!
//! Each running server says so every second, in a record that ends soon. A registration whose server has fallen
//! silent counts as absent, and its messages wait.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use data_encoding::HEXLOWER;
use store::{Class, Error, Names, Store};

use crate::records::ServerRecord;

/// This running server and the others.
pub(crate) struct Replicas {
    store: Store,
    /// Names this running server, so that sessions of other ones are not mistaken for its own.
    instance: [u8; 16],
    /// Names of those that were heard of lately.
    alive: Mutex<HashSet<String>>,
}

impl Replicas {
    pub(crate) fn new(store: Store, instance: [u8; 16]) -> Self {
        Self {
            store,
            instance,
            alive: Mutex::default(),
        }
    }

    pub(crate) const fn instance(&self) -> [u8; 16] {
        self.instance
    }

    /// Says that this server runs, and hears which others do.
    pub(crate) async fn beat(&self) -> Result<(), Error> {
        let mut transaction = self
            .store
            .transaction(&self.store.tag(SERVERS)?, Class::Ephemeral);
        transaction
            .put_named(&HEXLOWER.encode(&self.instance), &ServerRecord {})
            .expires_in(LIFETIME);
        self.store.commit(transaction).await?;
        self.listen().await
    }

    /// Whether another server runs. One that was not heard of lately is asked for.
    pub(crate) async fn is_alive(&self, instance: &[u8]) -> Result<bool, Error> {
        let name = HEXLOWER.encode(instance);
        if self.alive().contains(&name) {
            return Ok(true);
        }
        self.listen().await?;
        Ok(self.alive().contains(&name))
    }

    /// Says that this server ends.
    pub(crate) async fn leave(&self) -> Result<(), Error> {
        let mut transaction = self
            .store
            .transaction(&self.store.tag(SERVERS)?, Class::Ephemeral);
        transaction.delete_named::<ServerRecord>(&HEXLOWER.encode(&self.instance));
        self.store.commit(transaction).await.map(drop)
    }

    async fn listen(&self) -> Result<(), Error> {
        let tag = self.store.tag(SERVERS)?;
        let store = self.store.relaxed();
        let all = Names::all();
        let found = store.list::<ServerRecord>(&tag, &all, store::MAX_ROWS);
        let found = found.await?;
        *self.alive() = found.into_iter().map(|(name, _)| name).collect();
        Ok(())
    }

    fn alive(&self) -> MutexGuard<'_, HashSet<String>> {
        self.alive.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The tag of all servers; no UE Service ID is without a domain.
const SERVERS: &str = "servers";

/// Between two beats.
pub(crate) const BEAT: Duration = Duration::from_secs(1);

/// How long after its last beat a server counts as running.
const LIFETIME: Duration = Duration::from_secs(3);
