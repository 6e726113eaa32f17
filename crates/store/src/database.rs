//! An opened back end, from which each function gets its own [`Store`].

use std::sync::Arc;

use crate::backend::Backend;
use crate::clock::{Clock, SystemClock};
use crate::config::{BackendKind, StoreConfig};
use crate::embedded::Embedded;
use crate::error::Error;
use crate::key::{Function, InvalidKey};
use crate::observe::{Observer, Unobserved};
use crate::open::OpenError;
use crate::server::Server;
use crate::spans::Label;
use crate::store::Store;

/// An opened store. Cheap to clone; functions that run in one process may share it, each in its own keys.
#[derive(Clone)]
pub struct Database {
    backend: Arc<dyn Backend>,
    observer: Arc<dyn Observer>,
    clock: Arc<dyn Clock>,
    label: Label,
}

impl Database {
    /// Opens the store that the configuration names.
    ///
    /// # Errors
    /// [`OpenError`]; its message says what to change.
    pub async fn open(config: &StoreConfig) -> Result<Self, OpenError> {
        let clock = Arc::new(SystemClock::default());
        Self::open_with(config, Arc::new(Unobserved), clock).await
    }

    /// Opens the store with an observer and a clock. The clock decides about lifetimes in the embedded back
    /// end; a Redis server uses its own.
    ///
    /// # Errors
    /// [`OpenError`]; its message says what to change.
    pub async fn open_with(
        config: &StoreConfig,
        observer: Arc<dyn Observer>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let backend: Arc<dyn Backend> = match config.backend {
            BackendKind::Memory => Arc::new(Embedded::in_memory(clock.clone(), observer.clone())?),
            BackendKind::Redb => {
                let path = config
                    .path
                    .as_deref()
                    .ok_or(OpenError::Config("backend redb needs a path"))?;
                Arc::new(Embedded::open(path, clock.clone(), observer.clone())?)
            }
            BackendKind::Redis => Arc::new(Server::open(config, observer.clone()).await?),
        };
        Ok(Self {
            backend,
            observer,
            clock,
            label: Label {
                name: "default",
                system: match config.backend {
                    BackendKind::Memory | BackendKind::Redb => "redb",
                    BackendKind::Redis => "redis",
                },
            },
        })
    }

    /// Opens an empty store in memory, for tests.
    ///
    /// # Errors
    /// [`OpenError`] if the machine has no room for another thread.
    pub async fn memory() -> Result<Self, OpenError> {
        Self::open(&StoreConfig::default()).await
    }

    /// Opens an empty store in memory whose lifetimes a test's clock decides.
    ///
    /// # Errors
    /// [`OpenError`] if the machine has no room for another thread.
    pub async fn memory_with_clock(clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        Self::open_with(&StoreConfig::default(), Arc::new(Unobserved), clock).await
    }

    /// Gives the store the name that traces show. Without it, it is called `default`.
    #[must_use]
    pub fn named(mut self, name: &'static str) -> Self {
        self.label.name = name;
        self
    }

    /// The part of the store that belongs to one function: nothing else can be reached through it.
    ///
    /// # Errors
    /// [`InvalidKey`] if this is no name of a function.
    pub fn for_function(&self, name: &str) -> Result<Store, InvalidKey> {
        Ok(Store::new(
            self.backend.clone(),
            Function::parse(name)?,
            self.observer.clone(),
            self.clock.clone(),
            self.label,
        ))
    }

    /// Answers whether the store works, for a readiness probe. (Liveness must not depend on it.)
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn ping(&self) -> Result<(), Error> {
        self.backend.ping().await
    }

    /// Ends background work and releases the file or the connections. Later calls find the store unavailable.
    pub async fn close(&self) {
        self.backend.close().await;
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Database")
    }
}
