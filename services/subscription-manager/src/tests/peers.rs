//! Vault and Configuration Management that do as they are told.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use async_trait::async_trait;
use cause::Cause;
use cose::{ObjectType, SigningKey};
use identifiers::{CredentialSetId, DeviceId, OperatorId, ProtectionScheme, Supi};
use nf_runtime::clock::Clock;
use onboarding::Transcript;
use provisioning::profile::{AuthenticationKeys, SuciKey};
use provisioning::{Keyset, KeysetKey, SealForProof, SecretPart, seal_for_proof};
use secret::{K, Opc, PrivateKey};

use crate::ports::{
    ConfigurationManagement, MintCredentials, MintedCredentials, NewAssociation, OperatorKeys,
    PeerResult, SealProfile, Vault,
};

/// How a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing is done.
    Refuse(Cause),
    /// It is done, and nobody hears of it.
    LoseAnswer,
}

/// Calls that go wrong, each once.
#[derive(Default)]
pub(super) struct Script(Mutex<VecDeque<(&'static str, Fault)>>);

impl Script {
    pub(super) fn add(&self, call: &'static str, fault: Fault) {
        self.0.lock().unwrap().push_back((call, fault));
    }

    fn take(&self, call: &'static str) -> Option<Fault> {
        let mut faults = self.0.lock().unwrap();
        let at = faults.iter().position(|(named, _)| *named == call)?;
        faults.remove(at).map(|(_, fault)| fault)
    }

    fn run<T>(&self, call: &'static str, work: impl FnOnce() -> PeerResult<T>) -> PeerResult<T> {
        match self.take(call) {
            Some(Fault::Refuse(cause)) => Err(cause),
            Some(Fault::LoseAnswer) => {
                work()?;
                Err(Cause::OutcomeUnknown)
            }
            None => work(),
        }
    }
}

/// A vault that really seals.
pub(super) struct ScriptedVault {
    pub(super) script: Script,
    pub(super) sets: Mutex<HashMap<String, Minted>>,
    sealed: Mutex<HashMap<Vec<u8>, Vec<u8>>>,
    clock: Clock,
    root: SigningKey,
    signer: SigningKey,
}

/// A credential set.
#[derive(Clone)]
pub(super) struct Minted {
    pub(super) supi: Supi,
    pub(super) device_id: DeviceId,
    pub(super) subscription_id: String,
    pub(super) set: MintedCredentials,
}

impl ScriptedVault {
    pub(super) fn new(clock: Clock) -> Self {
        let key = |n| SigningKey::new(&PrivateKey::new([n; 32])).unwrap();
        Self {
            script: Script::default(),
            sets: Mutex::default(),
            sealed: Mutex::default(),
            clock,
            root: key(3),
            signer: key(4),
        }
    }

    pub(super) fn minted(&self) -> Vec<Minted> {
        self.sets.lock().unwrap().values().cloned().collect()
    }

    pub(super) fn sealings(&self) -> usize {
        self.sealed.lock().unwrap().len()
    }

    fn keyset(&self) -> Vec<u8> {
        let keyset = Keyset {
            version: 1,
            operator: OperatorId::parse("berth-lab").unwrap(),
            keys: vec![KeysetKey {
                spki: self.signer.spki().to_vec(),
                types: vec![ObjectType::Profile, ObjectType::Commit],
                valid_from: 0,
                valid_until: u64::from(u32::MAX),
            }],
            issued: 0,
            expires: u64::from(u32::MAX),
        };
        keyset.sign(&self.root).unwrap()
    }
}

#[async_trait]
impl Vault for ScriptedVault {
    async fn mint(&self, request: MintCredentials) -> PeerResult<MintedCredentials> {
        self.script.run("mint", || {
            let mut sets = self.sets.lock().unwrap();
            if let Some(made) = sets.get(&request.idempotency_key) {
                return Ok(made.set.clone());
            }
            let of_another = |made: &&Minted| {
                made.supi == request.supi
                    && made.subscription_id != request.subscription_id.as_str()
            };
            if sets.values().find(of_another).is_some() {
                return Err(Cause::AlreadyExists);
            }
            let epoch = sets
                .values()
                .filter(|made| made.supi == request.supi)
                .count() as u64
                + 1;
            let mut random = [0; 10];
            random[..8].copy_from_slice(&cose::sha256(request.idempotency_key.as_bytes())[..8]);
            let set = MintedCredentials {
                credential_set_id: CredentialSetId::generate(0, random),
                credential_epoch: epoch,
            };
            let minted = Minted {
                supi: request.supi,
                device_id: request.device_id,
                subscription_id: request.subscription_id.as_str().to_owned(),
                set: set.clone(),
            };
            sets.insert(request.idempotency_key, minted);
            Ok(set)
        })
    }

    async fn seal(&self, request: SealProfile) -> PeerResult<Vec<u8>> {
        self.script.run("seal", || {
            let sets = self.sets.lock().unwrap();
            let minted = sets
                .values()
                .find(|made| made.set.credential_set_id == request.credential_set_id);
            let minted = minted.ok_or(Cause::NotFound)?;
            let mut sealed = self.sealed.lock().unwrap();
            if let Some(package) = sealed.get(&request.header) {
                return Ok(package.clone());
            }
            let secret = SecretPart {
                supi: minted.supi.clone(),
                keys: AuthenticationKeys::Milenage {
                    k: K::new([1; 16]),
                    opc: Opc::new([2; 16]),
                },
                amf: [0x80, 0],
                sqn: [0; 6],
            };
            let package = seal_for_proof(&SealForProof {
                transcript: Transcript {
                    start: &request.start,
                    challenge: &request.challenge,
                    proof: &request.proof,
                },
                known_key: None,
                device_id: &minted.device_id,
                cert_direct_allowed: false,
                header: &request.header,
                profile: &request.profile,
                secret: &secret,
                psk: &request.psk,
                keyset: Some(&self.keyset()),
                ephemeral: &PrivateKey::new([u8::try_from(sealed.len() % 200).unwrap() + 7; 32]),
                signer: &self.signer,
                now: self.clock.unix_seconds(),
            });
            let package = package.map_err(|error| error.cause())?.octets;
            sealed.insert(request.header, package.clone());
            Ok(package)
        })
    }

    async fn home_network_keys(&self) -> PeerResult<Vec<SuciKey>> {
        let key = SuciKey {
            scheme: ProtectionScheme::ProfileA,
            id: 1,
            public: Some(vec![5; 32]),
        };
        self.script.run("home_network_keys", || Ok(vec![key]))
    }

    async fn operator_keys(&self) -> PeerResult<OperatorKeys> {
        let operator_id = OperatorId::parse("berth-lab").unwrap();
        self.script.run("operator_keys", || {
            Ok(OperatorKeys {
                operator_id,
                keyset: self.keyset(),
            })
        })
    }
}

/// Configuration Management with its one rule: a UE Service ID has one holder.
#[derive(Default)]
pub(super) struct ScriptedConfigurationManagement {
    pub(super) script: Script,
    associations: Mutex<HashMap<String, NewAssociation>>,
}

impl ScriptedConfigurationManagement {
    pub(super) fn associations(&self) -> Vec<NewAssociation> {
        self.associations
            .lock()
            .unwrap()
            .values()
            .cloned()
            .collect()
    }
}

#[async_trait]
impl ConfigurationManagement for ScriptedConfigurationManagement {
    async fn put_association(&self, association: NewAssociation) -> PeerResult<()> {
        self.script.run("put_association", || {
            let mut associations = self.associations.lock().unwrap();
            let is_held = |held: &&NewAssociation| {
                held.ue_service_id == association.ue_service_id
                    && held.association_id != association.association_id
            };
            if associations.values().find(is_held).is_some() {
                return Err(Cause::Conflict);
            }
            associations.insert(association.association_id.clone(), association);
            Ok(())
        })
    }
}
