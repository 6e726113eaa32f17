//! The second step of OWA: Proof → Accept or Reject.

use cause::Cause;
use identifiers::{OnboardingSession, ServingNetworkName};
use onboarding::server::{ProofError, VerifiedProof, make_accept, verify_proof};
use onboarding::{AcceptError, DeviceClass, Frame, KeySchedule, SessionParameters, Transcript};
use secret::OwaKey;

use super::device_certificate::{
    CertifiedDevice, DeviceCertificateError, device_certificate, known_key,
};
use super::owa_session;
use super::start::reject;
use crate::error::StateError;
use crate::owa::{MAX_FRAME_OCTETS, OneWayAuthentication, Origin, prk_binding};
use crate::ports::{AuthenticatedDevice, LimitedSession};
use crate::records::OwaAnswerRecord;

/// A Proof is refused or could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum ProveOwaError {
    /// It is no frame of a Proof, or too long for one.
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
/// For 60 s after it was taken the same Proof gets the same octets again, whatever the subscription manager would
/// answer by then; another one is refused. A Proof that does not hold consumes nothing, eight of them close the
/// session.
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
    if frame.len() > MAX_FRAME_OCTETS {
        return Err(ProveOwaError::NotAProof);
    }
    let Ok(Frame::Proof(body, session)) = Frame::decode(frame) else {
        return Err(ProveOwaError::NotAProof);
    };
    let record = owa_session::read(owa, &session, origin).await?;
    let transcript = Transcript {
        start: &record.start,
        challenge: &record.challenge,
        proof: body,
    };
    if record.proof_digest == transcript.proof_digest()
        && let Some(answer) = record.answer
    {
        return Ok(accepted(session, answer));
    }
    let known_key = known_key(owa, &record.start).await?;
    let proof = match verify_proof(&transcript, known_key.as_ref()) {
        Ok(proof) => proof,
        Err(error) => {
            owa_session::count_bad_proof(owa, &session).await?;
            return Err(error.into());
        }
    };
    owa_session::take(owa, &session, origin, &proof.digest).await?;

    let device = owa
        .metrics
        .measure(
            "device_certificate",
            device_certificate(owa, &proof),
            DeviceCertificateError::cause,
        )
        .await?;
    let damaged = || store::Error::Corrupt {
        kind: "owa-session",
    };
    let serving_network =
        ServingNetworkName::parse(&record.serving_network_name).map_err(|_| damaged())?;
    let prk = owa
        .sealer
        .unseal(&record.prk, &prk_binding(&session))
        .map_err(StateError::from)?;
    let prk = OwaKey::try_from_slice(prk.expose()).map_err(|_| damaged())?;
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
    // Only what is in the record leaves: were the same Proof answered elsewhere meanwhile, it is that answer.
    let answer = owa_session::keep_answer(
        owa,
        &session,
        &proof.digest,
        answer_record(accept.octets, limited_session),
    )
    .await?;
    tracing::info!(device_id = %proof.device_id.redacted(), "device authenticated by its certificate");
    Ok(accepted(session, answer))
}

fn answer_record(accept: Vec<u8>, session: LimitedSession) -> OwaAnswerRecord {
    OwaAnswerRecord {
        accept,
        expires_at_ms: session.expires_at_ms,
        portal_url: session.portal_url,
        captive_api_url: session.captive_api_url,
        provisioning_uris: session.provisioning_uris,
        dnn: session.dnn,
        provisioning_server: session.provisioning_server,
        allowed_targets: session.allowed_targets,
        quota_bytes: session.quota_bytes,
    }
}

fn accepted(session: OnboardingSession, answer: OwaAnswerRecord) -> Accepted {
    Accepted {
        frame: Frame::Accept(&answer.accept).encode(),
        session,
        limited_session: LimitedSession {
            expires_at_ms: answer.expires_at_ms,
            portal_url: answer.portal_url,
            captive_api_url: answer.captive_api_url,
            provisioning_uris: answer.provisioning_uris,
            dnn: answer.dnn,
            provisioning_server: answer.provisioning_server,
            allowed_targets: answer.allowed_targets,
            quota_bytes: answer.quota_bytes,
        },
    }
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
