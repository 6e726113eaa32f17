//! Through the edge, as other functions see it.

use cause::Cause;
use futures::{StreamExt as _, stream};
use nf_api::pb::vault as pb;
use nf_api::pb::vault::vault_service_client::VaultServiceClient;
use nf_api::status::cause_of;
use nf_api::{Caller, NetworkFunction};
use nf_runtime::Runtime;
use nf_runtime::grpc::{Channel, in_process};
use onboarding::Suite;
use vault::{Ports, VaultConfig};

use crate::sealing::without_key;
use crate::support::{Device, Lab, Mode, mint_request, snn};

type Client = VaultServiceClient<Channel>;

#[tokio::test]
async fn only_its_two_callers_reach_the_vault_each_its_own_part() {
    let (lab, ports) = lab().await;
    let routes = vault::build(&lab.config, ports, &lab.runtime)
        .await
        .unwrap()
        .routes;
    let client = |function| {
        Client::new(in_process(
            routes.clone(),
            Caller::function(function),
            &lab.runtime,
        ))
    };
    let mut ausf = client(NetworkFunction::Ausf);
    let mut subscription_manager = client(NetworkFunction::SubscriptionManager);

    let refused = ausf.mint(mint_message(1)).await.err().unwrap();
    assert_eq!(cause_of(&refused), Cause::NotAuthorized);
    let refused = subscription_manager
        .get_vector(vector_message(1))
        .await
        .err()
        .unwrap();
    assert_eq!(cause_of(&refused), Cause::NotAuthorized);
    for stranger in [
        NetworkFunction::Aanf,
        NetworkFunction::AccessGateway,
        NetworkFunction::Msgin5gServer,
    ] {
        let mut stranger = client(stranger);
        assert!(stranger.mint(mint_message(1)).await.is_err());
        assert!(stranger.get_vector(vector_message(1)).await.is_err());
        assert!(stranger.seal(pb::SealRequest::default()).await.is_err());
        assert!(
            stranger
                .promote(pb::PromoteRequest::default())
                .await
                .is_err()
        );
    }

    let minted = subscription_manager
        .mint(mint_message(1))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(minted.credential_epoch, 1);
    let refused = ausf.get_vector(vector_message(1)).await.err().unwrap();
    assert_eq!(cause_of(&refused), Cause::CredentialNotActive);
    let keys = subscription_manager
        .get_home_network_keys(pb::GetHomeNetworkKeysRequest {})
        .await
        .unwrap();
    let keys: Vec<_> = keys
        .into_inner()
        .keys
        .iter()
        .map(|key| (key.scheme, key.id, key.public_key.len()))
        .collect();
    assert_eq!(keys, [(1, 1, 32), (2, 2, 33)]);
    let operator = subscription_manager
        .get_operator_keys(pb::GetOperatorKeysRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(operator.operator_id, "lab-operator");
    assert!(!operator.root_certificate.is_empty() && !operator.keyset.is_empty());
    let challenge = pb::SignOwaNetRequest {
        start_hash: vec![0; 32],
        challenge: vec![0xa0],
    };
    assert!(
        ausf.sign_owa_net(challenge).await.is_err(),
        "this is no Challenge"
    );
    subscription_manager
        .destroy(pb::DestroyRequest {
            credential_set_id: minted.credential_set_id,
        })
        .await
        .unwrap();
    let page = lab.runtime.metrics.encode();
    assert!(page.contains("procedure=\"mint\",cause=\"NONE\""), "{page}");
}

#[tokio::test]
async fn a_stream_answers_each_request_with_its_number() {
    let (lab, ports) = lab().await;
    let mut provisioned = lab.provision(&Device::new(1), 1).await;
    let routes = vault::build(&lab.config, ports, &Runtime::for_tests())
        .await
        .unwrap()
        .routes;
    let mut ausf = Client::new(in_process(
        routes,
        Caller::function(NetworkFunction::Ausf),
        &lab.runtime,
    ));
    let requests = (0..200).map(|correlation| pb::GetVectorStreamRequest {
        correlation,
        request: (correlation % 10 != 9)
            .then(|| vector_message(if correlation % 10 == 8 { 2 } else { 1 })),
    });
    let answers = ausf
        .get_vector_stream(stream::iter(requests.collect::<Vec<_>>()))
        .await
        .unwrap()
        .into_inner();
    let answers: Vec<_> = answers.map(Result::unwrap).collect().await;
    assert_eq!(answers.len(), 200);
    let mut epochs = Vec::new();
    for answer in answers {
        let cause = nf_api::convert::cause(answer.cause);
        match answer.correlation % 10 {
            9 => assert_eq!(cause, Some(Cause::MandatoryElementMissing)),
            8 => assert_eq!(cause, Some(Cause::UserNotFound)),
            _ => epochs.push(answer.response.unwrap().authentication_epoch),
        }
    }
    epochs.sort_unstable();
    assert_eq!(epochs, (1..=160).collect::<Vec<u64>>());
    lab.authenticate(&mut provisioned, 1).await;
}

#[tokio::test]
async fn the_key_of_the_device_reaches_the_sealing() {
    let (lab, ports) = lab().await;
    let device = Device::new(1);
    let minted = lab.mint(&device, 1).await;
    let run = lab.onboard(&device, Mode::Bound(Suite::X25519));
    let sealing = lab.sealing(&device, 1, &minted, &run).request();
    let routes = vault::build(&lab.config, ports, &lab.runtime)
        .await
        .unwrap()
        .routes;
    let mut subscription_manager = Client::new(in_process(
        routes,
        Caller::function(NetworkFunction::SubscriptionManager),
        &lab.runtime,
    ));
    let request = pb::SealRequest {
        credential_set_id: sealing.credential_set_id.as_str().to_owned(),
        start: sealing.start,
        challenge: sealing.challenge,
        proof: without_key(&run.proof, &device),
        header: sealing.header,
        profile: sealing.profile,
        psk: Some(nf_api::convert::key(sealing.psk.expose())),
        identity_spki: Vec::new(),
    };
    let refused = subscription_manager.seal(request.clone()).await;
    assert_eq!(
        cause_of(&refused.err().unwrap()),
        Cause::MandatoryElementMissing
    );
    let request = pb::SealRequest {
        identity_spki: device.identity.spki().to_vec(),
        ..request
    };
    let package = subscription_manager.seal(request).await.unwrap();
    run.open(&package.into_inner().package).unwrap();
}

#[tokio::test]
async fn a_vault_without_operator_keys_does_not_start() {
    let (lab, ports) = lab().await;
    let built = vault::build(&VaultConfig::default(), ports, &lab.runtime).await;
    assert!(matches!(built, Err(vault::BuildError::Operator(_))));
}

async fn lab() -> (Lab, Ports) {
    let lab = Lab::new().await;
    let sealer = store::Sealer::new([(1, secret::SealingKey::new([1; 32]))], None).unwrap();
    let ports = Ports {
        store: lab.database.for_function("vault").unwrap(),
        sealer,
    };
    (lab, ports)
}

fn mint_message(n: u32) -> pb::MintRequest {
    let request = mint_request(&Device::new(1), n, "order-1");
    pb::MintRequest {
        idempotency_key: request.idempotency_key,
        supi: request.supi.as_text().to_owned(),
        device_id: request.device_id.as_str().to_owned(),
        subscription_id: request.subscription_id.as_str().to_owned(),
        tenant_id: "lab".to_owned(),
        routing_indicator: "0".to_owned(),
        akma_allowed: true,
        gpsi: String::new(),
    }
}

fn vector_message(n: u32) -> pb::GetVectorRequest {
    pb::GetVectorRequest {
        supi_or_suci: crate::support::supi(n).as_text().to_owned(),
        serving_network_name: snn().as_str().to_owned(),
        resynchronization: None,
    }
}
