//! A fresh store for one case.

use std::time::{Duration, Instant};

use crate::redis_server::RedisServer;
use crate::rights::Users;
use crate::sentinel::{self, Sentinel};
use store::{Database, Kind, Record, Store, StoreConfig};

/// A record for the cases.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Note {
    #[prost(uint64, tag = "1")]
    pub(crate) number: u64,
}

impl Record for Note {
    const KIND: Kind = Kind::new("note");
    const SCHEMA: u16 = 3;
}

pub(crate) const fn note(number: u64) -> Note {
    Note { number }
}

/// A kind without a record type.
pub(crate) const COUNT: Kind = Kind::new("count");

/// An opened store and what keeps it alive.
pub(crate) struct Bench {
    pub(crate) database: Database,
    pub(crate) store: Store,
    config: StoreConfig,
    _keep: Option<Box<dyn std::any::Any + Send + Sync>>,
}

impl Bench {
    pub(crate) async fn memory() -> Self {
        Self::open(&StoreConfig::default(), None).await
    }

    pub(crate) async fn file() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = StoreConfig::redb(folder.path().join("deeper/store.redb"));
        Self::open(&config, Some(Box::new(folder))).await
    }

    pub(crate) async fn redis() -> Self {
        let server = RedisServer::start().await;
        let config = StoreConfig::redis(server.url());
        Self::open(&config, Some(Box::new(server))).await
    }

    pub(crate) async fn replicated() -> Self {
        let primary = RedisServer::start_tcp(&["--min-replicas-to-write", "1"]).await;
        let replica = primary.start_replica().await;
        let config = StoreConfig {
            replicas: 1,
            wait_timeout: Duration::from_secs(5),
            ..StoreConfig::redis(primary.url())
        };
        Self::open(&config, Some(Box::new((primary, replica)))).await
    }

    /// As `replicated`, with a Sentinel that is asked for the primary.
    pub(crate) async fn by_sentinel() -> Self {
        let primary = RedisServer::start_tcp(&["--min-replicas-to-write", "1"]).await;
        let replica = primary.start_replica().await;
        let sentinels = [Sentinel::start(&primary, 1)];
        sentinel::answers(&sentinels[0]).await;
        let config = StoreConfig {
            replicas: 1,
            wait_timeout: Duration::from_secs(5),
            ..sentinel::config(&sentinels)
        };
        Self::open(&config, Some(Box::new((primary, replica, sentinels)))).await
    }

    /// A server that knows each function as a user with no more than its rights.
    pub(crate) async fn limited() -> Self {
        let users = Users::of(&["aanf", "aanf-2", "vault"]);
        let server = users.start_server(&[]).await;
        let config = users.config("aanf", &server);
        Self::open(&config, Some(Box::new((server, users)))).await
    }

    /// The part of the same server that another function owns.
    pub(crate) async fn other(&self, function: &str) -> Store {
        let database = match self.config.username {
            None => self.database.clone(),
            Some(_) => {
                let username = Some(function.to_owned());
                let config = StoreConfig {
                    username,
                    ..self.config.clone()
                };
                Database::open(&config).await.unwrap()
            }
        };
        database.for_function(function).unwrap()
    }

    /// A store that the case keeps alive itself.
    pub(crate) async fn on(config: &StoreConfig) -> Self {
        Self::open(config, None).await
    }

    async fn open(
        config: &StoreConfig,
        keep: Option<Box<dyn std::any::Any + Send + Sync>>,
    ) -> Self {
        let database = Database::open(config).await.unwrap();
        let store = database.for_function("aanf").unwrap();
        Self {
            database,
            store,
            config: config.clone(),
            _keep: keep,
        }
    }
}

/// Asks again and again until the answer is yes; fails after `within`.
pub(crate) async fn eventually<F, Asked>(within: Duration, what: &str, mut ask: F)
where
    F: FnMut() -> Asked,
    Asked: Future<Output = bool>,
{
    let start = Instant::now();
    while !ask().await {
        assert!(start.elapsed() < within, "{what}: not within {within:?}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
