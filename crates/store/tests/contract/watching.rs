//! Hints.

use std::time::Duration;

use store::{Class, Hint, Record, Watch};
use tokio::time::timeout;

use crate::bench::{Bench, COUNT, Note, note};

async fn next(watch: &mut Watch) -> Option<Hint> {
    timeout(Duration::from_secs(5), watch.next())
        .await
        .expect("a hint within 5 s")
}

async fn write(bench: &Bench, entity: &str, name: &str) {
    let tag = bench.store.tag(entity).unwrap();
    let mut transaction = bench.store.transaction(&tag, Class::Session);
    transaction.put_named(name, &note(1));
    bench.store.commit(transaction).await.unwrap();
}

async fn step(bench: &Bench, entity: &str) {
    let tag = bench.store.tag(entity).unwrap();
    let mut transaction = bench.store.transaction(&tag, Class::Session);
    transaction.add(COUNT, 1, None);
    bench.store.commit(transaction).await.unwrap();
}

fn change(hint: Option<Hint>) -> (String, String, Option<String>) {
    match hint {
        Some(Hint::Changed(change)) => (change.tag.entity().to_owned(), change.kind, change.name),
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn a_watched_tag_hints_at_its_changes(bench: &Bench) {
    let tag = bench.store.tag("a*").unwrap();
    let mut watch = bench.store.watch_tag(&tag).await.unwrap();
    write(bench, "a", "x").await;
    write(bench, "ab", "x").await;
    step(bench, "a*").await;
    write(bench, "a*", "y").await;
    let first = change(next(&mut watch).await);
    assert_eq!(first, ("a*".into(), "count".into(), None));
    let second = change(next(&mut watch).await);
    assert_eq!(second, ("a*".into(), "note".into(), Some("y".into())));

    let mut transaction = bench.store.transaction(&tag, Class::Session);
    transaction.delete_named::<Note>("y");
    bench.store.commit(transaction).await.unwrap();
    let third = change(next(&mut watch).await);
    assert_eq!(third.2.as_deref(), Some("y"));
}

pub(crate) async fn a_watched_kind_hints_at_changes_in_any_tag(bench: &Bench) {
    let mut watch = bench.store.watch_kind(Note::KIND).await.unwrap();
    let vault = bench.other("vault").await;
    let foreign = vault.tag("a").unwrap();
    let mut transaction = vault.transaction(&foreign, Class::Session);
    transaction.put(&note(1));
    vault.commit(transaction).await.unwrap();
    step(bench, "a").await;
    write(bench, "b", "x").await;
    write(bench, "c", "y:z").await;
    let first = change(next(&mut watch).await);
    assert_eq!(first, ("b".into(), "note".into(), Some("x".into())));
    let second = change(next(&mut watch).await);
    assert_eq!(second, ("c".into(), "note".into(), Some("y:z".into())));
}

pub(crate) async fn a_watch_ends_when_the_store_closes(bench: &Bench) {
    let mut watch = bench.store.watch_kind(Note::KIND).await.unwrap();
    bench.database.close().await;
    assert_eq!(next(&mut watch).await, None);
    assert!(bench.database.ping().await.is_err());
    let tag = bench.store.tag("t").unwrap();
    assert!(bench.store.read::<Note>(&tag).await.is_err());
    let mut transaction = bench.store.transaction(&tag, Class::Session);
    transaction.put(&note(1));
    assert!(bench.store.commit(transaction).await.is_err());
}
