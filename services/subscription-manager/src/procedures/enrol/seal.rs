//! The package, sealed by the vault.

use identifiers::OnboardingSession;
use provisioning::{ClaimSecret, package_psk};
use store::{Record as _, SealError};

use super::{Enrolling, Outcome, StepError};
use crate::context::PACKAGE;
use crate::ports::SealProfile;
use crate::records::{DeliveryState, SessionRecord, parsed};

/// Has the vault seal what was prepared, and offers it to the session.
pub(super) async fn seal(enrolling: &Enrolling<'_>) -> Result<Outcome, StepError> {
    let context = enrolling.context;
    let mut next = enrolling.record().clone();
    let (Some(session), Some(delivery)) = (&enrolling.session, &mut next.delivery) else {
        return Ok(next.into());
    };
    let session = &session.record;
    let id = parsed(
        SessionRecord::KIND,
        &enrolling.device.session,
        OnboardingSession::parse,
    )?;
    let package_key = context.unseal_key(PACKAGE, &id, &session.package_key)?;
    let claim_secret = match next.claim_secret.as_slice() {
        [] => None,
        sealed => {
            let octets = context.unseal_claim_secret(enrolling.device_id.as_str(), sealed)?;
            Some(ClaimSecret::new(octets).map_err(|_| SealError::NotAuthentic)?)
        }
    };
    let request = SealProfile {
        credential_set_id: enrolling.record().credential_set_id()?,
        start: session.start.clone(),
        challenge: session.challenge.clone(),
        proof: session.proof.clone(),
        header: delivery.header.clone(),
        profile: delivery.profile.clone(),
        psk: package_psk(&package_key, claim_secret.as_ref()),
        identity_spki: enrolling.device.spki.clone(),
    };
    delivery.package = context.vault.seal(request).await.map_err(StepError::Peer)?;
    delivery.package_sha256 = cose::sha256(&delivery.package).to_vec();
    delivery.state = DeliveryState::Offered.into();
    Ok(next.into())
}
