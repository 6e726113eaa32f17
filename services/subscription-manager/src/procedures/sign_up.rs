//! A person signs a device up in the portal.

use cause::Cause;
use identifiers::PlanId;
use onboarding::NetworkProofLevel;
use provisioning::ClaimSecret;
use store::{Class, Error, Outbox, SealError, Stored};

use super::begin_enrolment::{ENROL, Enrol, begin_enrolment, can_deliver};
use super::find_session::FoundSession;
use super::keep_plans::{PlanError, get_plan, list_plans};
use super::redeem_order::{
    RedeemOrderError, RedeemedOrder, Redeemer, redeem_by_code, release_order,
};
use crate::context::Context;
use crate::plan::Plan;
use crate::records::{DeviceRecord, EnrolmentRecord, SessionRecord, SessionState};

/// What the person is shown before signing up.
pub(crate) struct Offer {
    pub(crate) manufacturer: String,
    pub(crate) serial: String,
    pub(crate) plans: Vec<Plan>,
    /// Code to compare with the device; `None` where something else proves the network to it.
    pub(crate) match_code: Option<String>,
    /// The network has proven itself to the device.
    pub(crate) is_proven: bool,
    /// The device installs nothing without the secret of its label.
    pub(crate) needs_claim_secret: bool,
    pub(crate) headless: bool,
    /// The device has a subscription already and lacks only the claim secret.
    pub(crate) has_subscription: bool,
    /// Why an earlier attempt failed.
    pub(crate) failure: Option<Cause>,
}

/// What the person has decided.
pub(crate) struct SignUp {
    pub(crate) plan_id: Option<PlanId>,
    pub(crate) order_code: Option<String>,
    pub(crate) claim_secret: Option<ClaimSecret>,
    pub(crate) terms_accepted: bool,
    pub(crate) match_confirmed: bool,
}

/// A device is not signed up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignUpError {
    #[error("limited session has ended")]
    Ended,
    #[error("terms are not accepted")]
    Terms,
    #[error("match code is not confirmed")]
    Match,
    #[error("claim secret is missing")]
    ClaimSecret,
    #[error("no plan is chosen")]
    NoPlan,
    #[error("plan cannot be chosen")]
    Plan(#[from] PlanError),
    #[error("order cannot be redeemed")]
    Order(#[from] RedeemOrderError),
    #[error("claim secret cannot be sealed")]
    Seal(#[from] SealError),
    #[error("sign-up cannot be stored")]
    Store(#[from] Error),
}

impl SignUpError {
    pub(crate) const fn cause(&self) -> Cause {
        match self {
            Self::Ended => Cause::LimitedSessionExpired,
            Self::Terms | Self::Match | Self::ClaimSecret | Self::NoPlan => {
                Cause::MandatoryElementMissing
            }
            Self::Plan(error) => error.cause(),
            Self::Order(error) => error.cause(),
            Self::Seal(error) => error.cause(),
            Self::Store(error) => error.cause(),
        }
    }
}

/// What to show to the person; `None` if there is nothing to decide, because the device is signed up.
pub(crate) async fn offer(
    context: &Context,
    session: &FoundSession,
) -> Result<Option<Offer>, SignUpError> {
    let store = &context.store;
    let record = session.record();
    if !record.is_live(context.now_ms()) {
        return Err(SignUpError::Ended);
    }
    let enrolment = store
        .read::<EnrolmentRecord>(&session.tag)
        .await?
        .map(|stored| stored.record);
    let running = enrolment
        .as_ref()
        .filter(|enrolment| enrolment.failure == 0);
    if running.is_some_and(|running| can_deliver(running, record)) {
        return Ok(None);
    }
    let device = store
        .read::<DeviceRecord>(&session.tag)
        .await?
        .ok_or(SignUpError::Ended)?
        .record;
    let is_proven = record.is_proven_to_device();
    let needs_claim_secret = record.demanded() == NetworkProofLevel::ClaimSecret;
    let plans = list_plans(context)
        .await?
        .into_iter()
        .filter(|plan| plan.self_service);
    Ok(Some(Offer {
        manufacturer: device.manufacturer,
        serial: device.serial,
        plans: plans.collect(),
        match_code: (!is_proven && !needs_claim_secret).then(|| record.match_code.clone()),
        is_proven,
        needs_claim_secret,
        headless: device.headless,
        has_subscription: running.is_some(),
        failure: enrolment.and_then(|enrolment| crate::records::cause(enrolment.failure)),
    }))
}

/// Signs a device up. A second submission finds the first one's subscription.
#[tracing::instrument(skip_all, name = "subscription_manager.sign_up", fields(nf.clause = "TR 23.799 12.z"))]
pub(crate) async fn sign_up(
    context: &Context,
    outbox: &Outbox,
    session: &FoundSession,
    decision: SignUp,
) -> Result<(), SignUpError> {
    if offer(context, session).await?.is_none() {
        return Ok(());
    }
    if !decision.terms_accepted {
        return Err(SignUpError::Terms);
    }
    let device = context
        .store
        .read::<DeviceRecord>(&session.tag)
        .await?
        .ok_or(SignUpError::Ended)?
        .record;
    let device_id = session.device_id.as_str();
    let redeemer = Redeemer {
        device_id,
        manufacturer: &device.manufacturer,
        serial: &device.serial,
    };
    let order = match &decision.order_code {
        Some(code) => Some(redeem_by_code(context, code, redeemer).await?),
        None => None,
    };
    let signing = Signing {
        context,
        session,
        decision: &decision,
        order: order.as_ref(),
    };
    let signed = signing.run().await;
    let took_order = matches!(signed, Ok(true));
    if let Some(order) = order.as_ref().filter(|_| !took_order) {
        release_order(context, &order.order_id, device_id).await?;
    }
    signed?;
    outbox.nudge(&session.tag);
    Ok(())
}

struct Signing<'a> {
    context: &'a Context,
    session: &'a FoundSession,
    decision: &'a SignUp,
    order: Option<&'a RedeemedOrder>,
}

impl Signing<'_> {
    /// Answers whether the enrolment is the order's.
    async fn run(&self) -> Result<bool, SignUpError> {
        let claim_secret = self.claim_secret();
        if claim_secret.is_none()
            && !self.session.record().is_proven_to_device()
            && !self.decision.match_confirmed
        {
            return Err(SignUpError::Match);
        }
        loop {
            match self.attempt().await {
                Err(SignUpError::Store(error)) if error.is_conflict() => {
                    tokio::task::yield_now().await
                }
                attempted => return attempted,
            }
        }
    }

    async fn attempt(&self) -> Result<bool, SignUpError> {
        let store = &self.context.store;
        let tag = &self.session.tag;
        let name = self.session.name();
        let session = store.read_named::<SessionRecord>(tag, &name).await?;
        let session = session
            .filter(|session| session.record.is_live(self.context.now_ms()))
            .ok_or(SignUpError::Ended)?;
        let before = store.read::<EnrolmentRecord>(tag).await?;
        let running = before.as_ref().filter(|before| before.record.failure == 0);
        if let Some(running) =
            running.filter(|running| can_deliver(&running.record, &session.record))
        {
            return Ok(self
                .order
                .is_some_and(|order| order.order_id == running.record.order_id));
        }
        let enrolment = self.enrolment(running).await?;
        if !can_deliver(&enrolment, &session.record) {
            return Err(SignUpError::ClaimSecret);
        }
        let mut transaction = store.transaction(tag, Class::Record);
        transaction.put(&enrolment).if_unchanged(before.as_ref());
        transaction
            .put_named(&name, &session.record.reached(SessionState::SignedUp))
            .if_version(session.version)
            .expires_in(self.context.keep_session());
        transaction.send(ENROL, &Enrol {});
        store.commit(transaction).await?;
        Ok(self
            .order
            .is_some_and(|order| order.order_id == enrolment.order_id))
    }

    /// The enrolment with what was decided: the running one goes on, or a new one begins.
    async fn enrolment(
        &self,
        running: Option<&Stored<EnrolmentRecord>>,
    ) -> Result<EnrolmentRecord, SignUpError> {
        let mut enrolment = match running {
            Some(running) => {
                let mut enrolment = running.record.clone();
                enrolment.resume();
                enrolment
            }
            None => {
                let mut enrolment = begin_enrolment(self.context, &self.plan().await?);
                enrolment.order_id = self
                    .order
                    .map(|order| order.order_id.clone())
                    .unwrap_or_default();
                enrolment
            }
        };
        if let Some((secret, typed)) = self.claim_secret() {
            enrolment.claim_secret = self
                .context
                .seal_claim_secret(self.session.device_id.as_str(), secret.expose())?;
            enrolment.claim_secret_typed = typed;
        }
        Ok(enrolment)
    }

    /// The claim secret, and whether the person typed it.
    fn claim_secret(&self) -> Option<(&ClaimSecret, bool)> {
        let typed = self
            .decision
            .claim_secret
            .as_ref()
            .map(|secret| (secret, true));
        typed.or_else(|| Some((self.order?.claim_secret.as_ref()?, false)))
    }

    async fn plan(&self) -> Result<Plan, SignUpError> {
        if let Some(order) = self.order {
            return Ok(order.plan.clone());
        }
        let plan_id = self.decision.plan_id.as_ref().ok_or(SignUpError::NoPlan)?;
        let plan = get_plan(self.context, plan_id).await?;
        if plan.self_service {
            Ok(plan)
        } else {
            Err(PlanError::Unavailable.into())
        }
    }
}
