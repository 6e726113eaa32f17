//! The project's vectors, and both sides of a run that is fixed by them.

use cose::SigningKey;
use identifiers::{OnboardingSession, ServingNetworkName};
use onboarding::device::{
    AwaitingAccept, AwaitingChallenge, ChallengeAnswer, Challenged, Offer, ProofOptions,
};
use onboarding::server::{ChallengeParameters, IssuedChallenge, make_challenge};
use onboarding::{
    AgreementKey, CertificateReference, Challenge, Frame, Kem, OperatorRoots, ProofPayload,
    Recipient, RecipientKey, Start, Suite, sign_network_proof,
};
use secret::PrivateKey;
use serde_json::Value;

/// When every vector was made.
pub(crate) const NOW: u64 = 1_800_000_000;

/// Reads a file of vectors.
pub(crate) fn vectors(name: &str) -> Value {
    let path = format!("{}/../../vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The octets of a member in hexadecimal.
pub(crate) fn octets(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

/// A private key of a member.
pub(crate) fn private(value: &Value) -> PrivateKey {
    PrivateKey::try_from_slice(&octets(value)).unwrap()
}

/// A signing key of `identities.json`.
pub(crate) fn signing_key(identities: &Value, name: &str) -> SigningKey {
    SigningKey::new(&private(&identities[name])).unwrap()
}

/// The run of this name.
pub(crate) fn run(name: &str) -> Run {
    Run::all()
        .into_iter()
        .find(|run| run.name() == name)
        .unwrap()
}

/// One run of the vectors.
pub(crate) struct Run {
    /// The run as in the file.
    pub(crate) value: Value,
    /// `identities.json`.
    pub(crate) identities: Value,
}

impl Run {
    /// Every run.
    pub(crate) fn all() -> Vec<Self> {
        let identities = vectors("identities.json");
        let runs = vectors("owa-and-package.json");
        let runs = runs["cases"].as_array().unwrap();
        runs.iter()
            .map(|value| Self {
                value: value.clone(),
                identities: identities.clone(),
            })
            .collect()
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        self.value["name"].as_str().unwrap()
    }

    /// The octets of a member.
    pub(crate) fn octets(&self, member: &str) -> Vec<u8> {
        octets(&self.value[member])
    }

    /// Its suite.
    pub(crate) fn suite(&self) -> Suite {
        let number = self.value["inputs"]["suite"].as_u64().unwrap();
        Suite::from_number(u16::try_from(number).unwrap()).unwrap()
    }

    /// Its serving network.
    pub(crate) fn serving_network(&self) -> ServingNetworkName {
        ServingNetworkName::parse(self.value["inputs"]["sn_name"].as_str().unwrap()).unwrap()
    }

    /// The device's or the network's ephemeral key.
    pub(crate) fn ephemeral(&self, member: &str) -> AgreementKey {
        AgreementKey::new(self.suite(), private(&self.value["inputs"][member])).unwrap()
    }

    /// The root that the device holds.
    pub(crate) fn roots(&self) -> OperatorRoots {
        OperatorRoots::new(vec![octets(&self.identities["operator_root_certificate"])])
    }

    /// The device after Start, with the frame that it sent.
    pub(crate) fn device(&self) -> (AwaitingChallenge, Vec<u8>) {
        let start = Start::decode(&self.octets("start")).unwrap();
        Offer {
            keys: vec![self.ephemeral("kex_ue_private")],
            certificate: CertificateReference::Url {
                url: start.certificate.url().unwrap().to_owned(),
                sha256: start.certificate.sha256().copied(),
            },
            chain: start.chain,
            nonce: start.nonce,
            class: start.class,
            serving_network: self.serving_network(),
            key_id: signing_key(&self.identities, "device_private").key_id(),
            demanded: start.demanded,
        }
        .start()
        .unwrap()
    }

    /// The device after Start and, where the run has one, Retry.
    pub(crate) fn device_with_cookie(&self) -> AwaitingChallenge {
        let (mut device, sent) = self.device();
        if self.value["retry"].is_null() {
            assert_eq!(sent, octets(&self.value["frames"]["start"]));
            return device;
        }
        assert_eq!(
            sent,
            Frame::Start(&self.octets("start_without_cookie")).encode()
        );
        let retry = Frame::Retry(&self.octets("retry")).encode();
        match device.receive(&retry, &self.roots(), Some(NOW)).unwrap() {
            ChallengeAnswer::Retry(again) => {
                assert_eq!(again, octets(&self.value["frames"]["start"]));
            }
            _ => panic!("a Retry is not followed"),
        }
        device
    }

    /// The device after Challenge.
    pub(crate) fn challenged(&self) -> Challenged {
        let frame = octets(&self.value["frames"]["challenge"]);
        let mut device = self.device_with_cookie();
        match device.receive(&frame, &self.roots(), Some(NOW)).unwrap() {
            ChallengeAnswer::Challenged(challenged) => *challenged,
            _ => panic!("a Challenge is not taken"),
        }
    }

    /// What the device says in its Proof.
    pub(crate) fn proof_options(&self) -> ProofOptions {
        let payload = ProofPayload::decode(&self.octets("proof_payload")).unwrap();
        let recipient = match self.value["inputs"]["mode"].as_u64().unwrap() {
            0 => Recipient::CertDirect,
            _ => {
                let private = private(&self.value["inputs"]["recipient_private"]);
                let key = AgreementKey::new(self.suite(), private).unwrap();
                Recipient::CertBound(RecipientKey {
                    kem: match self.suite() {
                        Suite::X25519 => Kem::X25519,
                        Suite::P256 => Kem::P256,
                    },
                    public: key.public().to_vec(),
                })
            }
        };
        ProofOptions {
            recipient,
            evidence: None,
            counter: payload.counter,
        }
    }

    /// The device after Proof, with the frame that it sent.
    pub(crate) fn proven(&self) -> (AwaitingAccept, Vec<u8>) {
        let identity = signing_key(&self.identities, "device_private");
        self.challenged()
            .prove(&identity, self.proof_options())
            .unwrap()
    }

    /// The network after Challenge.
    pub(crate) fn issued(&self, start: &onboarding::server::CheckedStart) -> IssuedChallenge {
        let expected = Challenge::decode(&self.octets("challenge")).unwrap();
        let parameters = ChallengeParameters {
            session: OnboardingSession::new(*expected.session.as_bytes()),
            nonce: expected.nonce,
            authenticator: expected.authenticator,
            now: expected.time,
        };
        let ephemeral = self.ephemeral("kex_net_private");
        let draft = make_challenge(start, parameters, &ephemeral).unwrap();
        let proof = start.needs_network_proof().then(|| {
            let certificate = octets(&self.identities["operator_net_signer_certificate"]);
            let key = signing_key(&self.identities, "operator_net_signer_private");
            sign_network_proof(&draft.start_hash(), &draft.octets(), &[&certificate], &key).unwrap()
        });
        draft.issue(proof)
    }
}
