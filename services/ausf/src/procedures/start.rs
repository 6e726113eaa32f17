//! The first step of OWA: Start → Retry, Challenge or Reject.

use cause::Cause;
use identifiers::OnboardingSession;
use onboarding::server::{
    ChallengeParameters, CookieDemand, StartContext, StartError, StartOutcome, check_start,
    make_challenge,
};
use onboarding::{
    AgreementKey, CertificateReference, Frame, KexError, Reject, Source, Start, Suite,
};
use secret::PrivateKey;
use store::Class;

use super::device_certificate::cached_chain;
use crate::budget::Acquaintance;
use crate::error::StateError;
use crate::owa::{MAX_FRAME_OCTETS, OneWayAuthentication, Origin, PROOF_RETRIES, prk_binding};
use crate::records::OwaSessionRecord;

/// A Start is refused or could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum StartOwaError {
    /// It is no frame of a Start, or too long for one.
    #[error("it is no Start")]
    NotAStart,
    /// The Start cannot be answered.
    #[error("the Start is refused")]
    Refused(#[from] StartError),
    /// No manufacturer covers the URL, or it names the certificate by a URL alone.
    #[error("no manufacturer of the registry covers the certificate")]
    UnknownManufacturer,
    /// The manufacturer demands a hash or a chain beside the URL.
    #[error("a URL without hash and without chain is not accepted")]
    BareUrl,
    /// Too many Challenges at the moment.
    #[error("too many challenges at the moment")]
    Overloaded,
    /// The ephemeral keys do not agree.
    #[error("the ephemeral keys do not agree")]
    Kex(#[from] KexError),
    /// The vault did not sign.
    #[error("the network cannot prove itself")]
    NetworkProof(Cause),
    /// State failed.
    #[error("the session cannot be stored")]
    State(#[from] StateError),
}

impl From<store::Error> for StartOwaError {
    fn from(error: store::Error) -> Self {
        Self::State(error.into())
    }
}

impl StartOwaError {
    /// The cause to answer with.
    pub const fn cause(&self) -> Cause {
        match self {
            Self::NotAStart => Cause::MalformedMessage,
            Self::Refused(error) => error.cause(),
            Self::UnknownManufacturer => Cause::UnknownManufacturer,
            Self::BareUrl => Cause::CertificateHashMismatch,
            Self::Overloaded => Cause::RateLimited,
            Self::Kex(error) => error.cause(),
            Self::NetworkProof(cause) if cause.retryable() => Cause::TemporarilyUnavailable,
            Self::NetworkProof(_) => Cause::NetworkProofUnavailable,
            Self::State(_) => Cause::TemporarilyUnavailable,
        }
    }

    /// The frame that tells the device.
    pub fn reject(&self) -> Vec<u8> {
        reject(self.cause())
    }
}

/// Seconds after which a device may come again when we are at fault.
const RETRY_AFTER: u32 = 5;

/// A Reject frame; where trying again may help it says when.
pub(crate) fn reject(cause: Cause) -> Vec<u8> {
    let cause = if cause.owa().is_some() || !cause.retryable() {
        cause
    } else {
        Cause::TemporarilyUnavailable
    };
    let retry_after = cause.retryable().then_some(RETRY_AFTER);
    let reject = Reject {
        retry_after,
        text: Some(cause.text().to_owned()),
        ..Reject::new(cause)
    };
    Frame::Reject(&reject.encode()).encode()
}

/// Answers a Start. Nothing is kept before a cookie has come back; nothing is fetched at all.
///
/// # Errors
/// [`StartOwaError`]; its `reject` is what the device gets.
///
/// Source: Berth protocol, OWA version 1; TS 33.501 I.9 (onboarding authentication).
#[tracing::instrument(skip_all, name = "ausf.start_owa", fields(nf.clause = "TS 33.501 I.9"))]
pub async fn start_owa(
    owa: &OneWayAuthentication,
    frame: &[u8],
    origin: &Origin,
) -> Result<Vec<u8>, StartOwaError> {
    if frame.len() > MAX_FRAME_OCTETS {
        return Err(StartOwaError::NotAStart);
    }
    let Ok(Frame::Start(body)) = Frame::decode(frame) else {
        return Err(StartOwaError::NotAStart);
    };
    let now = owa.clock.unix_seconds();
    let (key, previous_key) = owa.cookies.keys(now);
    let source = origin.source();
    let cookies = CookieDemand {
        key: &key,
        previous_key: Some(&previous_key),
        source: Source(source.as_bytes()),
        now,
    };
    let context = StartContext {
        serving_network: &origin.serving_network_name,
        suites: &Suite::PREFERENCE,
        operator_chain: true,
        cookies: Some(cookies),
    };
    let start = match check_start(body, &context)? {
        StartOutcome::Retry(retry) => return Ok(Frame::Retry(&retry).encode()),
        StartOutcome::Proceed(start) => start,
    };
    check_registry(owa, start.start()).await?;
    if !owa.challenges.take(acquaintance(owa, start.start()).await?) {
        return Err(StartOwaError::Overloaded);
    }

    let session = OnboardingSession::new(owa.random.array());
    let ephemeral = agreement_key(owa, start.suite())?;
    let parameters = ChallengeParameters {
        session,
        nonce: owa.random.array(),
        authenticator: owa.ausf_id.clone(),
        now,
    };
    let draft = make_challenge(&start, parameters, &ephemeral)?;
    let proof = if start.needs_network_proof() {
        let signed = owa
            .vault
            .sign_owa_net(draft.start_hash(), draft.octets())
            .await;
        Some(signed.map_err(StartOwaError::NetworkProof)?)
    } else {
        None
    };
    let challenge = draft.issue(proof);

    let prk = owa
        .sealer
        .seal(challenge.schedule.prk().expose(), &prk_binding(&session))
        .map_err(StateError::from)?;
    let record = OwaSessionRecord {
        start: start.octets().to_vec(),
        challenge: challenge.octets.clone(),
        prk,
        source,
        serving_network_name: origin.serving_network_name.as_str().to_owned(),
        challenged_at_ms: owa.clock.unix_ms(),
        bad_proofs: 0,
        proof_digest: Vec::new(),
        taken_at_ms: 0,
        answer: None,
    };
    let mut transaction = owa
        .store
        .transaction(&owa.session_tag(&session)?, Class::Session);
    transaction
        .put(&record)
        .expires_in(owa.challenge_lifetime + PROOF_RETRIES);
    owa.store.commit(transaction).await?;
    Ok(Frame::Challenge(&challenge.octets).encode())
}

/// Whether any manufacturer could vouch for this device; early, so that strangers cost nothing more.
async fn check_registry(owa: &OneWayAuthentication, start: &Start) -> Result<(), StartOwaError> {
    let manufacturers = owa.manufacturers.list().await?;
    let Some(url) = start.certificate.url() else {
        return if manufacturers.is_empty() {
            Err(StartOwaError::UnknownManufacturer)
        } else {
            Ok(())
        };
    };
    let covering = manufacturers
        .iter()
        .find(|manufacturer| manufacturer.covers(url).is_some());
    let manufacturer = covering.ok_or(StartOwaError::UnknownManufacturer)?;
    let bare = matches!(
        start.certificate,
        CertificateReference::Url { sha256: None, .. }
    ) && start.chain.is_empty();
    if bare && !manufacturer.allow_bare_url {
        Err(StartOwaError::BareUrl)
    } else {
        Ok(())
    }
}

async fn acquaintance(
    owa: &OneWayAuthentication,
    start: &Start,
) -> Result<Acquaintance, store::Error> {
    if !start.chain.is_empty() {
        return Ok(Acquaintance::Inline);
    }
    let known = cached_chain(owa, &start.key_id).await?.is_some();
    Ok(if known {
        Acquaintance::Known
    } else {
        Acquaintance::Stranger
    })
}

fn agreement_key(owa: &OneWayAuthentication, suite: Suite) -> Result<AgreementKey, KexError> {
    // A random P-256 scalar is out of range once in 2^32; the next one is not.
    let first = AgreementKey::new(suite, PrivateKey::new(owa.random.array()));
    first.or_else(|_| AgreementKey::new(suite, PrivateKey::new(owa.random.array())))
}
