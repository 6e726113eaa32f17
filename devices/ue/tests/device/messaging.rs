//! Registration and messages. TS 24.538 6.3, 6.4, TS 33.501 Y.2.

use std::time::Duration;

use cause::Cause;
use identifiers::UeServiceId;
use msgin5g::Payload;
use ue::{Manufacture, Outgoing, Ue, UeError};

use crate::home::Laboratory;
use crate::onboarding::onboard;
use crate::operator::ME;

const WAIT: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_message_is_sent_received_once_and_reported() {
    let lab = Laboratory::new().await;
    let device = lab.subscriber("band").await;
    let mut registered = device.register().await.unwrap();
    assert!(registered.registration().new);
    assert_eq!(registered.registration().ue_service_id.as_str(), ME);
    let sent = registered
        .send_message(Outgoing {
            to: UeServiceId::parse(ME).unwrap(),
            payload: Payload::text("hello").unwrap(),
            report_wanted: true,
        })
        .await
        .unwrap();
    assert!(!sent.stored);
    let received = registered.receive(WAIT).await.unwrap().unwrap();
    assert_eq!(
        (received.text().as_ref(), received.from.as_str()),
        ("hello", ME)
    );
    assert_eq!(received.message_id, sent.message_id.as_str());
    let reports = lab.home.script(|script| script.posted.clone());
    assert!(
        reports.contains(&format!("report {}", sent.message_id.as_str())),
        "{reports:?}"
    );
    registered.deregister().await.unwrap();
}

#[tokio::test]
async fn a_message_that_nobody_reads_is_kept_for_the_next_run() {
    let lab = Laboratory::new().await;
    let device = lab.subscriber("band").await;
    let mut registered = device.register().await.unwrap();
    registered.send(ME, "for later").await.unwrap();
    let deadline = tokio::time::Instant::now() + WAIT;
    while device.status().unwrap().unread == 0 {
        assert!(tokio::time::Instant::now() < deadline, "nothing was kept");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    registered.close().await;
    drop(device);
    let device = Ue::open(&lab.path("band")).unwrap();
    let mut registered = device.register().await.unwrap();
    assert_eq!(
        registered.receive(WAIT).await.unwrap().unwrap().text(),
        "for later"
    );
    assert_eq!(device.status().unwrap().unread, 0);
}

#[tokio::test]
async fn a_recipient_that_is_not_known_is_refused() {
    let lab = Laboratory::new().await;
    let device = lab.subscriber("band").await;
    let mut registered = device.register().await.unwrap();
    let refused = registered
        .send("nobody@msgin5g.berth.test", "x")
        .await
        .unwrap_err();
    assert_eq!(refused.cause(), Cause::UnknownRecipient);
    for (to, text) in [("nobody", "x"), (ME, "\u{7}"), (ME, &"x".repeat(2049))] {
        let refused = registered.send(to, text).await.unwrap_err();
        assert!(matches!(refused, UeError::Input(_)), "{refused}");
    }
}

#[tokio::test]
async fn nothing_received_is_no_error() {
    let lab = Laboratory::new().await;
    let device = lab.subscriber("band").await;
    let mut registered = device.register().await.unwrap();
    assert_eq!(
        registered.receive(Duration::from_millis(50)).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn a_key_that_is_not_known_yet_is_tried_again() {
    let lab = Laboratory::new().await;
    let device = lab.subscriber("band").await;
    lab.home
        .script(|script| script.unknown_lookups = script.lookups + 3);
    device.register().await.unwrap();
    assert!(lab.home.script(|script| script.lookups) >= 4);
}

#[tokio::test]
async fn a_key_that_the_network_forgot_asks_for_another_authentication() {
    let lab = Laboratory::new().await;
    let mut device = lab.subscriber("band").await;
    // An authentication that is not fresh any more.
    let file = lab.path("band").join("authentication.json");
    let record = std::fs::read_to_string(&file).unwrap();
    let mut record: serde_json::Value = serde_json::from_str(&record).unwrap();
    record["authenticated_at"] = 1.into();
    std::fs::write(&file, record.to_string()).unwrap();
    lab.home.script(|script| script.k_ausf = None);
    let refused = device.register().await.err().unwrap();
    assert_eq!(refused.cause(), Cause::UnknownAKid);
    assert!(refused.advice().contains("ue authenticate"));
    device.authenticate().await.unwrap();
    device.register().await.unwrap();
}

#[tokio::test]
async fn a_device_that_has_not_authenticated_cannot_register() {
    let lab = Laboratory::new().await;
    let mut device = lab.device("band", &Manufacture::default());
    onboard(&mut device).await.unwrap();
    let refused = device.register().await.err().unwrap();
    assert_eq!(refused.exit_code(), 4);
}

#[tokio::test]
async fn a_registration_of_another_run_can_be_ended() {
    let lab = Laboratory::new().await;
    let device = lab.subscriber("band").await;
    device.register().await.unwrap().close().await;
    Ue::open(&lab.path("band"))
        .unwrap()
        .deregister()
        .await
        .unwrap();
}
