//! How an enrolment begins.

use data_encoding::BASE32_NOPAD;
use identifiers::{OwnerId, SubscriptionId};

use crate::context::Context;
use crate::plan::Plan;
use crate::records::{EnrolmentRecord, PlanRecord, SessionRecord};
use onboarding::NetworkProofLevel;

/// A new enrolment for a plan; nothing is allocated yet.
///
/// The owner is a new one, without a verified contact.
pub(crate) fn begin_enrolment(context: &Context, plan: &Plan) -> EnrolmentRecord {
    let now_ms = context.now_ms();
    EnrolmentRecord {
        subscription_id: SubscriptionId::generate(now_ms, context.random.array())
            .as_str()
            .to_owned(),
        owner_id: OwnerId::generate(now_ms, context.random.array())
            .as_str()
            .to_owned(),
        plan: Some(PlanRecord::from(plan)),
        generation: 1,
        ue_service_id: new_ue_service_id(context, plan),
        association_id: new_association_id(context),
        created_at_ms: now_ms,
        ..EnrolmentRecord::default()
    }
}

/// A UE Service ID that nobody has with overwhelming likelihood; it still has to be reserved.
pub(crate) fn new_ue_service_id(context: &Context, plan: &Plan) -> String {
    let name = BASE32_NOPAD
        .encode(&context.random.array::<5>())
        .to_ascii_lowercase();
    plan.ue_service_id(&name)
        .map(|id| id.as_str().to_owned())
        .unwrap_or_default()
}

/// A new name for an association.
pub(crate) fn new_association_id(context: &Context) -> String {
    format!(
        "asc_{}",
        BASE32_NOPAD
            .encode(&context.random.array::<16>())
            .to_ascii_lowercase()
    )
}

/// Whether a package for this session would be installed: a device that demands the claim secret takes no other.
pub(crate) fn can_deliver(enrolment: &EnrolmentRecord, session: &SessionRecord) -> bool {
    session.demanded() != NetworkProofLevel::ClaimSecret || !enrolment.claim_secret.is_empty()
}

/// Topic of the outbox messages that set the worker going.
pub(crate) const ENROL: &str = "enrol";

/// The message that sets the worker going; what there is to do stands in the enrolment.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Enrol {}
