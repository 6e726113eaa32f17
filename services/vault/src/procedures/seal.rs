//! Sealing a profile to the device that the credentials were made for.

use std::sync::atomic::{AtomicBool, Ordering};

use cause::Cause;
use cose::cbor::{self, DecodeError};
use cose::{KeyError, ObjectType, VerificationKey};
use identifiers::{CredentialSetId, DeviceId, Supi};
use onboarding::certificate::Certificate;
use onboarding::{Challenge, Start, Transcript};
use provisioning::profile::{AuthenticationKeys, SecretPart};
use provisioning::{
    KeysetError, MAX_CHALLENGE_AGE_SECONDS, PackageHeader, Profile, SealForProof, seal_for_proof,
};
use secret::OwaKey;
use store::{Class, Idempotency, Transaction};

use crate::credentials::{CredentialError, sqn_field};
use crate::draw;
use crate::procedures::get_vector::{AMF, CANDIDATE_TURNS, sqn};
use crate::records::{CredentialSetRecord, CredentialState, SealedRecord, SessionSealsRecord};
use crate::vault::Vault;

/// How far the clock that made a Challenge may be ahead of this one.
const CLOCK_SKEW_SECONDS: u64 = 300;

/// What is to be sealed. Nobody says to whom: that stands in the Proof.
pub struct Seal {
    /// The credential set.
    pub credential_set_id: CredentialSetId,
    /// Body of the Start that was answered with the Challenge.
    pub start: Vec<u8>,
    /// Body of the Challenge.
    pub challenge: Vec<u8>,
    /// Body of the Proof.
    pub proof: Vec<u8>,
    /// The encoded package header.
    pub header: Vec<u8>,
    /// The encoded profile without its secret part.
    pub profile: Vec<u8>,
    /// Pre-shared key of the package.
    pub psk: OwaKey,
    /// DER SubjectPublicKeyInfo of the device's certificate, for a Proof without a key where Start has no chain;
    /// may be empty.
    pub identity_spki: Vec<u8>,
}

/// A profile was not sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// There is no such credential set, or it is destroyed.
    #[error("no such credential set")]
    NotFound,
    /// The header, the profile or the Challenge cannot be read.
    #[error("header, profile or challenge cannot be decoded")]
    Decode(#[from] DecodeError),
    /// Proof, recipient, header or time is refused.
    #[error("sealing is refused")]
    Refused(#[from] provisioning::SealError),
    /// The Challenge is from the future.
    #[error("challenge is newer than this clock allows")]
    ChallengeFromFuture,
    /// The profile or header is for other credentials, another package or another root.
    #[error("{0} of the profile is not that of the credential set")]
    Mismatch(&'static str),
    /// The number of the sealing was used before, or is lower than one that was.
    #[error("seal_seq does not follow the last one")]
    SealSeq,
    /// The same sealing was asked for with other content.
    #[error("the same sealing was asked for with other content")]
    Differs,
    /// The set has proven itself already; a device that lost it gets a new one.
    #[error("the credential set is active")]
    Active,
    /// The session has had its sealings.
    #[error("limit of sealings in one session is reached")]
    Limit,
    /// No device would accept the operator's signature now.
    #[error("keyset of the operator cannot be used")]
    Keyset(#[from] KeysetError),
    /// The device's key cannot be a recipient.
    #[error("recipient key cannot be used")]
    Key(#[from] KeyError),
    /// Credentials could not be read or written.
    #[error("the credential set cannot be read or stored")]
    Credentials(#[from] CredentialError),
}

impl From<store::Error> for SealError {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::IdempotencyMismatch => Self::Differs,
            error => Self::Credentials(error.into()),
        }
    }
}

impl SealError {
    /// The cause to answer with.
    pub const fn cause(&self) -> Cause {
        match self {
            Self::NotFound => Cause::NotFound,
            Self::Decode(error) => error.cause(),
            Self::Refused(error) => error.cause(),
            Self::ChallengeFromFuture => Cause::ChallengeStale,
            Self::Mismatch(_) => Cause::MandatoryElementIncorrect,
            Self::SealSeq | Self::Differs | Self::Active => Cause::Conflict,
            Self::Limit => Cause::SealLimit,
            Self::Keyset(error) => error.cause(),
            Self::Key(error) => error.cause(),
            Self::Credentials(error) => error.cause(),
        }
    }
}

/// Seals a profile with its credentials to the key that the device's own Proof names, and signs it.
///
/// The device is the one that the set was minted for, or nobody: its hash stands in the set. Each sealing is
/// counted before the package leaves; the same sealing (set, session, seal_seq) gets the same octets for 24 hours.
///
/// # Errors
/// [`SealError`]; nothing is counted then.
///
/// Source: Berth protocol section 4.
#[tracing::instrument(skip_all, name = "vault.seal", fields(nf.clause = "berth protocol 4"))]
pub async fn seal(vault: &Vault, request: &Seal) -> Result<Vec<u8>, SealError> {
    let supi = vault
        .credentials
        .supi_of(&request.credential_set_id)
        .await?
        .ok_or(SealError::NotFound)?;
    let work = Work {
        vault,
        request,
        header: PackageHeader::decode(&request.header)?,
        profile: Profile::decode(&request.profile)?,
        challenge: Challenge::decode(&request.challenge)?,
        now: vault.clock.unix_seconds(),
        supi,
    };
    let idempotency = work.idempotency()?;
    let tag = vault.credentials.tag(work.supi.as_text())?;
    let is_new = AtomicBool::new(false);
    let sealed: SealedRecord = vault
        .credentials
        .store
        .once::<_, SealError, _, _>(&tag, &idempotency, || {
            is_new.store(true, Ordering::Relaxed);
            work.package()
        })
        .await?;
    let is_new = is_new.into_inner();
    if is_new {
        vault.signed.count(ObjectType::Profile);
    }
    tracing::info!(
        credential_set = %request.credential_set_id.redacted(),
        device = %work.header.device_id.redacted(),
        package = %work.header.package_id.redacted(),
        session = %work.header.session.redacted(),
        seal_seq = work.header.seal_seq,
        repeated = !is_new,
        "audit: profile sealed"
    );
    Ok(sealed.package)
}

struct Work<'a> {
    vault: &'a Vault,
    request: &'a Seal,
    header: PackageHeader,
    profile: Profile,
    challenge: Challenge,
    now: u64,
    supi: Supi,
}

impl Work<'_> {
    /// The identity of this sealing, and all that it depends on but the pre-shared key. The identity key is left out:
    /// the handle and Start name it already.
    fn idempotency(&self) -> Result<Idempotency, SealError> {
        let request = self.request;
        let key = format!(
            "seal {} {} {}",
            request.credential_set_id.as_str(),
            self.header.session.base64url(),
            self.header.seal_seq
        );
        let parts = [
            &request.start,
            &request.challenge,
            &request.proof,
            &request.header,
            &request.profile,
        ];
        let parts: cbor::Encoded = parts.into_iter().map(|part| cbor::bytes(part)).collect();
        Ok(Idempotency::new(&key, parts.as_slice()).map_err(store::Error::from)?)
    }

    /// Checks everything against the set as it is now, makes the package, and counts it in one transaction.
    async fn package(&self) -> Result<(Transaction, SealedRecord), SealError> {
        let credentials = &self.vault.credentials;
        let read = credentials
            .read(&self.supi)
            .await?
            .ok_or(SealError::NotFound)?;
        let mut subscriber = read.record.clone();
        let id = self.request.credential_set_id.as_str();
        let has_active = subscriber
            .sets
            .iter()
            .any(|set| set.state() == CredentialState::Active);
        let set = subscriber
            .sets
            .iter_mut()
            .find(|set| set.credential_set_id == id)
            .ok_or(SealError::NotFound)?;
        self.check(set)?;
        let package = self.make(set).await?;
        self.count(set);
        set.set_state(CredentialState::Sealed);
        self.header
            .package_id
            .as_str()
            .clone_into(&mut set.package_id);
        set.seal_seq = self.header.seal_seq;
        // From here on the device may come with either set.
        subscriber.candidate_turns = if has_active { CANDIDATE_TURNS } else { 0 };

        let tag = credentials.tag(self.supi.as_text())?;
        let mut transaction = credentials.store.transaction(&tag, Class::Record);
        transaction.put(&subscriber).if_unchanged(Some(&read));
        Ok((transaction, SealedRecord { package }))
    }

    /// What the protocol crate cannot know: the set, its history, and this operator.
    fn check(&self, set: &CredentialSetRecord) -> Result<(), SealError> {
        match set.state() {
            CredentialState::Destroyed => return Err(SealError::NotFound),
            CredentialState::Active => return Err(SealError::Active),
            CredentialState::Minted | CredentialState::Sealed => {}
        }
        let pin = self.profile.management.pin;
        let matches = [
            (
                "credential_set_id",
                self.profile.credential_set_id.as_str() == set.credential_set_id,
            ),
            (
                "credential_epoch",
                self.profile.credential_epoch == set.credential_epoch,
            ),
            (
                "subscription_id",
                self.profile.subscription_id.as_str() == set.subscription_id,
            ),
            (
                "routing_indicator",
                self.profile.access.routing_indicator.as_str() == set.routing_indicator,
            ),
            (
                "package_id",
                set.package_id.is_empty() || self.header.package_id.as_str() == set.package_id,
            ),
            (
                "operator",
                self.profile.management.operator.id == *self.vault.operator.operator_id(),
            ),
            ("pinned root", pin.root == self.vault.operator.root()),
            (
                "pinned keyset version",
                pin.least_keyset_version <= self.vault.operator.keyset_version(),
            ),
        ];
        if let Some((member, _)) = matches.into_iter().find(|(_, matches)| !matches) {
            return Err(SealError::Mismatch(member));
        }
        if self.header.seal_seq <= set.seal_seq {
            return Err(SealError::SealSeq);
        }
        if self.challenge.time > self.now.saturating_add(CLOCK_SKEW_SECONDS) {
            return Err(SealError::ChallengeFromFuture);
        }
        let session = set
            .sessions
            .iter()
            .find(|seals| seals.session == self.header.session.as_bytes());
        if session.is_some_and(|seals| seals.seals >= self.vault.seals_per_session) {
            return Err(SealError::Limit);
        }
        Ok(self.vault.operator.check_profile_signer(self.now)?)
    }

    async fn make(&self, set: &CredentialSetRecord) -> Result<Vec<u8>, SealError> {
        let credentials = &self.vault.credentials;
        let keys = credentials.open(&self.supi, set)?;
        let tag = credentials.tag(self.supi.as_text())?;
        let last = credentials
            .store
            .counter(&tag, sqn_field(&set.credential_set_id)?)
            .await?
            .count;
        let secret = SecretPart {
            supi: self.supi.clone(),
            keys: AuthenticationKeys::Milenage {
                k: keys.k,
                opc: keys.opc,
            },
            amf: *AMF.as_octets(),
            sqn: sqn(last).unwrap_or_default().to_octets(),
        };
        let request = self.request;
        let device_id = DeviceId::parse(&set.device_id).map_err(|_| CredentialError::damaged())?;
        let known_key = identity_key(&request.identity_spki, &device_id);
        let sealed = seal_for_proof(&SealForProof {
            transcript: Transcript {
                start: &request.start,
                challenge: &request.challenge,
                proof: &request.proof,
            },
            known_key: known_key.as_ref(),
            device_id: &device_id,
            cert_direct_allowed: allows_key_agreement(&request.start),
            header: &request.header,
            profile: &request.profile,
            secret: &secret,
            psk: &request.psk,
            keyset: Some(self.vault.operator.keyset()),
            ephemeral: &draw::private_key(&self.vault.random),
            signer: self.vault.operator.signer(),
            now: self.now,
        })?;
        Ok(sealed.octets)
    }

    /// Counts the sealing for its session, and forgets sessions that are too old to be sealed for.
    fn count(&self, set: &mut CredentialSetRecord) {
        let oldest = self
            .now
            .saturating_sub(MAX_CHALLENGE_AGE_SECONDS + CLOCK_SKEW_SECONDS);
        set.sessions.retain(|seals| seals.challenge_time >= oldest);
        let session = self.header.session.as_bytes();
        if let Some(seals) = set
            .sessions
            .iter_mut()
            .find(|seals| seals.session == session)
        {
            seals.seals = seals.seals.saturating_add(1);
        } else {
            set.sessions.push(SessionSealsRecord {
                session: session.to_vec(),
                seals: 1,
                challenge_time: self.challenge.time,
            });
        }
    }
}

/// The key that was sent along, if it is the one of the device that the set was minted for. The caller is not trusted
/// to say whose Proof it is, so that any other key is as good as none.
fn identity_key(spki: &[u8], device_id: &DeviceId) -> Option<VerificationKey> {
    if DeviceId::from_spki_sha256(&cose::sha256(spki)) != *device_id {
        return None;
    }
    VerificationKey::from_spki(spki).ok()
}

/// Whether sealing to the identity key may be asked for. Where the certificate is in Start, its key usage decides;
/// otherwise the AuSF has seen it, with the manufacturer's entry, and the header says what came of it.
fn allows_key_agreement(start: &[u8]) -> bool {
    let start = Start::decode(start).ok();
    let inline = start.as_ref().and_then(|start| start.chain.first());
    inline.is_none_or(|der| {
        Certificate::from_der(der).is_ok_and(|certificate| certificate.allows_key_agreement())
    })
}
