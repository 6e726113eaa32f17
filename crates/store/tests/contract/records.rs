//! Reading and writing.

use std::time::Duration;

use store::{Class, Error, Field, Kind, Record, Value};

use crate::bench::{Bench, COUNT, Note, note};

pub(crate) async fn a_written_record_is_read_back(bench: &Bench) {
    let store = &bench.store;
    let tag = store.tag("imsi-001010000000001").unwrap();
    assert_eq!(store.read::<Note>(&tag).await.unwrap(), None);
    for class in [Class::Record, Class::Session] {
        let mut transaction = store.transaction(&tag, class);
        transaction.put(&note(7));
        transaction.put_named("a:b/ü@{x}", &note(8));
        let committed = store.commit(transaction).await.unwrap();
        let read = store.read::<Note>(&tag).await.unwrap().unwrap();
        assert_eq!(
            (read.record, read.version, read.schema),
            (note(7), committed.version, 3)
        );
        let read = store.read_named::<Note>(&tag, "a:b/ü@{x}").await.unwrap();
        assert_eq!(read.unwrap().record, note(8));
    }
    let mut transaction = store.transaction(&tag, Class::Record);
    transaction.delete::<Note>();
    store.commit(transaction).await.unwrap();
    assert_eq!(store.read::<Note>(&tag).await.unwrap(), None);
}

pub(crate) async fn values_of_any_octets_come_back_unchanged(bench: &Bench) {
    let store = &bench.store;
    let tag = store.tag("octets").unwrap();
    let every_octet: Vec<u8> = (0..=255).collect();
    for octets in [
        vec![],
        vec![0],
        every_octet,
        vec![0xaa; store::MAX_VALUE_OCTETS],
    ] {
        for schema in [0, 1, 255, 256, u16::MAX] {
            let value = Value {
                schema,
                octets: octets.clone(),
            };
            let mut transaction = store.transaction(&tag, Class::Session);
            transaction.put_value(COUNT.into(), value.clone());
            store.commit(transaction).await.unwrap();
            let read = store.get(&tag, COUNT.into()).await.unwrap().unwrap();
            assert_eq!(read.value, value);
        }
    }
}

pub(crate) async fn a_newer_schema_is_refused(bench: &Bench) {
    let store = &bench.store;
    let tag = store.tag("t").unwrap();
    for (schema, refused) in [(1, false), (3, false), (4, true)] {
        let octets = vec![8, 7];
        let mut transaction = store.transaction(&tag, Class::Session);
        transaction.put_value(Note::KIND.into(), Value { schema, octets });
        store.commit(transaction).await.unwrap();
        match store.read::<Note>(&tag).await {
            Ok(read) => {
                assert!(!refused);
                assert_eq!(read.unwrap().schema, schema);
            }
            Err(error) => {
                assert!(refused);
                assert_eq!(error.cause(), cause::Cause::NewerSchema);
            }
        }
    }
}

pub(crate) async fn a_transaction_is_applied_completely_or_not_at_all(bench: &Bench) {
    let store = &bench.store;
    let tag = store.tag("t").unwrap();
    let mut transaction = store.transaction(&tag, Class::Record);
    transaction.put(&note(1));
    transaction.put_named("x", &note(2)).if_absent();
    transaction.append(&note(3), None);
    transaction.add(COUNT, 5, None);
    store.commit(transaction).await.unwrap();

    let mut transaction = store.transaction(&tag, Class::Record);
    transaction.put(&note(11));
    transaction.append(&note(13), None);
    transaction.add(COUNT, 5, None);
    transaction.delete_named::<Note>("x").if_absent();
    let refused = store.commit(transaction).await.unwrap_err();
    assert!(refused.is_conflict());
    assert_eq!(
        store.read::<Note>(&tag).await.unwrap().unwrap().record,
        note(1)
    );
    let listed = store
        .list::<Note>(&tag, &Default::default(), 10)
        .await
        .unwrap();
    let numbers: Vec<_> = listed
        .iter()
        .map(|(_, stored)| stored.record.number)
        .collect();
    assert_eq!(numbers, [3, 2]);
    assert_eq!(store.counter(&tag, COUNT).await.unwrap().count, 5);
}

pub(crate) async fn a_tag_of_another_function_is_refused(bench: &Bench) {
    let vault = bench.other("vault").await;
    let foreign = vault.tag("t").unwrap();
    let mut transaction = bench.store.transaction(&foreign, Class::Session);
    transaction.put(&note(1));
    assert!(matches!(
        bench.store.commit(transaction).await,
        Err(Error::InvalidTransaction(_))
    ));
    assert!(bench.store.read::<Note>(&foreign).await.is_err());
    assert!(bench.store.watch_tag(&foreign).await.is_err());
}

pub(crate) async fn functions_do_not_see_each_other(bench: &Bench) {
    let vault = bench.other("vault").await;
    let tag = vault.tag("t").unwrap();
    let mut transaction = vault.transaction(&tag, Class::Session);
    transaction.put(&note(1));
    vault.commit(transaction).await.unwrap();
    let own = bench.store.tag("t").unwrap();
    assert_eq!(bench.store.read::<Note>(&own).await.unwrap(), None);
    assert!(vault.read::<Note>(&tag).await.unwrap().is_some());
}

pub(crate) async fn many_fields_are_read_as_of_one_moment(bench: &Bench) {
    let store = &bench.store;
    let tag = store.tag("t").unwrap();
    let fields: Vec<Field> = ["a", "b", "missing"]
        .iter()
        .map(|name| Note::KIND.named(name).unwrap())
        .collect();
    let writer = async {
        for number in 0..50 {
            let mut transaction = store.transaction(&tag, Class::Session);
            transaction.put_named("a", &note(number));
            transaction.put_named("b", &note(number));
            store.commit(transaction).await.unwrap();
        }
    };
    let reader = async {
        loop {
            let found = store.get_many(&tag, &fields).await.unwrap();
            assert_eq!(found.len(), 3);
            assert_eq!(found[0], found[1]);
            assert_eq!(found[2], None);
            let last = found[0].as_ref().map(|found| found.value.octets.clone());
            if last == Some(vec![8, 49]) {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::join!(writer, reader);
}

pub(crate) async fn transactions_that_break_a_rule_are_refused(bench: &Bench) {
    let store = &bench.store;
    let tag = store.tag("t").unwrap();
    let mut empty = store.transaction(&tag, Class::Session);
    empty.require_version(COUNT.into(), None);
    let mut twice = store.transaction(&tag, Class::Session);
    twice.put(&note(1));
    twice.delete::<Note>();
    let mut endless = store.transaction(&tag, Class::Ephemeral);
    endless.put(&note(1)).expires_in(Duration::from_secs(1));
    endless.add(COUNT, 1, None);
    let mut large = store.transaction(&tag, Class::Session);
    let octets = vec![0; store::MAX_VALUE_OCTETS + 1];
    large.put_value(COUNT.into(), Value { schema: 1, octets });
    let mut many = store.transaction(&tag, Class::Session);
    for number in 0..=store::MAX_OPERATIONS {
        many.put_named(&number.to_string(), &note(1));
    }
    for transaction in [empty, twice, endless, large, many] {
        let refused = store.commit(transaction).await.unwrap_err();
        assert!(matches!(refused, Error::InvalidTransaction(_)), "{refused}");
    }
    let mut name = store.transaction(&tag, Class::Session);
    name.put_named("", &note(1));
    assert!(matches!(
        store.commit(name).await,
        Err(Error::InvalidKey(_))
    ));
    const OTHER: Kind = Kind::new("other");
    assert_eq!(store.get(&tag, OTHER.into()).await.unwrap(), None);
    assert_eq!(store.read::<Note>(&tag).await.unwrap(), None);
}
