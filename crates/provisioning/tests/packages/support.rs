//! The project's vectors as arguments of this crate.

use cose::{KeyId, SigningKey};
use identifiers::{DeviceId, OnboardingSession};
use onboarding::{
    AgreementKey, NetworkProof, NetworkProofLevel, ProofPayload, Recipient, Suite, Transcript,
};
use provisioning::{
    ClaimSecret, Installed, OpenContext, PackageHeader, Profile, SealForProof, SecretPart,
};
use secret::{OwaKey, PrivateKey, SecretBytes};
use serde_json::Value;

/// When every vector was made.
pub(crate) const NOW: u64 = 1_800_000_000;

pub(crate) fn vectors(name: &str) -> Value {
    let path = format!("{}/../../vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

pub(crate) fn octets(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

pub(crate) fn private(value: &Value) -> PrivateKey {
    PrivateKey::try_from_slice(&octets(value)).unwrap()
}

pub(crate) fn owa_key(value: &Value) -> OwaKey {
    OwaKey::try_from_slice(&octets(value)).unwrap()
}

pub(crate) fn run(name: &str) -> Run {
    Run::all().into_iter().find(|run| run.name == name).unwrap()
}

/// One run of the vectors, as both sides know it.
pub(crate) struct Run {
    pub(crate) name: String,
    pub(crate) value: Value,
    pub(crate) identities: Value,
    pub(crate) device_id: DeviceId,
    pub(crate) session: OnboardingSession,
    pub(crate) transcript_hash: [u8; 32],
    pub(crate) package_key: OwaKey,
    pub(crate) psk: OwaKey,
    pub(crate) claim_secret: Option<ClaimSecret>,
    pub(crate) recipient: Recipient,
    pub(crate) recipient_key: AgreementKey,
    pub(crate) demanded: NetworkProofLevel,
    pub(crate) network_proof: Option<NetworkProof>,
    pub(crate) secret: SecretPart,
    start: Vec<u8>,
    challenge: Vec<u8>,
    proof: Vec<u8>,
    pub(crate) header: Vec<u8>,
    pub(crate) profile: Vec<u8>,
    pub(crate) keyset: Vec<u8>,
    ephemeral: PrivateKey,
    pub(crate) signer: SigningKey,
}

impl Run {
    pub(crate) fn all() -> Vec<Self> {
        let identities = vectors("identities.json");
        let runs = vectors("owa-and-package.json");
        let runs = runs["cases"].as_array().unwrap();
        runs.iter().map(|run| Self::new(run, &identities)).collect()
    }

    fn new(run: &Value, identities: &Value) -> Self {
        let inputs = &run["inputs"];
        let secrets = &run["secrets"];
        let payload = ProofPayload::decode(&octets(&run["proof_payload"])).unwrap();
        let suite = Suite::from_number(u16::try_from(inputs["suite"].as_u64().unwrap()).unwrap());
        let recipient_key = match payload.recipient {
            Recipient::CertDirect => {
                AgreementKey::new(Suite::P256, private(&identities["device_private"]))
            }
            Recipient::CertBound(_) => {
                AgreementKey::new(suite.unwrap(), private(&inputs["recipient_private"]))
            }
        };
        let plaintext = octets(&run["package"]["plaintext"]);
        let (profile, secret) = Profile::decode_with_secret(&plaintext).unwrap();
        let demanded = NetworkProofLevel::from_number(inputs["net_proof"].as_u64().unwrap());
        let demanded = demanded.unwrap();
        let header = octets(&run["package"]["header"]);
        Self {
            name: run["name"].as_str().unwrap().to_owned(),
            value: run.clone(),
            device_id: DeviceId::parse(identities["device_id"].as_str().unwrap()).unwrap(),
            session: PackageHeader::decode(&header).unwrap().session,
            transcript_hash: octets(&secrets["th"]).try_into().unwrap(),
            package_key: owa_key(&secrets["k"]["package"]["key"]),
            psk: owa_key(&secrets["package_psk"]),
            claim_secret: secrets["claim_secret"].as_str().map(|secret| {
                ClaimSecret::new(SecretBytes::new(hex::decode(secret).unwrap())).unwrap()
            }),
            recipient: payload.recipient,
            recipient_key: recipient_key.unwrap(),
            demanded,
            network_proof: (demanded == NetworkProofLevel::OperatorChain)
                .then(|| network_proof(identities)),
            secret,
            start: octets(&run["start"]),
            challenge: octets(&run["challenge"]),
            proof: octets(&run["proof"]),
            header,
            profile: profile.encode(),
            keyset: octets(&identities["keyset"]),
            ephemeral: private(&inputs["hpke_ephemeral_private"]),
            signer: SigningKey::new(&private(&identities["operator_signer_private"])).unwrap(),
            identities: identities.clone(),
        }
    }

    /// What the device knows.
    pub(crate) fn context(&self) -> OpenContext<'_> {
        OpenContext {
            device_id: &self.device_id,
            session: &self.session,
            transcript_hash: &self.transcript_hash,
            package_key: &self.package_key,
            claim_secret: self.claim_secret.as_ref(),
            recipient: &self.recipient,
            recipient_key: &self.recipient_key,
            demanded: self.demanded,
            network_proof: self.network_proof.as_ref(),
            installed: None,
            now: Some(NOW),
        }
    }

    /// What the vault is asked.
    pub(crate) fn request(&self) -> SealForProof<'_> {
        SealForProof {
            transcript: Transcript {
                start: &self.start,
                challenge: &self.challenge,
                proof: &self.proof,
            },
            known_key: None,
            device_id: &self.device_id,
            cert_direct_allowed: true,
            header: &self.header,
            profile: &self.profile,
            secret: &self.secret,
            psk: &self.psk,
            keyset: Some(&self.keyset),
            ephemeral: &self.ephemeral,
            signer: &self.signer,
            now: NOW,
        }
    }

    /// What the device has after an earlier package.
    pub(crate) fn installed(&self) -> Installed<'_> {
        Installed {
            root: self.root(),
            keyset: &self.keyset,
            least_keyset_version: 3,
            credential_epoch: 0,
            superseded: None,
        }
    }

    pub(crate) fn root(&self) -> KeyId {
        network_proof(&self.identities).root
    }

    pub(crate) fn root_key(&self) -> SigningKey {
        SigningKey::new(&private(&self.identities["operator_root_private"])).unwrap()
    }

    pub(crate) fn identity(&self) -> SigningKey {
        SigningKey::new(&private(&self.identities["device_private"])).unwrap()
    }

    pub(crate) fn sealed(&self) -> Vec<u8> {
        octets(&self.value["package"]["sealed"])
    }
}

/// The operator chain of the vectors.
pub(crate) fn network_proof(identities: &Value) -> NetworkProof {
    let root = octets(&identities["operator_root_spki_sha256"]);
    let signer = private(&identities["operator_net_signer_private"]);
    NetworkProof {
        root: KeyId::new(root.try_into().unwrap()),
        signer: SigningKey::new(&signer).unwrap().key_id(),
    }
}
