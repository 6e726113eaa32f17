//! What only a server can do wrong: crash, lose its replicas, forget its scripts, be set up badly.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use store::{
    Class, Database, Error, Hint, Idempotency, Observation, Observer, OpenError, Record, Store,
    StoreConfig, SystemClock, Update,
};
use tokio::time::timeout;

use crate::bench::{COUNT, Note, eventually, note};
use crate::outbox;
use crate::redis_server::{RedisServer, free_port};
use crate::sealed::PLAINTEXT;

const SOON: Duration = Duration::from_secs(20);

async fn open(config: &StoreConfig) -> (Database, Store) {
    let database = Database::open(config).await.unwrap();
    let store = database.for_function("aanf").unwrap();
    (database, store)
}

async fn put(store: &Store, entity: &str, number: u64, class: Class) -> Result<(), Error> {
    let tag = store.tag(entity)?;
    let mut transaction = store.transaction(&tag, class);
    transaction.put(&note(number));
    store.commit(transaction).await.map(drop)
}

async fn get(store: &Store, entity: &str) -> Option<u64> {
    let tag = store.tag(entity).unwrap();
    let read = store.read::<Note>(&tag).await.unwrap();
    read.map(|stored| stored.record.number)
}

/// A primary with one replica, and the store that waits for it.
async fn replicated(wait_timeout: Duration) -> (RedisServer, RedisServer, StoreConfig) {
    let primary = RedisServer::start_tcp(&["--min-replicas-to-write", "1"]).await;
    let replica = primary.start_replica().await;
    let config = StoreConfig {
        replicas: 1,
        wait_timeout,
        ..StoreConfig::redis(primary.url())
    };
    (primary, replica, config)
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_writes_survive_a_crash_and_the_connection_recovers() {
    let mut server = RedisServer::start().await;
    let (database, store) = open(&StoreConfig::redis(server.url())).await;
    let mut acknowledged = 0;
    for round in 0..3 {
        let writer = async {
            let mut written = acknowledged;
            while put(&store, &format!("t{written}"), written, Class::Session)
                .await
                .is_ok()
            {
                written += 1;
            }
            written
        };
        let crash = async {
            let reached = acknowledged + 300;
            eventually(SOON, "writes", || async {
                get(&store, &format!("t{reached}")).await.is_some()
            })
            .await;
            server.kill();
        };
        (acknowledged, ()) = tokio::join!(writer, crash);
        server.restart().await;
        eventually(SOON, "the connection", || async {
            database.ping().await.is_ok()
        })
        .await;
        for number in 0..acknowledged {
            let found = get(&store, &format!("t{number}")).await;
            assert_eq!(found, Some(number), "lost in round {round}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_the_outbox_survive_a_crash() {
    let mut server = RedisServer::start().await;
    let (database, store) = open(&StoreConfig::redis(server.url())).await;
    let tag = store.tag("sub_1").unwrap();
    for number in 0..3 {
        outbox::send(&store, &tag, "registration", number).await;
    }
    database.close().await;
    server.kill();
    server.restart().await;
    let (database, _) = open(&StoreConfig::redis(server.url())).await;
    outbox::reopened(&database, &[0, 1, 2]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledged_record_is_on_the_replica() {
    let (_primary, replica, config) = replicated(Duration::from_secs(5)).await;
    let (_database, store) = open(&config).await;
    for number in 0..100 {
        let entity = format!("t{number}");
        put(&store, &entity, number, Class::Record).await.unwrap();
        let found = replica.ask(&format!("EXISTS aanf:{{{entity}}}:note")).await;
        assert_eq!(found, "int(1)");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_the_replica_does_not_confirm_has_an_unknown_outcome() {
    let (_primary, replica, config) = replicated(Duration::from_millis(200)).await;
    let (_database, store) = open(&config).await;
    let tag = store.tag("t").unwrap();
    let request = Idempotency::new("k", b"request").unwrap();
    let work = || async {
        let mut transaction = store.transaction(&tag, Class::Record);
        transaction.add(COUNT, 1, None);
        Ok::<_, Error>((transaction, note(7)))
    };
    eventually(SOON, "the first beat", || async {
        store.recall::<Note>(&tag, &request).await.is_ok()
    })
    .await;
    replica.signal("STOP");
    for _ in 0..2 {
        // Also the stored result is not given out before the replica has it.
        let unknown = store.once(&tag, &request, work).await.unwrap_err();
        assert_eq!(unknown.cause(), cause::Cause::OutcomeUnknown, "{unknown}");
    }
    // A value that may be lost does not need the replica.
    put(&store, "session", 1, Class::Session).await.unwrap();
    replica.signal("CONT");
    eventually(SOON, "the result", || async {
        let result = store.once(&tag, &request, work).await;
        result.is_ok_and(|result| result == note(7))
    })
    .await;
    assert_eq!(store.counter(&tag, COUNT).await.unwrap().count, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_is_answered_only_when_the_replica_has_it() {
    let (_primary, replica, config) = replicated(Duration::from_millis(200)).await;
    let (_database, store) = open(&config).await;
    let tag = store.tag("t").unwrap();
    let once = |class| {
        store.update::<Note, Error>(&tag, class, |read| {
            Ok(if read.is_some() {
                Update::Keep
            } else {
                Update::Put(note(7))
            })
        })
    };
    eventually(SOON, "the first beat", || async {
        store.read::<Note>(&tag).await.is_ok()
    })
    .await;
    replica.signal("STOP");
    for attempt in ["written", "found"] {
        let unknown = once(Class::Record).await.unwrap_err();
        assert_eq!(unknown.cause(), cause::Cause::OutcomeUnknown, "{attempt}");
    }
    assert!(once(Class::Session).await.is_ok());
    replica.signal("CONT");
    eventually(SOON, "the record", || async {
        once(Class::Record).await.is_ok()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_primary_without_its_replicas_answers_no_confirmed_read() {
    let (_primary, replica, config) = replicated(Duration::from_millis(200)).await;
    let (_database, store) = open(&config).await;
    put(&store, "t", 1, Class::Record).await.unwrap();
    assert_eq!(get(&store, "t").await, Some(1));
    replica.signal("STOP");
    let tag = store.tag("t").unwrap();
    let refused = |result: Result<(), Error>| matches!(result, Err(Error::NotConfirmed));
    eventually(Duration::from_secs(5), "refusal of reads", || async {
        refused(store.read::<Note>(&tag).await.map(drop))
    })
    .await;
    let all = Default::default();
    assert!(refused(store.list::<Note>(&tag, &all, 1).await.map(drop)));
    assert_eq!(get(&store.relaxed(), "t").await, Some(1));
    replica.signal("CONT");
    eventually(SOON, "confirmed reads", || async {
        store.read::<Note>(&tag).await.is_ok()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_from_another_server_is_not_confirmed_by_the_beat_of_the_first() {
    let (primary, _replica, config) = replicated(Duration::from_secs(5)).await;
    let (_database, store) = open(&config).await;
    put(&store, "t", 1, Class::Record).await.unwrap();
    assert_eq!(get(&store, "t").await, Some(1));
    // A server that has the data but not the beats, as after a failover that lost some.
    let tag = store.tag("t").unwrap();
    // Commands are split at spaces.
    let script = "return\tredis.call('DEL',redis.call('KEYS','aanf:{#}:beat:*')[1])";
    eventually(SOON, "a read before the next beat", || async {
        primary.ask(&format!("EVAL {script} 0")).await;
        let read = store.read::<Note>(&tag).await;
        matches!(read, Err(Error::NotConfirmed))
    })
    .await;
    eventually(SOON, "the next beat", || async {
        store.read::<Note>(&tag).await.is_ok()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_forgot_its_scripts_gets_them_again() {
    let (primary, _replica, config) = replicated(Duration::from_secs(5)).await;
    let (_database, store) = open(&config).await;
    let tag = store.tag("t").unwrap();
    for number in 0..3 {
        primary.ask("SCRIPT FLUSH SYNC").await;
        put(&store, "t", number, Class::Record).await.unwrap();
        primary.ask("SCRIPT FLUSH SYNC").await;
        put(&store, "t", number, Class::Session).await.unwrap();
        primary.ask("SCRIPT FLUSH SYNC").await;
        store
            .list::<Note>(&tag, &Default::default(), 1)
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_goes_on_after_a_restart_and_tells_of_the_gap() {
    let mut server = RedisServer::start().await;
    let (_database, store) = open(&StoreConfig::redis(server.url())).await;
    let mut watch = store.watch_kind(Note::KIND).await.unwrap();
    server.kill();
    server.restart().await;
    let hint = timeout(SOON, watch.next()).await.unwrap();
    assert_eq!(hint, Some(Hint::Gap));
    eventually(SOON, "a write", || async {
        put(&store, "t", 1, Class::Session).await.is_ok()
    })
    .await;
    let hint = timeout(SOON, watch.next()).await.unwrap();
    assert!(matches!(hint, Some(Hint::Changed(_))));
}

#[derive(Default)]
struct Observed(Mutex<Vec<Observation>>);

impl Observer for Observed {
    fn observe(&self, observation: Observation) {
        self.0.lock().unwrap().push(observation);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_away_is_used_again_at_once_and_without_a_call() {
    let options = ["--min-replicas-to-write", "1"];
    let mut server = RedisServer::start_tcp(&options).await;
    let _replica = server.start_replica().await;
    let observed = Arc::new(Observed::default());
    let config = StoreConfig {
        replicas: 1,
        wait_timeout: Duration::from_secs(5),
        ..StoreConfig::redis(server.url())
    };
    let clock = Arc::new(SystemClock::default());
    let database = Database::open_with(&config, observed.clone(), clock)
        .await
        .unwrap();
    let store = database.for_function("aanf").unwrap();
    put(&store, "t", 1, Class::Record).await.unwrap();
    let told = || {
        let all = observed.0.lock().unwrap();
        let of_connection = |o: &&Observation| matches!(o, Observation::Connected(_));
        all.iter().rfind(of_connection).copied()
    };
    assert_eq!(told(), Some(Observation::Connected(true)));

    server.kill();
    eventually(SOON, "the loss is told without a call", || async {
        told() == Some(Observation::Connected(false))
    })
    .await;
    for class in [Class::Session, Class::Record] {
        let refused = put(&store, "t", 2, class).await.unwrap_err();
        assert!(matches!(refused, Error::Unavailable { .. }), "{refused}");
    }
    let tag = store.tag("t").unwrap();
    let refused = store.read::<Note>(&tag).await.unwrap_err();
    assert_eq!(refused.cause(), cause::Cause::StoreUnavailable);

    server.restart().await;
    eventually(Duration::from_secs(2), "the return is told", || async {
        told() == Some(Observation::Connected(true))
    })
    .await;
    eventually(SOON, "records, once the replica follows again", || async {
        put(&store, "t", 4, Class::Record).await.is_ok()
    })
    .await;
    assert_eq!(get(&store, "t").await, Some(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_still_reads_its_data_is_unavailable() {
    let mut server = RedisServer::start().await;
    let config = StoreConfig::redis(server.url());
    let (_database, store) = open(&config).await;
    for number in 0..200 {
        let entity = format!("t{number}");
        put(&store, &entity, number, Class::Session).await.unwrap();
    }
    server.ask("BGREWRITEAOF").await;
    eventually(SOON, "the data in one file", || async {
        let state = server.ask("INFO persistence").await;
        state.contains("aof_rewrite_in_progress:0") && state.contains("aof_rewrite_scheduled:0")
    })
    .await;
    server.kill();
    // A hundredth of a second for each key.
    let slow = ["--key-load-delay", "10000"];
    let events = ["--loading-process-events-interval-bytes", "1024"];
    server.restart_with(&[slow, events].concat());
    eventually(SOON, "it reads", || async {
        match Database::open(&config).await {
            Err(error @ OpenError::Refused { hint, .. }) => {
                assert!(hint.contains("loading") && error.may_pass(), "{error}");
                true
            }
            Err(error) => {
                assert!(error.may_pass(), "{error}");
                false
            }
            Ok(_) => panic!("it reads too fast"),
        }
    })
    .await;
    let refused = put(&store, "t0", 1000, Class::Session).await.unwrap_err();
    assert!(matches!(refused, Error::Unavailable { .. }), "{refused}");
    let tag = store.tag("t0").unwrap();
    eventually(SOON, "the data", || async {
        match store.read::<Note>(&tag).await {
            Ok(read) => {
                assert_eq!(read.unwrap().record.number, 0);
                true
            }
            Err(error) => {
                assert_eq!(error.cause(), cause::Cause::StoreUnavailable, "{error}");
                false
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_went_back_is_observed() {
    let server = RedisServer::start().await;
    let observed = Arc::new(Observed::default());
    let database = Database::open_with(
        &StoreConfig::redis(server.url()),
        observed.clone(),
        Arc::new(SystemClock::default()),
    )
    .await
    .unwrap();
    let store = database.for_function("aanf").unwrap();
    put(&store, "t", 1, Class::Session).await.unwrap();
    let old = server.ask("DUMP aanf:{t}:note").await;
    assert!(!old.is_empty());
    server.ask("COPY aanf:{t}:note aanf:{t}:saved").await;
    put(&store, "t", 2, Class::Session).await.unwrap();
    assert_eq!(get(&store, "t").await, Some(2));
    let went_back = || {
        observed
            .0
            .lock()
            .unwrap()
            .contains(&Observation::VersionWentBack)
    };
    assert!(!went_back());
    // A failover to a replica that had not received the second write.
    server
        .ask("COPY aanf:{t}:saved aanf:{t}:note REPLACE")
        .await;
    assert_eq!(get(&store, "t").await, Some(1));
    assert!(went_back());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_may_lose_writes_is_refused_outside_the_laboratory() {
    for (name, value, setting) in [
        ("--maxmemory-policy", "allkeys-lru", "maxmemory-policy"),
        ("--appendonly", "no", "appendonly"),
        ("--appendfsync", "everysec", "appendfsync"),
    ] {
        let server = RedisServer::start_with(&[name, value]).await;
        let mut config = StoreConfig::redis(server.url());
        match Database::open(&config).await {
            Err(OpenError::Setting { setting: found, .. }) => assert_eq!(found, setting),
            other => panic!("{other:?}"),
        }
        config.laboratory = true;
        Database::open(&config).await.unwrap();
    }
    let server = RedisServer::start_tcp(&[]).await;
    let mut config = StoreConfig::redis(server.url());
    config.replicas = 1;
    match Database::open(&config).await {
        Err(OpenError::Setting { setting, .. }) => assert_eq!(setting, "min-replicas-to-write"),
        other => panic!("{other:?}"),
    }
    let replica = server.start_replica().await;
    let config = StoreConfig::redis(replica.url());
    match Database::open(&config).await {
        Err(OpenError::Setting { setting, .. }) => assert_eq!(setting, "role"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_without_tls_or_with_a_password_is_refused() {
    let server = RedisServer::start_tcp(&[]).await;
    let refused = |config: StoreConfig| async move {
        match Database::open(&config).await {
            Err(OpenError::Config(text)) => text,
            other => panic!("{other:?}"),
        }
    };
    let mut config = StoreConfig::redis(format!("redis://127.0.0.1:{}", server.port));
    assert!(refused(config.clone()).await.contains("TLS"));
    config.url = Some(format!("rediss://127.0.0.1:{}", server.port));
    assert!(refused(config.clone()).await.contains("password"));
    config.url = Some("redis://user:secret@127.0.0.1".into());
    let text = refused(config.clone()).await;
    assert!(text.contains("password_file") && !text.contains("secret"));
    config.url = Some("http://127.0.0.1".into());
    refused(config.clone()).await;
    config.url = None;
    refused(config.clone()).await;
    config.url = Some(format!("redis://127.0.0.1:{}", server.port));
    config.laboratory = true;
    Database::open(&config).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_tls_and_password_is_used_if_its_certificate_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    let made = || rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, other) = (made(), made());
    let cert = file("cert.pem", &certificate.cert.pem());
    let key = file("key.pem", &certificate.signing_key.serialize_pem());
    let unknown = file("unknown.pem", &other.cert.pem());
    let password = file("password", "secret-of-all\n");
    let port = free_port();
    let (cert_path, key_path) = (cert.to_string_lossy(), key.to_string_lossy());
    let port_text = port.to_string();
    let _server = RedisServer::start_with(&[
        "--tls-port",
        &port_text,
        "--tls-cert-file",
        &cert_path,
        "--tls-key-file",
        &key_path,
        "--tls-ca-cert-file",
        &cert_path,
        "--tls-auth-clients",
        "no",
        "--requirepass",
        "secret-of-all",
    ])
    .await;
    let mut config = StoreConfig {
        password_file: Some(password),
        ca_file: Some(cert),
        ..StoreConfig::redis(format!("rediss://localhost:{port}"))
    };
    let (_database, store) = open(&config).await;
    put(&store, "t", 1, Class::Record).await.unwrap();
    assert_eq!(get(&store, "t").await, Some(1));

    config.ca_file = Some(unknown);
    match Database::open(&config).await {
        Err(OpenError::Unreachable { hint, .. }) => assert!(hint.contains("ca_file"), "{hint}"),
        other => panic!("{other:?}"),
    }
    config.url = Some(format!("redis://localhost:{port}"));
    config.laboratory = true;
    match Database::open(&config).await {
        Err(OpenError::Unreachable { hint, .. }) => assert!(hint.contains("TLS"), "{hint}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_server_is_reported_with_a_hint() {
    let config = StoreConfig {
        laboratory: true,
        ..StoreConfig::redis(format!("redis://127.0.0.1:{}", free_port()))
    };
    match Database::open(&config).await {
        Err(OpenError::Unreachable { hint, .. }) => assert!(hint.contains("listens"), "{hint}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_sealed_lies_in_the_clear_on_the_servers_disk() {
    let server = RedisServer::start().await;
    let bench = crate::bench::Bench::on(&StoreConfig::redis(server.url())).await;
    crate::sealed::a_sealed_value_moved_to_another_record_does_not_open(&bench).await;
    server.ask("BGREWRITEAOF").await;
    let disk = server.disk();
    let holds = |text: &[u8]| disk.windows(text.len()).any(|window| window == text);
    assert!(holds(b"aanf:{crd_1}:count"), "the data is there");
    assert!(!holds(PLAINTEXT));
}
