//! A lifetime never ends early, and at most one second late.

use std::time::{Duration, Instant};

use store::{Class, Update};

use crate::bench::{Bench, COUNT, Note, eventually, note};

const LIFETIME: Duration = Duration::from_millis(250);
const LATEST: Duration = Duration::from_millis(1250);

async fn put(bench: &Bench, name: &str, lifetime: Duration) {
    let tag = bench.store.tag("t").unwrap();
    let mut transaction = bench.store.transaction(&tag, Class::Ephemeral);
    transaction.put_named(name, &note(1)).expires_in(lifetime);
    bench.store.commit(transaction).await.unwrap();
}

async fn is_absent(bench: &Bench, name: &str) -> bool {
    let tag = bench.store.tag("t").unwrap();
    let read = bench.store.read_named::<Note>(&tag, name).await.unwrap();
    read.is_none()
}

pub(crate) async fn a_lifetime_ends_not_early_and_at_most_one_second_late(bench: &Bench) {
    let asked = Instant::now();
    put(bench, "x", LIFETIME).await;
    let written = Instant::now();
    eventually(LATEST, "end of the lifetime", || is_absent(bench, "x")).await;
    assert!(asked.elapsed() >= LIFETIME, "ended early");
    assert!(written.elapsed() <= LATEST, "ended late");
}

pub(crate) async fn a_rewritten_value_has_the_lifetime_of_the_last_write(bench: &Bench) {
    let tag = bench.store.tag("t").unwrap();
    put(bench, "longer", LIFETIME).await;
    put(bench, "endless", LIFETIME).await;
    put(bench, "shorter", Duration::from_secs(3600)).await;
    let mut transaction = bench.store.transaction(&tag, Class::Session);
    transaction.put_named("endless", &note(2));
    bench.store.commit(transaction).await.unwrap();
    put(bench, "longer", Duration::from_secs(3600)).await;
    put(bench, "shorter", LIFETIME).await;
    eventually(LATEST, "end of the lifetime", || {
        is_absent(bench, "shorter")
    })
    .await;
    assert!(!is_absent(bench, "longer").await);
    assert!(!is_absent(bench, "endless").await);
}

pub(crate) async fn an_ended_value_counts_as_absent_for_conditions(bench: &Bench) {
    let store = &bench.store;
    let tag = store.tag("t").unwrap();
    let first = store
        .update::<Note, store::Error>(&tag, Class::Session, |_| {
            Ok(Update::PutFor(note(1), LIFETIME))
        })
        .await
        .unwrap()
        .unwrap();
    eventually(LATEST, "end of the lifetime", || async {
        let mut transaction = store.transaction(&tag, Class::Session);
        transaction.put(&note(2)).if_absent();
        store.commit(transaction).await.is_ok()
    })
    .await;
    let second = store.read::<Note>(&tag).await.unwrap().unwrap();
    assert_eq!(second.record, note(2));
    assert!(second.version > first.version);
}

pub(crate) async fn a_counters_lifetime_runs_from_its_first_step(bench: &Bench) {
    let store = &bench.store;
    let tag = store.tag("t").unwrap();
    let first = Instant::now();
    let mut last = 0;
    eventually(LATEST, "a new count", || async {
        let mut transaction = store.transaction(&tag, Class::Ephemeral);
        let index = transaction.add(COUNT, 1, Some(LIFETIME));
        let count = store.commit(transaction).await.unwrap().counter(index);
        count == 1 && first.elapsed() >= LIFETIME
    })
    .await;
    // The step that began the new count was the only one since.
    last += store.counter(&tag, COUNT).await.unwrap().count;
    assert_eq!(last, 1);
}
