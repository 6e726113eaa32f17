//! Home environment vectors: SIDF, choice of the credential set, one SQN, MILENAGE.

use aka::{
    Amf, Auts, AutsRejected, DEFAULT_DELTA, HomeVector, Rand, Resynchronization,
    SeparationBitMissing, Sqn, SqnExhausted, generate_vector, resynchronize, verify_auts,
};
use cause::Cause;
use identifiers::{
    CredentialSetId, DeviceId, Gpsi, RoutingIndicator, ServingNetworkName, SubscriptionId, Suci,
    Supi,
};
use key_hierarchy::suci::{DeconcealError, deconceal};
use store::{Class, CounterIndex, Transaction};

use crate::credentials::{CredentialError, Keys, sqn_field};
use crate::records::{
    AUTHENTICATION_EPOCH, CredentialSetRecord, CredentialState, SubscriberRecord,
};
use crate::vault::Vault;

/// AMF of every vector: the separation bit alone. TS 33.501 6.1.3.2.0.
pub(crate) const AMF: Amf = Amf::SEPARATED;

/// Vectors after a sealing in which a candidate and the active set take turns, the candidate first: a device that
/// lost everything has only the candidate, one that did not take the package has only the active set, and neither
/// can say so. Afterwards the active set is used until the next sealing.
pub(crate) const CANDIDATE_TURNS: u32 = 16;

/// Who is to be authenticated.
#[derive(Clone, Debug)]
pub enum Subscriber {
    /// By SUPI.
    Supi(Supi),
    /// By SUCI, which only this function can open.
    Suci(Suci),
}

impl Subscriber {
    /// Reads a SUPI or SUCI in text form.
    ///
    /// # Errors
    /// The cause to answer with.
    pub fn parse(text: &str) -> Result<Self, Cause> {
        if text.is_empty() {
            return Err(Cause::MandatoryElementMissing);
        }
        if text.starts_with("suci-") {
            return Suci::parse(text)
                .map(Self::Suci)
                .map_err(|error| error.cause());
        }
        Supi::parse(text)
            .map(Self::Supi)
            .map_err(|error| error.cause())
    }
}

/// A resynchronisation. TS 33.501 6.1.3.3.2.
#[derive(Clone, Copy, Debug)]
pub struct Resync {
    /// The challenge that was really sent.
    pub rand: Rand,
    /// What the UE answered.
    pub auts: Auts,
}

/// A vector to make.
#[derive(Clone, Debug)]
pub struct GetVector {
    /// Who.
    pub subscriber: Subscriber,
    /// For which serving network.
    pub serving_network_name: ServingNetworkName,
    /// After the UE has refused the SQN.
    pub resync: Option<Resync>,
}

/// A vector, and what the AuSF has to know about the subscriber.
#[derive(Clone)]
pub struct Vector {
    /// The subscriber.
    pub supi: Supi,
    /// The vector.
    pub home: HomeVector,
    /// Of the A-KID.
    pub routing_indicator: RoutingIndicator,
    /// Whether AKMA is part of the subscription.
    pub akma_allowed: bool,
    /// Grows with each vector of the subscriber, never reset.
    pub authentication_epoch: u64,
    /// The credential set that was used.
    pub credential_set_id: CredentialSetId,
    /// Success has to be followed by a promotion.
    pub candidate: bool,
    /// Signed commit of an active set.
    pub commit: Vec<u8>,
    /// As minted.
    pub gpsi: Option<Gpsi>,
    /// As minted.
    pub subscription_id: SubscriptionId,
    /// As minted.
    pub device_id: DeviceId,
}

/// A vector was not made.
#[derive(Debug, thiserror::Error)]
pub enum GetVectorError {
    /// The SUCI gives no SUPI.
    #[error("SUCI cannot be de-concealed")]
    Suci(#[from] DeconcealError),
    /// Nobody has this SUPI.
    #[error("no subscriber with this SUPI")]
    UserNotFound,
    /// Nobody but the vault holds the credentials yet.
    #[error("credentials were not handed out yet")]
    NotActive,
    /// The UE's token is not authentic; nothing has changed.
    #[error("resynchronisation is refused")]
    Auts(#[from] AutsRejected),
    /// No number is left under this K.
    #[error("sequence number cannot be taken")]
    Sqn(#[from] SqnExhausted),
    /// The vector cannot be computed.
    #[error("vector cannot be made")]
    Vector(#[from] SeparationBitMissing),
    /// Credentials could not be read or written.
    #[error("credentials cannot be used")]
    Credentials(#[from] CredentialError),
}

impl From<store::Error> for GetVectorError {
    fn from(error: store::Error) -> Self {
        Self::Credentials(error.into())
    }
}

impl GetVectorError {
    /// The cause to answer with. TS 29.509 table 6.1.7.3-1.
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Suci(error) => error.cause(),
            Self::UserNotFound => Cause::UserNotFound,
            Self::NotActive => Cause::CredentialNotActive,
            Self::Auts(error) => error.cause(),
            Self::Sqn(error) => error.cause(),
            Self::Vector(error) => error.cause(),
            Self::Credentials(error) => error.cause(),
        }
    }
}

/// Makes one vector.
///
/// SQN and authentication epoch move in one durable step before the vector exists; two vectors never have the same
/// number, whichever replicas make them. A crash in between loses a number, nothing else. A resynchronisation
/// changes nothing before MAC-S is right.
///
/// # Errors
/// [`GetVectorError`]
///
/// Source: TS 33.501 6.1.2 (SIDF), 6.1.3.2.0 step 1, TS 33.102 6.3.5, C.3.4.
#[tracing::instrument(skip_all, name = "vault.get_vector", fields(nf.clause = "TS 33.501 6.1.3.2"))]
pub async fn get_vector(vault: &Vault, request: &GetVector) -> Result<Vector, GetVectorError> {
    let supi = match &request.subscriber {
        Subscriber::Supi(supi) => supi.clone(),
        Subscriber::Suci(suci) => deconceal(suci, &vault.home_network_keys)?,
    };
    let (step, committed) = vault
        .credentials
        .store
        .transact::<_, GetVectorError, _, _>(|| prepare(vault, &supi, request.resync))
        .await?;
    let seq = match step.seq {
        Seq::Counted(index) => committed.counter(index),
        Seq::Set(seq) => seq,
    };
    let sqn = sqn(seq).ok_or(SqnExhausted)?;
    let rand = Rand::new(vault.random.array());
    let Keys { k, opc } = &step.keys;
    let home = generate_vector(k, opc, AMF, sqn, rand, &request.serving_network_name)?;
    let damaged = CredentialError::damaged;
    Ok(Vector {
        home,
        routing_indicator: RoutingIndicator::parse(&step.set.routing_indicator)
            .map_err(|_| damaged())?,
        akma_allowed: step.set.akma_allowed,
        authentication_epoch: committed.counter(step.epoch),
        credential_set_id: CredentialSetId::parse(&step.set.credential_set_id)
            .map_err(|_| damaged())?,
        candidate: step.set.state() != CredentialState::Active,
        gpsi: gpsi(&step.set)?,
        subscription_id: SubscriptionId::parse(&step.set.subscription_id).map_err(|_| damaged())?,
        device_id: DeviceId::parse(&step.set.device_id).map_err(|_| damaged())?,
        commit: step.set.commit,
        supi,
    })
}

/// SEQ with its index. The index follows SEQ, so one counter holds both; a number that a USIM names in a
/// resynchronisation may have another index, but every entry of its array is below that SEQ.
pub(crate) fn sqn(seq: u64) -> Option<Sqn> {
    let ind = seq % Sqn::INDEXES as u64;
    Sqn::new(seq, u8::try_from(ind).ok()?)
}

/// What a step of the numbers gives.
struct Step {
    set: CredentialSetRecord,
    keys: Keys,
    seq: Seq,
    epoch: CounterIndex,
}

/// Where SEQ of the vector comes from.
enum Seq {
    /// From the counter's step.
    Counted(CounterIndex),
    /// From the UE's resynchronisation.
    Set(u64),
}

/// Chooses the set and builds the step of its numbers.
///
/// The step demands that the subscriber is unchanged, which parallel vectors do not violate: they only step.
async fn prepare(
    vault: &Vault,
    supi: &Supi,
    resync: Option<Resync>,
) -> Result<(Transaction, Step), GetVectorError> {
    let credentials = &vault.credentials;
    let read = credentials
        .read(supi)
        .await?
        .ok_or(GetVectorError::UserNotFound)?;
    let mut subscriber = read.record.clone();
    let (set, keys, sqn_ms) = match resync {
        None => {
            let set = choose(&mut subscriber)?;
            let keys = credentials.open(supi, &set)?;
            (set, keys, None)
        }
        Some(resync) => of_resync(vault, supi, &subscriber, resync)?,
    };
    let tag = credentials.tag(supi.as_text())?;
    let mut transaction = credentials.store.transaction(&tag, Class::Record);

    let jumps = subscriber.jump < vault.jumps;
    let step = if jumps { 1 + Sqn::SAFETY_JUMP } else { 1 };
    if jumps {
        subscriber.jump = vault.jumps;
        for other in
            usable(&subscriber).filter(|other| other.credential_set_id != set.credential_set_id)
        {
            transaction.add(sqn_field(&other.credential_set_id)?, Sqn::SAFETY_JUMP, None);
        }
    }
    let field = sqn_field(&set.credential_set_id)?;
    let seq = match sqn_ms {
        None => Seq::Counted(transaction.add(field, step, None)),
        Some(sqn_ms) => {
            let home = credentials.store.counter(&tag, field.clone()).await?;
            match resynchronize(sqn(home.count).ok_or(SqnExhausted)?, sqn_ms, DEFAULT_DELTA) {
                Resynchronization::Unchanged => Seq::Counted(transaction.add(field, step, None)),
                Resynchronization::Set(sqn_ms) => {
                    let seq = sqn_ms.next()?.seq();
                    transaction.require_version(field.clone(), home.version);
                    transaction.set_counter(field, seq);
                    Seq::Set(seq)
                }
            }
        }
    };
    let epoch = transaction.add(AUTHENTICATION_EPOCH, step, None);
    if subscriber == read.record {
        transaction.require(Some(&read));
    } else {
        transaction.put(&subscriber).if_unchanged(Some(&read));
    }
    Ok((
        transaction,
        Step {
            set,
            keys,
            seq,
            epoch,
        },
    ))
}

/// Sets that a device may hold.
fn usable(subscriber: &SubscriberRecord) -> impl Iterator<Item = &CredentialSetRecord> {
    let handed_out = |set: &&CredentialSetRecord| {
        matches!(
            set.state(),
            CredentialState::Active | CredentialState::Sealed
        )
    };
    subscriber.sets.iter().filter(handed_out)
}

/// The set for a normal vector; takes a turn where there are two.
fn choose(subscriber: &mut SubscriberRecord) -> Result<CredentialSetRecord, GetVectorError> {
    let find = |state| usable(subscriber).find(|set| set.state() == state).cloned();
    match (find(CredentialState::Active), find(CredentialState::Sealed)) {
        (Some(active), Some(candidate)) if subscriber.candidate_turns > 0 => {
            let candidates_turn = subscriber.candidate_turns.is_multiple_of(2);
            subscriber.candidate_turns -= 1;
            Ok(if candidates_turn { candidate } else { active })
        }
        (Some(active), _) => Ok(active),
        (None, Some(candidate)) => Ok(candidate),
        (None, None) if subscriber.sets.iter().any(CredentialSetRecord::is_alive) => {
            Err(GetVectorError::NotActive)
        }
        (None, None) => Err(GetVectorError::UserNotFound),
    }
}

/// The set whose K made the token, and the number in it.
fn of_resync(
    vault: &Vault,
    supi: &Supi,
    subscriber: &SubscriberRecord,
    resync: Resync,
) -> Result<(CredentialSetRecord, Keys, Option<Sqn>), GetVectorError> {
    let mut known = false;
    for set in usable(subscriber) {
        known = true;
        let keys = vault.credentials.open(supi, set)?;
        if let Ok(sqn_ms) = verify_auts(&keys.k, &keys.opc, &resync.rand, &resync.auts) {
            return Ok((set.clone(), keys, Some(sqn_ms)));
        }
    }
    if known {
        Err(AutsRejected.into())
    } else {
        Err(GetVectorError::NotActive)
    }
}

fn gpsi(set: &CredentialSetRecord) -> Result<Option<Gpsi>, CredentialError> {
    match set.gpsi.as_str() {
        "" => Ok(None),
        text => Gpsi::parse(text)
            .map(Some)
            .map_err(|_| CredentialError::damaged()),
    }
}
