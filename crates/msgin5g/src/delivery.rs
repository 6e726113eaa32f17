//! Rules of the server for MSG and IMDN.
//!
//! A message that is to be delivered or stored is made durable before it is answered; it is deleted when the recipient's
//! device answers the push with 2.04.
//!
//! Source: TS 23.554 8.3.2 to 8.3.6, TS 24.538 6.4.

use crate::code;
use crate::messages::{DeliveryReport, Message, MessageResponse, MessageStatus, ReportStatus};
use crate::registration::Registration;
use crate::session::{SessionBinding, SessionEpoch};
use crate::time::Timestamp;
use crate::values::{Endpoint, MessageId, Recipient, StoreAndForward};
use cause::Cause;
use core::time::Duration;
use identifiers::{TenantId, UeServiceId};

/// How long messages wait for an absent recipient. `Choice:` TS 23.554 leaves it to the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoragePolicy {
    /// Time of a message that states no expiration. Default 24 hours.
    pub default: Duration,
    /// Longest time, also where the sender asks for more. Default 7 days.
    pub longest: Duration,
}

impl Default for StoragePolicy {
    fn default() -> Self {
        Self {
            default: Duration::from_secs(24 * 3600),
            longest: Duration::from_secs(7 * 24 * 3600),
        }
    }
}

/// What the server knows about the UE endpoint that is addressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecipientState<'a> {
    /// No association has this UE Service ID.
    Unknown,
    /// The endpoint exists.
    Known {
        /// The tenant that it belongs to.
        tenant_id: &'a TenantId,
        /// Its registration, current or over; `None` where it never registered or de-registered.
        registration: Option<&'a Registration>,
    },
}

/// Decision about a message or a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryVerdict {
    /// Push to the recipient at its delivery session; 2.04.
    Deliver {
        /// Where to push.
        at: SessionEpoch,
        /// How long to keep it when the push fails; `None` means not at all.
        keep_until: Option<Timestamp>,
    },
    /// Store for the absent recipient; 2.04.
    Store {
        /// How long.
        keep_until: Timestamp,
    },
    /// The request was right, the message cannot be delivered: 2.04 with the status failed.
    Failed(Cause),
    /// The request is refused; the cause gives the code.
    Refused(Cause),
}

impl DeliveryVerdict {
    /// Returns the CoAP code of the answer.
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Self::Refused(cause) => cause.coap(),
            _ => code::CHANGED,
        }
    }

    /// Returns the body of the answer.
    #[must_use]
    pub fn answer(&self, message_id: &MessageId) -> MessageResponse {
        MessageResponse {
            message_id: message_id.clone(),
            status: match self {
                Self::Deliver { .. } => MessageStatus::Accepted,
                Self::Store { .. } => MessageStatus::Stored,
                Self::Failed(cause) | Self::Refused(cause) => {
                    MessageStatus::Failed(Some((*cause).into()))
                }
            },
        }
    }
}

/// Decides about a message to a UE that came at `at` from a UE.
///
/// `sender` is the originator's registration. A message to another kind of recipient is refused with
/// [`Cause::Unsupported`].
///
/// Refusals: those of [`SessionBinding::check_originator`]; [`Cause::NotRegistered`] for a sender whose registration is
/// over; [`Cause::UnknownRecipient`]; [`Cause::NotAuthorized`] for a recipient of another tenant;
/// [`Cause::MandatoryElementIncorrect`] for a message that has already expired. A message fails with
/// [`Cause::NotRegistered`] if its recipient is absent and the sender or the recipient declines storing.
///
/// Source: TS 23.554 8.3.2, 8.3.6.
#[must_use]
pub fn accept_message(
    binding: &SessionBinding,
    at: SessionEpoch,
    sender: Option<&Registration>,
    message: &Message,
    recipient: RecipientState<'_>,
    now: Timestamp,
    policy: StoragePolicy,
) -> DeliveryVerdict {
    if !matches!(message.recipient, Recipient::Ue(_)) {
        return DeliveryVerdict::Refused(Cause::Unsupported);
    }
    let registration = match admit(binding, at, sender, &message.originator, recipient, now) {
        Ok(registration) => registration,
        Err(cause) => return DeliveryVerdict::Refused(cause),
    };
    let declined = message.store_and_forward == StoreAndForward::Declined
        || registration.is_some_and(|r| r.profile.declines_store_and_forward());
    let keep_until = match keep_until(message.store_and_forward, now, policy) {
        Ok(time) => time,
        Err(cause) => return DeliveryVerdict::Refused(cause),
    };
    place(registration, now, (!declined).then_some(keep_until))
}

/// Decides about a report that came at `at` from a UE to a UE; it is stored for an absent originator of the message.
///
/// That the message was addressed to the reporting UE is not checked here: only the server's records can tell.
///
/// Refusals: as for [`accept_message`].
///
/// Source: TS 23.554 8.3.4.
#[must_use]
pub fn accept_report(
    binding: &SessionBinding,
    at: SessionEpoch,
    sender: Option<&Registration>,
    report: &DeliveryReport,
    recipient: RecipientState<'_>,
    now: Timestamp,
    policy: StoragePolicy,
) -> DeliveryVerdict {
    if !matches!(report.recipient, Endpoint::Ue(_)) {
        return DeliveryVerdict::Refused(Cause::Unsupported);
    }
    match admit(binding, at, sender, &report.originator, recipient, now) {
        Ok(registration) => place(registration, now, Some(now.plus(policy.default))),
        Err(cause) => DeliveryVerdict::Refused(cause),
    }
}

/// What the server does after it pushed a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushOutcome {
    /// The device has it: delete.
    Delivered,
    /// Keep it until it expires, and push again when the recipient next shows itself.
    ReturnToStore,
}

/// Reads the outcome of a push; `code` is the answer's CoAP code, `None` where none came.
#[must_use]
pub const fn push_outcome(code: Option<u8>) -> PushOutcome {
    match code {
        Some(code::CHANGED) => PushOutcome::Delivered,
        _ => PushOutcome::ReturnToStore,
    }
}

/// Makes the report that the server owes to the sender of a message that was not delivered; `None` where the sender wants
/// no report or the message went to more than one UE.
///
/// Source: TS 23.554 8.3.6. `Choice:` a failure report follows an expired message.
#[must_use]
pub fn failure_report(message: &Message, cause: Cause) -> Option<DeliveryReport> {
    let originator = match &message.recipient {
        Recipient::Ue(id) => Endpoint::Ue(id.clone()),
        Recipient::As(id) => Endpoint::As(id.clone()),
        Recipient::Group(_) | Recipient::BroadcastArea(_) | Recipient::Topic(_) => return None,
    };
    message.delivery_status_required.then(|| DeliveryReport {
        originator,
        recipient: message.originator.clone(),
        message_id: message.message_id.clone(),
        status: ReportStatus::Failed(Some(cause.into())),
    })
}

/// Admits a sender and finds the current registration of the recipient.
fn admit<'a>(
    binding: &SessionBinding,
    at: SessionEpoch,
    sender: Option<&Registration>,
    originator: &Endpoint,
    recipient: RecipientState<'a>,
    now: Timestamp,
) -> Result<Option<&'a Registration>, Cause> {
    let Endpoint::Ue(originator) = originator else {
        // An application server has its own interface (TS 29.538); a UE cannot speak for it.
        return Err(Cause::UeServiceIdNotAssociated);
    };
    let tenant = binding.check_originator(at, originator)?;
    if !sender.is_some_and(|r| stands(r, originator, now)) {
        return Err(Cause::NotRegistered);
    }
    let RecipientState::Known {
        tenant_id,
        registration,
    } = recipient
    else {
        return Err(Cause::UnknownRecipient);
    };
    if tenant_id != tenant {
        return Err(Cause::NotAuthorized);
    }
    Ok(registration)
}

fn stands(registration: &Registration, of: &UeServiceId, now: Timestamp) -> bool {
    registration.ue_service_id == *of && registration.is_current(now)
}

fn keep_until(
    wish: StoreAndForward,
    now: Timestamp,
    policy: StoragePolicy,
) -> Result<Timestamp, Cause> {
    match wish {
        StoreAndForward::Requested {
            expires: Some(time),
        } if time <= now => Err(Cause::MandatoryElementIncorrect),
        StoreAndForward::Requested {
            expires: Some(time),
        } => Ok(time.min(now.plus(policy.longest))),
        _ => Ok(now.plus(policy.default.min(policy.longest))),
    }
}

fn place(
    registration: Option<&Registration>,
    now: Timestamp,
    keep_until: Option<Timestamp>,
) -> DeliveryVerdict {
    match (registration.filter(|r| r.is_current(now)), keep_until) {
        (Some(registration), keep_until) => DeliveryVerdict::Deliver {
            at: registration.delivery,
            keep_until,
        },
        (None, Some(keep_until)) => DeliveryVerdict::Store { keep_until },
        (None, None) => DeliveryVerdict::Failed(Cause::NotRegistered),
    }
}
