//! Two servers on one Redis.

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use cause::Cause;
use coap::Code;
use dtls::CloseReason;
use msgin5g::messages::{MessageStatus, ReportStatus};
use msgin5g::values::StoreAndForward;
use store::Database;

use crate::harness::{Bench, DEADLINE, Network, Ue, config, refusal};
use crate::redis_server::RedisServer;

/// Two servers, and what they share.
pub(crate) struct Two {
    pub(crate) a: Bench,
    pub(crate) b: Bench,
    _redis: RedisServer,
}

impl Two {
    pub(crate) async fn start() -> Self {
        let redis = RedisServer::start().await;
        let network = Network::new();
        let a = Bench::with(network.clone(), redis.database().await, config()).await;
        let b = Bench::with(network, redis.database().await, config()).await;
        for name in ["alice", "bob", "carol"] {
            a.subscribe(name, "tenant-1");
        }
        Self {
            a,
            b,
            _redis: redis,
        }
    }

    pub(crate) async fn stop(self) {
        self.a.stop().await;
        self.b.stop().await;
    }
}

/// Waits until a UE counts as absent, and answers how long that took.
async fn until_absent(bench: &Bench, sender: &Ue, name: &str) -> Duration {
    let begin = Instant::now();
    let registration = async || bench.registration(name).await;
    while registration().await.is_some_and(|found| found.reachable) {
        assert!(begin.elapsed() < DEADLINE, "{name} still counts as present");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let took = begin.elapsed();
    let mut message = sender.message(name, "now or never", "now");
    message.store_and_forward = StoreAndForward::Declined;
    let failed = sender.deliver(&message).await;
    assert_eq!(refusal(failed), (0x44, Cause::NotRegistered));
    took
}

#[tokio::test]
async fn a_message_and_its_report_find_their_way_to_the_other_server_and_back() {
    let two = Two::start().await;
    let alice = two.a.registered("alice").await;
    let bob = two.b.registered("bob").await;
    assert!(two.a.registration("bob").await.unwrap().reachable);

    let begin = Instant::now();
    let mut message = alice.message("bob", "m-1", "hello");
    message.delivery_status_required = true;
    message.store_and_forward = StoreAndForward::Declined;
    assert_eq!(
        alice.deliver(&message).await.unwrap(),
        MessageStatus::Accepted
    );
    assert_eq!(bob.texts(1).await, ["hello"]);
    assert_eq!(bob.report(&message).await.code, Code::CHANGED);
    let reports = alice.reports(1).await;
    assert!(
        begin.elapsed() < Duration::from_secs(1),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(reports.first().unwrap().status, ReportStatus::Delivered);
    two.a.until_nothing_waits_for("bob").await;
    two.stop().await;
}

#[tokio::test]
async fn of_a_hundred_messages_from_both_sides_none_is_lost_or_comes_twice() {
    let two = Two::start().await;
    let alice = two.a.registered("alice").await;
    let carol = two.b.registered("carol").await;
    let bob = two.b.registered("bob").await;
    let ids: Vec<_> = (0..50).map(|number| format!("m-{number:02}")).collect();
    let from_alice = async {
        for id in &ids {
            alice.say("bob", &format!("a-{id}")).await.unwrap();
        }
    };
    let from_carol = async {
        for id in &ids {
            carol.say("bob", &format!("c-{id}")).await.unwrap();
        }
    };
    tokio::join!(from_alice, from_carol);
    let texts = bob.texts(100).await;
    two.b.until_nothing_waits_for("bob").await;
    assert_eq!(bob.received(), 100);
    for sender in ["a", "c"] {
        let of_sender: Vec<_> = texts
            .iter()
            .filter(|text| text.starts_with(sender))
            .collect();
        assert!(of_sender.is_sorted(), "{of_sender:?}");
        assert_eq!(of_sender.iter().collect::<HashSet<_>>().len(), 50);
    }
    two.stop().await;
}

#[tokio::test]
async fn messages_follow_a_ue_that_registers_at_the_other_server() {
    let two = Two::start().await;
    let alice = two.a.registered("alice").await;
    let before = two.b.registered("bob").await;
    // it does not answer there any more
    before
        .inbox
        .code
        .store(Code::SERVICE_UNAVAILABLE.byte(), Ordering::SeqCst);
    alice.say("bob", "m-1").await.unwrap();
    before.texts(1).await;
    let after = two.a.registered("bob").await;
    alice.say("bob", "m-2").await.unwrap();
    assert_eq!(after.texts(2).await, ["m-1", "m-2"]);
    two.a.until_nothing_waits_for("bob").await;
    let carol = two.b.registered("carol").await;
    carol.say("bob", "m-3").await.unwrap();
    assert_eq!(after.texts(3).await, ["m-1", "m-2", "m-3"]);
    assert_eq!(before.received(), 1, "nothing is pushed to the old session");
    two.stop().await;
}

#[tokio::test]
async fn the_end_of_a_session_counts_at_the_other_server() {
    let two = Two::start().await;
    let alice = two.a.registered("alice").await;
    let bob = two.b.registered("bob").await;
    two.b.network.remove_context("bob", true);
    let begin = Instant::now();
    bob.client.closed().await;
    assert!(begin.elapsed() < Duration::from_secs(1));
    let took = until_absent(&two.a, &alice, "bob").await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert_eq!(
        alice.say("bob", "m-1").await.unwrap(),
        MessageStatus::Stored
    );

    let _carol = two.b.registered("carol").await;
    two.b.network.close_association("carol", true);
    let begin = Instant::now();
    while two.a.registration("carol").await.is_some() {
        assert!(begin.elapsed() < Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    two.stop().await;
}

#[tokio::test]
async fn a_server_that_leaves_sends_its_ues_to_the_other() {
    let two = Two::start().await;
    let alice = two.a.registered("alice").await;
    let bob = two.b.registered("bob").await;
    let begin = Instant::now();
    let (stopped, reason) = tokio::join!(two.b.runtime.lifecycle.shutdown(), bob.client.closed());
    assert!(matches!(stopped, nf_runtime::lifecycle::Stopped::Clean));
    assert_eq!(reason, CloseReason::PeerClosed);
    until_absent(&two.a, &alice, "bob").await;
    assert_eq!(
        alice.say("bob", "m-1").await.unwrap(),
        MessageStatus::Stored
    );
    let bob = two.a.connect("bob").await;
    assert!(!bob.register().await.unwrap().new);
    assert_eq!(bob.texts(1).await, ["m-1"]);
    assert!(
        begin.elapsed() < Duration::from_secs(2),
        "{:?}",
        begin.elapsed()
    );
    two.a.stop().await;
}

#[tokio::test]
async fn a_server_that_is_killed_is_missed_within_seconds() {
    let redis = RedisServer::start().await;
    let network = Network::new();
    let a = Bench::with(network.clone(), redis.database().await, config()).await;
    a.subscribe("alice", "tenant-1");
    a.subscribe("bob", "tenant-1");
    // whatever runs in it ends with it, without a word
    let process = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let settings = redis.settings();
    let b = process.spawn(async move {
        let database = Database::open(&settings).await.unwrap();
        Bench::with(network, database, config()).await
    });
    let b = b.await.unwrap();
    let alice = a.registered("alice").await;
    let bob = b.registered("bob").await;
    alice.say("bob", "m-1").await.unwrap();
    assert_eq!(bob.texts(1).await, ["m-1"]);
    a.until_nothing_waits_for("bob").await;

    process.shutdown_background();
    // nobody can know yet
    let mut message = alice.message("bob", "m-2", "now");
    message.delivery_status_required = true;
    message.store_and_forward = StoreAndForward::Declined;
    assert_eq!(
        alice.deliver(&message).await.unwrap(),
        MessageStatus::Accepted
    );
    alice.say("bob", "m-3").await.unwrap();
    let took = until_absent(&a, &alice, "bob").await;
    assert!(took < Duration::from_secs(6), "{took:?}");
    let reports = alice.reports(1).await;
    let failed = ReportStatus::Failed(Some(Cause::NotRegistered.into()));
    assert_eq!(reports.first().unwrap().status, failed);
    let begin = Instant::now();
    while a.waiting("bob").await > 1 {
        assert!(begin.elapsed() < DEADLINE, "what may not wait still waits");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    let bob = a.connect("bob").await;
    assert!(!bob.register().await.unwrap().new, "the registration stays");
    assert_eq!(bob.texts(1).await, ["m-3"]);
    a.until_nothing_waits_for("bob").await;
    assert_eq!(bob.received(), 1);
    a.stop().await;
}
