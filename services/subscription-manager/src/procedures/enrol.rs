//! From a chosen plan to an offered profile: allocate numbers, mint credentials, associate, seal.
//!
//! Each step is one call to a peer or one set of claims, followed by one write; what comes next is read from
//! what was written. A crash anywhere repeats the step that it interrupted, and every step may be repeated.

mod allocate;
mod associate;
mod mint;
mod prepare;
mod seal;

use async_trait::async_trait;
use cause::Cause;
use identifiers::DeviceId;
use nf_runtime::metrics::ProcedureMetrics;
use nf_runtime::telemetry::set_parent_from_traceparent;
use store::{Applied, Applier, ClaimError, Class, Error, Outgoing, SealError, Stored, Tag};
use tracing::{Instrument as _, info_span};

use super::begin_enrolment::can_deliver;
use crate::context::Context;
use crate::records::{
    Delivery, DeliveryState, DeviceRecord, EnrolmentRecord, SessionRecord, SessionState,
};

/// Carries enrolments on, each until nothing is left to do for now.
pub(crate) struct EnrolmentWorker {
    pub(crate) context: Context,
    pub(crate) metrics: ProcedureMetrics,
}

#[async_trait]
impl Applier for EnrolmentWorker {
    async fn apply(&self, message: &Outgoing) -> Applied {
        let Ok(device_id) = DeviceId::parse(message.tag.entity()) else {
            return Applied::Refused("not the tag of a device".to_owned());
        };
        let span = info_span!("subscription_manager.outbox", topic = message.topic);
        set_parent_from_traceparent(&span, &message.traceparent);
        self.carry_on(&device_id).instrument(span).await
    }
}

impl EnrolmentWorker {
    async fn carry_on(&self, device_id: &DeviceId) -> Applied {
        let running = self.metrics.start("enrol");
        let enrolled = enrol(&self.context, device_id).await;
        running.finish(match &enrolled {
            Ok(refused) => *refused,
            Err(error) => Some(error.cause()),
        });
        match enrolled {
            Ok(_) => Applied::Done,
            Err(error) => {
                let device = device_id.redacted().to_string();
                tracing::warn!(
                    device,
                    cause = error.cause().name(),
                    error = nf_runtime::procedure::chain(&error),
                    "enrolment waits"
                );
                Applied::Retry
            }
        }
    }
}

/// Takes all steps that can be taken now, and answers why a step was refused for good, if one was.
#[tracing::instrument(skip_all, name = "subscription_manager.enrol", fields(nf.clause = "TR 23.799 12.z"))]
pub(crate) async fn enrol(
    context: &Context,
    device_id: &DeviceId,
) -> Result<Option<Cause>, StepError> {
    let mut refused = None;
    loop {
        match advance(context, device_id).await? {
            Progress::Stepped => {}
            Progress::Refused(cause) => refused = Some(cause),
            Progress::Nothing => return Ok(refused),
        }
    }
}

/// Whether there may be more to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Stepped,
    /// A step was refused for good, and that is written.
    Refused(Cause),
    Nothing,
}

/// A step is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    #[error("peer refuses or does not answer: {0}")]
    Peer(Cause),
    #[error("plan has no free number left")]
    Exhausted,
    #[error("number cannot be claimed")]
    Claim(#[from] ClaimError),
    #[error("keys cannot be unsealed")]
    Seal(#[from] SealError),
    #[error("enrolment cannot be read or written")]
    Store(#[from] Error),
}

impl StepError {
    pub(crate) const fn cause(&self) -> Cause {
        match self {
            Self::Peer(cause) => *cause,
            Self::Exhausted => Cause::NumberRangeExhausted,
            Self::Claim(error) => error.cause(),
            Self::Seal(error) => error.cause(),
            Self::Store(error) => error.cause(),
        }
    }

    /// The cause, if trying again is of no use: the request itself is at fault, not the moment.
    fn is_final(&self) -> Option<Cause> {
        match self {
            Self::Exhausted => Some(Cause::NumberRangeExhausted),
            Self::Peer(cause)
                if cause.http() < 500
                    && (!cause.retryable() || *cause == Cause::ChallengeStale) =>
            {
                Some(*cause)
            }
            _ => None,
        }
    }
}

/// What a step works on, as it was read.
struct Enrolling<'a> {
    context: &'a Context,
    device_id: &'a DeviceId,
    device: DeviceRecord,
    /// The newest session, if the device may use it.
    session: Option<Stored<SessionRecord>>,
    enrolment: Stored<EnrolmentRecord>,
}

impl Enrolling<'_> {
    const fn record(&self) -> &EnrolmentRecord {
        &self.enrolment.record
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Allocate,
    Mint,
    Associate,
    Prepare,
    Seal,
}

/// What a step leads to.
struct Outcome {
    next: EnrolmentRecord,
    /// Numbers that searches need not look at any more, once this is written.
    taken: Vec<allocate::Taken>,
}

impl From<EnrolmentRecord> for Outcome {
    fn from(next: EnrolmentRecord) -> Self {
        Self {
            next,
            taken: Vec::new(),
        }
    }
}

/// Takes the next step of a device's enrolment.
pub(crate) async fn advance(
    context: &Context,
    device_id: &DeviceId,
) -> Result<Progress, StepError> {
    let tag = context.device_tag(device_id)?;
    let Some(enrolling) = read(context, device_id, &tag).await? else {
        return Ok(Progress::Nothing);
    };
    let Some(step) = next_step(&enrolling) else {
        return Ok(Progress::Nothing);
    };
    let taken = match step {
        Step::Allocate => allocate::allocate(&enrolling).await,
        Step::Mint => mint::mint(&enrolling).await,
        Step::Associate => associate::associate(&enrolling).await,
        Step::Prepare => prepare::prepare(&enrolling).await,
        Step::Seal => seal::seal(&enrolling).await,
    };
    let (outcome, progress) = match taken {
        Ok(outcome) => (outcome, Progress::Stepped),
        Err(error) => match error.is_final() {
            Some(cause) => (
                failed(&enrolling, cause).await?.into(),
                Progress::Refused(cause),
            ),
            None => return Err(error),
        },
    };
    match write(&enrolling, &tag, &outcome.next).await {
        Ok(()) => allocate::pass(context, outcome.taken).await?,
        // Something changed meanwhile, such as a newer session: look again.
        Err(error) if error.is_conflict() => return Ok(Progress::Stepped),
        Err(error) => return Err(error.into()),
    }
    Ok(progress)
}

async fn read<'a>(
    context: &'a Context,
    device_id: &'a DeviceId,
    tag: &Tag,
) -> Result<Option<Enrolling<'a>>, Error> {
    let store = &context.store;
    let device = store.read::<DeviceRecord>(tag).await?;
    let enrolment = store.read::<EnrolmentRecord>(tag).await?;
    let (Some(device), Some(enrolment)) = (device, enrolment) else {
        return Ok(None);
    };
    let device = device.record;
    let session = match device.session.as_str() {
        "" => None,
        name => store.read_named::<SessionRecord>(tag, name).await?,
    };
    let session = session.filter(|session| session.record.is_live(context.now_ms()));
    Ok(Some(Enrolling {
        context,
        device_id,
        device,
        session,
        enrolment,
    }))
}

fn next_step(enrolling: &Enrolling<'_>) -> Option<Step> {
    let enrolment = enrolling.record();
    if enrolment.failure != 0 {
        return None;
    }
    if !allocate::is_allocated(enrolment) {
        return Some(Step::Allocate);
    }
    if enrolment.credential_set_id.is_empty() {
        return Some(Step::Mint).filter(|_| may_go_on(enrolling));
    }
    if !enrolment.associated {
        return Some(Step::Associate);
    }
    let session = enrolling.session.as_ref()?;
    if !can_deliver(enrolment, &session.record) {
        return None;
    }
    match enrolment.delivery_for(&enrolling.device.session) {
        None => Some(Step::Prepare),
        Some(delivery) if delivery.failure != 0 || !delivery.package.is_empty() => None,
        Some(_) => Some(Step::Seal),
    }
}

/// Whether this session has not failed already.
fn may_go_on(enrolling: &Enrolling<'_>) -> bool {
    let delivery = enrolling.record().delivery_for(&enrolling.device.session);
    delivery.is_none_or(|delivery| delivery.failure == 0)
}

/// The enrolment after a refusal for good: an associated one stays and waits for another session, a new one
/// gives its numbers back and ends.
async fn failed(enrolling: &Enrolling<'_>, cause: Cause) -> Result<EnrolmentRecord, StepError> {
    let device = enrolling.device_id.redacted().to_string();
    tracing::warn!(device, cause = cause.name(), "enrolment refused");
    let mut next = enrolling.record().clone();
    let failure = u32::from(cause.number());
    if next.associated {
        let session = enrolling.device.session.clone();
        next.delivery = Some(Delivery {
            session,
            state: DeliveryState::Created.into(),
            failure,
            ..Delivery::default()
        });
    } else {
        allocate::give_back(enrolling).await?;
        next.supi.clear();
        next.gpsi.clear();
        next.ue_service_id_reserved = false;
        next.failure = failure;
    }
    Ok(next)
}

async fn write(enrolling: &Enrolling<'_>, tag: &Tag, next: &EnrolmentRecord) -> Result<(), Error> {
    let store = &enrolling.context.store;
    let mut transaction = store.transaction(tag, Class::Record);
    transaction
        .put(next)
        .if_version(enrolling.enrolment.version);
    let name = &enrolling.device.session;
    let is_offered = next
        .delivery_for(name)
        .is_some_and(|delivery| delivery.state() == DeliveryState::Offered);
    if let Some(session) = enrolling.session.as_ref().filter(|_| is_offered) {
        transaction
            .put_named(name, &session.record.reached(SessionState::Delivering))
            .if_version(session.version)
            .expires_in(enrolling.context.keep_session());
    }
    store.commit(transaction).await.map(drop)
}
