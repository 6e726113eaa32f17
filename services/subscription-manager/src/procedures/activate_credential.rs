//! Credentials have worked: the delivery is complete, the limited session ends.

use cause::Cause;
use identifiers::{CredentialSetId, DeviceId, SubscriptionId};
use store::{Class, Error};

use crate::context::{Context, KEEP_AFTER_END};
use crate::records::{DeliveryState, DeviceRecord, EnrolmentRecord, SessionRecord, SessionState};

/// An activation is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ActivateError {
    #[error("device has no such credential set")]
    Unknown,
    #[error("activation cannot be stored")]
    Store(#[from] Error),
}

impl ActivateError {
    pub(crate) const fn cause(&self) -> Cause {
        match self {
            Self::Unknown => Cause::NotFound,
            Self::Store(error) => error.cause(),
        }
    }
}

/// Notes that a credential set was proven by its first authentication, and ends the device's limited session.
/// May be repeated, also after a later set was minted.
#[tracing::instrument(skip_all, name = "subscription_manager.activate_credential")]
pub(crate) async fn activate_credential(
    context: &Context,
    subscription_id: &SubscriptionId,
    device_id: &DeviceId,
    credential_set_id: &CredentialSetId,
) -> Result<(), ActivateError> {
    let store = &context.store;
    let tag = context.device_tag(device_id)?;
    loop {
        let found = store.read::<EnrolmentRecord>(&tag).await?;
        let found = found.filter(|found| found.record.subscription_id == subscription_id.as_str());
        let enrolment = found.ok_or(ActivateError::Unknown)?;
        if enrolment.record.active_credential_set_id == credential_set_id.as_str() {
            // An earlier attempt may have written it without hearing whether it lasts.
            return Ok(store.settle().await?);
        }
        if enrolment.record.credential_set_id != credential_set_id.as_str() {
            return Err(ActivateError::Unknown);
        }
        let mut next = enrolment.record.clone();
        next.active_credential_set_id
            .clone_from(&next.credential_set_id);
        if let Some(delivery) = &mut next.delivery {
            delivery.state = DeliveryState::Active.into();
        }
        let mut transaction = store.transaction(&tag, Class::Record);
        transaction.put(&next).if_version(enrolment.version);
        let device = store.read::<DeviceRecord>(&tag).await?;
        let name = device
            .map(|device| device.record.session)
            .unwrap_or_default();
        if !name.is_empty()
            && let Some(session) = store.read_named::<SessionRecord>(&tag, &name).await?
            && !session.record.has_ended()
        {
            transaction
                .put_named(&name, &session.record.ended(SessionState::Released))
                .if_version(session.version)
                .expires_in(KEEP_AFTER_END);
        }
        match store.commit(transaction).await {
            Ok(_) => return Ok(()),
            Err(error) if error.is_conflict() => tokio::task::yield_now().await,
            Err(error) => return Err(error.into()),
        }
    }
}
