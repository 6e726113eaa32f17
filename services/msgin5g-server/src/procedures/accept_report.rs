//! IMDN from a UE to a UE.

use std::sync::Arc;

use cause::Cause;
use msgin5g::delivery::{self, DeliveryVerdict, RecipientState};
use msgin5g::messages::DeliveryReport;
use msgin5g::values::Endpoint;
use nf_runtime::telemetry::current_traceparent;

use super::accept_message::{Parties, take, tenant};
use crate::error::RequestError;
use crate::queue::{Acceptance, OnceName};
use crate::records::QueuedRecord;
use crate::server::Server;
use crate::sessions::LiveSession;

/// Takes a report over for the originator of the message, for whom it waits if need be. Only the recipient of a
/// message that asks for a report may report on it.
///
/// # Errors
/// [`RequestError`]; [`Cause::NotAuthorized`] for a report that nobody asked this UE for. A refusal by the rules is a
/// verdict.
///
/// Source: TS 23.554 8.3.4.
#[tracing::instrument(skip_all, name = "msgin5g_server.accept_report", fields(nf.clause = "TS 23.554 8.3.4"))]
pub(crate) async fn accept_report(
    server: &Arc<Server>,
    session: &LiveSession,
    report: &DeliveryReport,
) -> Result<DeliveryVerdict, RequestError> {
    let (Endpoint::Ue(reporter), Endpoint::Ue(recipient)) = (&report.originator, &report.recipient)
    else {
        // Nothing has to be looked for to refuse these.
        let at = session.at();
        let (now, policy) = (server.now(), server.storage_policy);
        let nobody = RecipientState::Unknown;
        let binding = session.binding();
        return Ok(delivery::accept_report(
            &binding, at, None, report, nobody, now, policy,
        ));
    };
    let parties = Parties::find(server, session, reporter, recipient).await?;
    let now = server.now();
    let verdict = parties.place(delivery::accept_report(
        &session.binding(),
        session.at(),
        parties.sender.as_ref(),
        report,
        parties.recipient(),
        now,
        server.storage_policy,
    ));
    let (keep_until, stored) = match verdict {
        DeliveryVerdict::Deliver { keep_until, .. } => (
            keep_until.unwrap_or_else(|| now.plus(server.storage_policy.default)),
            false,
        ),
        DeliveryVerdict::Store { keep_until } => (keep_until, true),
        DeliveryVerdict::Failed(_) | DeliveryVerdict::Refused(_) => return Ok(verdict),
    };
    let awaited = server
        .queue
        .awaits_report(reporter, recipient, &report.message_id);
    if !awaited.await? {
        return Ok(DeliveryVerdict::Refused(Cause::NotAuthorized));
    }
    let acceptance = Acceptance {
        name: OnceName::report(reporter.as_str(), &report.message_id),
        queued: QueuedRecord {
            body: report.encode(&server.service),
            tenant_id: tenant(&parties.tenant_id),
            keep_until: keep_until.unix_seconds(),
            now_or_never: false,
            sender_tenant_id: String::new(),
            traceparent: current_traceparent().unwrap_or_default(),
        },
        stored,
        report_wanted: false,
        now: now.unix_seconds(),
    };
    let taken = server.queue.put(recipient, &acceptance).await?;
    Ok(take(server, recipient, taken, verdict, keep_until))
}
