//! What is special to the database file.

use std::sync::Arc;
use std::time::Duration;

use redb::{ReadableDatabase, ReadableTableMetadata, TableDefinition};
use store::{
    Class, Clock, Database, ManualClock, Observation, Observer, OpenError, StoreConfig, SystemClock,
};

use crate::bench::{Bench, Note, eventually, note};
use crate::outbox;
use crate::sealed::PLAINTEXT;

const VALUES: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("values");
const META: TableDefinition<'static, &str, u64> = TableDefinition::new("meta");

struct Unobserved;

impl Observer for Unobserved {
    fn observe(&self, _: Observation) {}
}

#[tokio::test]
async fn a_lifetime_follows_the_clock_to_the_millisecond() {
    let clock = Arc::new(ManualClock::at(1_000_000));
    let database = Database::memory_with_clock(clock.clone()).await.unwrap();
    let store = database.for_function("aanf").unwrap();
    let tag = store.tag("t").unwrap();
    let mut transaction = store.transaction(&tag, Class::Ephemeral);
    transaction
        .put(&note(1))
        .expires_in(Duration::from_secs(3600));
    store.commit(transaction).await.unwrap();
    clock.advance(Duration::from_secs(3600));
    assert!(store.read::<Note>(&tag).await.unwrap().is_some());
    clock.advance(Duration::from_millis(1));
    assert_eq!(store.read::<Note>(&tag).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn ended_values_leave_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let clock = Arc::new(ManualClock::at(SystemClock::default().unix_ms()));
    let config = StoreConfig::redb(&path);
    let rows = || {
        let database = redb::Database::open(&path).unwrap();
        let read = database.begin_read().unwrap();
        read.open_table(VALUES).unwrap().len().unwrap()
    };
    let open = || async {
        Database::open_with(&config, Arc::new(Unobserved), clock.clone())
            .await
            .unwrap()
    };
    let database = open().await;
    let store = database.for_function("aanf").unwrap();
    for number in 0..50 {
        let tag = store.tag(&format!("t{number}")).unwrap();
        let mut transaction = store.transaction(&tag, Class::Session);
        let written = transaction.put(&note(number));
        if number > 0 {
            written.expires_in(Duration::from_secs(60));
        }
        store.commit(transaction).await.unwrap();
    }
    database.close().await;
    assert_eq!(rows(), 50);
    clock.advance(Duration::from_secs(61));
    eventually(Duration::from_secs(10), "the sweep", || async {
        let database = open().await;
        tokio::time::sleep(Duration::from_millis(600)).await;
        database.close().await;
        rows() == 1
    })
    .await;
}

#[tokio::test]
async fn a_file_in_use_is_refused_and_free_after_closing() {
    let folder = tempfile::tempdir().unwrap();
    let config = StoreConfig::redb(folder.path().join("store.redb"));
    let first = Database::open(&config).await.unwrap();
    let store = first.for_function("aanf").unwrap();
    match Database::open(&config).await {
        Err(error @ OpenError::InUse { .. }) => assert!(error.to_string().contains("in use")),
        other => panic!("{other:?}"),
    }
    first.close().await;
    let second = Database::open(&config).await.unwrap();
    drop(second);
    Database::open(&config).await.unwrap();
    drop(store);
}

#[tokio::test]
async fn a_file_of_a_newer_release_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let config = StoreConfig::redb(&path);
    Database::open(&config).await.unwrap().close().await;
    {
        let database = redb::Database::open(&path).unwrap();
        let write = database.begin_write().unwrap();
        write.open_table(META).unwrap().insert("format", 2).unwrap();
        write.commit().unwrap();
    }
    match Database::open(&config).await {
        Err(error @ OpenError::NewerFormat { .. }) => {
            assert_eq!(error.cause(), cause::Cause::NewerSchema);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    std::fs::write(&path, "this is no database").unwrap();
    let opened = Database::open(&StoreConfig::redb(&path)).await;
    assert!(
        matches!(opened, Err(OpenError::Damaged { .. })),
        "{opened:?}"
    );
    assert_eq!(std::fs::read(&path).unwrap(), b"this is no database");
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_readable_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let database = Database::open(&StoreConfig::redb(&path)).await.unwrap();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    drop(database);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let config = StoreConfig::redb(folder.path().join("store.redb"));
    let database = Database::open(&config).await.unwrap();
    let store = database.for_function("aanf").unwrap();
    let tag = store.tag("t").unwrap();
    let mut versions = Vec::new();
    for number in 0..3 {
        versions.push(outbox::send(&store, &tag, "registration", number).await);
    }
    drop((store, database));
    let database = Database::open(&config).await.unwrap();
    let store = database.for_function("aanf").unwrap();
    let read = store.read::<Note>(&tag).await.unwrap().unwrap();
    assert_eq!(
        (read.record, Some(&read.version)),
        (note(2), versions.last())
    );
    outbox::reopened(&database, &[0, 1, 2]).await;
    versions.push(outbox::send(&store, &tag, "registration", 3).await);
    assert!(versions.is_sorted());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_sealed_lies_in_the_clear_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let bench = Bench::on(&StoreConfig::redb(&path)).await;
    crate::sealed::a_sealed_value_moved_to_another_record_does_not_open(&bench).await;
    drop(bench);
    let disk = std::fs::read(&path).unwrap();
    let holds = |text: &[u8]| disk.windows(text.len()).any(|window| window == text);
    assert!(holds(b"aanf:{crd_1}:count"), "the data is there");
    assert!(!holds(PLAINTEXT));
}
