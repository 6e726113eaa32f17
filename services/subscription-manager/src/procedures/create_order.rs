//! Orders are placed before the device is seen.

use cause::Cause;
use cose::cbor;
use data_encoding::BASE32_NOPAD;
use identifiers::{OrderId, PlanId};
use provisioning::ClaimSecret;
use store::{ClaimError, Class, Error, Record as _, SealError, Tag, Update};

use super::keep_plans::{PlanError, get_plan};
use super::redeem_order::code_tag;
use crate::context::Context;
use crate::records::{OrderCodeRecord, OrderKeyRecord, OrderRecord, PlanRecord, parsed};

/// What is ordered.
pub(crate) struct NewOrder {
    pub(crate) idempotency_key: String,
    pub(crate) plan_id: PlanId,
    /// Manufacturer and serial of the device, if it is known.
    pub(crate) label: Option<(String, String)>,
    pub(crate) claim_secret: Option<ClaimSecret>,
}

/// An order that was placed.
pub(crate) struct PlacedOrder {
    pub(crate) order_id: OrderId,
    /// Redeems the order; given once, only its hash is kept.
    pub(crate) code: Option<String>,
}

/// An order is not placed, or not found.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OrderError {
    #[error("idempotency key was used for another order")]
    Mismatch,
    #[error("another order waits for this device")]
    Held,
    #[error("no such order")]
    Unknown,
    #[error("plan cannot be ordered")]
    Plan(#[from] PlanError),
    #[error("claim secret cannot be sealed")]
    Seal(#[from] SealError),
    #[error("device of the order cannot be claimed")]
    Claim(#[source] ClaimError),
    #[error("orders cannot be read or written")]
    Store(#[from] Error),
}

impl OrderError {
    pub(crate) const fn cause(&self) -> Cause {
        match self {
            Self::Mismatch | Self::Held => Cause::Conflict,
            Self::Unknown => Cause::NotFound,
            Self::Plan(error) => error.cause(),
            Self::Seal(error) => error.cause(),
            Self::Claim(error) => error.cause(),
            Self::Store(error) => error.cause(),
        }
    }
}

/// Places an order. Repeated with the same key it answers the same order, without its code.
#[tracing::instrument(skip_all, name = "subscription_manager.create_order")]
pub(crate) async fn create_order(
    context: &Context,
    order: &NewOrder,
) -> Result<PlacedOrder, OrderError> {
    let store = &context.store;
    let order_id = order_of_key(context, order).await?;
    let tag = store.tag(order_id.as_str()).map_err(Error::from)?;
    let label = order.label.as_ref();
    let label = label
        .map(|(manufacturer, serial)| context.label_tag(manufacturer, serial))
        .transpose()?;
    if store.read::<OrderRecord>(&tag).await?.is_some() {
        return Ok(PlacedOrder {
            order_id,
            code: None,
        });
    }
    let plan = get_plan(context, &order.plan_id).await?;
    if let Some(label) = &label {
        claim_label(context, label, &order_id).await?;
    }
    let code = BASE32_NOPAD.encode(&context.random.array::<16>());
    let mut transaction = store.transaction(&code_tag(context, &code)?, Class::Record);
    transaction
        .put(&OrderCodeRecord {
            order_id: order_id.as_str().to_owned(),
        })
        .if_absent();
    store.commit(transaction).await?;

    let (manufacturer, serial) = order.label.clone().unwrap_or_default();
    let claim_secret = match &order.claim_secret {
        Some(secret) => context.seal_claim_secret(order_id.as_str(), secret.expose())?,
        None => Vec::new(),
    };
    let record = OrderRecord {
        plan: Some(PlanRecord::from(&plan)),
        code_sha256: cose::sha256(code.as_bytes()).to_vec(),
        manufacturer,
        serial,
        claim_secret,
        redeemed_by: String::new(),
    };
    let mut transaction = store.transaction(&tag, Class::Record);
    transaction.put(&record).if_absent();
    let code = match store.commit(transaction).await {
        Ok(_) => Some(code),
        // The same request came twice at once; the other one answers the code.
        Err(error) if error.is_conflict() => None,
        Err(error) => return Err(error.into()),
    };
    if let Some(label) = &label {
        let confirmed = store.confirm(label, order_id.as_str()).await;
        confirmed.map_err(OrderError::Claim)?;
    }
    Ok(PlacedOrder { order_id, code })
}

/// The order of this id.
pub(crate) async fn get_order(
    context: &Context,
    order_id: &OrderId,
) -> Result<OrderRecord, OrderError> {
    let tag = context.store.tag(order_id.as_str()).map_err(Error::from)?;
    let found = context.store.read::<OrderRecord>(&tag).await?;
    Ok(found.ok_or(OrderError::Unknown)?.record)
}

/// The order that belongs to the idempotency key: a new one, or the one of an earlier attempt.
async fn order_of_key(context: &Context, order: &NewOrder) -> Result<OrderId, OrderError> {
    let tag = context.hashed_tag("order-key", order.idempotency_key.as_bytes())?;
    let fingerprint = fingerprint(order);
    let new = OrderId::generate(context.now_ms(), context.random.array());
    let kept = context
        .store
        .update::<OrderKeyRecord, OrderError>(&tag, Class::Record, |read| match read {
            None => Ok(Update::Put(OrderKeyRecord {
                order_id: new.as_str().to_owned(),
                fingerprint: fingerprint.to_vec(),
            })),
            Some(kept) if kept.record.fingerprint == fingerprint => Ok(Update::Keep),
            Some(_) => Err(OrderError::Mismatch),
        });
    let kept = kept
        .await?
        .map(|kept| kept.record.order_id)
        .unwrap_or_default();
    Ok(parsed(OrderKeyRecord::KIND, &kept, OrderId::parse)?)
}

fn fingerprint(order: &NewOrder) -> [u8; 32] {
    let (manufacturer, serial) = order.label.clone().unwrap_or_default();
    let secret = order
        .claim_secret
        .as_ref()
        .map(ClaimSecret::expose)
        .unwrap_or_default();
    let content = cbor::array([
        cbor::text(order.plan_id.as_str()),
        cbor::text(&manufacturer),
        cbor::text(&serial),
        cbor::bytes(&cose::sha256(secret)),
    ]);
    cose::sha256(content.as_slice())
}

/// One open order for a device: an order that was redeemed makes room for the next.
async fn claim_label(context: &Context, label: &Tag, order_id: &OrderId) -> Result<(), OrderError> {
    let store = &context.store;
    for _ in 0..2 {
        match store.reserve(label, order_id.as_str()).await {
            Ok(()) => return Ok(()),
            Err(ClaimError::Held { .. }) => {}
            Err(ClaimError::Store(error)) => return Err(error.into()),
            Err(error) => return Err(OrderError::Claim(error)),
        }
        let Some(claim) = store.claim(label).await? else {
            continue;
        };
        let holder = store.tag(&claim.holder).map_err(Error::from)?;
        let redeemed = store
            .read::<OrderRecord>(&holder)
            .await?
            .is_some_and(|order| !order.record.redeemed_by.is_empty());
        if !redeemed {
            return Err(OrderError::Held);
        }
        store.release(label, &claim.holder).await?;
    }
    Err(OrderError::Held)
}
