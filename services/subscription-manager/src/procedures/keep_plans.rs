//! Plans are put, listed and taken away.

use cause::Cause;
use identifiers::PlanId;
use store::{Class, Error, Names, Tag};

use crate::context::Context;
use crate::plan::Plan;
use crate::records::PlanRecord;

/// A plan cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlanError {
    #[error("numbers cannot be made from the plan")]
    Unusable,
    #[error("plan does not exist or cannot be chosen")]
    Unavailable,
    #[error("plans cannot be read or written")]
    Store(#[from] Error),
}

impl PlanError {
    pub(crate) const fn cause(&self) -> Cause {
        match self {
            Self::Unusable => Cause::MalformedMessage,
            Self::Unavailable => Cause::PlanUnavailable,
            Self::Store(error) => error.cause(),
        }
    }
}

/// Creates or replaces a plan.
pub(crate) async fn put_plan(context: &Context, plan: &Plan) -> Result<(), PlanError> {
    if !plan.is_usable() {
        return Err(PlanError::Unusable);
    }
    let mut transaction = context.store.transaction(&tag(context)?, Class::Record);
    transaction.put_named(plan.plan_id.as_str(), &PlanRecord::from(plan));
    context.store.commit(transaction).await?;
    Ok(())
}

/// All plans, at most a thousand.
pub(crate) async fn list_plans(context: &Context) -> Result<Vec<Plan>, PlanError> {
    let rows = context
        .store
        .list::<PlanRecord>(&tag(context)?, &Names::all(), store::MAX_ROWS)
        .await?;
    let plans: Result<Vec<_>, _> = rows.iter().map(|(_, row)| row.record.plan()).collect();
    Ok(plans?)
}

/// One plan.
pub(crate) async fn get_plan(context: &Context, plan_id: &PlanId) -> Result<Plan, PlanError> {
    let found = context
        .store
        .read_named::<PlanRecord>(&tag(context)?, plan_id.as_str())
        .await?;
    Ok(found.ok_or(PlanError::Unavailable)?.record.plan()?)
}

/// Takes a plan away; subscriptions and orders keep what they have.
pub(crate) async fn delete_plan(context: &Context, plan_id: &PlanId) -> Result<(), PlanError> {
    let mut transaction = context.store.transaction(&tag(context)?, Class::Record);
    transaction.delete_named::<PlanRecord>(plan_id.as_str());
    context.store.commit(transaction).await?;
    Ok(())
}

fn tag(context: &Context) -> Result<Tag, Error> {
    Ok(context.store.tag("plans")?)
}
