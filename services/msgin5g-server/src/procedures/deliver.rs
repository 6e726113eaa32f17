//! Delivery of what waits for a recipient.

use std::sync::Arc;

use cause::Cause;
use identifiers::UeServiceId;
use msgin5g::delivery::{PushOutcome, push_outcome};

use super::expire::give_up;
use crate::error::RequestError;
use crate::metrics::Delivery;
use crate::records::QueuedRecord;
use crate::server::{Attention, Server};
use crate::sessions::LiveSession;

/// Pushes what waits for a recipient, in the order of acceptance, to the session that registered last. What the UE
/// acknowledges with 2.04 is deleted; everything else goes on waiting.
///
/// A UE that refuses a message still gets the next; one that does not answer gets nothing more for now.
///
/// # Errors
/// [`RequestError`]; what was not delivered waits.
///
/// Source: TS 23.554 8.3.3 and 8.3.6, TS 24.538 6.4.
#[tracing::instrument(skip_all, name = "msgin5g_server.deliver", fields(nf.clause = "TS 23.554 8.3.6"))]
pub(crate) async fn deliver(
    server: &Arc<Server>,
    recipient: &UeServiceId,
    attention: &Attention,
) -> Result<(), RequestError> {
    let mut after: Option<String> = None;
    let mut silent = false;
    loop {
        let page = server.queue.page(recipient, after.as_deref()).await?;
        if page.is_empty() {
            return Ok(());
        }
        for (name, queued) in page {
            if queued.keep_until <= server.now().unix_seconds() {
                give_up(server, recipient, &name, &queued, Cause::DeadlineExceeded).await?;
            } else if !silent {
                silent = !push(server, recipient, attention, &name, &queued).await?;
            }
            if silent && queued.now_or_never {
                give_up(server, recipient, &name, &queued, Cause::NotRegistered).await?;
            }
            after = Some(name);
        }
    }
}

/// Pushes one message; answers whether the UE was there to take it or to refuse it.
async fn push(
    server: &Arc<Server>,
    recipient: &UeServiceId,
    attention: &Attention,
    name: &str,
    queued: &QueuedRecord,
) -> Result<bool, RequestError> {
    let mut moved = attention.moved.subscribe();
    loop {
        moved.mark_unchanged();
        let session = match find(server, recipient, queued).await? {
            Found::Here(session) => session,
            Found::Absent => return Ok(false),
            Found::Stranger => {
                give_up(server, recipient, name, queued, Cause::UnknownRecipient).await?;
                return Ok(true);
            }
        };
        let code = tokio::select! {
            code = session.line().push(queued.body.clone()) => code,
            // The UE is elsewhere by now; it tells a message that it got twice by the Message ID.
            Ok(()) = moved.changed() => continue,
        };
        match push_outcome(code) {
            PushOutcome::Delivered => {
                server.queue.remove(recipient, name).await?;
                server.deliveries.count(Delivery::Delivered);
            }
            PushOutcome::ReturnToStore if queued.now_or_never && code.is_some() => {
                give_up(server, recipient, name, queued, Cause::UnknownRecipient).await?;
            }
            PushOutcome::ReturnToStore => {
                session.owe();
                server.deliveries.count(Delivery::Returned);
            }
        }
        return Ok(code.is_some());
    }
}

/// Where the holder of a name is.
enum Found {
    /// In this open session.
    Here(Arc<LiveSession>),
    /// Not at this server, or not now.
    Absent,
    /// The name belongs to another tenant by now, whom the message was not sent to.
    Stranger,
}

async fn find(
    server: &Server,
    recipient: &UeServiceId,
    queued: &QueuedRecord,
) -> Result<Found, RequestError> {
    let located = server.registrations.read(recipient).await?;
    let Some(located) = located.filter(|located| located.registration.is_current(server.now()))
    else {
        return Ok(Found::Absent);
    };
    if located.registration.tenant_id.as_str() != queued.tenant_id {
        return Ok(Found::Stranger);
    }
    let session = server.sessions.get(located.registration.delivery.session);
    let Some(session) = session.filter(|_| located.here) else {
        return Ok(Found::Absent);
    };
    match server.in_time(server.confirm(&session)).await {
        Ok(()) if session.binds(recipient) => Ok(Found::Here(session)),
        Ok(()) | Err(RequestError::Refused(_)) => Ok(Found::Absent),
        Err(error) => Err(error),
    }
}
