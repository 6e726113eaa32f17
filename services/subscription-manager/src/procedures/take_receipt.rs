//! The device says what became of its package.

use cause::Cause;
use provisioning::{Receipt, ReceiptError, ReceiptResult};
use store::{Class, Error};

use super::find_session::FoundSession;
use crate::context::Context;
use crate::records::{
    Delivery, DeliveryState, DeviceRecord, EnrolmentRecord, SessionRecord, SessionState,
};

/// A receipt is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TakeReceiptError {
    #[error("receipt does not hold")]
    Receipt(#[from] ReceiptError),
    #[error("nothing was delivered in this session")]
    NothingDelivered,
    #[error("another receipt was taken before")]
    Other,
    #[error("receipt cannot be stored")]
    Store(#[from] Error),
}

impl TakeReceiptError {
    pub(crate) const fn cause(&self) -> Cause {
        match self {
            Self::Receipt(error) => error.cause(),
            Self::NothingDelivered | Self::Other => Cause::ReceiptConflict,
            Self::Store(error) => error.cause(),
        }
    }
}

/// Takes a receipt, which must be signed by the device's identity key and name exactly what was delivered.
///
/// A repetition changes nothing; time and agent may differ, because a device that lost its memory signs anew.
#[tracing::instrument(skip_all, name = "subscription_manager.take_receipt")]
pub(crate) async fn take_receipt(
    context: &Context,
    session: &FoundSession,
    octets: &[u8],
) -> Result<(), TakeReceiptError> {
    let store = &context.store;
    let device = store
        .read::<DeviceRecord>(&session.tag)
        .await?
        .ok_or(TakeReceiptError::NothingDelivered)?
        .record;
    let receipt = Receipt::verify(octets, &device.key()?)?;
    loop {
        let found = store
            .read::<EnrolmentRecord>(&session.tag)
            .await?
            .ok_or(TakeReceiptError::NothingDelivered)?;
        let delivery = found
            .record
            .delivery_for(&session.name())
            .filter(|delivery| !delivery.package.is_empty());
        let delivery = delivery.ok_or(TakeReceiptError::NothingDelivered)?;
        let sha256 = delivery
            .package_sha256
            .as_slice()
            .try_into()
            .map_err(|_| TakeReceiptError::NothingDelivered)?;
        receipt.check(&found.record.package_id()?, found.record.seal_seq, sha256)?;
        let state = match judge(delivery, &receipt)? {
            // An earlier attempt may have written it without hearing whether it lasts.
            Verdict::Known => return Ok(store.settle().await?),
            Verdict::New(state) => state,
        };
        let next = after(&found.record, &receipt, state);
        let mut transaction = store.transaction(&session.tag, Class::Record);
        transaction.put(&next).if_version(found.version);
        let row = store
            .read_named::<SessionRecord>(&session.tag, &session.name())
            .await?;
        if let Some(row) =
            row.filter(|row| state == DeliveryState::Installed && !row.record.has_ended())
        {
            transaction
                .put_named(
                    &session.name(),
                    &row.record.reached(SessionState::Installed),
                )
                .if_version(row.version)
                .expires_in(context.keep_session());
        }
        match store.commit(transaction).await {
            Ok(_) => break,
            Err(error) if error.is_conflict() => tokio::task::yield_now().await,
            Err(error) => return Err(error.into()),
        }
    }
    if receipt.result != ReceiptResult::Installed {
        let device = session.device_id.redacted().to_string();
        tracing::warn!(device, result = ?receipt.result, cause = receipt.cause, "package was not installed");
    }
    Ok(())
}

enum Verdict {
    /// It says what is known.
    Known,
    New(DeliveryState),
}

fn judge(delivery: &Delivery, receipt: &Receipt) -> Result<Verdict, TakeReceiptError> {
    let earlier = match delivery.receipt.as_slice() {
        [] => None,
        octets => Some(Receipt::decode(octets).map_err(ReceiptError::Payload)?),
    };
    let is_active = delivery.state() == DeliveryState::Active;
    match (
        earlier.map(|earlier| (earlier.result, earlier.cause)),
        receipt.result,
    ) {
        (Some((result, cause)), _) if result == receipt.result && cause == receipt.cause => {
            Ok(Verdict::Known)
        }
        (None, ReceiptResult::Installed) if is_active => Ok(Verdict::New(DeliveryState::Active)),
        (None, ReceiptResult::Installed) => Ok(Verdict::New(DeliveryState::Installed)),
        (None | Some((ReceiptResult::Installed, _)), ReceiptResult::RolledBack)
        | (None, ReceiptResult::Rejected)
            if !is_active =>
        {
            Ok(Verdict::New(DeliveryState::Rejected))
        }
        _ => Err(TakeReceiptError::Other),
    }
}

fn after(before: &EnrolmentRecord, receipt: &Receipt, state: DeliveryState) -> EnrolmentRecord {
    let mut next = before.clone();
    if let Some(delivery) = &mut next.delivery {
        delivery.state = state.into();
        delivery.receipt = receipt.encode();
    }
    if state == DeliveryState::Rejected && next.claim_secret_typed {
        // It may have been mistyped: the person is asked again in the next session.
        next.claim_secret.clear();
        next.claim_secret_typed = false;
    }
    next
}
