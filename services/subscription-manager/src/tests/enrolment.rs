//! From a chosen plan to an offered profile, whatever happens on the way.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use cause::Cause;
use identifiers::PlanId;
use onboarding::NetworkProofLevel;
use provisioning::{ClaimSecret, ReceiptResult};

use super::device::{Authentication, Device};
use super::peers::Fault;
use super::world::{START_MS, World, decision, outbox, plan};
use crate::plan::NumberRange;
use crate::procedures::activate_credential::activate_credential;
use crate::procedures::enrol::{Progress, StepError, advance, enrol};
use crate::procedures::keep_plans::{delete_plan, put_plan};
use crate::procedures::open_session::open_session;
use crate::procedures::sign_up::{SignUp, sign_up};
use crate::records::{AssociationRecord, DeliveryState, SessionState, SubscriptionRecord};
use store::Names;

/// What holds after any number of crashes: one subscription, one SUPI, one association, one package that opens.
async fn assert_one_of_each(world: &World, authentication: &Authentication, case: &str) {
    let enrolment = world.enrolment(&authentication.device).await;
    let minted = world.vault.minted();
    assert_eq!(minted.len(), 1, "{case}");
    assert_eq!(
        minted[0].subscription_id, enrolment.subscription_id,
        "{case}"
    );
    let associations = world.configuration_management.associations();
    assert_eq!(associations.len(), 1, "{case}");
    assert_eq!(associations[0].supi.as_text(), enrolment.supi, "{case}");
    assert_eq!(
        associations[0].supi.as_text(),
        "imsi-001010000000001",
        "{case}"
    );
    let delivery = enrolment.delivery.as_ref().unwrap();
    let opened = authentication
        .open(&delivery.package, None)
        .unwrap_or_else(|error| panic!("{case}: {error}"));
    assert_eq!(opened.secret.supi.as_text(), enrolment.supi, "{case}");
    assert_eq!(
        opened.profile.subscription_id.as_str(),
        enrolment.subscription_id,
        "{case}"
    );

    let context = world.context();
    let tag = context.store.tag(&enrolment.subscription_id).unwrap();
    let rows = context
        .store
        .list::<AssociationRecord>(&tag, &Names::all(), 10)
        .await
        .unwrap();
    assert_eq!(rows.len(), 1, "{case}");
    assert!(
        context
            .store
            .read::<SubscriptionRecord>(&tag)
            .await
            .unwrap()
            .is_some(),
        "{case}"
    );
    for claimed in [&enrolment.supi, &enrolment.gpsi, &enrolment.ue_service_id] {
        let tag = context.store.tag(claimed).unwrap();
        assert!(
            context
                .store
                .holds(&tag, &enrolment.subscription_id)
                .await
                .unwrap(),
            "{case}"
        );
    }
}

#[tokio::test]
async fn a_signed_up_device_is_offered_its_profile() {
    let world = World::new().await;
    let authentication = Device::new("4711").authenticate(1);
    let session = world.offered(&authentication).await;
    assert_one_of_each(&world, &authentication, "no crash").await;
    assert_eq!(session.record().state(), SessionState::Delivering);
    let enrolment = world.enrolment(&authentication.device).await;
    let opened = authentication
        .open(&enrolment.delivery.unwrap().package, None)
        .unwrap();
    let msgin5g = opened.profile.applications.msgin5g.unwrap();
    assert_eq!(msgin5g.ue_service_id.as_str(), enrolment.ue_service_id);
    assert!(
        enrolment.ue_service_id.starts_with("ue-")
            && enrolment.ue_service_id.ends_with("@msgin5g.berth.test")
    );
    assert_eq!(
        opened.profile.service.gpsis[0].as_str(),
        "msisdn-99900000001"
    );
    assert_eq!(
        opened.header.network_proof,
        NetworkProofLevel::OperatorChain
    );
    assert_eq!(opened.header.seal_seq, 1);
}

/// Everything that leads to an offered profile, each part as often as its sender repeats it.
async fn onboard(world: Arc<World>, authentication: Arc<Authentication>) {
    let context = world.context();
    let outbox = outbox(&context);
    open_session(&context, &outbox, &authentication.handed_over())
        .await
        .unwrap();
    let session = world.session(&authentication.session).await;
    sign_up(&context, &outbox, &session, decision())
        .await
        .unwrap();
    enrol(&context, &authentication.device.device_id)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_crash_after_any_write_leads_to_one_of_each() {
    let device = Device::new("4711");
    for n in 1.. {
        let world = Arc::new(World::new().await);
        let authentication = Arc::new(device.authenticate(1));
        world.crashes.after_write(n);
        #[expect(clippy::disallowed_methods, reason = "a task that may panic")]
        let crashed = tokio::spawn(onboard(world.clone(), authentication.clone()))
            .await
            .is_err();
        world.crashes.after_write(0);
        onboard(world.clone(), authentication.clone()).await;
        assert_one_of_each(&world, &authentication, &format!("crash after write {n}")).await;
        if !crashed {
            assert!(n > 15, "only {n} writes");
            return;
        }
    }
}

#[tokio::test]
async fn a_lost_or_refused_call_to_any_peer_leads_to_one_of_each() {
    let faults = [
        Fault::LoseAnswer,
        Fault::Refuse(Cause::UpstreamFailure),
        Fault::Refuse(Cause::StoreUnavailable),
    ];
    for call in [
        "mint",
        "put_association",
        "home_network_keys",
        "operator_keys",
        "seal",
    ] {
        for fault in faults {
            let world = World::new().await;
            world.vault.script.add(call, fault);
            world.configuration_management.script.add(call, fault);
            let authentication = Device::new("4711").authenticate(1);
            let session = world.open(&authentication).await;
            world.sign_up(&session).await.unwrap();
            let context = world.context();
            let stopped = enrol(&context, &authentication.device.device_id)
                .await
                .unwrap_err();
            assert!(matches!(stopped, StepError::Peer(_)), "{call} {fault:?}");
            world.enrol(&authentication.device).await;
            assert_one_of_each(&world, &authentication, &format!("{call} {fault:?}")).await;
        }
    }
}

#[tokio::test]
async fn two_workers_at_once_lead_to_one_of_each() {
    let world = Arc::new(World::new().await);
    let authentication = Arc::new(Device::new("4711").authenticate(1));
    let session = world.open(&authentication).await;
    world.sign_up(&session).await.unwrap();
    let workers = (0..8).map(|_| {
        let context = world.context();
        let device_id = authentication.device.device_id.clone();
        async move { enrol(&context, &device_id).await }
    });
    for worked in futures::future::join_all(workers).await {
        worked.unwrap();
    }
    assert_one_of_each(&world, &authentication, "eight workers").await;
    assert_eq!(world.vault.sealings(), 1);
}

#[tokio::test]
async fn sixty_four_sign_ups_at_once_open_one_subscription() {
    let world = World::new().await;
    let authentication = Device::new("4711").authenticate(1);
    let session = world.open(&authentication).await;
    let sign_ups = (0..64).map(|_| world.sign_up(&session));
    for signed_up in futures::future::join_all(sign_ups).await {
        signed_up.unwrap();
    }
    world.enrol(&authentication.device).await;
    assert_one_of_each(&world, &authentication, "64 sign-ups").await;
}

#[tokio::test]
async fn sixty_four_devices_at_once_get_sixty_four_numbers() {
    let world = World::new().await;
    let devices: Vec<_> = (0..64)
        .map(|n| Device::new(&format!("{n:04}")).authenticate(n))
        .collect();
    let enrolled = devices.iter().map(|authentication| async {
        let session = world.open(authentication).await;
        world.sign_up(&session).await.unwrap();
        world.enrol(&authentication.device).await;
        world.enrolment(&authentication.device).await
    });
    let enrolments = futures::future::join_all(enrolled).await;
    let unique = |of: fn(&crate::records::EnrolmentRecord) -> &String| {
        enrolments.iter().map(of).collect::<HashSet<_>>().len()
    };
    assert_eq!(unique(|enrolment| &enrolment.supi), 64);
    assert_eq!(unique(|enrolment| &enrolment.gpsi), 64);
    assert_eq!(unique(|enrolment| &enrolment.ue_service_id), 64);
    assert_eq!(world.configuration_management.associations().len(), 64);
}

#[tokio::test]
async fn an_exhausted_plan_ends_the_attempt_and_another_plan_can_be_chosen() {
    let world = World::new().await;
    let context = world.context();
    let mut small = plan("small");
    small.msins = NumberRange::parse("5000000001", "5000000009").unwrap();
    small.msisdns = NumberRange::parse("88800000001", "88800000001");
    put_plan(&context, &small).await.unwrap();
    let small = || SignUp {
        plan_id: Some(PlanId::parse("small").unwrap()),
        ..decision()
    };

    let (first, second) = (
        Device::new("4711").authenticate(1),
        Device::new("4712").authenticate(2),
    );
    for authentication in [&first, &second] {
        let session = world.open(authentication).await;
        sign_up(&context, &outbox(&context), &session, small())
            .await
            .unwrap();
        world.enrol(&authentication.device).await;
    }
    assert_eq!(
        world.enrolment(&first.device).await.gpsi,
        "msisdn-88800000001"
    );
    let failed = world.enrolment(&second.device).await;
    assert_eq!(
        failed.failure,
        u32::from(Cause::NumberRangeExhausted.number())
    );
    // What it had claimed is free again.
    for claimed in ["imsi-001015000000002", failed.ue_service_id.as_str()] {
        assert!(
            context
                .store
                .claim(&context.store.tag(claimed).unwrap())
                .await
                .unwrap()
                .is_none(),
            "{claimed}"
        );
    }

    let session = world.session(&second.session).await;
    world.sign_up(&session).await.unwrap();
    world.enrol(&second.device).await;
    let enrolment = world.enrolment(&second.device).await;
    assert_eq!(
        (enrolment.failure, enrolment.supi.as_str()),
        (0, "imsi-001010000000001")
    );
    assert_ne!(enrolment.subscription_id, failed.subscription_id);
    assert_eq!(world.configuration_management.associations().len(), 2);
}

#[tokio::test]
async fn a_refusal_for_good_gives_every_number_back() {
    let world = World::new().await;
    let script = &world.vault.script;
    script.add("mint", Fault::Refuse(Cause::NotAuthorized));
    let authentication = Device::new("4711").authenticate(1);
    let session = world.open(&authentication).await;
    world.sign_up(&session).await.unwrap();
    let context = world.context();
    let device_id = &authentication.device.device_id;
    assert_eq!(
        advance(&context, device_id).await.unwrap(),
        Progress::Stepped
    );
    let allocated = world.enrolment(&authentication.device).await;
    world.enrol(&authentication.device).await;
    let failed = world.enrolment(&authentication.device).await;
    assert_eq!(failed.failure, u32::from(Cause::NotAuthorized.number()));
    for claimed in [allocated.supi, allocated.gpsi, allocated.ue_service_id] {
        let tag = context.store.tag(&claimed).unwrap();
        assert!(
            context.store.claim(&tag).await.unwrap().is_none(),
            "{claimed}"
        );
    }
}

#[tokio::test]
async fn numbers_that_others_hold_are_passed_over() {
    let world = World::new().await;
    world
        .vault
        .script
        .add("mint", Fault::Refuse(Cause::AlreadyExists));
    world
        .vault
        .script
        .add("mint", Fault::Refuse(Cause::AlreadyExists));
    world
        .configuration_management
        .script
        .add("put_association", Fault::Refuse(Cause::Conflict));
    let authentication = Device::new("4711").authenticate(1);
    world.offered(&authentication).await;
    let enrolment = world.enrolment(&authentication.device).await;
    assert_eq!(enrolment.supi, "imsi-001010000000003");
    let associations = world.configuration_management.associations();
    assert_eq!(associations.len(), 1);
    assert_eq!(
        associations[0].ue_service_id.as_str(),
        enrolment.ue_service_id
    );
    // The next device goes on behind them.
    let next = Device::new("4712").authenticate(2);
    world.offered(&next).await;
    assert_eq!(
        world.enrolment(&next.device).await.supi,
        "imsi-001010000000004"
    );
}

#[tokio::test]
async fn a_plan_stays_as_it_was_chosen() {
    let world = World::new().await;
    let authentication = Device::new("4711").authenticate(1);
    let session = world.open(&authentication).await;
    world.sign_up(&session).await.unwrap();
    delete_plan(&world.context(), &PlanId::parse("lab").unwrap())
        .await
        .unwrap();
    world.enrol(&authentication.device).await;
    assert_one_of_each(&world, &authentication, "deleted plan").await;
}

#[tokio::test]
async fn the_package_stays_the_same_in_its_session_and_is_sealed_again_for_the_next() {
    let world = World::new().await;
    let device = Device::new("4711");
    let first = device.authenticate(1);
    world.offered(&first).await;
    let offered = world.enrolment(&device).await;
    world.enrol(&device).await;
    let session = world.session(&first.session).await;
    world.sign_up(&session).await.unwrap();
    assert_eq!(world.enrolment(&device).await, offered);

    let second = device.authenticate(2);
    world.open(&second).await;
    world.enrol(&device).await;
    let again = world.enrolment(&device).await;
    assert_eq!(
        (&again.package_id, &again.credential_set_id),
        (&offered.package_id, &offered.credential_set_id)
    );
    assert_eq!(again.seal_seq, 2);
    let package = again.delivery.unwrap().package;
    assert_ne!(package, offered.delivery.unwrap().package);
    assert_eq!(second.open(&package, None).unwrap().header.seal_seq, 2);
    assert!(first.open(&package, None).is_err());
    assert_eq!(world.vault.minted().len(), 1);
}

#[tokio::test]
async fn a_device_that_lost_everything_gets_the_next_credentials_of_its_subscription() {
    let world = World::new().await;
    let device = Device::new("4711");
    let first = device.authenticate(1);
    world.offered(&first).await;
    let before = world.enrolment(&device).await;
    let activate = async || {
        let enrolment = world.enrolment(&device).await;
        let (subscription, set) = (
            enrolment.subscription_id().unwrap(),
            enrolment.credential_set_id().unwrap(),
        );
        activate_credential(&world.context(), &subscription, &device.device_id, &set)
            .await
            .unwrap();
    };
    activate().await;

    let second = device.authenticate(2);
    world.open(&second).await;
    world.enrol(&device).await;
    let after = world.enrolment(&device).await;
    assert_eq!(
        (&after.subscription_id, &after.supi, &after.ue_service_id),
        (&before.subscription_id, &before.supi, &before.ue_service_id)
    );
    assert_ne!(after.credential_set_id, before.credential_set_id);
    assert_eq!((after.credential_epoch, after.seal_seq), (2, 1));
    let opened = second
        .open(&after.delivery.as_ref().unwrap().package, None)
        .unwrap();
    assert_eq!(
        opened.header.supersedes.unwrap().as_str(),
        before.package_id
    );
    assert_eq!(world.configuration_management.associations().len(), 1);

    // A late repetition of the first activation does not end the new session; the second one does.
    let (subscription, set) = (
        before.subscription_id().unwrap(),
        before.credential_set_id().unwrap(),
    );
    activate_credential(&world.context(), &subscription, &device.device_id, &set)
        .await
        .unwrap();
    assert_eq!(
        world.session_state(&second.session).await,
        SessionState::Delivering
    );
    activate().await;
    assert_eq!(
        world.session_state(&second.session).await,
        SessionState::Released
    );
}

#[tokio::test]
async fn a_session_that_ends_before_sealing_leaves_the_rest_to_the_next() {
    let world = World::new().await;
    let device = Device::new("4711");
    let first = device.authenticate(1);
    let session = world.open(&first).await;
    world.sign_up(&session).await.unwrap();
    world.clock.advance(Duration::from_secs(16 * 60));
    world.enrol(&device).await;
    let waiting = world.enrolment(&device).await;
    assert!(waiting.associated && waiting.delivery.is_none());

    let second = device.authenticate_at(
        2,
        NetworkProofLevel::OperatorChain,
        world.clock.unix_seconds(),
    );
    world.open(&second).await;
    world.enrol(&device).await;
    assert_one_of_each(&world, &second, "second session").await;
}

#[tokio::test]
async fn a_refused_sealing_is_final_for_its_session_alone() {
    let world = World::new().await;
    let device = Device::new("4711");
    let first = device.authenticate(1);
    world
        .vault
        .script
        .add("seal", Fault::Refuse(Cause::ChallengeStale));
    world.offered(&first).await;
    let refused = world.enrolment(&device).await.delivery.unwrap();
    assert_eq!(refused.failure, u32::from(Cause::ChallengeStale.number()));
    assert_eq!(
        advance(&world.context(), &device.device_id).await.unwrap(),
        Progress::Nothing
    );

    let second = device.authenticate(2);
    world.open(&second).await;
    world.enrol(&device).await;
    assert_one_of_each(&world, &second, "second session").await;
}

#[tokio::test]
async fn a_device_that_demands_the_claim_secret_gets_nothing_without_it() {
    let world = World::new().await;
    let device = Device::new("4711");
    let authentication = device.authenticate_at(1, NetworkProofLevel::ClaimSecret, START_MS / 1000);
    let session = world.open(&authentication).await;
    let refused = world.sign_up(&session).await.unwrap_err();
    assert_eq!(refused.cause(), Cause::MandatoryElementMissing);
    assert!(world.stored_enrolment(&device).await.is_none());

    let secret = ClaimSecret::parse("abcd-efgh-ijkl-mnop").unwrap();
    let context = world.context();
    // The secret stands in for the match code.
    let decision = SignUp {
        claim_secret: Some(secret.clone()),
        match_confirmed: false,
        ..decision()
    };
    sign_up(&context, &outbox(&context), &session, decision)
        .await
        .unwrap();
    world.enrol(&device).await;
    let enrolment = world.enrolment(&device).await;
    assert!(!format!("{enrolment:?}").contains(&format!("{:?}", secret.expose())[1..40]));
    let package = enrolment.delivery.unwrap().package;
    let opened = authentication.open(&package, Some(&secret)).unwrap();
    assert_eq!(opened.header.network_proof, NetworkProofLevel::ClaimSecret);
    let wrong = ClaimSecret::parse("aaaa-efgh-ijkl-mnop").unwrap();
    assert!(authentication.open(&package, Some(&wrong)).is_err());
}

#[tokio::test]
async fn a_mistyped_claim_secret_is_asked_for_again_in_the_next_session() {
    let world = World::new().await;
    let device = Device::new("4711");
    let context = world.context();
    let first = device.authenticate_at(1, NetworkProofLevel::ClaimSecret, START_MS / 1000);
    let session = world.open(&first).await;
    let typed = |text: &str| SignUp {
        claim_secret: Some(ClaimSecret::parse(text).unwrap()),
        ..decision()
    };
    sign_up(
        &context,
        &outbox(&context),
        &session,
        typed("aaaaaaaaaaaaaaaa"),
    )
    .await
    .unwrap();
    world.enrol(&device).await;
    let offered = world.enrolment(&device).await;
    let receipt = provisioning::Receipt {
        package_id: offered.package_id().unwrap(),
        seal_seq: 1,
        result: ReceiptResult::Rejected,
        package_sha256: cose::sha256(&offered.delivery.as_ref().unwrap().package),
        agent: "test/1".to_owned(),
        time: 0,
        cause: Some(404),
    };
    let octets = receipt.sign(&device.key).unwrap();
    crate::procedures::take_receipt::take_receipt(&context, &session, &octets)
        .await
        .unwrap();
    assert_eq!(
        world.enrolment(&device).await.delivery.unwrap().state(),
        DeliveryState::Rejected
    );

    let second = device.authenticate_at(2, NetworkProofLevel::ClaimSecret, START_MS / 1000);
    let session = world.open(&second).await;
    assert_eq!(session.record().state(), SessionState::Limited);
    sign_up(
        &context,
        &outbox(&context),
        &session,
        typed("bbbbbbbbbbbbbbbb"),
    )
    .await
    .unwrap();
    world.enrol(&device).await;
    let again = world.enrolment(&device).await;
    assert_eq!(
        (again.seal_seq, &again.package_id),
        (2, &offered.package_id)
    );
    let right = ClaimSecret::parse("bbbbbbbbbbbbbbbb").unwrap();
    second
        .open(&again.delivery.unwrap().package, Some(&right))
        .unwrap();
}
