//! What other functions take away.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use cause::Cause;
use coap::Code;

use crate::harness::{Bench, cause_in, refusal};

#[tokio::test]
async fn a_removed_context_ends_the_sessions_of_the_ue_within_a_second() {
    let bench = Bench::start().await;
    let alice = bench.registered("alice").await;
    let bob = bench.registered("bob").await;
    let begin = Instant::now();
    bench.network.remove_context("alice", true);
    alice.client.closed().await;
    assert!(
        begin.elapsed() < Duration::from_secs(1),
        "{:?}",
        begin.elapsed()
    );
    bob.register().await.expect("only that UE's sessions end");
    bench.stop().await;
}

#[tokio::test]
async fn a_removal_that_was_missed_is_noticed_at_resynchronisation() {
    let bench = Bench::start().await;
    let alice = bench.registered("alice").await;
    let bob = bench.registered("bob").await;
    bench.network.remove_context("alice", false);
    let begin = Instant::now();
    bench.network.resynchronize();
    alice.client.closed().await;
    assert!(
        begin.elapsed() < Duration::from_secs(1),
        "{:?}",
        begin.elapsed()
    );
    bob.register().await.unwrap();
    bench.stop().await;
}

#[tokio::test]
async fn without_a_word_of_the_aanf_it_is_asked_before_anything_is_done() {
    let bench = Bench::start().await;
    let alice = bench.registered("alice").await;
    bench.runtime.clock.advance(Duration::from_secs(6));
    bench.network.aanf_fails.store(true, Ordering::SeqCst);
    let response = alice.post(alice.msgin5g.register(None, None)).await;
    assert_eq!(response.code, Code::SERVICE_UNAVAILABLE);
    assert_eq!(cause_in(&response), Some(Cause::AssociationUnavailable));
    assert!(response.max_age().is_some());
    let refused = alice.say("bob", "m-1").await;
    assert_eq!(refusal(refused), (0xa3, Cause::AssociationUnavailable));

    bench.network.aanf_fails.store(false, Ordering::SeqCst);
    alice.say("bob", "m-1").await.unwrap();
    bench.network.remove_context("alice", false);
    let request = alice.msgin5g.register(None, None);
    let refused = alice.client.request(coap::Request::post(
        "/msgin5g",
        coap::ContentFormat::JSON,
        request.body,
    ));
    // the refusal and the end of the session race
    if let Ok(response) = refused.await {
        assert_eq!(response.code, Code::UNAUTHORIZED);
    }
    alice.client.closed().await;
    bench.stop().await;
}

#[tokio::test]
async fn a_closed_association_unbinds_its_endpoint() {
    let bench = Bench::start().await;
    let alice = bench.registered("alice").await;
    let bob = bench.registered("bob").await;
    bench.network.close_association("bob", true);
    let begin = Instant::now();
    while bench.registration("bob").await.is_some() {
        assert!(
            begin.elapsed() < Duration::from_secs(1),
            "{:?}",
            begin.elapsed()
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(
        refusal(bob.say("alice", "m-1").await),
        (0x83, Cause::NotRegistered)
    );
    assert_eq!(
        refusal(bob.register().await),
        (0x83, Cause::UeServiceIdNotAssociated)
    );
    assert_eq!(
        refusal(alice.say("bob", "m-2").await),
        (0x84, Cause::UnknownRecipient)
    );
    assert_eq!(bob.received(), 0);
    bench.stop().await;
}

#[tokio::test]
async fn a_closed_association_counts_at_once_while_its_feed_is_silent() {
    let bench = Bench::start().await;
    let bob = bench.registered("bob").await;
    bench.runtime.clock.advance(Duration::from_secs(6));
    bench.network.close_association("bob", false);
    assert_eq!(
        refusal(bob.say("alice", "m-1").await),
        (0x83, Cause::NotRegistered)
    );
    bench.stop().await;
}

#[tokio::test]
async fn a_handshake_waits_for_no_aanf_that_fails() {
    let bench = Bench::start().await;
    bench.network.aanf_fails.store(true, Ordering::SeqCst);
    let refused = bench
        .try_connect("alice", |config| {
            config.handshake_timeout = Duration::from_secs(3);
        })
        .await;
    assert!(refused.is_err());
    bench.network.aanf_fails.store(false, Ordering::SeqCst);
    bench.registered("alice").await;
    bench.stop().await;
}
