//! Sealed values in the store.

use secret::SealingKey;
use store::{Binding, Class, SealError, Sealer, Value};

use crate::bench::{Bench, COUNT};

/// What must not be found anywhere in the clear.
pub(crate) const PLAINTEXT: &[u8] = b"K=465b5ce8b199b49faa5f0a2ee238a6bc";

pub(crate) async fn a_sealed_value_moved_to_another_record_does_not_open(bench: &Bench) {
    let store = &bench.store;
    let sealer = Sealer::new([(7, SealingKey::new([9; 32]))], None).unwrap();
    let binding = |set: &str, epoch| Binding::new("credential").text(set).number(epoch);
    for set in ["crd_1", "crd_2"] {
        let tag = store.tag(set).unwrap();
        let octets = sealer.seal(PLAINTEXT, &binding(set, 1)).unwrap();
        let mut transaction = store.transaction(&tag, Class::Record);
        transaction.put_value(COUNT.into(), Value { schema: 1, octets });
        store.commit(transaction).await.unwrap();
    }
    // Somebody who can write to the store puts one credential in the place of the other.
    let (one, two) = (store.tag("crd_1").unwrap(), store.tag("crd_2").unwrap());
    let stolen = store.get(&one, COUNT.into()).await.unwrap().unwrap().value;
    let mut transaction = store.transaction(&two, Class::Record);
    transaction.put_value(COUNT.into(), stolen.clone());
    store.commit(transaction).await.unwrap();
    let found = store.get(&two, COUNT.into()).await.unwrap().unwrap().value;
    let opened = sealer.unseal(&found.octets, &binding("crd_2", 1));
    assert_eq!(opened.err(), Some(SealError::NotAuthentic));
    assert!(sealer.unseal(&stolen.octets, &binding("crd_1", 2)).is_err());
    assert!(sealer.unseal(&stolen.octets, &binding("crd_1", 1)).is_ok());
}
