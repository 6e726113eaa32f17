//! The end of messages that are not delivered.

use std::sync::Arc;

use cause::Cause;
use identifiers::UeServiceId;
use msgin5g::CONTENT_FORMAT_JSON;
use msgin5g::delivery::failure_report;
use msgin5g::messages::Request;
use msgin5g::values::Endpoint;
use nf_runtime::procedure::chain;

use crate::error::RequestError;
use crate::metrics::Delivery;
use crate::queue::{Acceptance, OnceName};
use crate::records::QueuedRecord;
use crate::server::Server;

/// Gives up every message that has expired; what was not reached is looked at next time.
///
/// Source: TS 23.554 8.3.6.
#[tracing::instrument(skip_all, name = "msgin5g_server.expire", fields(nf.clause = "TS 23.554 8.3.6"))]
pub(crate) async fn expire(server: &Arc<Server>) {
    let expiring = expire_all(server);
    let expiring = server
        .procedures
        .measure("expire", expiring, RequestError::cause);
    if let Err(error) = expiring.await {
        tracing::warn!(
            error = chain(&error),
            "expired messages were not looked for"
        );
    }
}

async fn expire_all(server: &Arc<Server>) -> Result<(), RequestError> {
    for recipient in server.queue.recipients().await? {
        let mut after: Option<String> = None;
        loop {
            let page = server.queue.page(&recipient, after.as_deref()).await?;
            if page.is_empty() {
                break;
            }
            for (name, queued) in page {
                if queued.keep_until <= server.now().unix_seconds() {
                    give_up(server, &recipient, &name, &queued, Cause::DeadlineExceeded).await?;
                }
                after = Some(name);
            }
        }
    }
    Ok(())
}

/// Ends a message that will not be delivered, and tells its sender if it wants to know. The report is durable before
/// the message is gone.
pub(super) async fn give_up(
    server: &Arc<Server>,
    recipient: &UeServiceId,
    name: &str,
    queued: &QueuedRecord,
    cause: Cause,
) -> Result<(), RequestError> {
    report(server, queued, cause).await?;
    server.queue.remove(recipient, name).await?;
    server.deliveries.count(match cause {
        Cause::DeadlineExceeded => Delivery::Expired,
        _ => Delivery::Failed,
    });
    Ok(())
}

async fn report(
    server: &Arc<Server>,
    queued: &QueuedRecord,
    cause: Cause,
) -> Result<(), RequestError> {
    let read = Request::decode(&server.service, Some(CONTENT_FORMAT_JSON), &queued.body);
    let Ok(Request::Message(message)) = read else {
        return Ok(());
    };
    let Some(report) = failure_report(&message, cause) else {
        return Ok(());
    };
    let (Endpoint::Ue(of), Endpoint::Ue(to)) = (&report.originator, &report.recipient) else {
        return Ok(());
    };
    let now = server.now();
    let keep_until = now.plus(server.storage_policy.default);
    let acceptance = Acceptance {
        name: OnceName::report(of.as_str(), &report.message_id),
        queued: QueuedRecord {
            body: report.encode(&server.service),
            tenant_id: queued.sender_tenant_id.clone(),
            keep_until: keep_until.unix_seconds(),
            now_or_never: false,
            sender_tenant_id: String::new(),
            traceparent: queued.traceparent.clone(),
        },
        stored: true,
        report_wanted: false,
        now: now.unix_seconds(),
    };
    match server.queue.put(to, &acceptance).await {
        // A sender whose own queue is full, or who has a report already, gets no other.
        Ok(_) | Err(RequestError::Refused(_)) => {
            server.kick(to);
            Ok(())
        }
        Err(error) => Err(error),
    }
}
