//! The gRPC edge: what gateways may send, and what they get.

use cause::Cause;
use nf_api::pb::ausf as pb;
use nf_api::pb::ausf::authentication_service_client::AuthenticationServiceClient;
use nf_api::pb::ausf::one_way_auth_service_client::OneWayAuthServiceClient;
use nf_api::pb::common::UeAddress;
use nf_api::status::cause_of;
use nf_api::{Caller, NetworkFunction};
use nf_runtime::grpc::Channel;
use onboarding::Frame;
use tonic::{Response, Status};

use crate::device::{Device, opened, trusting};
use crate::peers::SUPI;
use crate::world::{FOREIGN_NETWORK, NETWORK, OTHER_NETWORK, World, gateway};

fn owa(world: &World, name: &str) -> OneWayAuthServiceClient<Channel> {
    OneWayAuthServiceClient::new(world.channel(gateway(name)))
}

pub(crate) fn aka(world: &World, name: &str) -> AuthenticationServiceClient<Channel> {
    AuthenticationServiceClient::new(world.channel(gateway(name)))
}

pub(crate) fn refused<T>(answer: Result<Response<T>, Status>) -> Option<Cause> {
    answer.err().map(|status| cause_of(&status))
}

fn start(name: &str) -> pb::StartRequest {
    pb::StartRequest {
        frame: Frame::Start(&[0xa0]).encode(),
        ue_reference: "7".to_owned(),
        serving_network_name: name.to_owned(),
    }
}

fn prove(frame: Vec<u8>) -> pb::ProveRequest {
    pb::ProveRequest {
        frame,
        ue_reference: "7".to_owned(),
        serving_network_name: NETWORK.to_owned(),
        ue_address: Some(UeAddress {
            ip: "192.0.2.7".to_owned(),
            first_port: 20_000,
            last_port: 20_015,
        }),
    }
}

pub(crate) fn start_aka(subscriber: &str, name: &str) -> pb::StartAkaRequest {
    pb::StartAkaRequest {
        supi_or_suci: subscriber.to_owned(),
        serving_network_name: name.to_owned(),
    }
}

#[tokio::test]
async fn a_gateway_claims_its_own_networks_only_for_owa_and_aka_alike() {
    let world = trusting().await;
    for (name, network, allowed) in [
        ("one", NETWORK, true),
        ("one", OTHER_NETWORK, true),
        ("two", NETWORK, true),
        ("two", OTHER_NETWORK, false),
        ("one", FOREIGN_NETWORK, false),
        ("three", NETWORK, false),
    ] {
        let expected = (!allowed).then_some(Cause::ServingNetworkNotAuthorized);
        assert_eq!(
            refused(owa(&world, name).start(start(network)).await),
            expected
        );
        let mut request = prove(vec![0]);
        request.serving_network_name = network.to_owned();
        assert_eq!(refused(owa(&world, name).prove(request).await), expected);
        let started = aka(&world, name).start_aka(start_aka(SUPI, network)).await;
        assert_eq!(refused(started), expected);
    }
    // A gateway without a name is none.
    let nameless = Caller::function(NetworkFunction::AccessGateway);
    let mut client = AuthenticationServiceClient::new(world.channel(nameless));
    assert_eq!(
        refused(client.start_aka(start_aka(SUPI, NETWORK)).await),
        Some(Cause::ServingNetworkNotAuthorized)
    );
    let other = Caller::function(NetworkFunction::Msgin5gServer);
    let mut client = AuthenticationServiceClient::new(world.channel(other));
    assert_eq!(
        refused(client.start_aka(start_aka(SUPI, NETWORK)).await),
        Some(Cause::NotAuthorized)
    );
}

#[tokio::test]
async fn a_device_is_onboarded_over_the_edge() {
    let world = trusting().await;
    let (waiting, frame) = Device::inline().proof(&world).await;
    let mut client = owa(&world, "one");
    let response = client.prove(prove(frame)).await.unwrap().into_inner();
    let onboarded = opened(&waiting, &response.frame);
    let session = response.limited_session.unwrap();
    assert_eq!(session.session, onboarded.parameters.session.as_bytes());
    assert_eq!(session.allowed_targets, ["portal.berth.test:443"]);
    assert_eq!(
        (session.dnn.as_str(), session.quota_bytes),
        ("onboarding", 1_000_000)
    );

    let response = client.prove(prove(vec![0])).await.unwrap().into_inner();
    assert!(response.limited_session.is_none());
    assert!(matches!(
        Frame::decode(&response.frame),
        Ok(Frame::Reject(_))
    ));
}

#[tokio::test]
async fn what_a_gateway_says_wrong_has_a_cause() {
    let world = trusting().await;
    let mut client = owa(&world, "one");
    for (name, expected) in [
        ("", Cause::MandatoryElementMissing),
        ("5G", Cause::MandatoryElementIncorrect),
        (
            "5G:mnc01.mcc001.3gppnetwork.org",
            Cause::MandatoryElementIncorrect,
        ),
        (
            "5G:mnc1.mcc1.3gppnetwork.org",
            Cause::MandatoryElementIncorrect,
        ),
        (
            "5G:mnc0001.mcc001.3gppnetwork.org",
            Cause::MandatoryElementIncorrect,
        ),
        (
            "5g:mnc001.mcc001.3gppnetwork.org",
            Cause::MandatoryElementIncorrect,
        ),
        (
            "5G:mnc001.mcc001.3gppnetwork.org ",
            Cause::MandatoryElementIncorrect,
        ),
        (
            "5G:mnc001.mcc001.3gppnetwork.org:",
            Cause::MandatoryElementIncorrect,
        ),
        (
            "5G:mnc٠٠١.mcc001.3gppnetwork.org",
            Cause::MandatoryElementIncorrect,
        ),
        // Another network, though it looks alike with fewer zeros.
        (
            "5G:mnc010.mcc001.3gppnetwork.org",
            Cause::ServingNetworkNotAuthorized,
        ),
        (
            "5G:mnc001.mcc001.3gppnetwork.org:00000000001",
            Cause::ServingNetworkNotAuthorized,
        ),
    ] {
        assert_eq!(
            refused(client.start(start(name)).await),
            Some(expected),
            "{name}"
        );
        let started = aka(&world, "one").start_aka(start_aka(SUPI, name)).await;
        assert_eq!(refused(started), Some(expected), "{name}");
    }
    for (reference, expected) in [
        (String::new(), Cause::MandatoryElementMissing),
        ("x".repeat(65), Cause::MandatoryElementIncorrect),
    ] {
        let request = pb::StartRequest {
            ue_reference: reference,
            ..start(NETWORK)
        };
        assert_eq!(refused(client.start(request).await), Some(expected));
    }
    let address = |ip: &str, first_port, last_port| {
        Some(UeAddress {
            ip: ip.to_owned(),
            first_port,
            last_port,
        })
    };
    for (ue_address, expected) in [
        (None, Cause::MandatoryElementMissing),
        (address("", 1, 2), Cause::MandatoryElementIncorrect),
        (
            address("example.test", 1, 2),
            Cause::MandatoryElementIncorrect,
        ),
        (address("192.0.2.7", 0, 2), Cause::MandatoryElementIncorrect),
        (address("192.0.2.7", 3, 2), Cause::MandatoryElementIncorrect),
        (
            address("192.0.2.7", 1, 65_536),
            Cause::MandatoryElementIncorrect,
        ),
    ] {
        let request = pb::ProveRequest {
            ue_address,
            ..prove(vec![0])
        };
        assert_eq!(refused(client.prove(request).await), Some(expected));
    }
}

#[tokio::test]
async fn what_names_no_subscriber_has_a_cause() {
    let world = World::new().await;
    let mut client = aka(&world, "one");
    for (subscriber, expected) in [
        ("", Cause::MandatoryElementMissing),
        ("001010000000001", Cause::MandatoryElementIncorrect),
        ("imsi-", Cause::MandatoryElementIncorrect),
        ("imsi-00101000000000x", Cause::MandatoryElementIncorrect),
        ("imsi-٠٠١٠١", Cause::MandatoryElementIncorrect),
        ("suci-", Cause::MandatoryElementIncorrect),
        ("suci-0-001-01-0-0-0", Cause::MandatoryElementIncorrect),
        (
            "suci-0-1-1-0-0-0-0000000001",
            Cause::MandatoryElementIncorrect,
        ),
        ("suci-0-001-01-0-1-1-zz", Cause::MandatoryElementIncorrect),
        ("suci-0-001-01-0-1-300-00", Cause::MandatoryElementIncorrect),
        ("suci-0-001-01-0-9-1-00", Cause::UnsupportedProtectionScheme),
        (
            &"suci-0-001-01-0-1-1-".repeat(5_000),
            Cause::MandatoryElementIncorrect,
        ),
        (&"9".repeat(100_000), Cause::MandatoryElementIncorrect),
        // Well formed, but nobody's.
        ("imsi-001010000000002", Cause::UserNotFound),
        ("suci-0-001-01-0-0-0-0000000009", Cause::UserNotFound),
    ] {
        let started = client.start_aka(start_aka(subscriber, NETWORK)).await;
        let shown = subscriber.chars().take(30).collect::<String>();
        assert_eq!(refused(started), Some(expected), "{shown}");
    }
    assert!(world.vault.handed_out.lock().unwrap().is_empty());

    for res_star in [vec![], vec![0; 15], vec![0; 17]] {
        let request = pb::ConfirmAkaRequest {
            auth_ctx_id: "x".to_owned(),
            res_star: Some(res_star),
            serving_network_name: NETWORK.to_owned(),
        };
        assert_eq!(
            refused(client.confirm_aka(request).await),
            Some(Cause::MandatoryElementIncorrect)
        );
    }
    for (auts, expected) in [
        (vec![], Cause::MandatoryElementMissing),
        (vec![0; 13], Cause::MandatoryElementIncorrect),
        (vec![0; 14], Cause::ContextNotFound),
    ] {
        let request = pb::ResyncAkaRequest {
            auth_ctx_id: "x".to_owned(),
            auts,
            serving_network_name: NETWORK.to_owned(),
        };
        assert_eq!(refused(client.resync_aka(request).await), Some(expected));
    }
}
