//! Numbers from the ranges of the plan: SUPI, GPSI, UE Service ID. Each is claimed for the subscription.

use store::{ClaimError, Class, Error, Tag, Update};

use super::{Enrolling, Outcome, StepError};
use crate::context::Context;
use crate::plan::NumberRange;
use crate::procedures::begin_enrolment::new_ue_service_id;
use crate::records::{EnrolmentRecord, NextNumberRecord};

/// A number that was taken from a range.
pub(super) struct Taken {
    range: Tag,
    n: u64,
}

pub(super) fn is_allocated(enrolment: &EnrolmentRecord) -> bool {
    let has_range = enrolment
        .plan
        .as_ref()
        .is_some_and(crate::records::PlanRecord::has_msisdns);
    let has_gpsi = !has_range || !enrolment.gpsi.is_empty();
    !enrolment.supi.is_empty() && has_gpsi && enrolment.ue_service_id_reserved
}

/// Claims what is missing. A repetition after a crash finds its own claims, because searches begin where the
/// interrupted one did.
pub(super) async fn allocate(enrolling: &Enrolling<'_>) -> Result<Outcome, StepError> {
    let context = enrolling.context;
    let plan = enrolling.record().plan()?;
    let holder = enrolling.record().subscription_id()?;
    let mut next = enrolling.record().clone();
    let mut taken = Vec::new();
    if next.supi.is_empty() {
        let range = range_tag(context, plan.plmn.as_str(), &plan.msins)?;
        let number = |n| plan.supi(n).map(|supi| supi.as_text().to_owned());
        let (supi, n) = reserve(context, &range, holder.as_str(), number).await?;
        next.supi = supi;
        taken.push(Taken { range, n });
    }
    if let Some(msisdns) = plan.msisdns.as_ref().filter(|_| next.gpsi.is_empty()) {
        let range = range_tag(context, "msisdn", msisdns)?;
        let number = |n| plan.gpsi(n).map(|gpsi| gpsi.as_str().to_owned());
        let reserved = reserve(context, &range, holder.as_str(), number).await;
        if let Err(StepError::Exhausted) = reserved {
            context
                .store
                .release(&tag(context, &next.supi)?, holder.as_str())
                .await?;
        }
        let (gpsi, n) = reserved?;
        next.gpsi = gpsi;
        taken.push(Taken { range, n });
    }
    match context
        .store
        .reserve(&tag(context, &next.ue_service_id)?, holder.as_str())
        .await
    {
        Ok(()) => next.ue_service_id_reserved = true,
        Err(ClaimError::Held { .. }) => next.ue_service_id = new_ue_service_id(context, &plan),
        Err(error) => return Err(error.into()),
    }
    Ok(Outcome { next, taken })
}

/// Lets later searches begin behind the numbers that were taken.
pub(super) async fn pass(context: &Context, taken: Vec<Taken>) -> Result<(), Error> {
    for Taken { range, n } in taken {
        let next = n.saturating_add(1);
        let passed =
            context
                .store
                .update::<NextNumberRecord, Error>(&range, Class::Session, |read| {
                    let known = read.map_or(0, |read| read.record.next);
                    Ok(if known < next {
                        Update::Put(NextNumberRecord { next })
                    } else {
                        Update::Keep
                    })
                });
        passed.await?;
    }
    Ok(())
}

/// Has later searches begin behind the first number that this subscription was given, which stays claimed.
pub(super) async fn pass_over(enrolling: &Enrolling<'_>) -> Result<(), StepError> {
    let context = enrolling.context;
    let plan = enrolling.record().plan()?;
    let range = range_tag(context, plan.plmn.as_str(), &plan.msins)?;
    let hint = context.store.read::<NextNumberRecord>(&range).await?;
    let mut n = hint.map_or(0, |hint| hint.record.next);
    // The hint may not have been written yet when the number was taken.
    while plan
        .supi(n)
        .is_some_and(|supi| supi.as_text() < enrolling.record().supi.as_str())
    {
        n = n.saturating_add(1);
    }
    if plan
        .supi(n)
        .is_some_and(|supi| supi.as_text() == enrolling.record().supi)
    {
        pass(context, vec![Taken { range, n }]).await?;
    }
    Ok(())
}

/// Frees whatever the subscription has claimed.
pub(super) async fn give_back(enrolling: &Enrolling<'_>) -> Result<(), StepError> {
    let context = enrolling.context;
    let record = enrolling.record();
    for claimed in [&record.supi, &record.gpsi, &record.ue_service_id] {
        if !claimed.is_empty() {
            context
                .store
                .release(&tag(context, claimed)?, &record.subscription_id)
                .await?;
        }
    }
    Ok(())
}

/// The tag of something that is claimed.
pub(super) fn tag(context: &Context, claimed: &str) -> Result<Tag, Error> {
    Ok(context.store.tag(claimed)?)
}

async fn reserve(
    context: &Context,
    range: &Tag,
    holder: &str,
    number: impl Fn(u64) -> Option<String>,
) -> Result<(String, u64), StepError> {
    let hint = context.store.read::<NextNumberRecord>(range).await?;
    let mut n = hint.map_or(0, |hint| hint.record.next);
    loop {
        let text = number(n).ok_or(StepError::Exhausted)?;
        match context.store.reserve(&tag(context, &text)?, holder).await {
            Ok(()) => return Ok((text, n)),
            Err(ClaimError::Held { .. }) => n = n.saturating_add(1),
            Err(error) => return Err(error.into()),
        }
    }
}

fn range_tag(context: &Context, prefix: &str, range: &NumberRange) -> Result<Tag, Error> {
    Ok(context.store.tag(&format!(
        "range-{prefix}-{}-{}",
        range.first(),
        range.last()
    ))?)
}
