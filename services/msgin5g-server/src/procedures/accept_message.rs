//! MSG from a UE to a UE.

use std::sync::Arc;

use cause::Cause;
use identifiers::{TenantId, UeServiceId};
use msgin5g::Timestamp;
use msgin5g::delivery::{self, DeliveryVerdict, RecipientState};
use msgin5g::messages::Message;
use msgin5g::registration::Registration;
use msgin5g::values::{Endpoint, Recipient};
use nf_runtime::telemetry::current_traceparent;

use crate::error::RequestError;
use crate::metrics::Delivery;
use crate::queue::{Acceptance, OnceName, Taken};
use crate::reach::Reach;
use crate::records::QueuedRecord;
use crate::server::Server;
use crate::sessions::LiveSession;

/// What a message or report needs to be decided about.
pub(super) struct Parties {
    pub(super) sender: Option<Registration>,
    pub(super) tenant_id: Option<TenantId>,
    pub(super) registration: Option<Registration>,
    /// The way to the recipient.
    pub(super) reach: Reach,
}

impl Parties {
    /// Confirms the session of the sender and looks for sender and recipient.
    pub(super) async fn find(
        server: &Server,
        session: &LiveSession,
        sender: &UeServiceId,
        recipient: &UeServiceId,
    ) -> Result<Self, RequestError> {
        let tenant_id = server
            .in_time(async {
                server.confirm(session).await?;
                server.associations.tenant_of(recipient).await
            })
            .await?;
        let sender = server.registrations.read(sender).await?;
        let located = server.registrations.read(recipient).await?;
        let reach = match &located {
            Some(located) if located.registration.is_current(server.now()) => {
                Reach::find(server, located).await?
            }
            _ => Reach::Absent,
        };
        Ok(Self {
            sender: sender.map(|located| located.registration),
            tenant_id,
            reach,
            registration: located.map(|located| located.registration),
        })
    }

    pub(super) const fn recipient(&self) -> RecipientState<'_> {
        match &self.tenant_id {
            Some(tenant_id) => RecipientState::Known {
                tenant_id,
                registration: self.registration.as_ref(),
            },
            None => RecipientState::Unknown,
        }
    }

    /// A registration whose session is not open at any server counts as absent.
    pub(super) const fn place(&self, verdict: DeliveryVerdict) -> DeliveryVerdict {
        match verdict {
            DeliveryVerdict::Deliver { keep_until, .. } if !self.reach.is_present() => {
                match keep_until {
                    Some(keep_until) => DeliveryVerdict::Store { keep_until },
                    None => DeliveryVerdict::Failed(Cause::NotRegistered),
                }
            }
            verdict => verdict,
        }
    }
}

/// Takes a message over: decides, makes it durable, and has it delivered. A message that was taken over before is
/// answered as it was then.
///
/// # Errors
/// [`RequestError`]; a refusal by the rules is a verdict.
///
/// Source: TS 23.554 8.3.2 and 8.3.6, TS 24.538 6.4.
#[tracing::instrument(skip_all, name = "msgin5g_server.accept_message", fields(nf.clause = "TS 23.554 8.3.2"))]
pub(crate) async fn accept_message(
    server: &Arc<Server>,
    session: &LiveSession,
    message: &Message,
) -> Result<DeliveryVerdict, RequestError> {
    let (Endpoint::Ue(originator), Recipient::Ue(recipient)) =
        (&message.originator, &message.recipient)
    else {
        // Nothing has to be looked for to refuse these.
        let at = session.at();
        let (now, policy) = (server.now(), server.storage_policy);
        let nobody = RecipientState::Unknown;
        let binding = session.binding();
        return Ok(delivery::accept_message(
            &binding, at, None, message, nobody, now, policy,
        ));
    };
    let parties = Parties::find(server, session, originator, recipient).await?;
    let now = server.now();
    let verdict = parties.place(delivery::accept_message(
        &session.binding(),
        session.at(),
        parties.sender.as_ref(),
        message,
        parties.recipient(),
        now,
        server.storage_policy,
    ));
    let (keep_until, stored, now_or_never) = match verdict {
        DeliveryVerdict::Deliver { keep_until, .. } => {
            let until = keep_until.unwrap_or_else(|| now.plus(ATTEMPT));
            (until, false, keep_until.is_none())
        }
        DeliveryVerdict::Store { keep_until } => (keep_until, true, false),
        DeliveryVerdict::Failed(_) | DeliveryVerdict::Refused(_) => return Ok(verdict),
    };
    let segment = message.segment.as_ref().map(|segment| segment.number);
    let acceptance = Acceptance {
        name: OnceName::message(originator, &message.message_id, segment),
        queued: QueuedRecord {
            body: message.encode(&server.service),
            tenant_id: tenant(&parties.tenant_id),
            keep_until: keep_until.unix_seconds(),
            now_or_never,
            sender_tenant_id: tenant(&parties.sender.map(|sender| sender.tenant_id)),
            traceparent: current_traceparent().unwrap_or_default(),
        },
        stored,
        report_wanted: message.delivery_status_required,
        now: now.unix_seconds(),
    };
    let taken = server.queue.put(recipient, &acceptance).await?;
    if now_or_never && matches!(parties.reach, Reach::Elsewhere) {
        server.hand_over(recipient);
    }
    Ok(take(server, recipient, taken, verdict, keep_until))
}

/// Counts what was taken over, has it delivered, and says what the sender is told.
pub(super) fn take(
    server: &Arc<Server>,
    recipient: &UeServiceId,
    taken: Taken,
    verdict: DeliveryVerdict,
    keep_until: Timestamp,
) -> DeliveryVerdict {
    server.deliveries.count(match (&taken, &verdict) {
        (Taken::Before { .. }, _) => Delivery::Repeated,
        (Taken::New(_), DeliveryVerdict::Store { .. }) => Delivery::Stored,
        (Taken::New(_), _) => Delivery::Accepted,
    });
    if let Taken::New(name) = &taken {
        server.hinted(recipient, name);
    }
    match (taken, verdict) {
        (Taken::Before { stored: true }, DeliveryVerdict::Deliver { .. }) => {
            DeliveryVerdict::Store { keep_until }
        }
        (Taken::Before { stored: false }, DeliveryVerdict::Store { keep_until }) => {
            // Where it was to be delivered does not enter the answer.
            DeliveryVerdict::Deliver {
                at: msgin5g::session::SessionEpoch {
                    session: 0,
                    epoch: 0,
                },
                keep_until: Some(keep_until),
            }
        }
        (_, verdict) => verdict,
    }
}

pub(super) fn tenant(tenant_id: &Option<TenantId>) -> String {
    tenant_id
        .as_ref()
        .map(|tenant_id| tenant_id.as_str().to_owned())
        .unwrap_or_default()
}

/// How long the delivery of a message that may not wait is tried.
const ATTEMPT: std::time::Duration = std::time::Duration::from_secs(120);
