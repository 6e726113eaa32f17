//! A vault with an operator, and devices that have been through one-way authentication.

use std::path::Path;
use std::sync::Arc;

use aka::{SqnArray, Usim, confirm};
use cose::SigningKey;
use identifiers::{
    CredentialSetId, DeviceId, Gpsi, OnboardingSession, OperatorId, PackageId, Plmn,
    ProtectionScheme, RoutingIndicator, ServingNetworkName, SubscriptionId, Supi, TenantId,
};
use nf_runtime::Runtime;
use nf_runtime::random::Random;
use onboarding::device::{ChallengeAnswer, Offer, ProofOptions};
use onboarding::server::{
    ChallengeParameters, StartContext, StartOutcome, check_start, make_challenge,
};
use onboarding::{
    AgreementKey, CertificateReference, DeviceClass, Frame, Kem, NetworkProof, NetworkProofLevel,
    OperatorRoots, Recipient, RecipientKey, Suite,
};
use provisioning::profile::{
    Access, Applications, AuthenticationKeys, Management, OperatorName, Pin, Service, SuciKey,
};
use provisioning::{OpenContext, OpenError, OpenedPackage, PackageHeader, Profile, open_package};
use secret::{K, Opc, OwaKey, PrivateKey, SealingKey};
use store::{Database, Observer, Sealer, StoreConfig, SystemClock};
use vault::{
    GetVector, GetVectorError, Mint, Minted, Ports, Seal, SealError, SignOwaNet, Subscriber, Vault,
    VaultConfig, Vector, get_vector, mint, operator_keys, seal, sign_owa_net,
};

/// A vault, the store below it and the folder of both.
pub(crate) struct Lab {
    pub(crate) vault: Arc<Vault>,
    pub(crate) config: VaultConfig,
    pub(crate) runtime: Runtime,
    pub(crate) database: Database,
    folder: tempfile::TempDir,
    starts: u64,
}

impl Lab {
    /// On a store in memory.
    pub(crate) async fn new() -> Self {
        Self::on(
            tempfile::tempdir().unwrap(),
            Database::memory().await.unwrap(),
        )
        .await
    }

    /// On a store in a file.
    pub(crate) async fn on_disk() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&file_in(folder.path())).await.unwrap();
        Self::on(folder, database).await
    }

    /// On a store in a file that tells what it does.
    pub(crate) async fn observed(observer: Arc<dyn Observer>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(SystemClock::default());
        let database = Database::open_with(&file_in(folder.path()), observer, clock)
            .await
            .unwrap();
        Self::on(folder, database).await
    }

    async fn on(folder: tempfile::TempDir, database: Database) -> Self {
        let runtime = Runtime::for_tests();
        let operator_id = OperatorId::parse("lab-operator").unwrap();
        let now = runtime.clock.unix_seconds();
        let operator = operator_keys::create(
            &folder.path().join("operator"),
            &operator_id,
            now,
            &runtime.random,
        )
        .unwrap();
        let config = VaultConfig {
            operator,
            ..VaultConfig::default()
        };
        let vault = Arc::new(
            Vault::open(&config, ports(&database, &[1]), &runtime)
                .await
                .unwrap(),
        );
        Self {
            vault,
            config,
            runtime,
            database,
            folder,
            starts: 1,
        }
    }

    /// The same vault after a restart, with these key-encryption keys.
    pub(crate) async fn restart_with(&mut self, keys: &[u8]) {
        self.starts += 1;
        if self.file().exists() {
            self.database.close().await;
            self.database = Database::open(&file_in(self.folder.path())).await.unwrap();
        }
        self.runtime = Runtime {
            clock: self.runtime.clock.clone(),
            random: Random::seeded(self.starts),
            ..Runtime::for_tests()
        };
        self.vault = Arc::new(
            Vault::open(&self.config, ports(&self.database, keys), &self.runtime)
                .await
                .unwrap(),
        );
    }

    /// The same vault after a restart.
    pub(crate) async fn restart(&mut self) {
        self.restart_with(&[1]).await;
    }

    /// The database file.
    pub(crate) fn file(&self) -> std::path::PathBuf {
        self.folder.path().join(FILE)
    }

    /// Mints a set for a device.
    pub(crate) async fn mint(&self, device: &Device, n: u32) -> Minted {
        mint(&self.vault, &mint_request(device, n, "order-1"))
            .await
            .unwrap()
    }

    /// Mints and seals a set, and opens the package at the device.
    pub(crate) async fn provision(&self, device: &Device, n: u32) -> Provisioned {
        let minted = self.mint(device, n).await;
        self.deliver(device, n, &minted).await
    }

    /// Seals a set, and opens the package at the device.
    pub(crate) async fn deliver(&self, device: &Device, n: u32, minted: &Minted) -> Provisioned {
        let run = self.onboard(device, Mode::Bound(Suite::X25519));
        let sealing = self.sealing(device, n, minted, &run);
        let opened = run
            .open(&seal(&self.vault, &sealing.request()).await.unwrap())
            .unwrap();
        Provisioned::new(minted.credential_set_id.clone(), &opened)
    }

    /// What the subscription manager asks for.
    pub(crate) fn sealing(
        &self,
        device: &Device,
        n: u32,
        minted: &Minted,
        run: &Onboarded,
    ) -> Sealing {
        let now = self.runtime.clock.unix_seconds();
        let package_id = PackageId::generate(u64::from(n), [5; 10]);
        let recipient = run.recipient_key();
        Sealing {
            header: PackageHeader {
                package_id: package_id.clone(),
                device_id: device.id.clone(),
                recipient_hash: cose::sha256(&recipient.public),
                cert_direct: run.recipient == Recipient::CertDirect,
                kem: recipient.kem,
                session: run.session,
                seal_seq: 1,
                created: now,
                not_after: now + 86_400,
                network_proof: NetworkProofLevel::None,
                supersedes: None,
            },
            profile: Profile {
                package_id,
                subscription_id: subscription(n),
                device_id: device.id.clone(),
                credential_set_id: minted.credential_set_id.clone(),
                credential_epoch: minted.credential_epoch,
                access: Access {
                    home: plmn(),
                    equivalent: Vec::new(),
                    routing_indicator: RoutingIndicator::parse("0").unwrap(),
                    suci_keys: vec![SuciKey {
                        scheme: ProtectionScheme::Null,
                        id: 0,
                        public: None,
                    }],
                    snpn: None,
                    access_identities: Vec::new(),
                    uac: None,
                },
                service: Service::default(),
                applications: Applications::default(),
                management: Management {
                    operator: OperatorName {
                        id: self.vault.operator_id().clone(),
                        name: "Laboratory".to_owned(),
                        logo_hash: None,
                    },
                    pin: Pin {
                        root: self.vault.operator().root(),
                        least_keyset_version: 1,
                    },
                    update_endpoints: vec!["coaps://update.berth.test".to_owned()],
                    vault_keys: Vec::new(),
                    fallback: None,
                    rollback: None,
                    contact_seconds: None,
                    owner_key_hash: None,
                },
                not_after: now + 86_400,
                supersedes: None,
            },
            credential_set_id: minted.credential_set_id.clone(),
            start: run.start.clone(),
            challenge: run.challenge.clone(),
            proof: run.proof.clone(),
            psk: run.package_key.clone(),
            identity_spki: Vec::new(),
        }
    }

    /// A run whose Challenge was made by a clock that is a day ahead.
    pub(crate) fn onboard_ahead(&self, device: &Device) -> Onboarded {
        let now = self.runtime.clock.unix_seconds() + 86_400;
        self.onboard_at(device, Mode::Bound(Suite::X25519), now)
    }

    /// One-way authentication of a device, now.
    pub(crate) fn onboard(&self, device: &Device, mode: Mode) -> Onboarded {
        self.onboard_at(device, mode, self.runtime.clock.unix_seconds())
    }

    /// One-way authentication of a device, with the vault's signature under the Challenge.
    fn onboard_at(&self, device: &Device, mode: Mode, now: u64) -> Onboarded {
        let (suite, chain) = match &mode {
            Mode::Bound(suite) => (*suite, Vec::new()),
            Mode::Direct(chain) => (Suite::P256, chain.clone()),
        };
        let random = &self.runtime.random;
        let offer = Offer {
            keys: vec![agreement_key(random, suite)],
            certificate: CertificateReference::Hash([7; 32]),
            chain,
            nonce: random.array(),
            class: DeviceClass::Headed,
            serving_network: snn(),
            key_id: device.identity.key_id(),
            demanded: NetworkProofLevel::OperatorChain,
        };
        let (mut state, frame) = offer.start().unwrap();
        let Ok(Frame::Start(start)) = Frame::decode(&frame) else {
            panic!("no Start")
        };
        let context = StartContext {
            serving_network: &snn(),
            suites: &[Suite::X25519, Suite::P256],
            operator_chain: true,
            cookies: None,
        };
        let Ok(StartOutcome::Proceed(checked)) = check_start(start, &context) else {
            panic!("Start is refused")
        };
        let session = OnboardingSession::new(random.array());
        let parameters = ChallengeParameters {
            session,
            nonce: random.array(),
            authenticator: "ausf.berth.test".to_owned(),
            now,
        };
        let draft = make_challenge(&checked, parameters, &agreement_key(random, suite)).unwrap();
        let to_sign = SignOwaNet {
            start_hash: draft.start_hash(),
            challenge: draft.octets(),
        };
        let issued = draft.issue(Some(sign_owa_net(&self.vault, &to_sign).unwrap()));

        let roots = OperatorRoots::new(vec![self.vault.operator().root_certificate().to_vec()]);
        let frame = Frame::Challenge(&issued.octets).encode();
        let Ok(ChallengeAnswer::Challenged(challenged)) = state.receive(&frame, &roots, Some(now))
        else {
            panic!("Challenge is refused")
        };
        let network_proof = challenged.network_proof().copied();
        let (recipient, recipient_key) = match mode {
            Mode::Direct(_) => (
                Recipient::CertDirect,
                AgreementKey::new(Suite::P256, device.private.clone()).unwrap(),
            ),
            Mode::Bound(suite) => {
                let key = agreement_key(random, suite);
                let public = key.public().to_vec();
                (
                    Recipient::CertBound(RecipientKey {
                        kem: Kem::from_suite(suite),
                        public,
                    }),
                    key,
                )
            }
        };
        let options = ProofOptions {
            recipient: recipient.clone(),
            evidence: None,
            counter: None,
        };
        let (_, frame) = challenged.prove(&device.identity, options).unwrap();
        let Ok(Frame::Proof(proof, _)) = Frame::decode(&frame) else {
            panic!("no Proof")
        };
        Onboarded {
            device_id: device.id.clone(),
            start: start.to_vec(),
            proof: proof.to_vec(),
            session,
            package_key: issued.schedule.session_keys().package,
            transcript_hash: onboarding::start_and_challenge_hash(start, &issued.octets),
            challenge: issued.octets,
            recipient,
            recipient_key,
            network_proof,
            now,
        }
    }

    /// A vector for a SUPI.
    pub(crate) async fn vector(&self, n: u32) -> Result<Vector, GetVectorError> {
        get_vector(&self.vault, &vector_request(n)).await
    }

    /// Authenticates a device: a vector, and the device's answer to it.
    pub(crate) async fn authenticate(&self, provisioned: &mut Provisioned, n: u32) -> Vector {
        let vector = self.vector(n).await.unwrap();
        assert!(provisioned.answers(&vector));
        vector
    }
}

const FILE: &str = "vault.redb";

fn file_in(folder: &Path) -> StoreConfig {
    StoreConfig::redb(folder.join(FILE))
}

fn ports(database: &Database, keys: &[u8]) -> Ports {
    let keys = keys
        .iter()
        .map(|number| (u32::from(*number), SealingKey::new([*number; 32])));
    Ports {
        store: database.for_function("vault").unwrap(),
        sealer: Sealer::new(keys, None).unwrap(),
    }
}

/// Where packages go.
pub(crate) enum Mode {
    /// To a fresh key.
    Bound(Suite),
    /// To the identity key; the chain is sent along in Start.
    Direct(Vec<Vec<u8>>),
}

/// A device with its identity.
pub(crate) struct Device {
    pub(crate) id: DeviceId,
    pub(crate) identity: SigningKey,
    private: PrivateKey,
}

impl Device {
    pub(crate) fn new(n: u8) -> Self {
        let private = PrivateKey::new([n; 32]);
        let identity = SigningKey::new(&private).unwrap();
        Self {
            id: DeviceId::from_spki_sha256(identity.key_id().as_bytes()),
            identity,
            private,
        }
    }
}

/// What device and network have after one-way authentication.
pub(crate) struct Onboarded {
    device_id: DeviceId,
    pub(crate) start: Vec<u8>,
    pub(crate) challenge: Vec<u8>,
    pub(crate) proof: Vec<u8>,
    pub(crate) session: OnboardingSession,
    pub(crate) package_key: OwaKey,
    transcript_hash: [u8; 32],
    recipient: Recipient,
    recipient_key: AgreementKey,
    network_proof: Option<NetworkProof>,
    now: u64,
}

impl Onboarded {
    /// Opens a package at the device.
    pub(crate) fn open(&self, package: &[u8]) -> Result<OpenedPackage, OpenError> {
        open_package(
            package,
            &OpenContext {
                device_id: &self.device_id,
                session: &self.session,
                transcript_hash: &self.transcript_hash,
                package_key: &self.package_key,
                claim_secret: None,
                recipient: &self.recipient,
                recipient_key: &self.recipient_key,
                demanded: NetworkProofLevel::OperatorChain,
                network_proof: self.network_proof.as_ref(),
                installed: None,
                now: Some(self.now),
            },
        )
    }

    fn recipient_key(&self) -> RecipientKey {
        let kem = Kem::from_suite(self.recipient_key.suite());
        RecipientKey {
            kem,
            public: self.recipient_key.public().to_vec(),
        }
    }
}

/// A request to seal, before it is encoded.
#[derive(Clone)]
pub(crate) struct Sealing {
    pub(crate) header: PackageHeader,
    pub(crate) profile: Profile,
    pub(crate) credential_set_id: CredentialSetId,
    pub(crate) start: Vec<u8>,
    pub(crate) challenge: Vec<u8>,
    pub(crate) proof: Vec<u8>,
    pub(crate) psk: OwaKey,
    pub(crate) identity_spki: Vec<u8>,
}

impl Sealing {
    pub(crate) fn request(&self) -> Seal {
        Seal {
            credential_set_id: self.credential_set_id.clone(),
            start: self.start.clone(),
            challenge: self.challenge.clone(),
            proof: self.proof.clone(),
            header: self.header.encode(),
            profile: self.profile.encode(),
            psk: self.psk.clone(),
            identity_spki: self.identity_spki.clone(),
        }
    }

    pub(crate) async fn seal(&self, lab: &Lab) -> Result<Vec<u8>, SealError> {
        seal(&lab.vault, &self.request()).await
    }

    /// The same with another number.
    pub(crate) fn numbered(&self, seal_seq: u64) -> Self {
        Self {
            header: PackageHeader {
                seal_seq,
                ..self.header.clone()
            },
            ..self.clone()
        }
    }
}

/// What the device has from its package.
pub(crate) struct Provisioned {
    pub(crate) id: CredentialSetId,
    pub(crate) k: K,
    pub(crate) opc: Opc,
    pub(crate) usim: Usim,
}

impl Provisioned {
    fn new(id: CredentialSetId, opened: &OpenedPackage) -> Self {
        let AuthenticationKeys::Milenage { k, opc } = &opened.secret.keys else {
            panic!("no MILENAGE keys")
        };
        Self {
            id,
            k: k.clone(),
            opc: opc.clone(),
            usim: Usim::new(k, opc, SqnArray::default()),
        }
    }

    /// Whether the device accepts the vector and the network its answer.
    pub(crate) fn answers(&mut self, vector: &Vector) -> bool {
        let home = &vector.home;
        let result = self.usim.challenge(&home.rand, &home.autn, &snn());
        result.is_ok_and(|result| confirm(&home.xres_star, &result.res_star).is_ok())
    }
}

pub(crate) fn mint_request(device: &Device, n: u32, idempotency_key: &str) -> Mint {
    Mint {
        idempotency_key: idempotency_key.to_owned(),
        supi: supi(n),
        device_id: device.id.clone(),
        subscription_id: subscription(n),
        tenant_id: TenantId::parse("lab").unwrap(),
        routing_indicator: RoutingIndicator::parse("0").unwrap(),
        akma_allowed: true,
        gpsi: Some(Gpsi::parse(&format!("msisdn-881{n:08}")).unwrap()),
    }
}

pub(crate) fn vector_request(n: u32) -> GetVector {
    GetVector {
        subscriber: Subscriber::Supi(supi(n)),
        serving_network_name: snn(),
        resync: None,
    }
}

pub(crate) fn supi(n: u32) -> Supi {
    Supi::parse(&format!("imsi-00101{n:010}")).unwrap()
}

pub(crate) fn subscription(n: u32) -> SubscriptionId {
    SubscriptionId::generate(u64::from(n), [3; 10])
}

pub(crate) fn plmn() -> Plmn {
    Plmn::parse("00101").unwrap()
}

pub(crate) fn snn() -> ServingNetworkName {
    ServingNetworkName::from_plmn(&plmn())
}

fn agreement_key(random: &Random, suite: Suite) -> AgreementKey {
    AgreementKey::new(suite, PrivateKey::new(random.array())).unwrap()
}
