//! A factory, its devices, and how they speak.

use ausf::{Accepted, Manufacturer, Origin, ProveOwaError, StartOwaError, prove_owa, start_owa};
use cose::SigningKey;
use onboarding::device::{
    AcceptAnswer, AwaitingAccept, ChallengeAnswer, Challenged, Offer, Onboarded, ProofOptions,
};
use onboarding::{
    AgreementKey, CertificateReference, DeviceClass, Kem, NetworkProofLevel, OperatorRoots,
    Recipient, RecipientKey, Suite,
};
use p256::pkcs8::EncodePrivateKey as _;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use secret::PrivateKey;

use crate::world::{NETWORK, World, origin, snn, ue_address};

pub(crate) fn signing_key(seed: u8) -> SigningKey {
    SigningKey::new(&PrivateKey::new([seed; 32])).unwrap()
}

fn key_pair(seed: u8) -> KeyPair {
    let key = p256::SecretKey::from_slice(&[seed; 32]).unwrap();
    KeyPair::try_from(key.to_pkcs8_der().unwrap().as_bytes()).unwrap()
}

/// Something that issues certificates.
pub(crate) struct Authority {
    pub(crate) certificate: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new(name: &str, seed: u8) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = key_pair(seed);
        let certificate = params.self_signed(&key).unwrap().der().to_vec();
        Self {
            certificate,
            issuer: Issuer::new(params, key),
        }
    }

    /// A certificate for the device of this serial number.
    pub(crate) fn certify(&self, serial: &str, seed: u8) -> Vec<u8> {
        self.certify_with(serial, seed, &[KeyUsagePurpose::DigitalSignature], 4_000)
    }

    pub(crate) fn certify_with(
        &self,
        serial: &str,
        seed: u8,
        usages: &[KeyUsagePurpose],
        last_year: i32,
    ) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "band");
        let serial_number = DnType::CustomDnType(vec![2, 5, 4, 5]);
        params.distinguished_name.push(serial_number, serial);
        params.key_usages = usages.to_vec();
        params.not_after = rcgen::date_time_ymd(last_year, 1, 1);
        let certificate = params.signed_by(&key_pair(seed), &self.issuer).unwrap();
        certificate.der().to_vec()
    }
}

/// The factory's authority.
pub(crate) fn factory() -> Authority {
    Authority::new("factory", 0x61)
}

/// The factory's entry in the registry.
pub(crate) fn maker() -> Manufacturer {
    Manufacturer {
        name: "maker".to_owned(),
        url_prefixes: vec!["https://certificates.maker.test/DeviceID=".to_owned()],
        device_anchors: vec![factory().certificate],
        server_anchors: vec![vec![1]],
        allowed_networks: vec!["127.0.0.1/32".to_owned()],
        allowed_ports: vec![8443],
        allow_bare_url: false,
        allow_cert_direct: false,
        host_overrides: vec!["certificates.maker.test=127.0.0.1".to_owned()],
    }
}

/// A device.
pub(crate) struct Device {
    pub(crate) seed: u8,
    pub(crate) certificate: Vec<u8>,
    pub(crate) url: String,
    pub(crate) inline: bool,
    pub(crate) hash: bool,
    pub(crate) demanded: NetworkProofLevel,
    pub(crate) recipient: Recipient,
}

impl Device {
    /// Sends its chain along.
    pub(crate) fn inline() -> Self {
        Self {
            seed: 0x21,
            certificate: factory().certify("BAND-4711", 0x21),
            url: "https://certificates.maker.test/DeviceID=BAND-4711".to_owned(),
            inline: true,
            hash: true,
            demanded: NetworkProofLevel::None,
            recipient: Recipient::CertBound(RecipientKey {
                kem: Kem::X25519,
                public: ephemeral(Suite::X25519, 0x31).public().to_vec(),
            }),
        }
    }

    /// Names its certificate by URL and hash.
    pub(crate) fn by_url() -> Self {
        Self {
            inline: false,
            ..Self::inline()
        }
    }

    pub(crate) fn offer(&self) -> Offer {
        Offer {
            keys: vec![ephemeral(Suite::X25519, 0x41), ephemeral(Suite::P256, 0x42)],
            certificate: CertificateReference::Url {
                url: self.url.clone(),
                sha256: self.hash.then(|| cose::sha256(&self.certificate)),
            },
            chain: if self.inline {
                vec![self.certificate.clone()]
            } else {
                Vec::new()
            },
            nonce: [0x51; 32],
            class: DeviceClass::Headed,
            serving_network: snn(NETWORK),
            key_id: signing_key(self.seed).key_id(),
            demanded: self.demanded,
        }
    }

    /// From Start over Retry to Challenge.
    pub(crate) async fn challenge(&self, world: &World) -> Result<Challenged, StartOwaError> {
        let owa = &world.ausf.one_way;
        let roots = OperatorRoots::new(vec![world.vault.operator.certificate.clone()]);
        let (mut waiting, mut frame) = self.offer().start().unwrap();
        loop {
            let answer = start_owa(owa, &frame, &origin()).await?;
            match waiting.receive(&answer, &roots, Some(world.now())).unwrap() {
                ChallengeAnswer::Retry(again) => frame = again,
                ChallengeAnswer::Challenged(challenged) => return Ok(*challenged),
                ChallengeAnswer::Rejected(_) => panic!("a Reject without error"),
            }
        }
    }

    /// From Start to the Proof, not yet sent.
    pub(crate) async fn proof(&self, world: &World) -> (AwaitingAccept, Vec<u8>) {
        let challenged = self.challenge(world).await.unwrap();
        self.prove(challenged, Some(1))
    }

    pub(crate) fn prove(
        &self,
        challenged: Challenged,
        counter: Option<u64>,
    ) -> (AwaitingAccept, Vec<u8>) {
        let options = ProofOptions {
            recipient: self.recipient.clone(),
            evidence: None,
            counter,
        };
        challenged.prove(&signing_key(self.seed), options).unwrap()
    }

    /// All of it.
    pub(crate) async fn onboard(&self, world: &World) -> Result<Accepted, ProveOwaError> {
        let (_, frame) = self.proof(world).await;
        send_proof(world, &frame, &origin()).await
    }
}

pub(crate) async fn send_proof(
    world: &World,
    frame: &[u8],
    origin: &Origin,
) -> Result<Accepted, ProveOwaError> {
    prove_owa(&world.ausf.one_way, frame, origin, ue_address()).await
}

/// What the device reads in an Accept.
pub(crate) fn opened(waiting: &AwaitingAccept, frame: &[u8]) -> Onboarded {
    match waiting.receive(frame).unwrap() {
        AcceptAnswer::Onboarded(onboarded) => *onboarded,
        AcceptAnswer::Rejected(_) => panic!("a Reject"),
    }
}

fn ephemeral(suite: Suite, seed: u8) -> AgreementKey {
    AgreementKey::new(suite, PrivateKey::new([seed; 32])).unwrap()
}

/// A world that trusts the factory.
pub(crate) async fn trusting() -> World {
    let world = World::new().await;
    trust(&world, &maker()).await;
    world
}

pub(crate) async fn trust(world: &World, manufacturer: &Manufacturer) {
    ausf::Manufacturers::new(world.store.clone())
        .put(manufacturer)
        .await
        .unwrap();
}
