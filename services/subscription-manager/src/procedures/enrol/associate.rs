//! The association of UE ID and UE Service ID. TS 33.501 Annex Y.2.

use cause::Cause;
use store::Class;

use super::{Enrolling, Outcome, StepError, allocate};
use crate::ports::NewAssociation;
use crate::procedures::begin_enrolment::{new_association_id, new_ue_service_id};
use crate::records::{AssociationRecord, SubscriptionRecord};

/// Opens the association at Configuration Management, writes the subscription, and confirms its claims.
pub(super) async fn associate(enrolling: &Enrolling<'_>) -> Result<Outcome, StepError> {
    let context = enrolling.context;
    let record = enrolling.record();
    let plan = record.plan()?;
    let subscription_id = record.subscription_id()?;
    let association = NewAssociation {
        association_id: record.association_id.clone(),
        subscription_id: subscription_id.clone(),
        supi: record.supi()?,
        gpsi: record.gpsi()?,
        ue_service_id: record.ue_service_id()?,
        tenant_id: plan.tenant_id.clone(),
    };
    let mut next = record.clone();
    match context
        .configuration_management
        .put_association(association)
        .await
    {
        Ok(()) => {}
        // Somebody else has the UE Service ID, though nobody here: another one is drawn.
        Err(Cause::Conflict) => {
            context
                .store
                .release(
                    &allocate::tag(context, &record.ue_service_id)?,
                    subscription_id.as_str(),
                )
                .await?;
            next.ue_service_id = new_ue_service_id(context, &plan);
            next.ue_service_id_reserved = false;
            next.association_id = new_association_id(context);
            return Ok(next.into());
        }
        Err(cause) => return Err(StepError::Peer(cause)),
    }
    write(enrolling, plan.plan_id.as_str(), plan.tenant_id.as_str()).await?;
    for claimed in [&record.supi, &record.gpsi, &record.ue_service_id] {
        if !claimed.is_empty() {
            context
                .store
                .confirm(&allocate::tag(context, claimed)?, subscription_id.as_str())
                .await?;
        }
    }
    next.associated = true;
    Ok(next.into())
}

async fn write(enrolling: &Enrolling<'_>, plan_id: &str, tenant_id: &str) -> Result<(), StepError> {
    let context = enrolling.context;
    let record = enrolling.record();
    let tag = context
        .store
        .tag(&record.subscription_id)
        .map_err(store::Error::from)?;
    let subscription = SubscriptionRecord {
        owner_id: record.owner_id()?.as_str().to_owned(),
        tenant_id: tenant_id.to_owned(),
        plan_id: plan_id.to_owned(),
        created_at_ms: record.created_at_ms,
    };
    let association = AssociationRecord {
        device_id: enrolling.device_id.as_str().to_owned(),
        owner_id: record.owner_id.clone(),
        supi: record.supi.clone(),
        gpsi: record.gpsi.clone(),
        ue_service_id: record.ue_service_id.clone(),
        valid_from_ms: record.created_at_ms,
    };
    let mut transaction = context.store.transaction(&tag, Class::Record);
    transaction.put(&subscription);
    transaction.put_named(&record.association_id, &association);
    context.store.commit(transaction).await?;
    Ok(())
}
