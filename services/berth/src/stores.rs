//! The databases of a process, each opened once.

mod metrics;

use std::sync::Arc;

use anyhow::{Context as _, Result};
use nf_api::NetworkFunction;
use nf_runtime::metrics::Metrics;
use nf_runtime::procedure::chain;
use nf_runtime::start::{PATIENCE, RETRY};
use store::{Database, Store, StoreConfig, SystemClock};
use tokio::time::{Instant, sleep};

use self::metrics::StoreMetrics;
use crate::config::StoresConfig;

/// The open databases.
pub(crate) struct Stores<'a> {
    config: &'a StoresConfig,
    metrics: StoreMetrics,
    open: Vec<(StoreConfig, Database)>,
}

impl<'a> Stores<'a> {
    /// Called once a process, because it registers its metrics.
    pub(crate) fn new(config: &'a StoresConfig, metrics: &Metrics) -> Self {
        Self {
            config,
            metrics: StoreMetrics::register(metrics),
            open: Vec::new(),
        }
    }

    /// The part of the shared state that a function owns.
    pub(crate) async fn of(&mut self, function: NetworkFunction) -> Result<Store> {
        let (name, config) = store_of(function, self.config);
        let database = match self.open.iter().find(|(opened, _)| opened == config) {
            Some((_, database)) => database.clone(),
            None => {
                let database = self
                    .open(name, config)
                    .await
                    .with_context(|| format!("store of {function}"))?;
                self.open.push((config.clone(), database.clone()));
                database
            }
        };
        Ok(database.for_function(function.name())?)
    }

    async fn open(&self, name: &'static str, config: &StoreConfig) -> Result<Database> {
        let begun = Instant::now();
        loop {
            let observer = Arc::new(self.metrics.of(name));
            let clock = Arc::<SystemClock>::default();
            match Database::open_with(config, observer, clock).await {
                Ok(database) => return Ok(database.named(name)),
                Err(error) if error.may_pass() && begun.elapsed() < PATIENCE => {
                    tracing::warn!(
                        store = name,
                        error = chain(&error),
                        "the store is not there yet"
                    );
                    sleep(RETRY).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The open databases with their settings.
    pub(crate) fn opened(&self) -> impl Iterator<Item = (&StoreConfig, &Database)> {
        self.open
            .iter()
            .map(|(config, database)| (config, database))
    }

    /// The databases, to be closed at the end.
    pub(crate) fn into_databases(self) -> Vec<Database> {
        self.open
            .into_iter()
            .map(|(_, database)| database)
            .collect()
    }
}

/// Where a function keeps its state: the name of the settings, and the settings.
pub(crate) const fn store_of(
    function: NetworkFunction,
    config: &StoresConfig,
) -> (&'static str, &StoreConfig) {
    match function {
        NetworkFunction::Vault => ("vault", &config.vault),
        NetworkFunction::Msgin5gServer => ("messages", &config.messages),
        _ => ("default", &config.default),
    }
}
