//! Looking at everything that is stored.

use std::time::Duration;

use store::{Class, Content, Database, Fault, Kind, Known, Record, Store, StoreConfig};

use crate::bench::{Bench, COUNT, Note, note};
use crate::outbox;
use crate::redis_server::RedisServer;

const KNOWN: [Known; 2] = [
    Known {
        kind: Note::KIND,
        schema: Note::SCHEMA,
        content: Content::Record,
    },
    Known {
        kind: COUNT,
        schema: 1,
        content: Content::Counter,
    },
];

/// Values of each shape: notes with and without a name and a lifetime, counters, a claim, a message, leases.
async fn fill(store: &Store) {
    for number in 0..1200 {
        let tag = store.tag(&format!("imsi-00101{number:010}")).unwrap();
        let mut transaction = store.transaction(&tag, Class::Session);
        transaction.put_named("a:b", &note(number));
        if number % 10 == 0 {
            transaction.put(&note(number));
            transaction.add(COUNT, 1, None);
            transaction
                .put_named("c", &note(number))
                .expires_in(Duration::from_secs(600));
        }
        store.commit(transaction).await.unwrap();
    }
    let (claimed, free) = (store.tag("dev_1").unwrap(), store.tag("dev_2").unwrap());
    store.reserve(&claimed, "holder").await.unwrap();
    store.confirm(&claimed, "holder").await.unwrap();
    store.reserve(&free, "holder").await.unwrap();
    outbox::send(store, &claimed, "registration", 1).await;
}

pub(crate) async fn an_audit_counts_all_values_and_finds_no_fault(bench: &Bench) {
    fill(&bench.store).await;
    fill(&bench.other("vault").await).await;
    let deleted = bench.store.tag("imsi-001010000000001").unwrap();
    let mut transaction = bench.store.transaction(&deleted, Class::Session);
    transaction.delete_named::<Note>("a:b");
    bench.store.commit(transaction).await.unwrap();
    let audit = bench.store.audit(&KNOWN).await.unwrap();
    assert!(audit.faults.is_empty(), "{:?}", audit.faults);
    // The message is sent with a note of its own.
    assert_eq!(audit.count("note"), 1200 - 1 + 2 * 120 + 1);
    assert_eq!(audit.count("count"), 120);
    assert_eq!((audit.count("claim"), audit.young_claims), (2, 1));
    assert_eq!(audit.count("outbox"), 1);
    let age = audit.oldest_message.unwrap_or_default();
    assert!(age < Duration::from_secs(60), "{age:?}");
}

/// A note of a newer release.
#[derive(Clone, PartialEq, prost::Message)]
struct NewerNote {}

impl Record for NewerNote {
    const KIND: Kind = Note::KIND;
    const SCHEMA: u16 = Note::SCHEMA + 1;
}

async fn put<R: Record>(store: &Store, entity: &str, record: &R) {
    let tag = store.tag(entity).unwrap();
    let mut transaction = store.transaction(&tag, Class::Session);
    transaction.put(record);
    store.commit(transaction).await.unwrap();
}

fn counted(audit: &store::Audit) -> Vec<(Fault, &str, u64)> {
    let faults = audit.faults.iter();
    faults
        .map(|((fault, kind), faulty)| (*fault, kind.as_str(), faulty.count))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_of_a_server_is_found() {
    let server = RedisServer::start().await;
    let database = Database::open(&StoreConfig::redis(server.url()))
        .await
        .unwrap();
    let store = database.for_function("aanf").unwrap();
    fill(&store).await;
    put(&store, "newer", &NewerNote {}).await;
    let value = |body: &str| format!("0000000000000001\0\u{1}{body}");
    for (key, value) in [
        ("aanf:misplaced", "x".to_owned()),
        ("aanf:{a}:note", "cut-off".to_owned()),
        ("aanf:{b}:note", value("\u{12}\u{7f}")),
        ("aanf:{c}:count", value("short")),
        ("aanf:{d}:other", value("")),
        // holder "h", not confirmed, reserved in 1970.
        ("aanf:{dev_3}:claim", value("\n\u{1}h\u{18}\u{1}")),
        ("aanf-2:misplaced", "x".to_owned()),
    ] {
        server.ask(&format!("SET {key} {value}")).await;
    }
    server.ask("RPUSH aanf:{e}:note x").await;
    server
        .ask("ZREM aanf:{imsi-001010000000000}:note# a:b")
        .await;
    server.ask("DEL aanf:{imsi-001010000000010}:note:c").await;

    let audit = store.audit(&KNOWN).await.unwrap();
    assert_eq!(
        counted(&audit),
        [
            (Fault::Misplaced, "key", 1),
            (Fault::UnknownKind, "other", 1),
            (Fault::NewerSchema, "note", 1),
            (Fault::Damaged, "count", 1),
            (Fault::Damaged, "note", 3),
            (Fault::NotListed, "note", 1),
            (Fault::ForgottenClaim, "claim", 1),
        ]
    );
    assert_eq!(audit.ended_names, 1);
    let unlisted = audit.faults.get(&(Fault::NotListed, "note".to_owned()));
    assert_eq!(unlisted.unwrap().examples, ["imsi…00"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_of_a_file_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let config = StoreConfig::redb(folder.path().join("store.redb"));
    let database = Database::open(&config).await.unwrap();
    let store = database.for_function("aanf").unwrap();
    fill(&store).await;
    put(&store, "newer", &NewerNote {}).await;
    database.close().await;
    drop((store, database));

    let file = redb::Database::open(config.path.as_ref().unwrap()).unwrap();
    let write = file.begin_write().unwrap();
    {
        let values = redb::TableDefinition::<&str, &[u8]>::new("values");
        let mut values = write.open_table(values).unwrap();
        values.insert("aanf:{a}:note", &b"cut off"[..]).unwrap();
        values.insert("aanf:misplaced", &b"x"[..]).unwrap();
    }
    write
        .delete_table(redb::TableDefinition::<(u64, &str), ()>::new("expiry"))
        .unwrap();
    write.commit().unwrap();
    drop(file);

    let database = Database::open(&config).await.unwrap();
    let store = database.for_function("aanf").unwrap();
    let audit = store.audit(&KNOWN).await.unwrap();
    assert_eq!(
        counted(&audit),
        [
            (Fault::Misplaced, "key", 1),
            (Fault::NewerSchema, "note", 1),
            (Fault::Damaged, "note", 1),
            (Fault::NotListed, "note", 120),
        ]
    );
}
