//! Sentinels: they are asked who the primary is, and everything follows it.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use store::{Class, Database, Error, Hint, OpenError, Record, StoreConfig};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::bench::{Note, eventually, note};
use crate::redis_server::{RedisServer, free_port};

const SOON: Duration = Duration::from_secs(30);
const NAME: &str = "berth";

/// A running Sentinel; killed when dropped.
pub(crate) struct Sentinel {
    child: Child,
    _folder: TempDir,
    pub(crate) port: u16,
}

impl Sentinel {
    /// Watches a primary; `quorum` Sentinels must agree that it is gone.
    pub(crate) fn start(primary: &RedisServer, quorum: usize) -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let settings = format!("port {port}\n");
        Self::start_with(folder, port, primary.port, quorum, &settings)
    }

    fn start_with(folder: TempDir, port: u16, primary: u16, quorum: usize, more: &str) -> Self {
        let text = format!(
            "{more}\nbind 127.0.0.1\ndir {0}\nlogfile {0}/log\n\
             sentinel monitor {NAME} 127.0.0.1 {primary} {quorum}\n\
             sentinel down-after-milliseconds {NAME} 700\n\
             sentinel failover-timeout {NAME} 3000\n",
            folder.path().display()
        );
        let file = folder.path().join("sentinel.conf");
        std::fs::write(&file, text).unwrap();
        let child = Command::new("redis-server")
            .arg(&file)
            .arg("--sentinel")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            child,
            _folder: folder,
            port,
        }
    }

    /// A number among the facts about the primary; `None` until the Sentinel answers.
    async fn fact(&self, name: &str) -> Option<u64> {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}", self.port)).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.ok()?;
        let facts: std::collections::HashMap<String, String> = redis::cmd("SENTINEL")
            .arg("MASTER")
            .arg(NAME)
            .query_async(&mut connection)
            .await
            .ok()?;
        facts.get(name)?.parse().ok()
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// A store of a primary that these Sentinels know, without TLS.
pub(crate) fn config(sentinels: &[Sentinel]) -> StoreConfig {
    StoreConfig {
        laboratory: true,
        url: None,
        primary_name: Some(NAME.to_owned()),
        sentinels: sentinels
            .iter()
            .map(|sentinel| format!("redis://127.0.0.1:{}", sentinel.port))
            .collect(),
        ..StoreConfig::redis("")
    }
}

/// Waits until a Sentinel answers.
pub(crate) async fn answers(sentinel: &Sentinel) {
    eventually(SOON, "the sentinel", || async {
        sentinel.fact("config-epoch").await.is_some()
    })
    .await;
}

/// A primary, two replicas and three Sentinels that know each other.
struct Cluster {
    primary: RedisServer,
    _replicas: [RedisServer; 2],
    sentinels: Vec<Sentinel>,
}

impl Cluster {
    async fn start() -> Self {
        let options = ["--min-replicas-to-write", "1"];
        let primary = RedisServer::start_tcp(&options).await;
        let replicas = [
            primary.start_replica_with(&options).await,
            primary.start_replica_with(&options).await,
        ];
        let sentinels: Vec<_> = (0..3).map(|_| Sentinel::start(&primary, 2)).collect();
        for sentinel in &sentinels {
            eventually(SOON, "the sentinels know all", || async {
                sentinel.fact("num-other-sentinels").await == Some(2)
                    && sentinel.fact("num-slaves").await == Some(2)
            })
            .await;
        }
        Self {
            primary,
            _replicas: replicas,
            sentinels,
        }
    }

    fn config(&self) -> StoreConfig {
        StoreConfig {
            replicas: 1,
            wait_timeout: Duration::from_secs(1),
            ..config(&self.sentinels)
        }
    }
}

/// Writers of records, and the last number that each of them had acknowledged.
struct Writers {
    database: Database,
    acknowledged: Arc<[AtomicU64; WRITERS]>,
    stop: Arc<AtomicBool>,
    running: JoinSet<()>,
}

const WRITERS: usize = 8;

impl Writers {
    fn start(database: &Database) -> Self {
        let acknowledged = Arc::<[AtomicU64; WRITERS]>::default();
        let stop = Arc::<AtomicBool>::default();
        let mut running = JoinSet::new();
        for writer in 0..WRITERS {
            let store = database.for_function("aanf").unwrap();
            let (acknowledged, stop) = (acknowledged.clone(), stop.clone());
            running.spawn(async move {
                let tag = store.tag(&format!("w{writer}")).unwrap();
                let mut number = 0;
                while !stop.load(Ordering::Relaxed) {
                    number += 1;
                    let mut transaction = store.transaction(&tag, Class::Record);
                    transaction.put(&note(number));
                    match store.commit(transaction).await {
                        Ok(_) => acknowledged[writer].store(number, Ordering::Relaxed),
                        Err(Error::Unavailable { .. } | Error::OutcomeUnknown { .. }) => {}
                        Err(other) => panic!("{other:?}"),
                    }
                }
            });
        }
        Self {
            database: database.clone(),
            acknowledged,
            stop,
            running,
        }
    }

    /// Waits until each writer has a number of further writes acknowledged.
    async fn go_on(&self, writes: u64, what: &str) {
        let now = |writer: &AtomicU64| writer.load(Ordering::Relaxed);
        let before: Vec<u64> = self.acknowledged.iter().map(now).collect();
        eventually(SOON, what, || async {
            let all = self.acknowledged.iter().zip(&before);
            all.into_iter()
                .all(|(writer, before)| now(writer) > before + writes)
        })
        .await;
    }

    /// Stops, and looks for what was acknowledged and is not there.
    async fn nothing_is_lost(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.running.join_next().await {
            ended.unwrap();
        }
        let store = self.database.for_function("aanf").unwrap();
        for (writer, acknowledged) in self.acknowledged.iter().enumerate() {
            let tag = store.tag(&format!("w{writer}")).unwrap();
            let read = store.read::<Note>(&tag).await.unwrap().unwrap();
            let acknowledged = acknowledged.load(Ordering::Relaxed);
            assert!(read.record.number >= acknowledged, "writer {writer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_go_on_after_the_primary_is_killed_and_nothing_is_lost() {
    let mut cluster = Cluster::start().await;
    let database = Database::open(&cluster.config()).await.unwrap();
    let mut watch = database
        .for_function("aanf")
        .unwrap()
        .watch_kind(Note::KIND)
        .await
        .unwrap();
    let writers = Writers::start(&database);
    writers.go_on(20, "writes to the first primary").await;
    cluster.primary.kill();
    writers.go_on(20, "writes to the second primary").await;
    // It comes back and takes itself for the primary, until the Sentinels tell it otherwise.
    cluster.primary.restart().await;
    writers.go_on(20, "writes beside the first primary").await;
    let is_new = |hint| matches!(hint, Some(Hint::Changed(_)));
    let told_of_gap = async { while watch.next().await != Some(Hint::Gap) {} };
    timeout(SOON, told_of_gap).await.expect("a gap is told");
    assert!(is_new(timeout(SOON, watch.next()).await.unwrap()));
    writers.nothing_is_lost().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_primary_that_stands_still_is_left_and_not_followed_when_it_wakes() {
    let cluster = Cluster::start().await;
    let database = Database::open(&cluster.config()).await.unwrap();
    let writers = Writers::start(&database);
    writers.go_on(20, "writes to the first primary").await;
    cluster.primary.signal("STOP");
    writers.go_on(20, "writes to the second primary").await;
    cluster.primary.signal("CONT");
    writers.go_on(20, "writes beside the first primary").await;
    writers.nothing_is_lost().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planned_failover_is_followed() {
    let first = RedisServer::start_tcp(&[]).await;
    let second = first.start_replica().await;
    let sentinels = [Sentinel::start(&first, 1)];
    eventually(SOON, "the sentinel knows the replica", || async {
        sentinels[0].fact("num-slaves").await == Some(1)
    })
    .await;
    let database = Database::open(&config(&sentinels)).await.unwrap();
    let store = database.for_function("aanf").unwrap();
    let tag = store.tag("t").unwrap();
    let client = redis::Client::open(format!("redis://127.0.0.1:{}", sentinels[0].port)).unwrap();
    let sentinel = client.get_multiplexed_async_connection().await.unwrap();
    let mut failover = redis::cmd("SENTINEL");
    failover.arg("FAILOVER").arg(NAME);
    eventually(SOON, "the failover begins", || {
        let (failover, mut sentinel) = (failover.clone(), sentinel.clone());
        async move { failover.exec_async(&mut sentinel).await.is_ok() }
    })
    .await;
    eventually(SOON, "a write at the second server", || async {
        let mut transaction = store.transaction(&tag, Class::Session);
        transaction.put(&note(1));
        store.commit(transaction).await.is_ok() && second.ask("ROLE").await.contains("master")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sentinels_with_tls_and_users_of_their_own_are_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    std::fs::write(path("cert"), made.cert.pem()).unwrap();
    std::fs::write(path("key"), made.signing_key.serialize_pem()).unwrap();
    std::fs::write(path("password"), "of-the-server\n").unwrap();
    std::fs::write(path("sentinel-password"), "of-the-sentinel\n").unwrap();
    let (cert, key) = (path("cert"), path("key"));
    let port = free_port();
    let port_text = port.to_string();
    let mut options = vec!["--tls-port", &port_text];
    let tls = [
        ("--tls-cert-file", &cert),
        ("--tls-key-file", &key),
        ("--tls-ca-cert-file", &cert),
    ];
    for (name, value) in tls {
        options.extend([name, value]);
    }
    options.extend(["--tls-auth-clients", "no", "--requirepass", "of-the-server"]);
    let _server = RedisServer::start_with(&options).await;
    let sentinel_port = free_port();
    let settings = format!(
        "port 0\ntls-port {sentinel_port}\ntls-cert-file {cert}\ntls-key-file {key}\n\
         tls-ca-cert-file {cert}\ntls-auth-clients no\ntls-replication yes\n\
         user default off\nuser asker on >of-the-sentinel -@all \
         +sentinel|get-master-addr-by-name +sentinel|master"
    );
    let own = tempfile::tempdir().unwrap();
    let _sentinel = Sentinel::start_with(own, sentinel_port, port, 1, &settings);
    let config = StoreConfig {
        url: None,
        sentinels: vec![format!("localhost:{sentinel_port}")],
        primary_name: Some(NAME.to_owned()),
        sentinel_username: Some("asker".to_owned()),
        sentinel_password_file: Some(path("sentinel-password").into()),
        password_file: Some(path("password").into()),
        ca_file: Some(path("cert").into()),
        ..StoreConfig::redis("")
    };
    eventually(SOON, "the store opens", || async {
        Database::open(&config).await.is_ok()
    })
    .await;

    let refused = async |config: StoreConfig| Database::open(&config).await.unwrap_err();
    let unknown = StoreConfig {
        primary_name: Some("other".to_owned()),
        ..config.clone()
    };
    let refusal = refused(unknown).await;
    assert!(matches!(refusal, OpenError::Config(text) if text.contains("primary_name")));
    let wrong = StoreConfig {
        sentinel_password_file: Some(Path::new(&path("password")).to_owned()),
        ..config
    };
    let refusal = refused(wrong).await;
    assert!(matches!(refusal, OpenError::Refused { hint, .. } if hint.contains("password")));
}
