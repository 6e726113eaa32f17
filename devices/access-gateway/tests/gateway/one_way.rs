//! OWA frames between device and AuSF. Berth protocol, OWA version 1.

use cause::Cause;
use identifiers::OnboardingSession;
use nf_api::pb::access_gateway::OwaMessage;
use nf_api::pb::access_gateway::exchange_request::Message as Uplink;
use nf_api::pb::access_gateway::exchange_response::Message as Downlink;
use onboarding::Frame;

use crate::scripted::{Bench, SESSION, SNN};

pub(crate) fn owa(frame: Vec<u8>, network_id: &str) -> Uplink {
    Uplink::Owa(OwaMessage {
        frame,
        network_id: network_id.to_owned(),
    })
}

pub(crate) fn proof() -> Vec<u8> {
    Frame::Proof(b"proof", OnboardingSession::new(SESSION)).encode()
}

#[tokio::test]
async fn the_serving_network_comes_from_the_gateway_and_the_reference_stays() {
    let bench = Bench::new().await;
    let mut device = bench.device().await;
    let Downlink::Owa(answer) = device
        .ask(owa(Frame::Start(b"start").encode(), "lab"))
        .await
    else {
        panic!("no answer");
    };
    assert_eq!(answer.frame, Frame::Challenge(b"challenge").encode());
    let Downlink::Owa(answer) = device.ask(owa(proof(), "lab")).await else {
        panic!("no answer");
    };
    assert_eq!(answer.frame, Frame::Reject(b"reject").encode());
    let (started, proven) = bench
        .network
        .script(|script| (script.started.clone(), script.proven.clone()));
    assert_eq!(started[0].serving_network_name, SNN);
    assert_eq!(proven[0].serving_network_name, SNN);
    assert_eq!(started[0].ue_reference, proven[0].ue_reference);
    let address = proven[0].ue_address.clone().unwrap();
    assert_eq!(
        (address.ip.as_str(), address.last_port - address.first_port),
        ("127.0.0.1", 15)
    );
    // Another device has another reference.
    let mut other = bench.device().await;
    other.ask(owa(Frame::Start(b"start").encode(), "lab")).await;
    let started = bench.network.script(|script| script.started.clone());
    assert_ne!(started[0].ue_reference, started[1].ue_reference);
}

#[tokio::test]
async fn frames_that_cannot_be_are_rejected_by_table() {
    let bench = Bench::new().await;
    let mut device = bench.device().await;
    let start = || Frame::Start(b"start").encode();
    for (message, cause) in [
        (owa(start(), "elsewhere"), Cause::NotFound),
        (owa(start(), "closed"), Cause::NotAuthorized),
        (
            owa(Frame::Accept(b"x").encode(), "lab"),
            Cause::MalformedMessage,
        ),
        (owa(Vec::new(), "lab"), Cause::MalformedMessage),
        (owa(vec![0xff; 100], "lab"), Cause::MalformedMessage),
    ] {
        assert_eq!(device.rejected(message).await, cause);
    }
    bench
        .network
        .script(|script| script.refuse_with = Some(Cause::Overloaded));
    assert_eq!(
        device.rejected(owa(start(), "lab")).await,
        Cause::Overloaded
    );
}
