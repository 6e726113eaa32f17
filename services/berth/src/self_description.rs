//! What a process tells operators of its stores.

use std::time::Duration;

use futures::FutureExt as _;
use nf_runtime::about::{About, Finding};
use store::{BackendKind, Database, StoreConfig};
use tokio::time::timeout;

use crate::check::finding::{advice, bad, good};
use crate::config::StoresConfig;

/// How long a store may take to answer.
const ANSWER: Duration = Duration::from_secs(2);

/// Tells how the open stores are.
pub(crate) fn stores<'a>(
    about: &About,
    config: &StoresConfig,
    open: impl Iterator<Item = (&'a StoreConfig, &'a Database)>,
) {
    for (store, database) in open {
        let names = [
            ("vault", &config.vault),
            ("default", &config.default),
            ("messages", &config.messages),
        ];
        let names = names.into_iter().filter(|(_, named)| *named == store);
        let names = names.map(|(name, _)| name).collect::<Vec<_>>().join(", ");
        let (name, settings) = (format!("store {names}"), settings(store));
        let database = database.clone();
        about.look(move || {
            let (name, settings, database) = (name.clone(), settings.clone(), database.clone());
            async move { look(name, settings, &database).await }.boxed()
        });
    }
}

/// What its settings mean.
#[derive(Clone)]
enum Settings {
    Good(String),
    Advice(String),
    Bad(&'static str),
}

async fn look(name: String, settings: Settings, database: &Database) -> Finding {
    match timeout(ANSWER, database.ping()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return bad(name, format!("it does not answer: {error}")),
        Err(_) => return bad(name, format!("it does not answer within {ANSWER:?}")),
    }
    match settings {
        Settings::Good(text) => good(name, text),
        Settings::Advice(text) => advice(name, text),
        Settings::Bad(text) => bad(name, text),
    }
}

/// A server of which the start has demanded its settings has them; what was not demanded is told.
fn settings(config: &StoreConfig) -> Settings {
    match config.backend {
        BackendKind::Memory => {
            return Settings::Bad("it is kept in memory alone: a restart forgets everything");
        }
        BackendKind::Redb => return Settings::Good("a file, fsynced".to_owned()),
        BackendKind::Redis => {}
    }
    if config.laboratory {
        let text = "a laboratory's: append-only file, eviction, TLS and password are not demanded; \
                    set laboratory = false";
        return Settings::Advice(text.to_owned());
    }
    if config.settings_vouched {
        let text = "settings_vouched: append-only file and eviction are not looked at";
        return Settings::Advice(text.to_owned());
    }
    let settings = "appendfsync always, noeviction, TLS or a local socket";
    match config.replicas {
        0 => Settings::Good(format!("{settings}; no replica confirms writes")),
        1 => Settings::Good(format!("{settings}; one replica confirms writes")),
        count => Settings::Good(format!("{settings}; {count} replicas confirm writes")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_store_tells_what_was_not_demanded_of_it() {
        let database = Database::memory().await.unwrap();
        let of = |config: &StoreConfig| settings(config);
        let mut server = StoreConfig {
            backend: BackendKind::Redis,
            replicas: 2,
            ..StoreConfig::default()
        };
        let found = look("store vault".to_owned(), of(&server), &database).await;
        assert!(found.text.contains("2 replicas confirm"), "{}", found.text);
        server.laboratory = true;
        let found = look("store vault".to_owned(), of(&server), &database).await;
        assert!(found.text.contains("laboratory = false"), "{}", found.text);
        database.close().await;
        let found = look("store vault".to_owned(), of(&server), &database).await;
        assert!(found.text.contains("does not answer"), "{}", found.text);
    }
}
