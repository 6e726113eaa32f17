//! MSG and IMDN while both sides are there.

use cause::Cause;
use coap::Code;
use identifiers::UeServiceId;
use msgin5g::client::Pushed;
use msgin5g::messages::{MessageStatus, ReportStatus};
use msgin5g::values::{Endpoint, GroupServiceId, Recipient};

use crate::harness::{Bench, cause_in, refusal, service_id};

// TS 23.554 8.3.2, 8.7.1
#[tokio::test]
async fn a_message_reaches_a_ue_that_is_there() {
    let bench = Bench::start().await;
    let alice = bench.registered("alice").await;
    let bob = bench.registered("bob").await;
    let message = alice.message("bob", "m-1", "21.5 °C");
    assert_eq!(
        alice.deliver(&message).await.unwrap(),
        MessageStatus::Accepted
    );
    let pushed = bob.pushed(1).await;
    assert!(matches!(pushed.as_slice(), [Pushed::Message(got)] if *got == message));
    bench.until_nothing_waits_for("bob").await;
    bench.stop().await;
}

#[tokio::test]
async fn messages_arrive_in_the_order_of_their_acceptance() {
    let bench = Bench::start().await;
    let alice = bench.registered("alice").await;
    let bob = bench.registered("bob").await;
    let ids: Vec<_> = (0..20).map(|number| format!("m-{number:02}")).collect();
    for id in &ids {
        alice.say("bob", id).await.unwrap();
    }
    assert_eq!(bob.texts(20).await, ids);
    bench.stop().await;
}

#[tokio::test]
async fn a_message_id_is_accepted_once() {
    let bench = Bench::start().await;
    let alice = bench.registered("alice").await;
    let bob = bench.registered("bob").await;
    for _ in 0..3 {
        assert_eq!(
            alice.say("bob", "m-1").await.unwrap(),
            MessageStatus::Accepted
        );
    }
    let other = alice.message("bob", "m-1", "something else");
    assert_eq!(
        refusal(alice.deliver(&other).await),
        (0x89, Cause::Conflict)
    );
    alice.say("bob", "m-2").await.unwrap();
    assert_eq!(bob.texts(2).await, ["m-1", "m-2"]);
    // another originator's message of the same name is another message
    bob.say("bob", "m-1").await.unwrap();
    assert_eq!(bob.texts(3).await, ["m-1", "m-2", "m-1"]);
    bench.stop().await;
}

#[tokio::test]
async fn large_messages_go_through_in_blocks() {
    let bench = Bench::start().await;
    let alice = bench.registered("alice").await;
    let bob = bench.registered("bob").await;
    let text = "x".repeat(2048);
    let message = alice.message("bob", "m-1", &text);
    alice.deliver(&message).await.unwrap();
    assert_eq!(bob.texts(1).await, [text]);
    bench.stop().await;
}

// TS 23.554 8.3.4
#[tokio::test]
async fn a_report_reaches_the_originator_and_nobody_else_may_make_one() {
    let bench = Bench::start().await;
    let alice = bench.registered("alice").await;
    let bob = bench.registered("bob").await;
    let mut message = alice.message("bob", "m-1", "hello");
    message.delivery_status_required = true;
    alice.deliver(&message).await.unwrap();
    bob.texts(1).await;

    bench.subscribe("carol", "tenant-1");
    let carol = bench.registered("carol").await;
    let mut for_carol = message.clone();
    for_carol.recipient = Recipient::Ue(service_id("carol"));
    let forged = carol.report(&for_carol).await;
    assert_eq!(forged.code, Code::FORBIDDEN);
    assert_eq!(cause_in(&forged), Some(Cause::NotAuthorized));

    assert_eq!(bob.report(&message).await.code, Code::CHANGED);
    assert_eq!(bob.report(&message).await.code, Code::CHANGED);
    let reports = alice.reports(1).await;
    assert_eq!(reports.len(), 1);
    let report = reports.first().unwrap();
    assert_eq!(report.originator, Endpoint::Ue(service_id("bob")));
    assert_eq!(report.message_id, message.message_id);
    assert_eq!(report.status, ReportStatus::Delivered);
    bench.stop().await;
}

#[tokio::test]
async fn an_originator_that_the_session_did_not_register_is_refused() {
    let bench = Bench::start().await;
    let alice = bench.registered("alice").await;
    let _bob = bench.registered("bob").await;
    let mut message = alice.message("bob", "m-1", "hello");
    message.originator = Endpoint::Ue(service_id("bob"));
    let refused = alice.deliver(&message).await;
    assert_eq!(refusal(refused), (0x83, Cause::UeServiceIdNotAssociated));
    bench.stop().await;
}

#[tokio::test]
async fn recipients_are_checked() {
    let bench = Bench::start().await;
    let alice = bench.registered("alice").await;
    let _mallory = bench.registered("mallory").await;
    let foreign = alice.say("mallory", "m-1").await;
    assert_eq!(refusal(foreign), (0x83, Cause::NotAuthorized));
    let unknown = alice.say("nobody", "m-2").await;
    assert_eq!(refusal(unknown), (0x84, Cause::UnknownRecipient));
    let mut group = alice.message("bob", "m-3", "hello");
    group.recipient = Recipient::Group(GroupServiceId::parse("all").unwrap());
    assert_eq!(
        refusal(alice.deliver(&group).await),
        (0xa1, Cause::Unsupported)
    );
    assert!(UeServiceId::parse("nobody@msgin5g.berth.test").is_ok());
    bench.stop().await;
}
