//! Credentials from the vault.

use cause::Cause;

use super::{Enrolling, Outcome, StepError, allocate};
use crate::ports::MintCredentials;

/// Has the vault mint the credential set of this generation. TS 33.501 5.8.
pub(super) async fn mint(enrolling: &Enrolling<'_>) -> Result<Outcome, StepError> {
    let record = enrolling.record();
    let plan = record.plan()?;
    let request = MintCredentials {
        idempotency_key: format!("{}/{}", record.subscription_id, record.generation),
        supi: record.supi()?,
        device_id: enrolling.device_id.clone(),
        subscription_id: record.subscription_id()?,
        tenant_id: plan.tenant_id,
        routing_indicator: plan.routing_indicator,
        gpsi: record.gpsi()?,
    };
    let mut next = record.clone();
    match enrolling.context.vault.mint(request).await {
        Ok(minted) => {
            minted
                .credential_set_id
                .as_str()
                .clone_into(&mut next.credential_set_id);
            next.credential_epoch = minted.credential_epoch;
        }
        // The vault knows the SUPI from elsewhere: it is left alone, the next free one is taken.
        Err(Cause::AlreadyExists) if !record.associated => {
            allocate::pass_over(enrolling).await?;
            next.supi.clear();
        }
        Err(cause) => return Err(StepError::Peer(cause)),
    }
    Ok(next.into())
}
