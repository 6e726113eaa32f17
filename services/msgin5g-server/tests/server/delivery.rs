//! Store and forward.

use std::sync::atomic::Ordering;
use std::time::Duration;

use cause::Cause;
use coap::Code;
use msgin5g::messages::{MessageStatus, ReportStatus};
use msgin5g::values::StoreAndForward;
use store::{Database, StoreConfig};

use crate::harness::{Bench, Network, config, now, refusal, service_id, until};

// TS 23.554 8.3.6
#[tokio::test]
async fn messages_wait_for_an_absent_ue_and_come_in_order_when_it_registers() {
    let bench = Bench::start().await;
    let alice = bench.registered("alice").await;
    for id in ["m-1", "m-2", "m-3"] {
        assert_eq!(alice.say("bob", id).await.unwrap(), MessageStatus::Stored);
    }
    assert_eq!(
        alice.say("bob", "m-1").await.unwrap(),
        MessageStatus::Stored
    );
    let bob = bench.registered("bob").await;
    assert_eq!(bob.texts(3).await, ["m-1", "m-2", "m-3"]);
    bench.until_nothing_waits_for("bob").await;
    bench.stop().await;
}

#[tokio::test]
async fn a_session_that_is_over_counts_as_absent() {
    let bench = Bench::start().await;
    let alice = bench.registered("alice").await;
    let bob = bench.registered("bob").await;
    bob.client.close().await;
    until(|| bench.runtime.metrics.encode().contains("dtls_sessions 1")).await;
    assert!(!bench.registration("bob").await.unwrap().reachable);
    assert_eq!(
        alice.say("bob", "m-1").await.unwrap(),
        MessageStatus::Stored
    );
    assert_eq!(bench.waiting("bob").await, 1);
    let bob = bench.connect("bob").await;
    assert!(
        !bob.register().await.unwrap().new,
        "the registration outlived its session"
    );
    assert_eq!(bob.texts(1).await, ["m-1"]);
    bench.stop().await;
}

#[tokio::test]
async fn messages_go_to_the_session_that_registered_last() {
    let bench = Bench::start().await;
    let alice = bench.registered("alice").await;
    let first = bench.registered("bob").await;
    let second = bench.registered("bob").await;
    alice.say("bob", "m-1").await.unwrap();
    assert_eq!(second.texts(1).await, ["m-1"]);
    first.register().await.unwrap();
    alice.say("bob", "m-2").await.unwrap();
    assert_eq!(first.texts(1).await, ["m-2"]);
    assert_eq!(second.received(), 1);
    bench.stop().await;
}

#[tokio::test]
async fn what_a_ue_refuses_goes_back_and_is_pushed_when_it_shows_itself() {
    let bench = Bench::start().await;
    let alice = bench.registered("alice").await;
    let bob = bench.registered("bob").await;
    bob.inbox
        .code
        .store(Code::SERVICE_UNAVAILABLE.byte(), Ordering::SeqCst);
    alice.say("bob", "m-1").await.unwrap();
    bob.texts(1).await;
    until(|| {
        bench
            .runtime
            .metrics
            .encode()
            .contains(r#"deliveries_total{state="returned"} 1"#)
    })
    .await;
    assert_eq!(bench.waiting("bob").await, 1);
    bob.inbox.code.store(Code::CHANGED.byte(), Ordering::SeqCst);
    bob.register().await.unwrap();
    assert_eq!(bob.texts(2).await, ["m-1", "m-1"]);
    bench.until_nothing_waits_for("bob").await;
    bench.stop().await;
}

#[tokio::test]
async fn acknowledged_messages_survive_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let settings = StoreConfig::redb(directory.path().join("messages.redb"));
    let database = Database::open(&settings).await.unwrap();
    let bench = Bench::with(Network::new(), database, config()).await;
    bench.subscribe("alice", "tenant-1");
    bench.subscribe("bob", "tenant-1");
    let alice = bench.registered("alice").await;
    let bob = bench.registered("bob").await;
    bob.client.close().await;
    until(|| bench.runtime.metrics.encode().contains("dtls_sessions 1")).await;
    for id in ["m-1", "m-2"] {
        assert_eq!(alice.say("bob", id).await.unwrap(), MessageStatus::Stored);
    }
    let (network, database) = bench.stop().await;
    database.close().await;
    drop(database);

    let database = Database::open(&settings).await.unwrap();
    let bench = Bench::with(network, database, config()).await;
    let seen = bench.registration("bob").await.unwrap();
    assert!(
        !seen.reachable,
        "a session of the process before is none of this one"
    );
    assert_eq!(seen.stored_messages, 2);
    let bob = bench.registered("bob").await;
    assert_eq!(bob.texts(2).await, ["m-1", "m-2"]);
    let alice = bench.registered("alice").await;
    alice.say("bob", "m-1").await.unwrap();
    alice.say("bob", "m-3").await.unwrap();
    assert_eq!(bob.texts(3).await, ["m-1", "m-2", "m-3"]);
    bench.stop().await;
}

#[tokio::test]
async fn a_report_waits_for_an_absent_originator() {
    let bench = Bench::start().await;
    let alice = bench.registered("alice").await;
    let bob = bench.registered("bob").await;
    let mut message = alice.message("bob", "m-1", "hello");
    message.delivery_status_required = true;
    alice.deliver(&message).await.unwrap();
    bob.texts(1).await;
    alice.client.close().await;
    until(|| bench.runtime.metrics.encode().contains("dtls_sessions 1")).await;
    assert_eq!(bob.report(&message).await.code, Code::CHANGED);
    let alice = bench.registered("alice").await;
    let reports = alice.reports(1).await;
    assert_eq!(reports.first().unwrap().status, ReportStatus::Delivered);
    bench.stop().await;
}

#[tokio::test]
async fn an_expired_message_ends_with_a_report_of_its_failure() {
    let bench = Bench::start().await;
    let alice = bench.registered("alice").await;
    let mut message = alice.message("bob", "m-1", "hello");
    message.delivery_status_required = true;
    message.store_and_forward = StoreAndForward::Requested {
        expires: Some(now(&bench).plus(Duration::from_secs(60))),
    };
    assert_eq!(
        alice.deliver(&message).await.unwrap(),
        MessageStatus::Stored
    );
    bench.runtime.clock.advance(Duration::from_secs(61));
    let reports = alice.reports(1).await;
    let report = reports.first().unwrap();
    let expired = ReportStatus::Failed(Some(Cause::DeadlineExceeded.into()));
    assert_eq!(report.status, expired);
    let bob = bench.registered("bob").await;
    alice.say("bob", "m-2").await.unwrap();
    assert_eq!(bob.texts(1).await, ["m-2"]);
    bench.stop().await;
}

#[tokio::test]
async fn a_message_that_may_not_wait_fails_for_an_absent_ue() {
    let bench = Bench::start().await;
    let alice = bench.registered("alice").await;
    let mut message = alice.message("bob", "m-1", "now");
    message.store_and_forward = StoreAndForward::Declined;
    let failed = alice.deliver(&message).await;
    assert_eq!(refusal(failed), (0x44, Cause::NotRegistered));
    let bob = bench.registered("bob").await;
    assert_eq!(bench.waiting("bob").await, 0);
    assert_eq!(
        alice.deliver(&message).await.unwrap(),
        MessageStatus::Accepted
    );
    assert_eq!(bob.texts(1).await, ["now"]);
    bench.stop().await;
}

#[tokio::test]
async fn too_much_for_one_recipient_is_refused() {
    let mut settings = config();
    settings.max_stored_messages = 2;
    let bench = Bench::with(Network::new(), Database::memory().await.unwrap(), settings).await;
    bench.subscribe("alice", "tenant-1");
    bench.subscribe("bob", "tenant-1");
    let alice = bench.registered("alice").await;
    alice.say("bob", "m-1").await.unwrap();
    alice.say("bob", "m-2").await.unwrap();
    assert_eq!(
        refusal(alice.say("bob", "m-3").await),
        (0x83, Cause::QuotaExceeded)
    );
    let bob = bench.registered("bob").await;
    assert_eq!(bob.texts(2).await, ["m-1", "m-2"]);
    bench.until_nothing_waits_for("bob").await;
    alice.say("bob", "m-3").await.unwrap();
    assert_eq!(bob.texts(3).await, ["m-1", "m-2", "m-3"]);
    bench.stop().await;
}

#[tokio::test]
async fn a_name_that_went_to_another_tenant_does_not_bring_its_messages_along() {
    let bench = Bench::start().await;
    let alice = bench.registered("alice").await;
    alice.say("bob", "m-1").await.unwrap();
    bench.network.close_association("bob", true);
    bench.subscribe("bob", "tenant-2");
    let bob = bench.registered("bob").await;
    bench.network.close_association("alice", false);
    bench.subscribe("carol", "tenant-2");
    let carol = bench.registered("carol").await;
    carol.say("bob", "m-2").await.unwrap();
    assert_eq!(bob.texts(1).await, ["m-2"]);
    assert_eq!(service_id("bob").domain(), Some("msgin5g.berth.test"));
    bench.stop().await;
}
