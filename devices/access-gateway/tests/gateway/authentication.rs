//! The SEAF of 5G AKA. TS 33.501 6.1.3.2, TS 24.501 5.4.1.3.

use aka::{AuthenticationFailure as Failure, Autn, Rand, SqnArray, Usim};
use cause::Cause;
use identifiers::ServingNetworkName;
use nf_api::pb::access_gateway::exchange_request::Message as Uplink;
use nf_api::pb::access_gateway::exchange_response::Message as Downlink;
use nf_api::pb::access_gateway::{
    AuthenticationFailure, AuthenticationRequest, AuthenticationResponse, DiscoveryRequest,
    RegistrationRequest,
};

use crate::scripted::{Bench, Device, SNN, SUCI, eventually, k, opc};

fn registration() -> Uplink {
    Uplink::RegistrationRequest(RegistrationRequest {
        suci: SUCI.to_owned(),
        network_id: "lab".to_owned(),
    })
}

fn response(res_star: &[u8]) -> Uplink {
    Uplink::AuthenticationResponse(AuthenticationResponse {
        res_star: res_star.to_vec(),
    })
}

fn failure(cause: u32, auts: &[u8]) -> Uplink {
    Uplink::AuthenticationFailure(AuthenticationFailure {
        cause,
        auts: auts.to_vec(),
    })
}

async fn challenged(device: &mut Device) -> AuthenticationRequest {
    match device.ask(registration()).await {
        Downlink::AuthenticationRequest(challenge) => challenge,
        _ => panic!("no challenge"),
    }
}

fn answer(usim: &mut Usim, challenge: &AuthenticationRequest) -> Result<Vec<u8>, Failure> {
    let rand = Rand::new(challenge.rand.as_slice().try_into().unwrap());
    let autn = Autn::from_slice(&challenge.autn).unwrap();
    let snn = ServingNetworkName::parse(SNN).unwrap();
    usim.challenge(&rand, &autn, &snn)
        .map(|result| result.res_star.expose().to_vec())
}

#[tokio::test]
async fn networks_are_announced_with_their_serving_network_names() {
    let bench = Bench::new().await;
    let mut device = bench.device().await;
    let Downlink::Discovery(heard) = device.ask(Uplink::Discovery(DiscoveryRequest {})).await
    else {
        panic!("no networks");
    };
    let names: Vec<_> = heard
        .networks
        .iter()
        .map(|network| network.serving_network_name.as_str())
        .collect();
    assert_eq!(names, [SNN, "5G:mnc001.mcc001.3gppnetwork.org:000007ED9D5"]);
    assert!(heard.networks[0].onboarding && !heard.networks[1].onboarding);
}

#[tokio::test]
async fn a_right_answer_is_accepted_and_brings_the_commit() {
    let bench = Bench::new().await;
    let mut device = bench.device().await;
    let mut usim = Usim::new(&k(), &opc(), SqnArray::default());
    let challenge = challenged(&mut device).await;
    let res_star = answer(&mut usim, &challenge).unwrap();
    let Downlink::RegistrationAccept(accept) = device.ask(response(&res_star)).await else {
        panic!("not accepted");
    };
    assert_eq!(accept.commit, b"commit");
    let confirmed = bench.network.script(|script| script.confirmed.clone());
    assert_eq!(
        confirmed,
        [("first".to_owned(), Some(res_star), SNN.to_owned())]
    );
}

// TS 33.501 6.1.3.2.2
#[tokio::test]
async fn a_wrong_answer_goes_to_the_ausf_and_is_rejected() {
    let bench = Bench::new().await;
    let mut device = bench.device().await;
    challenged(&mut device).await;
    assert_eq!(
        device.rejected(response(&[0; 16])).await,
        Cause::AuthenticationRejected
    );
    let confirmed = bench.network.script(|script| script.confirmed.clone());
    assert_eq!(
        confirmed,
        [("first".to_owned(), Some(vec![0; 16]), SNN.to_owned())]
    );
    // One answer to one challenge.
    assert_eq!(
        device.rejected(response(&[0; 16])).await,
        Cause::ContextNotFound
    );
}

#[tokio::test]
async fn an_answer_that_only_the_ausf_believes_is_rejected() {
    let bench = Bench::new().await;
    let mut device = bench.device().await;
    challenged(&mut device).await;
    // The AuSF would take this; HXRES* does not fit it.
    let stranger = bench.network.script(|script| {
        let vector = script.vector.as_mut().unwrap();
        vector.xres_star = secret::XresStar::new([5; 16]);
        vec![5; 16]
    });
    assert_eq!(
        device.rejected(response(&stranger)).await,
        Cause::AuthenticationRejected
    );
}

#[tokio::test]
async fn a_synch_failure_leads_to_a_new_challenge_that_the_usim_accepts() {
    let bench = Bench::new().await;
    let mut device = bench.device().await;
    let mut usim = Usim::new(&k(), &opc(), SqnArray { seq: [500; 32] });
    let challenge = challenged(&mut device).await;
    let Err(Failure::SynchFailure { auts }) = answer(&mut usim, &challenge) else {
        panic!("in step");
    };
    let Downlink::AuthenticationRequest(second) = device.ask(failure(21, auts.as_octets())).await
    else {
        panic!("no second challenge");
    };
    let res_star = answer(&mut usim, &second).unwrap();
    let accepted = device.ask(response(&res_star)).await;
    assert!(matches!(accepted, Downlink::RegistrationAccept(_)));
    let confirmed = bench.network.script(|script| script.confirmed.clone());
    assert_eq!(confirmed[0].0, "second");
}

#[tokio::test]
async fn refusals_of_a_challenge_are_told_to_the_ausf_and_rejected() {
    for (message, cause) in [
        (failure(20, &[]), Cause::MacFailure),
        (failure(26, &[]), Cause::AuthenticationRejected),
        (failure(99, &[]), Cause::MandatoryElementIncorrect),
        (failure(21, &[0; 13]), Cause::MandatoryElementIncorrect),
        (response(&[0; 15]), Cause::MandatoryElementIncorrect),
    ] {
        let bench = Bench::new().await;
        let mut device = bench.device().await;
        challenged(&mut device).await;
        assert_eq!(device.rejected(message).await, cause);
        let confirmed = bench.network.script(|script| script.confirmed.clone());
        assert_eq!(
            confirmed,
            [("first".to_owned(), None, SNN.to_owned())],
            "{cause}"
        );
    }
}

#[tokio::test]
async fn a_device_that_vanishes_takes_its_challenge_with_it() {
    let bench = Bench::new().await;
    let mut device = bench.device().await;
    challenged(&mut device).await;
    drop(device);
    eventually("the challenge was not given up", || {
        bench.network.script(|script| {
            script
                .confirmed
                .iter()
                .any(|(_, res_star, _)| res_star.is_none())
        })
    })
    .await;
}

#[tokio::test]
async fn requests_that_cannot_be_are_rejected_by_table() {
    let register = |suci: &str, network_id: &str| {
        Uplink::RegistrationRequest(RegistrationRequest {
            suci: suci.to_owned(),
            network_id: network_id.to_owned(),
        })
    };
    let bench = Bench::new().await;
    let mut device = bench.device().await;
    for (message, cause) in [
        (register(SUCI, "elsewhere"), Cause::NotFound),
        (
            register("imsi-001010000000001", "lab"),
            Cause::MandatoryElementIncorrect,
        ),
        (register("", "lab"), Cause::MandatoryElementIncorrect),
        (response(&[0; 16]), Cause::ContextNotFound),
        (failure(20, &[]), Cause::ContextNotFound),
    ] {
        assert_eq!(device.rejected(message).await, cause);
    }
    bench
        .network
        .script(|script| script.refuse_with = Some(Cause::UserNotFound));
    assert_eq!(
        device.rejected(register(SUCI, "lab")).await,
        Cause::UserNotFound
    );
}
