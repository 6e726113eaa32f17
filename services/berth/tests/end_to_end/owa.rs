//! One-way authentication by hand, so that a test knows every key of it.

use std::path::Path;

use cose::{SigningKey, sha256};
use data_encoding::BASE64;
use identifiers::ServingNetworkName;
use nf_api::NetworkFunction;
use nf_api::pb::ausf::one_way_auth_service_client::OneWayAuthServiceClient;
use nf_api::pb::ausf::{LimitedSession, ProveRequest, ProveResponse, StartRequest};
use nf_api::pb::common::UeAddress;
use nf_runtime::grpc::Channel;
use nf_runtime::random::Random;
use onboarding::device::{
    AcceptAnswer, AwaitingAccept, ChallengeAnswer, Offer, Onboarded, ProofOptions,
};
use onboarding::{
    AgreementKey, CertificateReference, DeviceClass, Kem, KeySchedule, NetworkProofLevel,
    OperatorRoots, Recipient, RecipientKey, Suite,
};
use p256::pkcs8::DecodePrivateKey as _;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use secret::{OwaKey, PrivateKey};
use serde_json::Value;

use crate::device::{json, octets};
use crate::grpc::{SERVING_NETWORK_NAME, as_gateway};
use crate::installation::Installation;

/// The name by which the gateway knows the device.
const UE_REFERENCE: &str = "end-to-end";

/// A device whose Proof has been accepted.
pub(crate) struct Admitted {
    client: OneWayAuthServiceClient<Channel>,
    waiting: AwaitingAccept,
    /// The Accept frame.
    pub(crate) accept: Vec<u8>,
    pub(crate) onboarded: Onboarded,
    pub(crate) limited_session: LimitedSession,
    /// The pseudorandom key of the session and K(accept).
    pub(crate) prk: OwaKey,
    pub(crate) accept_key: OwaKey,
}

/// Plays OWA for the device in `folder`, as the laboratory's gateway.
pub(crate) async fn authenticate(installation: &Installation, folder: &Path) -> Admitted {
    let channel = as_gateway(installation, "lab", NetworkFunction::Ausf);
    let mut client = OneWayAuthServiceClient::new(channel);
    let random = Random::system();
    let device = json(&folder.join("device.json")).unwrap();
    let identity = identity(folder);
    let ephemeral = AgreementKey::new(Suite::X25519, PrivateKey::new(random.array())).unwrap();
    let roots = device["operator_roots"].as_array().unwrap().iter();
    let roots = roots.map(|root| BASE64.decode(root.as_str().unwrap().as_bytes()).unwrap());
    let roots = OperatorRoots::new(roots.collect());

    let offer = offer(&device, &identity, ephemeral.clone(), random.array());
    let (mut awaiting, mut frame) = offer.start().unwrap();
    let challenged = loop {
        let request = StartRequest {
            frame,
            ue_reference: UE_REFERENCE.to_owned(),
            serving_network_name: SERVING_NETWORK_NAME.to_owned(),
        };
        let answer = client.start(request).await.unwrap().into_inner();
        match awaiting.receive(&answer.frame, &roots, None).unwrap() {
            ChallengeAnswer::Retry(again) => frame = again,
            ChallengeAnswer::Challenged(challenged) => break *challenged,
            ChallengeAnswer::Rejected(reject) => panic!("rejected: {:?}", reject.known_cause()),
        }
    };
    let shared = ephemeral.agree(&challenged.challenge().public_key).unwrap();
    let recipient = AgreementKey::new(Suite::X25519, PrivateKey::new(random.array())).unwrap();
    let options = ProofOptions {
        recipient: Recipient::CertBound(RecipientKey {
            kem: Kem::X25519,
            public: recipient.public().to_vec(),
        }),
        evidence: None,
        counter: None,
    };
    let (waiting, frame) = challenged.prove(&identity, options).unwrap();
    let Ok(onboarding::Frame::Proof(proof, _)) = onboarding::Frame::decode(&frame) else {
        panic!("not a Proof");
    };
    let digest = sha256(proof);
    let proved = prove(&client, frame.clone(), UE_REFERENCE).await;
    let AcceptAnswer::Onboarded(onboarded) = waiting.receive(&proved.frame).unwrap() else {
        panic!("the Proof is rejected");
    };
    let snn = ServingNetworkName::parse(SERVING_NETWORK_NAME).unwrap();
    let schedule = KeySchedule::new(&onboarded.transcript_hash, &shared, snn);
    Admitted {
        client,
        accept: proved.frame,
        onboarded: *onboarded,
        limited_session: proved.limited_session.unwrap(),
        prk: schedule.prk().clone(),
        accept_key: schedule.accept(&digest),
        waiting,
    }
}

impl Admitted {
    /// Sends the Proof again and answers the network's frame.
    pub(crate) async fn prove_again(&self) -> Vec<u8> {
        self.prove_with(self.proof_frame()).await
    }

    /// Sends a frame in the place of the Proof and answers the network's frame.
    pub(crate) async fn prove_with(&self, frame: Vec<u8>) -> Vec<u8> {
        prove(&self.client, frame, UE_REFERENCE).await.frame
    }

    /// Sends the Proof again under another reference of the gateway.
    pub(crate) async fn prove_as(&self, ue_reference: &str) -> Vec<u8> {
        prove(&self.client, self.proof_frame(), ue_reference)
            .await
            .frame
    }

    /// The Proof frame.
    pub(crate) fn proof_frame(&self) -> Vec<u8> {
        self.waiting.proof_frame()
    }
}

async fn prove(
    client: &OneWayAuthServiceClient<Channel>,
    frame: Vec<u8>,
    ue_reference: &str,
) -> ProveResponse {
    let request = ProveRequest {
        frame,
        ue_reference: ue_reference.to_owned(),
        serving_network_name: SERVING_NETWORK_NAME.to_owned(),
        ue_address: Some(UeAddress {
            ip: "127.0.0.1".to_owned(),
            first_port: 9_000,
            last_port: 9_015,
        }),
    };
    client.clone().prove(request).await.unwrap().into_inner()
}

fn offer(device: &Value, identity: &SigningKey, key: AgreementKey, nonce: [u8; 32]) -> Offer {
    let certificate = octets(device, "certificate").unwrap();
    Offer {
        keys: vec![key],
        certificate: CertificateReference::Url {
            url: device["certificate_url"].as_str().unwrap().to_owned(),
            sha256: Some(sha256(&certificate)),
        },
        chain: vec![certificate],
        nonce,
        class: DeviceClass::Headed,
        serving_network: ServingNetworkName::parse(SERVING_NETWORK_NAME).unwrap(),
        key_id: identity.key_id(),
        demanded: NetworkProofLevel::OperatorChain,
    }
}

fn identity(folder: &Path) -> SigningKey {
    let der = PrivatePkcs8KeyDer::from_pem_file(folder.join("identity.pem")).unwrap();
    let key = p256::SecretKey::from_pkcs8_der(der.secret_pkcs8_der()).unwrap();
    SigningKey::new(&PrivateKey::new(key.to_bytes().into())).unwrap()
}
