//! Credential sets from minting to the end.

use cause::Cause;
use cose::ObjectType;
use futures::future::join_all;
use provisioning::{Commit, CommittedBy, VerifiedKeyset};
use vault::{Mint, destroy, mint, promote};

use crate::support::{Device, Lab, mint_request, subscription, supi};

#[tokio::test]
async fn minting_again_with_the_same_key_changes_nothing() {
    let mut lab = Lab::on_disk().await;
    let device = Device::new(1);
    let minted = lab.mint(&device, 1).await;
    assert_eq!(minted.credential_epoch, 1);
    lab.restart().await;
    assert_eq!(lab.mint(&device, 1).await, minted);
    let other = Mint {
        akma_allowed: false,
        ..mint_request(&device, 1, "order-1")
    };
    assert_eq!(
        mint(&lab.vault, &other).await.err().unwrap().cause(),
        Cause::Conflict
    );
    for key in [String::new(), "k".repeat(513)] {
        let unusable = Mint {
            idempotency_key: key,
            ..mint_request(&device, 1, "")
        };
        assert_eq!(
            mint(&lab.vault, &unusable).await.err().unwrap().cause(),
            Cause::MandatoryElementIncorrect
        );
    }
}

#[tokio::test]
async fn one_subscription_has_a_supi_and_sixty_four_at_once_are_told_so() {
    let lab = Lab::new().await;
    let devices: Vec<Device> = (1..=64).map(Device::new).collect();
    let requests = devices.iter().zip(0..).map(|(device, n)| Mint {
        subscription_id: subscription(n),
        ..mint_request(device, 1, &format!("order-{n}"))
    });
    let requests: Vec<Mint> = requests.collect();
    let outcomes = join_all(requests.iter().map(|request| mint(&lab.vault, request))).await;
    let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(won, 1);
    let causes = outcomes
        .iter()
        .filter_map(|outcome| outcome.as_ref().err())
        .map(vault::MintError::cause);
    assert!(
        causes
            .into_iter()
            .all(|cause| cause == Cause::AlreadyExists)
    );
}

#[tokio::test]
async fn credential_epochs_grow_for_subscription_and_device() {
    let lab = Lab::new().await;
    let (device, successor) = (Device::new(1), Device::new(2));
    assert_eq!(lab.mint(&device, 1).await.credential_epoch, 1);
    let other_subscription = mint(&lab.vault, &mint_request(&device, 2, "order-2"))
        .await
        .unwrap();
    assert_eq!(other_subscription.credential_epoch, 2, "of the device");
    let moved = mint(&lab.vault, &mint_request(&successor, 2, "order-3"))
        .await
        .unwrap();
    assert_eq!(moved.credential_epoch, 3, "of the subscription");
}

#[tokio::test]
async fn a_supi_is_free_again_once_its_sets_are_destroyed_and_its_epoch_goes_on() {
    let lab = Lab::new().await;
    let device = Device::new(1);
    let mut first = lab.provision(&device, 1).await;
    lab.authenticate(&mut first, 1).await;
    lab.authenticate(&mut first, 1).await;
    destroy(&lab.vault, &first.id).await.unwrap();
    destroy(&lab.vault, &first.id).await.unwrap();
    assert_eq!(
        lab.vector(1).await.err().unwrap().cause(),
        Cause::UserNotFound
    );
    assert_eq!(
        promote(&lab.vault, &first.id).await.err().unwrap().cause(),
        Cause::NotFound
    );

    let successor = Device::new(2);
    let request = Mint {
        supi: supi(1),
        ..mint_request(&successor, 7, "order-7")
    };
    let minted = mint(&lab.vault, &request).await.unwrap();
    let run = lab.onboard(
        &successor,
        crate::support::Mode::Bound(onboarding::Suite::X25519),
    );
    lab.sealing(&successor, 7, &minted, &run)
        .seal(&lab)
        .await
        .unwrap();
    let vector = lab.vector(1).await.unwrap();
    assert_eq!(vector.authentication_epoch, 3);
    assert_eq!(vector.credential_set_id, minted.credential_set_id);
}

#[tokio::test]
async fn a_promotion_is_durable_and_its_commit_the_same_for_ever() {
    let mut lab = Lab::on_disk().await;
    let device = Device::new(1);
    let mut provisioned = lab.provision(&device, 1).await;
    assert!(lab.authenticate(&mut provisioned, 1).await.candidate);
    let promotion = promote(&lab.vault, &provisioned.id).await.unwrap();
    assert_eq!(
        (&promotion.subscription_id, &promotion.device_id),
        (&subscription(1), &device.id)
    );

    lab.runtime
        .clock
        .advance(std::time::Duration::from_secs(60));
    assert_eq!(
        promote(&lab.vault, &provisioned.id).await.unwrap(),
        promotion
    );
    lab.restart().await;
    assert_eq!(
        promote(&lab.vault, &provisioned.id).await.unwrap(),
        promotion
    );

    let vector = lab.authenticate(&mut provisioned, 1).await;
    assert!(
        !vector.candidate && vector.commit == promotion.commit,
        "a device that missed it gets it again"
    );
    assert_eq!(vector.authentication_epoch, 2, "promotion takes no number");

    let keyset = VerifiedKeyset::verify(lab.vault.operator().keyset(), None).unwrap();
    let commit = Commit::verify(&promotion.commit, &keyset, None).unwrap();
    assert_eq!(
        (commit.device_id, commit.credential_set_id),
        (device.id, provisioned.id)
    );
    assert!(matches!(commit.by, CommittedBy::Package(_)));
    assert_eq!(commit.credential_epoch, 1);
}

#[tokio::test]
async fn what_nobody_holds_cannot_be_promoted() {
    let lab = Lab::new().await;
    let minted = lab.mint(&Device::new(1), 1).await;
    let refused = promote(&lab.vault, &minted.credential_set_id)
        .await
        .err()
        .unwrap();
    assert_eq!(refused.cause(), Cause::Conflict);
    let unknown = identifiers::CredentialSetId::generate(9, [9; 10]);
    assert_eq!(
        promote(&lab.vault, &unknown).await.err().unwrap().cause(),
        Cause::NotFound
    );
    assert_eq!(
        destroy(&lab.vault, &unknown).await.err().unwrap().cause(),
        Cause::NotFound
    );
}

#[tokio::test]
async fn an_active_set_is_not_sealed_again() {
    let lab = Lab::new().await;
    let device = Device::new(1);
    let minted = lab.mint(&device, 1).await;
    let run = lab.onboard(
        &device,
        crate::support::Mode::Bound(onboarding::Suite::X25519),
    );
    let sealing = lab.sealing(&device, 1, &minted, &run);
    sealing.seal(&lab).await.unwrap();
    promote(&lab.vault, &minted.credential_set_id)
        .await
        .unwrap();
    assert_eq!(
        sealing.numbered(2).seal(&lab).await.err().unwrap().cause(),
        Cause::Conflict
    );
}

#[tokio::test]
async fn candidate_and_active_set_take_turns_until_one_is_proven() {
    let lab = Lab::new().await;
    let device = Device::new(1);
    let mut old = lab.provision(&device, 1).await;
    lab.authenticate(&mut old, 1).await;
    promote(&lab.vault, &old.id).await.unwrap();

    let again = mint(&lab.vault, &mint_request(&device, 1, "order-2"))
        .await
        .unwrap();
    assert_eq!(again.credential_epoch, 2);
    lab.authenticate(&mut old, 1).await;
    let mut new = lab.deliver(&device, 1, &again).await;
    for _ in 0..8 {
        assert!(lab.authenticate(&mut new, 1).await.candidate);
        assert!(!lab.authenticate(&mut old, 1).await.candidate);
    }
    // Nobody came with the candidate: the active set is used alone.
    for _ in 0..4 {
        assert!(!lab.authenticate(&mut old, 1).await.candidate);
    }
    let vector = lab.vector(1).await.unwrap();
    let epoch = vector.authentication_epoch;

    promote(&lab.vault, &new.id).await.unwrap();
    let vector = lab.authenticate(&mut new, 1).await;
    assert_eq!(vector.authentication_epoch, epoch + 1);
    assert_eq!(
        promote(&lab.vault, &old.id).await.err().unwrap().cause(),
        Cause::NotFound,
        "its keys are erased"
    );
}

#[tokio::test]
async fn a_new_candidate_takes_the_place_of_the_one_before() {
    let lab = Lab::new().await;
    let device = Device::new(1);
    let first = lab.provision(&device, 1).await;
    let second = mint(&lab.vault, &mint_request(&device, 1, "order-2"))
        .await
        .unwrap();
    assert_eq!(
        lab.vector(1).await.err().unwrap().cause(),
        Cause::CredentialNotActive
    );
    assert_eq!(
        promote(&lab.vault, &first.id).await.err().unwrap().cause(),
        Cause::NotFound
    );
    lab.deliver(&device, 1, &second).await;
    assert_eq!(
        lab.vector(1).await.unwrap().credential_set_id,
        second.credential_set_id
    );
}

#[tokio::test]
async fn many_generations_of_credentials_leave_a_bounded_record() {
    let lab = Lab::new().await;
    let device = Device::new(1);
    for n in 1..=40 {
        let minted = mint(&lab.vault, &mint_request(&device, 1, &format!("order-{n}")))
            .await
            .unwrap();
        assert_eq!(minted.credential_epoch, n);
    }
    let store = lab.database.for_function("vault").unwrap();
    let tag = store.tag("imsi-001010000000001").unwrap();
    let record = store
        .get(&tag, store::Kind::new("subscriber").into())
        .await
        .unwrap()
        .unwrap();
    assert!(
        record.value.octets.len() < 8192,
        "{}",
        record.value.octets.len()
    );
}

#[tokio::test]
async fn commits_of_the_signer_are_what_the_keyset_allows() {
    let lab = Lab::new().await;
    let provisioned = lab.provision(&Device::new(1), 1).await;
    let commit = promote(&lab.vault, &provisioned.id).await.unwrap().commit;
    for object_type in ObjectType::ALL {
        let offered = cose::SignedObject::decode(&commit, object_type);
        assert_eq!(offered.is_ok(), object_type == ObjectType::Commit);
    }
}

#[tokio::test]
async fn turns_are_taken_one_by_one_under_load() {
    let lab = Lab::new().await;
    let device = Device::new(1);
    let mut old = lab.provision(&device, 1).await;
    lab.authenticate(&mut old, 1).await;
    promote(&lab.vault, &old.id).await.unwrap();
    let again = mint(&lab.vault, &mint_request(&device, 1, "order-2"))
        .await
        .unwrap();
    let mut new = lab.deliver(&device, 1, &again).await;
    let mut vectors: Vec<_> = join_all((0..24).map(|_| lab.vector(1)))
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    vectors.sort_by_key(|vector| vector.authentication_epoch);
    assert_eq!(vectors.iter().filter(|vector| vector.candidate).count(), 8);
    for vector in &vectors {
        let holder = if vector.candidate { &mut new } else { &mut old };
        assert!(holder.answers(vector));
    }
}
