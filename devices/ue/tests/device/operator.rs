//! An operator with its keys, and the folder that a factory and a shop know.

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use cose::{KeyId, ObjectType, SigningKey};
use identifiers::{
    CredentialSetId, DeviceId, Fqdn, Gpsi, OnboardingSession, OperatorId, PackageId, Plmn,
    ProtectionScheme, RoutingIndicator, SubscriptionId, Supi, UeServiceId,
};
use key_hierarchy::ecies::{HomeNetworkKey, Profile as EciesProfile};
use onboarding::NetworkProofLevel;
use p256::pkcs8::DecodePrivateKey as _;
use provisioning::profile::{
    Access, Applications, AuthenticationKeys, Management, MsgIn5g, OperatorName, Pin, Service,
    SuciKey,
};
use provisioning::{Commit, CommittedBy, Keyset, KeysetKey, PackageHeader, Profile, SecretPart};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use secret::{K, Opc, PrivateKey};

pub(crate) const SUPI: &str = "imsi-001010000000001";
pub(crate) const AF: &str = "msgin5g.berth.test";
pub(crate) const ME: &str = "ue-abcdefgh@msgin5g.berth.test";

pub(crate) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

pub(crate) fn k() -> K {
    K::new([0x11; 16])
}

pub(crate) fn opc() -> Opc {
    Opc::new([0x22; 16])
}

/// The home network's key for SUCI profile A.
pub(crate) fn home_network_key() -> HomeNetworkKey {
    HomeNetworkKey::new(1, EciesProfile::A, PrivateKey::new([0x33; 32])).unwrap()
}

/// Root, signers and certificates.
pub(crate) struct Operator {
    root_certificate: Vec<u8>,
    pub(crate) root: KeyId,
    pub(crate) signer: SigningKey,
    pub(crate) network: SigningKey,
    pub(crate) network_chain: Vec<Vec<u8>>,
    pub(crate) keyset: Vec<u8>,
}

fn signing_key(pair: &KeyPair) -> SigningKey {
    let key = p256::SecretKey::from_pkcs8_der(&pair.serialize_der()).unwrap();
    SigningKey::new(&PrivateKey::new(key.to_bytes().into())).unwrap()
}

fn authority(name: &str) -> CertificateParams {
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters
}

impl Operator {
    pub(crate) fn new(name: &str) -> Self {
        let root_pair = KeyPair::generate().unwrap();
        let parameters = authority(name);
        let root_certificate = parameters.self_signed(&root_pair).unwrap().der().to_vec();
        let network_pair = KeyPair::generate().unwrap();
        let mut leaf = CertificateParams::new(Vec::new()).unwrap();
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let network = signing_key(&network_pair);
        let root = signing_key(&root_pair);
        let signer = signing_key(&KeyPair::generate().unwrap());
        let issuer = Issuer::new(parameters, root_pair);
        let chain = vec![
            leaf.signed_by(&network_pair, &issuer)
                .unwrap()
                .der()
                .to_vec(),
        ];
        let key = |key: &SigningKey, types: &[ObjectType]| KeysetKey {
            spki: key.spki().to_vec(),
            types: types.to_vec(),
            valid_from: now() - 3600,
            valid_until: now() + 3600,
        };
        let keyset = Keyset {
            version: 1,
            operator: OperatorId::parse(name).unwrap(),
            keys: vec![
                key(&network, &[ObjectType::OwaNet]),
                key(&signer, &[ObjectType::Profile, ObjectType::Commit]),
            ],
            issued: now(),
            expires: now() + 3600,
        };
        Self {
            root_certificate,
            root: root.key_id(),
            keyset: keyset.sign(&root).unwrap(),
            signer,
            network,
            network_chain: chain,
        }
    }

    /// The folder of a laboratory in which this operator is known.
    pub(crate) fn write_lab(&self, folder: &Path, access_gateway: &str, portal_ca: &str) {
        let manufacturer = KeyPair::generate().unwrap();
        let certificate = authority("Manufacturer")
            .self_signed(&manufacturer)
            .unwrap();
        fs::create_dir_all(folder.join("manufacturer")).unwrap();
        fs::create_dir_all(folder.join("certificates")).unwrap();
        fs::write(folder.join("manufacturer/ca.cer"), certificate.der()).unwrap();
        fs::write(
            folder.join("manufacturer/ca.key"),
            manufacturer.serialize_pem(),
        )
        .unwrap();
        fs::write(folder.join("operator-root.cer"), &self.root_certificate).unwrap();
        fs::write(folder.join("portal-ca.pem"), portal_ca).unwrap();
        let lab = serde_json::json!({
            "access_gateway": access_gateway,
            "certificate_url_prefix": "https://localhost:1/DeviceID=",
            "something_else": [1, 2],
        });
        fs::write(folder.join("lab.json"), lab.to_string()).unwrap();
    }

    /// Profile and secret part for a device; the ids follow from the epoch.
    pub(crate) fn profile(
        &self,
        device_id: &DeviceId,
        epoch: u64,
        coaps_uri: &str,
    ) -> (Profile, SecretPart) {
        let home = Plmn::parse("00101").unwrap();
        let key = home_network_key();
        let profile = Profile {
            package_id: PackageId::generate(epoch, [1; 10]),
            subscription_id: SubscriptionId::generate(1, [2; 10]),
            device_id: device_id.clone(),
            credential_set_id: CredentialSetId::generate(epoch, [3; 10]),
            credential_epoch: epoch,
            access: Access {
                home,
                equivalent: Vec::new(),
                routing_indicator: RoutingIndicator::parse("0").unwrap(),
                suci_keys: vec![SuciKey {
                    scheme: ProtectionScheme::ProfileA,
                    id: key.id(),
                    public: Some(key.public_key().as_octets().to_vec()),
                }],
                snpn: None,
                access_identities: Vec::new(),
                uac: None,
            },
            service: Service {
                gpsis: vec![Gpsi::parse("msisdn-4915100000001").unwrap()],
                ..Service::default()
            },
            applications: Applications {
                msgin5g: Some(MsgIn5g {
                    server_uri: coaps_uri.to_owned(),
                    ue_service_id: UeServiceId::parse(ME).unwrap(),
                    configuration_uri: None,
                    dtls_suites: Vec::new(),
                }),
                akma_afs: vec![Fqdn::parse(AF).unwrap()],
                ..Applications::default()
            },
            management: Management {
                operator: OperatorName {
                    id: OperatorId::parse("operator").unwrap(),
                    name: "Laboratory".to_owned(),
                    logo_hash: None,
                },
                pin: Pin {
                    root: self.root,
                    least_keyset_version: 1,
                },
                update_endpoints: vec!["coaps://update.berth.test".to_owned()],
                vault_keys: Vec::new(),
                fallback: None,
                rollback: None,
                contact_seconds: None,
                owner_key_hash: None,
            },
            not_after: now() + 3600,
            supersedes: None,
        };
        let secret = SecretPart {
            supi: Supi::parse(SUPI).unwrap(),
            keys: AuthenticationKeys::Milenage { k: k(), opc: opc() },
            amf: [0x80, 0],
            sqn: [0; 6],
        };
        (profile, secret)
    }

    /// The header of a package that carries this profile.
    pub(crate) fn header(
        profile: &Profile,
        session: OnboardingSession,
        recipient: &onboarding::RecipientKey,
        network_proof: NetworkProofLevel,
    ) -> PackageHeader {
        PackageHeader {
            package_id: profile.package_id.clone(),
            device_id: profile.device_id.clone(),
            recipient_hash: cose::sha256(&recipient.public),
            cert_direct: false,
            kem: recipient.kem,
            session,
            seal_seq: 1,
            created: now(),
            not_after: now() + 3600,
            network_proof,
            supersedes: None,
        }
    }

    /// The commit of what a profile brings.
    pub(crate) fn commit(profile: &Profile) -> Commit {
        Commit {
            by: CommittedBy::Package(profile.package_id.clone()),
            device_id: profile.device_id.clone(),
            subscription_id: profile.subscription_id.clone(),
            credential_set_id: profile.credential_set_id.clone(),
            credential_epoch: profile.credential_epoch,
            committed_at: now(),
        }
    }
}
