//! Listings.

use std::collections::BTreeSet;
use std::time::Duration;

use store::{Class, Names, Record, Shape};

use crate::bench::{Bench, COUNT, Note, eventually, note};

async fn names(bench: &Bench, names: &Names, limit: usize) -> Vec<String> {
    let tag = bench.store.tag("t").unwrap();
    let listed = bench.store.list::<Note>(&tag, names, limit).await.unwrap();
    listed.into_iter().map(|(name, _)| name).collect()
}

pub(crate) async fn names_are_listed_in_order_by_prefix_and_page(bench: &Bench) {
    let store = &bench.store;
    for entity in ["t", "t2", "s"] {
        let tag = store.tag(entity).unwrap();
        let mut transaction = store.transaction(&tag, Class::Session);
        transaction.put(&note(0));
        transaction.add(COUNT.named("a/0").unwrap(), 1, None);
        if entity == "t" {
            for name in ["b", "a/2", "a/10", "a", "ab", "ä", "a/1", "["] {
                transaction.put_named(name, &note(1));
            }
        }
        store.commit(transaction).await.unwrap();
    }
    let all = ["[", "a", "a/1", "a/10", "a/2", "ab", "b", "ä"];
    assert_eq!(names(bench, &Names::all(), 100).await, all);
    let below = Names::starting_with("a/");
    assert_eq!(names(bench, &below, 100).await, ["a/1", "a/10", "a/2"]);
    assert_eq!(names(bench, &below, 2).await, ["a/1", "a/10"]);
    assert_eq!(names(bench, &below.clone().after("a/10"), 2).await, ["a/2"]);
    assert_eq!(names(bench, &below.clone().after("A"), 1).await, ["a/1"]);
    assert_eq!(names(bench, &below.after("b"), 2).await, [""; 0]);
    assert_eq!(names(bench, &Names::all().after("ab"), 9).await, ["b", "ä"]);
    assert_eq!(names(bench, &Names::all(), 0).await, [""; 0]);
}

pub(crate) async fn appended_values_sort_in_the_order_of_commitment(bench: &Bench) {
    let store = &bench.store;
    let tag = store.tag("t").unwrap();
    let mut order = Vec::new();
    for number in 0..40 {
        let mut transaction = store.transaction(&tag, Class::Record);
        let first = transaction.append(&note(2 * number), None);
        let second = transaction.append(&note(2 * number + 1), None);
        let committed = store.commit(transaction).await.unwrap();
        order.push(committed.appended(first));
        order.push(committed.appended(second));
        if number % 5 == 4 {
            // What is taken away does not let names start over.
            let mut transaction = store.transaction(&tag, Class::Record);
            for name in &order {
                transaction.delete_named::<Note>(name);
            }
            store.commit(transaction).await.unwrap();
            assert_eq!(names(bench, &Names::all(), 100).await, [""; 0]);
            if number < 39 {
                let last = order.pop().unwrap();
                order = vec![last];
            }
        } else {
            let listed = store.list::<Note>(&tag, &Names::all(), 100).await.unwrap();
            let numbers: Vec<_> = listed
                .iter()
                .map(|(_, found)| found.record.number)
                .collect();
            assert!(numbers.is_sorted());
            assert_eq!(numbers.last(), Some(&(2 * number + 1)));
        }
        assert!(order.is_sorted(), "{order:?}");
    }
}

pub(crate) async fn ended_and_deleted_names_are_not_listed(bench: &Bench) {
    let store = &bench.store;
    let tag = store.tag("t").unwrap();
    let mut transaction = store.transaction(&tag, Class::Session);
    for name in ["a", "b"] {
        let lifetime = Duration::from_millis(100);
        transaction.put_named(name, &note(1)).expires_in(lifetime);
    }
    transaction.put_named("c", &note(1));
    transaction.put_named("d", &note(1));
    store.commit(transaction).await.unwrap();
    let mut transaction = store.transaction(&tag, Class::Session);
    transaction.delete_named::<Note>("c");
    store.commit(transaction).await.unwrap();
    eventually(Duration::from_secs(2), "the ended names to go", || async {
        // Ended names never take the room of others.
        let first = names(bench, &Names::all(), 1).await;
        assert_eq!(first.len(), 1);
        first == ["d"]
    })
    .await;
    assert_eq!(names(bench, &Names::all(), 9).await, ["d"]);

    // A kind of which everything ended can be filled again.
    let mut transaction = store.transaction(&tag, Class::Session);
    transaction.delete_named::<Note>("d");
    transaction.put_named("e", &note(1));
    store.commit(transaction).await.unwrap();
    assert_eq!(names(bench, &Names::all(), 9).await, ["e"]);
}

pub(crate) async fn tags_that_hold_a_kind_are_all_listed(bench: &Bench) {
    let other = bench.other("aanf-2").await;
    let mut single = BTreeSet::new();
    let mut named = BTreeSet::new();
    for number in 0..1500 {
        let entity = format!("device:{number}");
        let store = if number == 7 { &other } else { &bench.store };
        let tag = store.tag(&entity).unwrap();
        let mut transaction = store.transaction(&tag, Class::Ephemeral);
        transaction.add(COUNT, 1, Some(Duration::from_secs(60)));
        if number % 100 == 7 {
            let hour = Duration::from_secs(3600);
            if number % 200 == 7 {
                transaction.put(&note(1)).expires_in(hour);
            } else {
                transaction.put_named("x", &note(1)).expires_in(hour);
            }
            match (number, number % 200) {
                (7, _) => {}
                (_, 7) => _ = single.insert(tag.clone()),
                _ => _ = named.insert(tag.clone()),
            }
        }
        store.commit(transaction).await.unwrap();
    }
    for (shape, expected) in [(Shape::Single, single), (Shape::Named, named)] {
        let mut found = BTreeSet::new();
        let mut from = None;
        loop {
            let page = bench.store.tags(Note::KIND, shape, from.as_ref());
            let page = page.await.unwrap();
            found.extend(page.tags);
            from = page.next;
            if from.is_none() {
                break;
            }
        }
        assert_eq!(found, expected, "{shape:?}");
    }
}
