//! Requests that come twice.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use store::{Class, Error, Idempotency, Store, Tag};
use tokio::task::JoinSet;

use crate::bench::{Bench, COUNT, Note, note};

async fn work(store: &Store, tag: &Tag, request: &Idempotency, answer: u64) -> Result<Note, Error> {
    store
        .once(tag, request, || async {
            let mut transaction = store.transaction(tag, Class::Record);
            transaction.add(COUNT, 1, None);
            Ok((transaction, note(answer)))
        })
        .await
}

pub(crate) async fn a_repeated_request_gets_the_first_result(bench: &Bench) {
    let store = &bench.store;
    let tag = store.tag("t").unwrap();
    let request = Idempotency::new("session-1", b"order").unwrap();
    assert_eq!(store.recall::<Note>(&tag, &request).await.unwrap(), None);
    for answer in [1, 2, 3] {
        assert_eq!(work(store, &tag, &request, answer).await.unwrap(), note(1));
    }
    assert_eq!(store.counter(&tag, COUNT).await.unwrap().count, 1);
    let recalled = store.recall::<Note>(&tag, &request).await.unwrap();
    assert_eq!(recalled, Some(note(1)));
}

pub(crate) async fn of_concurrent_repetitions_one_does_the_work(bench: &Bench) {
    let answers = Arc::new(AtomicU64::new(0));
    let tag = bench.store.tag("t").unwrap();
    let mut repetitions = JoinSet::new();
    for _ in 0..64 {
        let (store, tag, answers) = (bench.store.clone(), tag.clone(), answers.clone());
        repetitions.spawn(async move {
            let request = Idempotency::new("k", b"").unwrap();
            let answer = answers.fetch_add(1, Ordering::Relaxed);
            work(&store, &tag, &request, answer).await.unwrap().number
        });
    }
    let results: HashSet<_> = repetitions.join_all().await.into_iter().collect();
    assert_eq!(results.len(), 1);
    assert_eq!(bench.store.counter(&tag, COUNT).await.unwrap().count, 1);
}

pub(crate) async fn a_key_used_for_another_request_is_refused(bench: &Bench) {
    let store = &bench.store;
    let tag = store.tag("t").unwrap();
    let request = Idempotency::new("k", b"one").unwrap();
    work(store, &tag, &request, 1).await.unwrap();
    let other = Idempotency::new("k", b"two").unwrap();
    let refused = work(store, &tag, &other, 2).await.unwrap_err();
    assert!(matches!(refused, Error::IdempotencyMismatch));
    assert_eq!(refused.cause(), cause::Cause::Conflict);
    assert_eq!(store.counter(&tag, COUNT).await.unwrap().count, 1);
}
