//! Conditions, versions and counters.

use std::collections::HashSet;

use store::{Class, Error, Record, Update};
use tokio::task::JoinSet;

use crate::bench::{Bench, COUNT, Note, note};

pub(crate) async fn of_64_concurrent_writers_of_an_absent_field_one_wins(bench: &Bench) {
    let tag = bench.store.tag("t").unwrap();
    let mut writers = JoinSet::new();
    for number in 0..64 {
        let (store, tag) = (bench.store.clone(), tag.clone());
        writers.spawn(async move {
            let mut transaction = store.transaction(&tag, Class::Record);
            transaction.put(&note(number)).if_absent();
            (number, store.commit(transaction).await)
        });
    }
    let mut winner = None;
    for (number, result) in writers.join_all().await {
        match result {
            Ok(_) => assert_eq!(winner.replace(number), None, "two winners"),
            Err(error) => assert!(error.is_conflict(), "{error}"),
        }
    }
    let read = bench.store.read::<Note>(&tag).await.unwrap().unwrap();
    assert_eq!(Some(read.record.number), winner);
}

pub(crate) async fn concurrent_updates_of_one_record_lose_nothing(bench: &Bench) {
    let tag = bench.store.tag("t").unwrap();
    let mut writers = JoinSet::new();
    for _ in 0..64 {
        let (store, tag) = (bench.store.clone(), tag.clone());
        writers.spawn(async move {
            store
                .update::<Note, Error>(&tag, Class::Session, |read| {
                    let number = read.map_or(0, |stored| stored.record.number);
                    Ok(Update::Put(note(number + 1)))
                })
                .await
                .unwrap()
                .unwrap()
                .version
        });
    }
    let versions: HashSet<_> = writers.join_all().await.into_iter().collect();
    assert_eq!(versions.len(), 64);
    let read = bench.store.read::<Note>(&tag).await.unwrap().unwrap();
    assert_eq!(read.record.number, 64);
}

pub(crate) async fn versions_only_grow_across_deletion(bench: &Bench) {
    let store = &bench.store;
    let tag = store.tag("t").unwrap();
    let mut last = None;
    for round in 0..20 {
        let mut transaction = store.transaction(&tag, Class::Session);
        if round % 3 == 2 {
            transaction.delete::<Note>();
        } else {
            transaction.put(&note(round));
        }
        let version = store.commit(transaction).await.unwrap().version;
        assert!(Some(version) > last, "{version:?} after {last:?}");
        last = Some(version);
    }
}

pub(crate) async fn a_stale_version_is_a_conflict(bench: &Bench) {
    let store = &bench.store;
    let tag = store.tag("t").unwrap();
    let mut transaction = store.transaction(&tag, Class::Session);
    transaction.put(&note(1));
    store.commit(transaction).await.unwrap();
    let stale = store.read::<Note>(&tag).await.unwrap().unwrap();

    let mut transaction = store.transaction(&tag, Class::Session);
    transaction.put(&note(2)).if_version(stale.version);
    store.commit(transaction).await.unwrap();

    let mut transaction = store.transaction(&tag, Class::Session);
    transaction.put(&note(3)).if_version(stale.version);
    assert!(store.commit(transaction).await.unwrap_err().is_conflict());

    // Deleted and written again: still another version.
    let mut transaction = store.transaction(&tag, Class::Session);
    transaction.delete::<Note>();
    store.commit(transaction).await.unwrap();
    let mut transaction = store.transaction(&tag, Class::Session);
    transaction.put(&note(1));
    store.commit(transaction).await.unwrap();
    let mut transaction = store.transaction(&tag, Class::Session);
    transaction.delete::<Note>().if_unchanged(Some(&stale));
    assert!(store.commit(transaction).await.unwrap_err().is_conflict());
}

pub(crate) async fn concurrent_steps_of_one_counter_give_each_count_once(bench: &Bench) {
    let tag = bench.store.tag("imsi-001010000000001").unwrap();
    let mut steps = JoinSet::new();
    for _ in 0..64 {
        let (store, tag) = (bench.store.clone(), tag.clone());
        steps.spawn(async move {
            let mut transaction = store.transaction(&tag, Class::Session);
            let first = transaction.add(COUNT, 1, None);
            let second = transaction.add(COUNT.named("x").unwrap(), 2, None);
            let committed = store.commit(transaction).await.unwrap();
            assert_eq!(committed.counter(second), committed.counter(first) * 2);
            committed.counter(first)
        });
    }
    let counts: HashSet<_> = steps.join_all().await.into_iter().collect();
    assert_eq!(counts, (1..=64).collect());
}

pub(crate) async fn a_counter_jumps_only_with_its_condition(bench: &Bench) {
    let store = &bench.store;
    let tag = store.tag("t").unwrap();
    let read = store.counter(&tag, COUNT).await.unwrap();
    assert_eq!((read.count, read.version), (0, None));
    let mut transaction = store.transaction(&tag, Class::Record);
    transaction.set_counter(COUNT, 1000).if_absent();
    store.commit(transaction).await.unwrap();
    let read = store.counter(&tag, COUNT).await.unwrap();
    assert_eq!(read.count, 1000);

    let mut step = store.transaction(&tag, Class::Session);
    let index = step.add(COUNT, 1, None);
    assert_eq!(store.commit(step).await.unwrap().counter(index), 1001);
    let mut transaction = store.transaction(&tag, Class::Record);
    let version = read.version.unwrap();
    transaction.set_counter(COUNT, 5000).if_version(version);
    assert!(store.commit(transaction).await.unwrap_err().is_conflict());
}

pub(crate) async fn an_exhausted_counter_changes_nothing(bench: &Bench) {
    let store = &bench.store;
    let tag = store.tag("t").unwrap();
    let largest = (1 << 53) - 1;
    let mut transaction = store.transaction(&tag, Class::Session);
    transaction.set_counter(COUNT, largest - 1);
    store.commit(transaction).await.unwrap();
    for (by, fits) in [(2, false), (u64::MAX, false), (1, true), (1, false)] {
        let mut transaction = store.transaction(&tag, Class::Session);
        transaction.put_named(&by.to_string(), &note(by));
        transaction.add(COUNT, by, None);
        match store.commit(transaction).await {
            Ok(_) => assert!(fits),
            Err(error) => assert!(!fits && matches!(error, Error::CounterExhausted { .. })),
        }
    }
    assert_eq!(store.counter(&tag, COUNT).await.unwrap().count, largest);
    let found = store.read_named::<Note>(&tag, "2").await.unwrap();
    assert_eq!(found, None);
}

pub(crate) async fn a_required_field_is_checked_without_being_changed(bench: &Bench) {
    let store = &bench.store;
    let tag = store.tag("t").unwrap();
    let mut transaction = store.transaction(&tag, Class::Session);
    transaction.put(&note(1));
    store.commit(transaction).await.unwrap();
    let read = store.read::<Note>(&tag).await.unwrap();

    for (number, change) in [(0, false), (1, true), (2, false)] {
        if change {
            let mut transaction = store.transaction(&tag, Class::Session);
            transaction.put(&note(2));
            store.commit(transaction).await.unwrap();
        }
        let mut transaction = store.transaction(&tag, Class::Session);
        transaction.require(read.as_ref());
        transaction.require_named::<Note>("other", None);
        transaction.put_named("result", &note(number));
        let conflict = store.commit(transaction).await.is_err();
        assert_eq!(conflict, number > 0);
    }
    assert_eq!(Note::KIND.as_str(), "note");
}
