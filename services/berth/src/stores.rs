//! The databases of a process, each opened once.

use anyhow::{Context as _, Result};
use nf_api::NetworkFunction;
use store::{Database, Store, StoreConfig};

use crate::config::StoresConfig;

/// The open databases.
pub(crate) struct Stores<'a> {
    config: &'a StoresConfig,
    open: Vec<(StoreConfig, Database)>,
}

impl<'a> Stores<'a> {
    pub(crate) const fn new(config: &'a StoresConfig) -> Self {
        Self {
            config,
            open: Vec::new(),
        }
    }

    /// The part of the shared state that a function owns.
    pub(crate) async fn of(&mut self, function: NetworkFunction) -> Result<Store> {
        let config = match function {
            NetworkFunction::Vault => &self.config.vault,
            NetworkFunction::Msgin5gServer => &self.config.messages,
            _ => &self.config.default,
        };
        let database = match self.open.iter().find(|(opened, _)| opened == config) {
            Some((_, database)) => database.clone(),
            None => {
                let database = Database::open(config)
                    .await
                    .with_context(|| format!("store of {function}"))?;
                self.open.push((config.clone(), database.clone()));
                database
            }
        };
        Ok(database.for_function(function.name())?)
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
