//! What lies in the store.

use cause::Cause;
use store::Kind;
use vault::{GetVector, Mint, Subscriber, get_vector, mint, rewrap};

use crate::support::{Device, Lab, mint_request, subscription, supi, vector_request};

const SUBSCRIBER: Kind = Kind::new("subscriber");

#[tokio::test]
async fn the_database_holds_no_key_in_the_clear() {
    let mut lab = Lab::on_disk().await;
    let mut provisioned = lab.provision(&Device::new(1), 1).await;
    lab.authenticate(&mut provisioned, 1).await;
    lab.database.close().await;
    let octets = std::fs::read(lab.file()).unwrap();
    let holds = |needle: &[u8]| octets.windows(needle.len()).any(|window| window == needle);
    assert!(
        holds(b"imsi-001010000000001"),
        "the search finds what is there"
    );
    assert!(!holds(provisioned.k.expose()));
    assert!(!holds(provisioned.opc.expose()));
    assert!(!holds(hex::encode(provisioned.k.expose()).as_bytes()));
    lab.restart().await;
    lab.authenticate(&mut provisioned, 1).await;
}

#[tokio::test]
async fn a_record_is_of_no_use_under_another_supi() {
    let lab = Lab::new().await;
    lab.provision(&Device::new(1), 1).await;
    let store = lab.database.for_function("vault").unwrap();
    let record = store
        .get(&store.tag(supi(1).as_text()).unwrap(), SUBSCRIBER.into())
        .await
        .unwrap()
        .unwrap();
    let thief = store.tag(supi(2).as_text()).unwrap();
    let mut transaction = store.transaction(&thief, store::Class::Record);
    transaction.put_value(SUBSCRIBER.into(), record.value);
    store.commit(transaction).await.unwrap();

    assert!(lab.vector(1).await.is_ok());
    assert_eq!(lab.vector(2).await.err().unwrap().cause(), Cause::Internal);
}

#[tokio::test]
async fn another_device_written_into_a_record_gets_nothing() {
    let lab = Lab::new().await;
    let (device, thief) = (Device::new(1), Device::new(2));
    let minted = lab.mint(&device, 1).await;
    let store = lab.database.for_function("vault").unwrap();
    let tag = store.tag(supi(1).as_text()).unwrap();
    let mut value = store
        .get(&tag, SUBSCRIBER.into())
        .await
        .unwrap()
        .unwrap()
        .value;
    let at = value
        .octets
        .windows(36)
        .position(|window| window == device.id.as_str().as_bytes())
        .unwrap();
    value.octets[at..at + 36].copy_from_slice(thief.id.as_str().as_bytes());
    let mut transaction = store.transaction(&tag, store::Class::Record);
    transaction.put_value(SUBSCRIBER.into(), value);
    store.commit(transaction).await.unwrap();

    let run = lab.onboard(
        &thief,
        crate::support::Mode::Bound(onboarding::Suite::X25519),
    );
    let refused = lab.sealing(&thief, 1, &minted, &run).seal(&lab).await;
    assert_eq!(refused.err().unwrap().cause(), Cause::Internal);
}

#[tokio::test]
async fn another_key_encryption_key_opens_nothing() {
    let lab = Lab::new().await;
    lab.provision(&Device::new(1), 1).await;
    let keys = [(2, secret::SealingKey::new([2; 32]))];
    let sealer = store::Sealer::new(keys, None).unwrap();
    let ports = vault::Ports {
        store: lab.database.for_function("vault").unwrap(),
        sealer,
    };
    let opened = vault::Vault::open(&lab.config, ports, &nf_runtime::Runtime::for_tests()).await;
    assert!(
        matches!(opened.err().unwrap(), vault::BuildError::Stored(_)),
        "the home network's keys do not open"
    );
}

#[tokio::test]
async fn key_encryption_keys_rotate_while_vectors_go_on() {
    let mut lab = Lab::new().await;
    let device = Device::new(1);
    let mut provisioned = lab.provision(&device, 1).await;
    for n in 2..=20 {
        let request = Mint {
            subscription_id: subscription(n),
            ..mint_request(&device, n, "order")
        };
        mint(&lab.vault, &request).await.unwrap();
    }
    lab.restart_with(&[1, 2]).await;
    lab.authenticate(&mut provisioned, 1).await;
    assert_eq!(rewrap(&lab.vault).await.unwrap(), 20);
    assert_eq!(rewrap(&lab.vault).await.unwrap(), 0);
    lab.restart_with(&[2]).await;
    lab.authenticate(&mut provisioned, 1).await;
}

#[tokio::test]
async fn home_network_keys_stay_over_restarts() {
    let mut lab = Lab::on_disk().await;
    let public = |lab: &Lab| -> Vec<(u8, Vec<u8>)> {
        let keys = lab.vault.home_network_keys().iter();
        keys.map(|key| (key.id(), key.public_key().as_octets().to_vec()))
            .collect()
    };
    let first = public(&lab);
    assert_eq!(
        first
            .iter()
            .map(|(id, octets)| (*id, octets.len()))
            .collect::<Vec<_>>(),
        [(1, 32), (2, 33)]
    );
    lab.restart().await;
    assert_eq!(public(&lab), first);
}

#[tokio::test]
async fn destroyed_keys_are_gone_from_the_record() {
    let lab = Lab::new().await;
    let minted = lab.mint(&Device::new(1), 1).await;
    let store = lab.database.for_function("vault").unwrap();
    let tag = store.tag(supi(1).as_text()).unwrap();
    let size = async || {
        store
            .get(&tag, SUBSCRIBER.into())
            .await
            .unwrap()
            .unwrap()
            .value
            .octets
            .len()
    };
    let before = size().await;
    vault::destroy(&lab.vault, &minted.credential_set_id)
        .await
        .unwrap();
    assert!(before - size().await > 100);
    let request = GetVector {
        subscriber: Subscriber::Supi(supi(1)),
        ..vector_request(1)
    };
    assert_eq!(
        get_vector(&lab.vault, &request)
            .await
            .err()
            .unwrap()
            .cause(),
        Cause::UserNotFound
    );
}
