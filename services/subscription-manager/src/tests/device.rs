//! A device, as far as this function sees it.

use std::sync::Arc;

use cose::{ObjectType, Signing, SigningKey};
use identifiers::{DeviceId, OnboardingSession, ServingNetworkName};
use onboarding::{
    AgreementKey, CertificateReference, Challenge, DeviceClass, Kem, NetworkProofLevel,
    ProofPayload, Recipient, RecipientKey, Start, Suite, Transcript,
};
use p256::pkcs8::DecodePrivateKey as _;
use provisioning::{
    ClaimSecret, OpenContext, OpenError, OpenedPackage, Receipt, ReceiptResult, open_package,
};
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256};
use secret::{OwaKey, PrivateKey};

use super::world::START_MS;
use crate::procedures::open_session::{AuthenticatedDevice, UeAddress};

pub(super) const SERVING_NETWORK: &str = "5G:mnc001.mcc001.3gppnetwork.org";

/// A device with an identity key and a certificate.
pub(super) struct Device {
    pub(super) device_id: DeviceId,
    pub(super) serial: String,
    pub(super) key: SigningKey,
    pub(super) certificate: Vec<u8>,
}

impl Device {
    pub(super) fn new(serial: &str) -> Arc<Self> {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let secret = p256::SecretKey::from_pkcs8_der(&pair.serialize_der()).unwrap();
        let key = SigningKey::new(&PrivateKey::new(secret.to_bytes().into())).unwrap();
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CustomDnType(vec![2, 5, 4, 5]), serial);
        let certificate = params.self_signed(&pair).unwrap().der().to_vec();
        let device_id = DeviceId::from_spki_sha256(key.key_id().as_bytes());
        Arc::new(Self {
            device_id,
            serial: serial.to_owned(),
            key,
            certificate,
        })
    }

    /// One-way authentication as the AuSF hands it over; `n` tells sessions apart.
    pub(super) fn authenticate(self: &Arc<Self>, n: u8) -> Authentication {
        self.authenticate_at(n, NetworkProofLevel::OperatorChain, START_MS / 1000)
    }

    pub(super) fn authenticate_at(
        self: &Arc<Self>,
        n: u8,
        demanded: NetworkProofLevel,
        time: u64,
    ) -> Authentication {
        let serving_network = ServingNetworkName::parse(SERVING_NETWORK).unwrap();
        let ephemeral =
            AgreementKey::new(Suite::X25519, PrivateKey::new([n.wrapping_add(1); 32])).unwrap();
        let recipient_key =
            AgreementKey::new(Suite::X25519, PrivateKey::new([n.wrapping_add(101); 32])).unwrap();
        let mut octets = [n; 16];
        octets[..8].copy_from_slice(&self.key.key_id().as_bytes()[..8]);
        let session = OnboardingSession::new(octets);
        let start = Start {
            offers: vec![(Suite::X25519.number(), ephemeral.public().to_vec())],
            certificate: CertificateReference::Hash(cose::sha256(&self.certificate)),
            nonce: [n; 32],
            class: DeviceClass::Headed,
            serving_network: serving_network.clone(),
            key_id: self.key.key_id(),
            demanded,
            cookie: None,
            chain: Vec::new(),
        }
        .encode();
        let challenge = Challenge {
            session,
            suite: Suite::X25519.number(),
            nonce: [n; 32],
            public_key: vec![n; 32],
            serving_network,
            authenticator: "ausf".to_owned(),
            time,
            network_proof: None,
        }
        .encode();
        let recipient = Recipient::CertBound(RecipientKey {
            kem: Kem::X25519,
            public: recipient_key.public().to_vec(),
        });
        let payload = ProofPayload {
            transcript_hash: onboarding::start_and_challenge_hash(&start, &challenge),
            recipient: recipient.clone(),
            evidence: None,
            counter: None,
        }
        .encode();
        let proof = Signing::new(ObjectType::OwaProof, &payload)
            .with_spki()
            .sign(&self.key)
            .unwrap();
        Authentication {
            device: Arc::clone(self),
            session,
            demanded,
            start,
            challenge,
            proof,
            recipient,
            recipient_key,
            pdp_dtls_key: OwaKey::new([n.wrapping_add(31); 32]),
            package_key: OwaKey::new([n.wrapping_add(61); 32]),
            ue_address: UeAddress {
                ip: [127, 0, 0, 1].into(),
                first_port: 20_000 + u16::from(n) * 16,
                last_port: 20_015 + u16::from(n) * 16,
            },
        }
    }
}

/// One one-way authentication of a device.
pub(super) struct Authentication {
    pub(super) device: Arc<Device>,
    pub(super) session: OnboardingSession,
    pub(super) demanded: NetworkProofLevel,
    pub(super) start: Vec<u8>,
    pub(super) challenge: Vec<u8>,
    pub(super) proof: Vec<u8>,
    pub(super) recipient: Recipient,
    pub(super) recipient_key: AgreementKey,
    pub(super) pdp_dtls_key: OwaKey,
    pub(super) package_key: OwaKey,
    pub(super) ue_address: UeAddress,
}

impl Authentication {
    pub(super) fn handed_over(&self) -> AuthenticatedDevice {
        AuthenticatedDevice {
            session: self.session,
            device_id: self.device.device_id.clone(),
            manufacturer: "Acme".to_owned(),
            serial: self.device.serial.clone(),
            certificate: self.device.certificate.clone(),
            headless: self.demanded == NetworkProofLevel::ClaimSecret,
            demanded: self.demanded,
            network_proven: self.demanded == NetworkProofLevel::OperatorChain,
            serving_network_name: ServingNetworkName::parse(SERVING_NETWORK).unwrap(),
            start: self.start.clone(),
            challenge: self.challenge.clone(),
            proof: self.proof.clone(),
            pdp_dtls_key: self.pdp_dtls_key.clone(),
            package_key: self.package_key.clone(),
            ue_address: Some(self.ue_address),
            gateway: "nf/access-gateway/lab".to_owned(),
        }
    }

    /// Opens a package as the device would; the operator's chain is not looked at here.
    pub(super) fn open(
        &self,
        package: &[u8],
        claim_secret: Option<&ClaimSecret>,
    ) -> Result<OpenedPackage, OpenError> {
        let demanded = match self.demanded {
            NetworkProofLevel::OperatorChain => NetworkProofLevel::None,
            other => other,
        };
        open_package(
            package,
            &OpenContext {
                device_id: &self.device.device_id,
                session: &self.session,
                transcript_hash: &self.transcript().hash(),
                package_key: &self.package_key,
                claim_secret,
                recipient: &self.recipient,
                recipient_key: &self.recipient_key,
                demanded,
                network_proof: None,
                installed: None,
                now: Some(START_MS / 1000),
            },
        )
    }

    pub(super) fn receipt(&self, package: &[u8], result: ReceiptResult) -> Receipt {
        let opened = self.open(package, None).unwrap();
        Receipt {
            package_id: opened.header.package_id,
            seal_seq: opened.header.seal_seq,
            result,
            package_sha256: cose::sha256(package),
            agent: "test/1".to_owned(),
            time: START_MS / 1000,
            cause: None,
        }
    }

    pub(super) fn transcript(&self) -> Transcript<'_> {
        Transcript {
            start: &self.start,
            challenge: &self.challenge,
            proof: &self.proof,
        }
    }
}
