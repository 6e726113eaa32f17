//! Orders before and during the sign-up.

use std::time::Duration;

use cause::Cause;
use identifiers::PlanId;
use onboarding::NetworkProofLevel;
use provisioning::ClaimSecret;

use super::device::Device;
use super::world::{START_MS, World, decision, outbox, plan};
use crate::housekeeping::free_claims_once;
use crate::procedures::create_order::{NewOrder, PlacedOrder, create_order, get_order};
use crate::procedures::keep_plans::put_plan;
use crate::procedures::sign_up::{SignUp, sign_up};
use crate::records::SessionState;

fn order(key: &str) -> NewOrder {
    NewOrder {
        idempotency_key: key.to_owned(),
        plan_id: PlanId::parse("lab").unwrap(),
        label: None,
        claim_secret: None,
    }
}

fn labelled(key: &str, serial: &str) -> NewOrder {
    NewOrder {
        label: Some(("Acme".to_owned(), serial.to_owned())),
        ..order(key)
    }
}

async fn place(world: &World, order: &NewOrder) -> PlacedOrder {
    create_order(&world.context(), order).await.unwrap()
}

fn with_code(code: &str) -> SignUp {
    SignUp {
        plan_id: None,
        order_code: Some(code.to_owned()),
        ..decision()
    }
}

#[tokio::test]
async fn an_order_gives_its_code_once() {
    let world = World::new().await;
    let first = place(&world, &order("a")).await;
    assert_eq!(first.code.unwrap().len(), 26);
    let again = place(&world, &order("a")).await;
    assert_eq!((again.order_id, again.code), (first.order_id, None));
    let other = NewOrder {
        label: Some(("Acme".to_owned(), "1".to_owned())),
        ..order("a")
    };
    assert_eq!(
        create_order(&world.context(), &other)
            .await
            .err()
            .unwrap()
            .cause(),
        Cause::Conflict
    );
    let unknown = NewOrder {
        plan_id: PlanId::parse("none").unwrap(),
        ..order("b")
    };
    assert_eq!(
        create_order(&world.context(), &unknown)
            .await
            .err()
            .unwrap()
            .cause(),
        Cause::PlanUnavailable
    );
}

#[tokio::test]
async fn an_order_code_is_redeemed_by_one_device() {
    let world = World::new().await;
    let mut hidden = plan("lab");
    hidden.self_service = false;
    put_plan(&world.context(), &hidden).await.unwrap();
    let placed = place(&world, &order("a")).await;
    let code = placed.code.unwrap();
    let context = world.context();
    let first = Device::new("4711").authenticate(1);
    let session = world.open(&first).await;
    // Typed as people type: lower case, in groups.
    let typed = format!(
        "{}-{} {}",
        &code[..8],
        &code[8..16].to_lowercase(),
        &code[16..]
    );
    sign_up(&context, &outbox(&context), &session, with_code(&typed))
        .await
        .unwrap();
    sign_up(&context, &outbox(&context), &session, with_code(&typed))
        .await
        .unwrap();
    world.enrol(&first.device).await;
    assert_eq!(
        world.enrolment(&first.device).await.order_id,
        placed.order_id.as_str()
    );
    assert_eq!(
        get_order(&context, &placed.order_id)
            .await
            .unwrap()
            .redeemed_by,
        first.device.device_id.as_str()
    );

    let second = Device::new("4712").authenticate(2);
    let session = world.open(&second).await;
    for code in [code.as_str(), "AAAAAAAAAAAAAAAAAAAAAAAAAA", "", "\u{1F600}"] {
        let refused = sign_up(&context, &outbox(&context), &session, with_code(code))
            .await
            .unwrap_err();
        assert_eq!(refused.cause(), Cause::NoOrder, "{code}");
    }
    // Without an order the plan cannot be chosen.
    assert_eq!(
        world.sign_up(&session).await.unwrap_err().cause(),
        Cause::PlanUnavailable
    );
}

#[tokio::test]
async fn sixty_four_orders_and_sign_ups_at_once_open_one_association() {
    let world = World::new().await;
    let mut codes = Vec::new();
    for n in 0..64 {
        codes.push(place(&world, &order(&format!("order {n}"))).await);
    }
    let authentication = Device::new("4711").authenticate(1);
    let session = world.open(&authentication).await;
    let context = world.context();
    let outbox = outbox(&context);
    let sign_ups = codes.iter().map(|placed| {
        sign_up(
            &context,
            &outbox,
            &session,
            with_code(placed.code.as_ref().unwrap()),
        )
    });
    for signed_up in futures::future::join_all(sign_ups).await {
        signed_up.unwrap();
    }
    world.enrol(&authentication.device).await;
    assert_eq!(world.configuration_management.associations().len(), 1);
    let enrolment = world.enrolment(&authentication.device).await;
    let mut redeemed = Vec::new();
    for placed in &codes {
        if !get_order(&context, &placed.order_id)
            .await
            .unwrap()
            .redeemed_by
            .is_empty()
        {
            redeemed.push(placed.order_id.as_str().to_owned());
        }
    }
    assert_eq!(redeemed, [enrolment.order_id]);
}

#[tokio::test]
async fn a_device_that_was_ordered_is_signed_up_by_itself() {
    let world = World::new().await;
    let placed = place(&world, &labelled("a", "4711")).await;
    let other = Device::new("4712").authenticate(2);
    let session = world.open(&other).await;
    assert_eq!(session.record().state(), SessionState::Limited);
    // Another device cannot use the code of an order that names one.
    let context = world.context();
    let code = placed.code.unwrap();
    let refused = sign_up(&context, &outbox(&context), &session, with_code(&code)).await;
    assert_eq!(refused.unwrap_err().cause(), Cause::NoOrder);

    let ordered = Device::new("4711").authenticate(1);
    assert_eq!(
        world.open(&ordered).await.record().state(),
        SessionState::SignedUp
    );
    world.enrol(&ordered.device).await;
    let enrolment = world.enrolment(&ordered.device).await;
    assert_eq!(enrolment.order_id, placed.order_id.as_str());
    ordered
        .open(&enrolment.delivery.unwrap().package, None)
        .unwrap();
}

#[tokio::test]
async fn an_order_with_the_claim_secret_proves_it_in_the_package() {
    let world = World::new().await;
    let secret = ClaimSecret::parse("abcd-efgh-ijkl-mnop").unwrap();
    let order = NewOrder {
        claim_secret: Some(secret.clone()),
        ..labelled("a", "4711")
    };
    let placed = place(&world, &order).await;
    let stored = get_order(&world.context(), &placed.order_id).await.unwrap();
    assert!(!format!("{stored:?}").contains(&format!("{:?}", secret.expose())[1..40]));

    let device = Device::new("4711");
    let authentication = device.authenticate_at(1, NetworkProofLevel::ClaimSecret, START_MS / 1000);
    world.open(&authentication).await;
    world.enrol(&device).await;
    let package = world.enrolment(&device).await.delivery.unwrap().package;
    let opened = authentication.open(&package, Some(&secret)).unwrap();
    assert_eq!(opened.header.network_proof, NetworkProofLevel::ClaimSecret);
    assert!(authentication.open(&package, None).is_err());
}

#[tokio::test]
async fn an_order_without_the_claim_secret_that_is_demanded_stays_open() {
    let world = World::new().await;
    let placed = place(&world, &labelled("a", "4711")).await;
    let device = Device::new("4711");
    let authentication = device.authenticate_at(1, NetworkProofLevel::ClaimSecret, START_MS / 1000);
    let session = world.open(&authentication).await;
    assert_eq!(session.record().state(), SessionState::Limited);
    assert!(
        get_order(&world.context(), &placed.order_id)
            .await
            .unwrap()
            .redeemed_by
            .is_empty()
    );
}

#[tokio::test]
async fn one_order_waits_for_a_device_at_a_time() {
    let world = World::new().await;
    let orders: Vec<_> = (0..64)
        .map(|n| labelled(&format!("order {n}"), "4711"))
        .collect();
    let context = world.context();
    let placed =
        futures::future::join_all(orders.iter().map(|order| create_order(&context, order))).await;
    assert_eq!(placed.iter().filter(|placed| placed.is_ok()).count(), 1);
    let ordered = Device::new("4711").authenticate(1);
    world.open(&ordered).await;
    world.enrol(&ordered.device).await;
    assert_eq!(world.configuration_management.associations().len(), 1);
    // A redeemed order makes room for the next.
    place(&world, &labelled("later", "4711")).await;
}

#[tokio::test]
async fn a_label_that_a_crash_left_claimed_is_free_for_the_next_order() {
    let world = World::new().await;
    let context = world.context();
    // A process reserved it and died before the order was written.
    let label = context.label_tag("Acme", "1").unwrap();
    let lost = "ord_01ARZ3NDEKTSV4RRFFQ69G5FAV";
    context.store.reserve(&label, lost).await.unwrap();
    let held = create_order(&context, &labelled("a", "1")).await;
    assert_eq!(held.err().unwrap().cause(), Cause::Conflict);
    // Numbers that an enrolment has reserved stay, however long it waits.
    let supi = context.store.tag("imsi-001010000000001").unwrap();
    context.store.reserve(&supi, "sub_1").await.unwrap();
    let placed = place(&world, &labelled("b", "2")).await;

    world.clock.advance(Duration::from_secs(601));
    // Of two replicas one does it.
    let freed = [
        free_claims_once(&context).await.unwrap(),
        free_claims_once(&world.context()).await.unwrap(),
    ];
    assert_eq!(freed, [1, 0]);
    place(&world, &labelled("c", "1")).await;
    assert!(context.store.claim(&supi).await.unwrap().is_some());
    let other = context.label_tag("Acme", "2").unwrap();
    assert!(
        context
            .store
            .holds(&other, placed.order_id.as_str())
            .await
            .unwrap()
    );
}
