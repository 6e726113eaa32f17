//! The second step of OWA: Proof → Accept or Reject.

use cause::Cause;
use cose::VerificationKey;
use data_encoding::HEXLOWER;
use identifiers::{OnboardingSession, ServingNetworkName};
use onboarding::certificate::Certificate;
use onboarding::server::{ProofError, VerifiedProof, make_accept, verify_proof};
use onboarding::{
    AcceptError, DeviceClass, Frame, KeySchedule, SessionParameters, Start, Transcript,
};
use secret::OwaKey;
use store::{Class, Stored, Update};

use super::device_certificate::{CertifiedDevice, DeviceCertificateError, device_certificate};
use super::start::reject;
use crate::error::StateError;
use crate::owa::{OneWayAuthentication, Origin, PROOF_RETRIES, prk_binding};
use crate::ports::{AuthenticatedDevice, LimitedSession};
use crate::records::{CertificateRecord, OwaSessionRecord};

/// Bad Proofs that close a session.
const MAX_BAD_PROOFS: u32 = 8;

/// A Proof is refused or could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum ProveOwaError {
    /// It is no frame of a Proof.
    #[error("it is no Proof")]
    NotAProof,
    /// The session is not known, is over, or belongs to another gateway or device.
    #[error("there is no such session")]
    Stale,
    /// Another Proof was taken in this session.
    #[error("another Proof was taken in this session")]
    Consumed,
    /// The Proof does not hold.
    #[error("the Proof does not hold")]
    Proof(#[from] ProofError),
    /// The certificate is refused.
    #[error("the certificate is refused")]
    Certificate(#[from] DeviceCertificateError),
    /// The subscription manager declines or does not answer.
    #[error("the subscription manager does not take the device")]
    Intake(Cause),
    /// The answer cannot be made.
    #[error("the Accept cannot be made")]
    Accept(#[from] AcceptError),
    /// State failed.
    #[error("the session cannot be stored or read")]
    State(#[from] StateError),
}

impl From<store::Error> for ProveOwaError {
    fn from(error: store::Error) -> Self {
        Self::State(error.into())
    }
}

impl ProveOwaError {
    /// The cause to answer with.
    pub const fn cause(&self) -> Cause {
        match self {
            Self::NotAProof => Cause::MalformedMessage,
            Self::Stale => Cause::ChallengeStale,
            Self::Consumed => Cause::ProofInvalid,
            Self::Proof(error) => error.cause(),
            Self::Certificate(error) => error.cause(),
            Self::Intake(cause) if cause.owa().is_some() => *cause,
            Self::Intake(_) | Self::State(_) => Cause::TemporarilyUnavailable,
            Self::Accept(error) => error.cause(),
        }
    }

    /// The frame that tells the device.
    pub fn reject(&self) -> Vec<u8> {
        reject(self.cause())
    }
}

/// An accepted device.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The Accept frame.
    pub frame: Vec<u8>,
    /// The session.
    pub session: OnboardingSession,
    /// What it may do.
    pub limited_session: LimitedSession,
}

/// Answers a Proof: verified first, then taken once into the session, then the certificate, then intake.
///
/// For 60 s the same Proof gets the same Accept; another one is refused. A Proof that does not hold consumes
/// nothing, eight of them close the session.
///
/// # Errors
/// [`ProveOwaError`]; its `reject` is what the device gets.
///
/// Source: Berth protocol, OWA version 1; TS 33.501 I.9.
#[tracing::instrument(skip_all, name = "ausf.prove_owa", fields(nf.clause = "TS 33.501 I.9"))]
pub async fn prove_owa(
    owa: &OneWayAuthentication,
    frame: &[u8],
    origin: &Origin,
    ue_address: (String, u16, u16),
) -> Result<Accepted, ProveOwaError> {
    let Ok(Frame::Proof(body, session)) = Frame::decode(frame) else {
        return Err(ProveOwaError::NotAProof);
    };
    let tag = owa.session_tag(&session)?;
    let found = owa.store.read::<OwaSessionRecord>(&tag).await?;
    let record = found
        .filter(|found| is_current(owa, &found.record, origin))
        .ok_or(ProveOwaError::Stale)?
        .record;

    let transcript = Transcript {
        start: &record.start,
        challenge: &record.challenge,
        proof: body,
    };
    let known_key = known_key(owa, &record).await?;
    let proof = match verify_proof(&transcript, known_key.as_ref()) {
        Ok(proof) => proof,
        Err(error) => {
            count_bad_proof(owa, &session).await?;
            return Err(error.into());
        }
    };
    take(owa, &session, &proof).await?;

    let device = device_certificate(owa, &proof).await?;
    let serving_network =
        ServingNetworkName::parse(&record.serving_network_name).map_err(|_| {
            store::Error::Corrupt {
                kind: "owa-session",
            }
        })?;
    let prk = owa
        .sealer
        .unseal(&record.prk, &prk_binding(&session))
        .map_err(StateError::from)?;
    let prk = OwaKey::try_from_slice(prk.expose()).map_err(|_| store::Error::Corrupt {
        kind: "owa-session",
    })?;
    let schedule = KeySchedule::from_prk(prk, serving_network.clone());

    let limited_session = intake(
        owa,
        session,
        &proof,
        device,
        &transcript,
        &schedule,
        serving_network,
        origin,
        ue_address,
    )
    .await?;
    let parameters = SessionParameters {
        session,
        expires: limited_session.expires_at_ms / 1_000,
        portal_uri: limited_session.portal_url.clone(),
        captive_portal_api_uri: limited_session.captive_api_url.clone(),
        provisioning_uris: limited_session.provisioning_uris.clone(),
        data_network: limited_session.dnn.clone(),
    };
    let accept = make_accept(&schedule, &transcript, &parameters)?;
    tracing::info!(device_id = %proof.device_id.redacted(), "device authenticated by its certificate");
    Ok(Accepted {
        frame: Frame::Accept(&accept.octets).encode(),
        session,
        limited_session,
    })
}

fn is_current(owa: &OneWayAuthentication, record: &OwaSessionRecord, origin: &Origin) -> bool {
    let now = owa.clock.unix_ms();
    let lifetime = if record.proof_digest.is_empty() {
        owa.challenge_lifetime
    } else {
        owa.challenge_lifetime + PROOF_RETRIES
    };
    let until = record
        .challenged_at_ms
        .saturating_add(u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX));
    now < until
        && record.bad_proofs < MAX_BAD_PROOFS
        && record.source == origin.source()
        && record.serving_network_name == origin.serving_network_name.as_str()
}

/// The key of a device that was seen before, for a Proof that carries none.
async fn known_key(
    owa: &OneWayAuthentication,
    record: &OwaSessionRecord,
) -> Result<Option<VerificationKey>, ProveOwaError> {
    let start = Start::decode(&record.start).map_err(ProofError::Start)?;
    let tag = owa
        .store
        .tag(&HEXLOWER.encode(start.key_id.as_bytes()))
        .map_err(store::Error::from)?;
    let Some(found) = owa.store.read::<CertificateRecord>(&tag).await? else {
        return Ok(None);
    };
    let certificate = found
        .record
        .chain
        .first()
        .and_then(|der| Certificate::from_der(der).ok());
    Ok(certificate.and_then(|certificate| VerificationKey::from_spki(certificate.spki()).ok()))
}

async fn count_bad_proof(
    owa: &OneWayAuthentication,
    session: &OnboardingSession,
) -> Result<(), ProveOwaError> {
    let tag = owa.session_tag(session)?;
    owa.store
        .update(
            &tag,
            Class::Session,
            |found: Option<&Stored<OwaSessionRecord>>| {
                let Some(found) = found else {
                    return Ok::<_, store::Error>(Update::Keep);
                };
                let mut record = found.record.clone();
                record.bad_proofs = record.bad_proofs.saturating_add(1);
                Ok(Update::PutFor(
                    record,
                    owa.challenge_lifetime + PROOF_RETRIES,
                ))
            },
        )
        .await?;
    Ok(())
}

/// Takes a verified Proof into the session: the first one, or the same one again.
async fn take(
    owa: &OneWayAuthentication,
    session: &OnboardingSession,
    proof: &VerifiedProof,
) -> Result<(), ProveOwaError> {
    let tag = owa.session_tag(session)?;
    owa.store
        .update(
            &tag,
            Class::Record,
            |found: Option<&Stored<OwaSessionRecord>>| {
                let found = found.ok_or(ProveOwaError::Stale)?;
                if found.record.proof_digest == proof.digest {
                    return Ok(Update::Keep);
                }
                if !found.record.proof_digest.is_empty() {
                    return Err(ProveOwaError::Consumed);
                }
                let record = OwaSessionRecord {
                    proof_digest: proof.digest.to_vec(),
                    ..found.record.clone()
                };
                Ok(Update::PutFor(
                    record,
                    owa.challenge_lifetime + PROOF_RETRIES,
                ))
            },
        )
        .await?;
    Ok(())
}

#[expect(
    clippy::too_many_arguments,
    reason = "each is one part of what the subscription manager gets"
)]
async fn intake(
    owa: &OneWayAuthentication,
    session: OnboardingSession,
    proof: &VerifiedProof,
    device: CertifiedDevice,
    transcript: &Transcript<'_>,
    schedule: &KeySchedule,
    serving_network_name: ServingNetworkName,
    origin: &Origin,
    ue_address: (String, u16, u16),
) -> Result<LimitedSession, ProveOwaError> {
    let keys = schedule.session_keys();
    let challenge =
        onboarding::Challenge::decode(transcript.challenge).map_err(|_| store::Error::Corrupt {
            kind: "owa-session",
        })?;
    let device = AuthenticatedDevice {
        session,
        device_id: proof.device_id.clone(),
        manufacturer: device.manufacturer,
        serial: device.serial,
        certificate_chain: device.chain,
        headless: proof.start.class == DeviceClass::Headless,
        network_proof: proof.start.demanded.number(),
        network_proven: challenge.network_proof.is_some(),
        serving_network_name,
        start: transcript.start.to_vec(),
        challenge: transcript.challenge.to_vec(),
        proof: transcript.proof.to_vec(),
        pdp_dtls_key: keys.pdp_dtls,
        package_key: keys.package,
        ue_address,
        gateway: origin.gateway.clone(),
    };
    owa.subscription_manager
        .device_authenticated(device)
        .await
        .map_err(ProveOwaError::Intake)
}
