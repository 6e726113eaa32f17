//! Making a credential set.

use cause::Cause;
use cose::cbor;
use identifiers::{
    CredentialSetId, DeviceId, Gpsi, RoutingIndicator, SubscriptionId, Supi, TenantId,
};

use crate::credentials::{CredentialError, Keys};
use crate::draw;
use crate::records::{CredentialSetRecord, CredentialState, SubscriberRecord};
use crate::vault::Vault;

/// Destroyed sets of a subscriber that are remembered beside the living ones.
const REMEMBERED: usize = 16;

/// A credential set to make.
#[derive(Clone)]
pub struct Mint {
    /// Chosen by the caller; a repetition gets the set that was made first.
    pub idempotency_key: String,
    /// The subscriber.
    pub supi: Supi,
    /// The device that alone may get the set.
    pub device_id: DeviceId,
    /// The subscription.
    pub subscription_id: SubscriptionId,
    /// The tenant.
    pub tenant_id: TenantId,
    /// Routing indicator of the A-KID.
    pub routing_indicator: RoutingIndicator,
    /// Whether AKMA is part of the subscription.
    pub akma_allowed: bool,
    /// Carried along for the AAnF.
    pub gpsi: Option<Gpsi>,
}

/// A credential set that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Minted {
    /// Its id.
    pub credential_set_id: CredentialSetId,
    /// Its number among those of the subscription and of the device.
    pub credential_epoch: u64,
}

/// A credential set was not made.
#[derive(Debug, thiserror::Error)]
pub enum MintError {
    /// The SUPI belongs to another subscription.
    #[error("the SUPI belongs to another subscription")]
    SupiInUse,
    /// The idempotency key made another set.
    #[error("the idempotency key was used for another request")]
    Differs,
    /// The idempotency key is empty or too long.
    #[error("the idempotency key is empty or too long")]
    IdempotencyKey,
    /// Other sets for the device or the SUPI were always faster.
    #[error("credential sets for the same device or SUPI are being made all the time")]
    Contended,
    /// The store failed.
    #[error("the credential set cannot be stored")]
    Credentials(#[from] CredentialError),
}

impl From<store::Error> for MintError {
    fn from(error: store::Error) -> Self {
        Self::Credentials(error.into())
    }
}

impl MintError {
    /// The cause to answer with.
    pub const fn cause(&self) -> Cause {
        match self {
            Self::SupiInUse => Cause::AlreadyExists,
            Self::Differs | Self::Contended => Cause::Conflict,
            Self::IdempotencyKey => Cause::MandatoryElementIncorrect,
            Self::Credentials(error) => error.cause(),
        }
    }
}

/// Makes K and OPc at random and keeps them under the SUPI; SQN starts at 0. Durable when it returns.
///
/// A SUPI has one subscription as long as any of its sets is alive. A further set of that subscription gets the
/// next credential epoch and takes the place of one that was made before and never proven; the active one stays.
///
/// # Errors
/// [`MintError`]
///
/// Source: TS 33.501 5.8.1, Berth protocol sections 4 and 7.
#[tracing::instrument(skip_all, name = "vault.mint", fields(nf.clause = "TS 33.501 5.8.1"))]
pub async fn mint(vault: &Vault, request: &Mint) -> Result<Minted, MintError> {
    if !(1..=512).contains(&request.idempotency_key.len()) {
        return Err(MintError::IdempotencyKey);
    }
    let credentials = &vault.credentials;
    let attempt = Attempt {
        request,
        idempotency_key: fingerprint(request),
        id: CredentialSetId::generate(vault.clock.unix_ms(), vault.random.array()),
        keys: Keys {
            k: draw::k(&vault.random),
            opc: draw::opc(&vault.random),
        },
    };
    for _ in 0..ATTEMPTS {
        let subscriber = credentials
            .read(&request.supi)
            .await?
            .map(|found| found.record)
            .unwrap_or_default();
        let minted = match attempt.made_before(&subscriber)? {
            Some(_) => {
                credentials
                    .change(&request.supi, |subscriber| attempt.made_before(subscriber))
                    .await?
            }
            None => {
                let epoch = credentials
                    .next_epoch(&request.device_id, subscriber.credential_epoch)
                    .await?;
                credentials
                    .change(&request.supi, |subscriber| {
                        attempt.add(vault, subscriber, epoch)
                    })
                    .await?
            }
        };
        if let Some(minted) = minted {
            credentials
                .index(&minted.credential_set_id, &request.supi)
                .await?;
            tracing::info!(
                credential_set = %minted.credential_set_id.redacted(),
                supi = %request.supi.redacted(),
                credential_epoch = minted.credential_epoch,
                "credential set minted"
            );
            return Ok(minted);
        }
    }
    Err(MintError::Contended)
}

/// How often an epoch is taken anew because the SUPI got a set for another device meanwhile.
const ATTEMPTS: usize = 8;

struct Attempt<'a> {
    request: &'a Mint,
    idempotency_key: [u8; 32],
    id: CredentialSetId,
    keys: Keys,
}

impl Attempt<'_> {
    /// The set that the same idempotency key made.
    fn made_before(&self, subscriber: &SubscriberRecord) -> Result<Option<Minted>, MintError> {
        let Some(set) = subscriber
            .sets
            .iter()
            .find(|set| set.idempotency_key == self.idempotency_key)
        else {
            return Ok(None);
        };
        if !self.is_of_request(set) {
            return Err(MintError::Differs);
        }
        let id = CredentialSetId::parse(&set.credential_set_id)
            .map_err(|_| CredentialError::damaged())?;
        Ok(Some(Minted {
            credential_set_id: id,
            credential_epoch: set.credential_epoch,
        }))
    }

    /// Adds the set under an epoch; `None` if the epoch is taken.
    fn add(
        &self,
        vault: &Vault,
        subscriber: &mut SubscriberRecord,
        epoch: u64,
    ) -> Result<Option<Minted>, MintError> {
        if let Some(minted) = self.made_before(subscriber)? {
            return Ok(Some(minted));
        }
        let request = self.request;
        let of_another = |set: &CredentialSetRecord| {
            set.subscription_id != request.subscription_id.as_str()
                || set.tenant_id != request.tenant_id.as_str()
        };
        if subscriber
            .sets
            .iter()
            .any(|set| set.is_alive() && of_another(set))
        {
            return Err(MintError::SupiInUse);
        }
        if epoch <= subscriber.credential_epoch {
            return Ok(None);
        }
        for set in subscriber
            .sets
            .iter_mut()
            .filter(|set| set.state() != CredentialState::Active)
        {
            set.destroy();
        }
        let mut set = CredentialSetRecord {
            credential_set_id: self.id.as_str().to_owned(),
            credential_epoch: epoch,
            state: CredentialState::Minted.into(),
            idempotency_key: self.idempotency_key.to_vec(),
            ..described(request)
        };
        set.keys = vault.credentials.seal(&request.supi, &set, &self.keys)?;
        subscriber.sets.push(set);
        subscriber.credential_epoch = epoch;
        subscriber.candidate_turns = 0;
        forget_oldest(subscriber);
        Ok(Some(Minted {
            credential_set_id: self.id.clone(),
            credential_epoch: epoch,
        }))
    }

    fn is_of_request(&self, set: &CredentialSetRecord) -> bool {
        let asked = described(self.request);
        set.subscription_id == asked.subscription_id
            && set.device_id == asked.device_id
            && set.tenant_id == asked.tenant_id
            && set.routing_indicator == asked.routing_indicator
            && set.akma_allowed == asked.akma_allowed
            && set.gpsi == asked.gpsi
    }
}

/// What a request says about its set.
fn described(request: &Mint) -> CredentialSetRecord {
    CredentialSetRecord {
        subscription_id: request.subscription_id.as_str().to_owned(),
        device_id: request.device_id.as_str().to_owned(),
        tenant_id: request.tenant_id.as_str().to_owned(),
        routing_indicator: request.routing_indicator.as_str().to_owned(),
        akma_allowed: request.akma_allowed,
        gpsi: request
            .gpsi
            .as_ref()
            .map(|gpsi| gpsi.as_str().to_owned())
            .unwrap_or_default(),
        ..CredentialSetRecord::default()
    }
}

/// The key may be anything that its sender likes, an identifier too: only its hash is kept.
fn fingerprint(request: &Mint) -> [u8; 32] {
    let named = cbor::array([
        cbor::text("berth/mint/1"),
        cbor::text(&request.idempotency_key),
    ]);
    cose::sha256(named.as_slice())
}

fn forget_oldest(subscriber: &mut SubscriberRecord) {
    while subscriber.sets.len() > REMEMBERED {
        let Some(oldest) = subscriber.sets.iter().position(|set| !set.is_alive()) else {
            return;
        };
        subscriber.sets.remove(oldest);
    }
}
