//! Orders are redeemed once, by one device.

use cause::Cause;
use identifiers::OrderId;
use provisioning::ClaimSecret;
use store::{Class, Error, Record as _, SealError, Tag, Update};

use crate::context::Context;
use crate::plan::Plan;
use crate::records::{OrderCodeRecord, OrderRecord, parsed};

/// An order that a device has redeemed.
pub(crate) struct RedeemedOrder {
    pub(crate) order_id: String,
    pub(crate) plan: Plan,
    pub(crate) claim_secret: Option<ClaimSecret>,
}

/// The device that redeems.
#[derive(Clone, Copy)]
pub(crate) struct Redeemer<'a> {
    pub(crate) device_id: &'a str,
    pub(crate) manufacturer: &'a str,
    pub(crate) serial: &'a str,
}

/// An order is not redeemed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RedeemOrderError {
    #[error("no order for this code and device")]
    NoOrder,
    #[error("orders cannot be read or written")]
    Store(#[from] Error),
    #[error("claim secret of the order cannot be unsealed")]
    Seal(#[from] SealError),
}

impl RedeemOrderError {
    pub(crate) const fn cause(&self) -> Cause {
        match self {
            Self::NoOrder => Cause::NoOrder,
            Self::Store(error) => error.cause(),
            Self::Seal(error) => error.cause(),
        }
    }
}

/// Redeems the order of a code, as a person typed it: base32, case, spaces and `-` do not matter.
pub(crate) async fn redeem_by_code(
    context: &Context,
    code: &str,
    redeemer: Redeemer<'_>,
) -> Result<RedeemedOrder, RedeemOrderError> {
    let tag = code_tag(context, &normalised(code))?;
    let found = context.store.read::<OrderCodeRecord>(&tag).await?;
    redeem(
        context,
        &found.ok_or(RedeemOrderError::NoOrder)?.record.order_id,
        redeemer,
    )
    .await
}

/// Redeems the order that waits for a device by its label, if there is one.
pub(crate) async fn redeem_by_label(
    context: &Context,
    redeemer: Redeemer<'_>,
) -> Result<Option<RedeemedOrder>, RedeemOrderError> {
    let label = context.label_tag(redeemer.manufacturer, redeemer.serial)?;
    let Some(claim) = context.store.claim(&label).await? else {
        return Ok(None);
    };
    match redeem(context, &claim.holder, redeemer).await {
        Ok(order) => Ok(Some(order)),
        Err(RedeemOrderError::NoOrder) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Takes a redemption back, because the device got its subscription in another way.
pub(crate) async fn release_order(
    context: &Context,
    order_id: &str,
    device_id: &str,
) -> Result<(), Error> {
    let tag = context.store.tag(order_id)?;
    let released = context
        .store
        .update::<OrderRecord, Error>(&tag, Class::Record, |read| {
            Ok(match read {
                Some(order) if order.record.redeemed_by == device_id => Update::Put(OrderRecord {
                    redeemed_by: String::new(),
                    ..order.record.clone()
                }),
                _ => Update::Keep,
            })
        });
    released.await.map(drop)
}

async fn redeem(
    context: &Context,
    order_id: &str,
    redeemer: Redeemer<'_>,
) -> Result<RedeemedOrder, RedeemOrderError> {
    let id = parsed(OrderRecord::KIND, order_id, OrderId::parse)?;
    let tag = context.store.tag(id.as_str()).map_err(Error::from)?;
    let redeemed =
        context
            .store
            .update::<OrderRecord, RedeemOrderError>(&tag, Class::Record, |read| {
                let order = read.map(|read| &read.record);
                let order = order.filter(|order| {
                    order.is_for(redeemer.device_id, redeemer.manufacturer, redeemer.serial)
                });
                let order = order.ok_or(RedeemOrderError::NoOrder)?;
                Ok(if order.redeemed_by.is_empty() {
                    Update::Put(OrderRecord {
                        redeemed_by: redeemer.device_id.to_owned(),
                        ..order.clone()
                    })
                } else {
                    Update::Keep
                })
            });
    let order = redeemed.await?.ok_or(RedeemOrderError::NoOrder)?.record;
    let claim_secret = match order.claim_secret.as_slice() {
        [] => None,
        sealed => {
            let octets = context.unseal_claim_secret(order_id, sealed)?;
            Some(ClaimSecret::new(octets).map_err(|_| SealError::NotAuthentic)?)
        }
    };
    Ok(RedeemedOrder {
        order_id: order_id.to_owned(),
        plan: order.plan()?,
        claim_secret,
    })
}

/// The tag of an order code in its one form.
pub(crate) fn code_tag(context: &Context, code: &str) -> Result<Tag, Error> {
    context.hashed_tag("order-code", code.as_bytes())
}

fn normalised(code: &str) -> String {
    code.chars()
        .filter(|c| !matches!(c, ' ' | '-'))
        .map(|c| c.to_ascii_uppercase())
        .collect()
}
