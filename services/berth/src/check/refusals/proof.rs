//! One-way authentication as an access gateway sees it: what is a Proof good for in other hands?

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use cause::Cause;
use cose::{SigningKey, sha256};
use data_encoding::BASE64;
use identifiers::ServingNetworkName;
use nf_api::NetworkFunction;
use nf_api::pb::ausf::one_way_auth_service_client::OneWayAuthServiceClient;
use nf_api::pb::ausf::{ProveRequest, StartRequest};
use nf_api::pb::common::UeAddress;
use nf_api::pb::subscription_manager::EndSessionRequest;
use nf_api::pb::subscription_manager::session_service_client::SessionServiceClient;
use nf_runtime::grpc::Channel;
use nf_runtime::random::Random;
use onboarding::device::{AcceptAnswer, ChallengeAnswer, Offer, ProofOptions};
use onboarding::{
    AgreementKey, CertificateReference, DeviceClass, Frame, Kem, NetworkProofLevel, OperatorRoots,
    Recipient, RecipientKey, Reject, Suite,
};
use p256::pkcs8::DecodePrivateKey as _;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use secret::PrivateKey;
use serde::Deserialize;

use super::{Bench, Trial, is_refused};
use crate::lab::serving_network_name;

/// The name by which the gateway knows the device.
const UE_REFERENCE: &str = "berth-check";

/// Has a device admitted, and tries its Proof again as somebody who saw it.
pub(super) async fn try_all(bench: &Bench<'_>, device: &Path, trial: &mut Trial) -> Result<()> {
    let gateway = Gateway {
        client: OneWayAuthServiceClient::new(bench.as_gateway(NetworkFunction::Ausf)?),
        serving_network: serving_network_name(&bench.laboratory.config)?,
        ip: bench.laboratory.config.advertised_address.to_string(),
    };
    let random = &bench.operator.runtime.random;
    let (proof, session) = gateway
        .admit(&Device::read(device)?, random)
        .await
        .context("a device that should be let in is not")?;
    trial
        .refuses("owa: Proof of another device", async {
            gateway
                .refuses(&proof, "somebody-else", Cause::ChallengeStale)
                .await
        })
        .await?;
    trial
        .refuses("owa: Proof, signed by nobody", async {
            let mut forged = proof.clone();
            let at = forged.len().checked_sub(20);
            let octet = at.and_then(|at| forged.get_mut(at));
            *octet.context("the Proof is too short")? ^= 1;
            gateway
                .refuses(&forged, UE_REFERENCE, Cause::ProofInvalid)
                .await
        })
        .await?;
    let channel = bench.as_gateway(NetworkFunction::SubscriptionManager)?;
    let ended = SessionServiceClient::new(channel)
        .end(EndSessionRequest { session })
        .await;
    ended.context("a limited session stays until its time is over")?;
    Ok(())
}

/// What the factory has put into a device's folder.
#[derive(Deserialize)]
struct Factory {
    certificate: String,
    certificate_url: String,
    operator_roots: Vec<String>,
}

struct Device {
    certificate: Vec<u8>,
    certificate_url: String,
    operator_roots: OperatorRoots,
    identity: SigningKey,
}

impl Device {
    fn read(folder: &Path) -> Result<Self> {
        let factory: Factory = serde_json::from_slice(&fs::read(folder.join("device.json"))?)?;
        let octets = |text: &String| BASE64.decode(text.as_bytes());
        let roots = factory.operator_roots.iter().map(octets);
        let key = PrivatePkcs8KeyDer::from_pem_file(folder.join("identity.pem"))?;
        let key = p256::SecretKey::from_pkcs8_der(key.secret_pkcs8_der())
            .map_err(|_| anyhow!("the identity key is none"))?;
        Ok(Self {
            certificate: octets(&factory.certificate)?,
            certificate_url: factory.certificate_url,
            operator_roots: OperatorRoots::new(roots.collect::<Result<_, _>>()?),
            identity: SigningKey::new(&PrivateKey::new(key.to_bytes().into()))?,
        })
    }
}

struct Gateway {
    client: OneWayAuthServiceClient<Channel>,
    serving_network: String,
    ip: String,
}

impl Gateway {
    /// Authenticates a device; answers its Proof and its limited session.
    async fn admit(&self, device: &Device, random: &Random) -> Result<(Vec<u8>, Vec<u8>)> {
        let agreement_key =
            || AgreementKey::new(Suite::X25519, PrivateKey::new(random.array::<32>()));
        let offer = Offer {
            keys: vec![agreement_key()?],
            certificate: CertificateReference::Url {
                url: device.certificate_url.clone(),
                sha256: Some(sha256(&device.certificate)),
            },
            chain: vec![device.certificate.clone()],
            nonce: random.array(),
            class: DeviceClass::Headed,
            serving_network: ServingNetworkName::parse(&self.serving_network)?,
            key_id: device.identity.key_id(),
            demanded: NetworkProofLevel::OperatorChain,
        };
        let (mut awaiting, mut frame) = offer.start()?;
        let challenged = loop {
            let request = StartRequest {
                frame,
                ue_reference: UE_REFERENCE.to_owned(),
                serving_network_name: self.serving_network.clone(),
            };
            let answer = self.client.clone().start(request).await?.into_inner();
            match awaiting.receive(&answer.frame, &device.operator_roots, None)? {
                ChallengeAnswer::Retry(again) => frame = again,
                ChallengeAnswer::Challenged(challenged) => break *challenged,
                ChallengeAnswer::Rejected(reject) => bail!("{:?}", reject.known_cause()),
            }
        };
        let options = ProofOptions {
            recipient: Recipient::CertBound(RecipientKey {
                kem: Kem::X25519,
                public: agreement_key()?.public().to_vec(),
            }),
            evidence: None,
            counter: None,
        };
        let (waiting, proof) = challenged.prove(&device.identity, options)?;
        let (answer, session) = self.prove(proof.clone(), UE_REFERENCE).await?;
        match waiting.receive(&answer)? {
            AcceptAnswer::Onboarded(_) => Ok((proof, session.context("it has no session")?)),
            AcceptAnswer::Rejected(reject) => bail!("{:?}", reject.known_cause()),
        }
    }

    /// Sends a Proof that has to be rejected with this cause.
    async fn refuses(&self, proof: &[u8], ue_reference: &str, expected: Cause) -> Result<String> {
        let (answer, session) = self.prove(proof.to_vec(), ue_reference).await?;
        ensure!(session.is_none(), "it got a limited session");
        let Frame::Reject(body) = Frame::decode(&answer)? else {
            bail!("let in");
        };
        let cause = Reject::decode(body)?.known_cause();
        is_refused(cause.context("refused without a known cause")?, expected)
    }

    /// Sends a Proof; answers the network's frame and the limited session.
    async fn prove(
        &self,
        frame: Vec<u8>,
        ue_reference: &str,
    ) -> Result<(Vec<u8>, Option<Vec<u8>>)> {
        let request = ProveRequest {
            frame,
            ue_reference: ue_reference.to_owned(),
            serving_network_name: self.serving_network.clone(),
            // Nobody uses these ports: the session ends at once.
            ue_address: Some(UeAddress {
                ip: self.ip.clone(),
                first_port: 9_000,
                last_port: 9_015,
            }),
        };
        let answer = self.client.clone().prove(request).await?.into_inner();
        let session = answer.limited_session.map(|limited| limited.session);
        Ok((answer.frame, session))
    }
}
