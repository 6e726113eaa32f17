//! The record of an onboarding session between Challenge and the last repeated Proof.

use std::time::Duration;

use identifiers::OnboardingSession;
use store::{Class, Stored, Update};

use super::prove::ProveOwaError;
use crate::owa::{OneWayAuthentication, Origin, PROOF_RETRIES};
use crate::records::{OwaAnswerRecord, OwaSessionRecord};

/// Bad Proofs that close a session.
const MAX_BAD_PROOFS: u32 = 8;

/// The session, if it is open and the message comes from where its Start came from.
pub(super) async fn read(
    owa: &OneWayAuthentication,
    session: &OnboardingSession,
    origin: &Origin,
) -> Result<OwaSessionRecord, ProveOwaError> {
    let tag = owa.session_tag(session)?;
    let found = owa.store.read::<OwaSessionRecord>(&tag).await?;
    found
        .map(|found| found.record)
        .filter(|record| is_current(owa, record, origin))
        .ok_or(ProveOwaError::Stale)
}

/// Counts a Proof that does not hold; eight of them take the session away, which must not come back with a failover.
pub(super) async fn count_bad_proof(
    owa: &OneWayAuthentication,
    session: &OnboardingSession,
) -> Result<(), ProveOwaError> {
    change(owa, session, Class::Record, |record| {
        record.bad_proofs = record.bad_proofs.saturating_add(1);
        Ok(true)
    })
    .await
    .map(drop)
}

/// Takes a verified Proof into the session: the first one, or the same one again.
pub(super) async fn take(
    owa: &OneWayAuthentication,
    session: &OnboardingSession,
    origin: &Origin,
    digest: &[u8],
) -> Result<(), ProveOwaError> {
    change(owa, session, Class::Record, |record| {
        // It may have been closed since it was read.
        if !is_current(owa, record, origin) {
            return Err(ProveOwaError::Stale);
        }
        if record.proof_digest == digest {
            return Ok(false);
        }
        if !record.proof_digest.is_empty() {
            return Err(ProveOwaError::Consumed);
        }
        record.proof_digest = digest.to_vec();
        record.taken_at_ms = owa.clock.unix_ms();
        Ok(true)
    })
    .await
    .map(drop)
}

/// Keeps the answer to the Proof that was taken, unless there is one; answers the one that is kept.
pub(super) async fn keep_answer(
    owa: &OneWayAuthentication,
    session: &OnboardingSession,
    digest: &[u8],
    answer: OwaAnswerRecord,
) -> Result<OwaAnswerRecord, ProveOwaError> {
    let kept = change(owa, session, Class::Session, |record| {
        if record.proof_digest != digest {
            return Err(ProveOwaError::Consumed);
        }
        if record.answer.is_some() {
            return Ok(false);
        }
        record.answer = Some(answer.clone());
        Ok(true)
    })
    .await?;
    kept.answer.ok_or(ProveOwaError::Stale)
}

/// Changes the record by compare-and-set; `decide` says whether it changed anything.
async fn change(
    owa: &OneWayAuthentication,
    session: &OnboardingSession,
    class: Class,
    decide: impl Fn(&mut OwaSessionRecord) -> Result<bool, ProveOwaError>,
) -> Result<OwaSessionRecord, ProveOwaError> {
    let tag = owa.session_tag(session)?;
    let kept = owa
        .store
        .update(&tag, class, |found: Option<&Stored<OwaSessionRecord>>| {
            let found = found.ok_or(ProveOwaError::Stale)?;
            let mut record = found.record.clone();
            if decide(&mut record)? {
                let lifetime = owa.challenge_lifetime + PROOF_RETRIES;
                Ok::<_, ProveOwaError>(Update::PutFor(record, lifetime))
            } else {
                Ok(Update::Keep)
            }
        })
        .await?;
    kept.map(|kept| kept.record).ok_or(ProveOwaError::Stale)
}

fn is_current(owa: &OneWayAuthentication, record: &OwaSessionRecord, origin: &Origin) -> bool {
    let (since, lifetime) = if record.proof_digest.is_empty() {
        (record.challenged_at_ms, owa.challenge_lifetime)
    } else {
        (record.taken_at_ms, PROOF_RETRIES)
    };
    owa.clock.unix_ms() < since.saturating_add(whole_ms(lifetime))
        && record.bad_proofs < MAX_BAD_PROOFS
        && record.source == origin.source()
        && record.serving_network_name == origin.serving_network_name.as_str()
}

fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
