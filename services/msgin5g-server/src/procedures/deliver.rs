//! Delivery of what waits for a recipient.

use std::sync::Arc;

use cause::Cause;
use identifiers::UeServiceId;
use msgin5g::delivery::{PushOutcome, push_outcome};
use nf_runtime::procedure::chain;
use nf_runtime::telemetry::set_parent_from_traceparent;
use tracing::Instrument as _;

use super::expire::give_up;
use crate::attention::Attention;
use crate::error::RequestError;
use crate::metrics::Delivery;
use crate::reach::Reach;
use crate::records::QueuedRecord;
use crate::server::Server;
use crate::sessions::LiveSession;

/// Delivers what waits for a recipient; counts and logs how it ends within the trace.
///
/// # Errors
/// [`RequestError`]; what was not delivered waits.
#[tracing::instrument(skip_all, name = "msgin5g_server.deliver", fields(nf.clause = "TS 23.554 8.3.6"))]
pub(crate) async fn deliver(
    server: &Arc<Server>,
    recipient: &UeServiceId,
    attention: &Attention,
) -> Result<(), RequestError> {
    let delivering = deliver_all(server, recipient, attention);
    let delivering = server
        .procedures
        .measure("deliver", delivering, RequestError::cause);
    delivering.await.inspect_err(|error| {
        tracing::warn!(error = chain(error), "delivery failed, tried again");
    })
}

/// Pushes what waits for a recipient, in the order of acceptance, to the session that registered last. What the UE
/// acknowledges with 2.04 is deleted; everything else goes on waiting.
///
/// A UE that refuses a message still gets the next; one that does not answer gets nothing more for now. What belongs to a
/// UE at another server is left to that.
///
/// Source: TS 23.554 8.3.3 and 8.3.6, TS 24.538 6.4.
async fn deliver_all(
    server: &Arc<Server>,
    recipient: &UeServiceId,
    attention: &Attention,
) -> Result<(), RequestError> {
    let mut after: Option<String> = None;
    let mut recipient_is = Attitude::Attentive;
    loop {
        let page = server.queue.page(recipient, after.as_deref()).await?;
        if page.is_empty() {
            return Ok(());
        }
        for (name, queued) in page {
            if queued.keep_until <= server.now().unix_seconds() {
                give_up(server, recipient, &name, &queued, Cause::DeadlineExceeded).await?;
            } else if recipient_is == Attitude::Attentive {
                let span = tracing::info_span!(
                    parent: None,
                    "msgin5g_server.push",
                    nf.clause = "TS 23.554 8.3.3"
                );
                set_parent_from_traceparent(&span, &queued.traceparent);
                let pushing = push(server, recipient, attention, &name, &queued);
                recipient_is = pushing.instrument(span).await?;
            }
            if recipient_is == Attitude::Silent && queued.now_or_never {
                give_up(server, recipient, &name, &queued, Cause::NotRegistered).await?;
            }
            server.sessions.saw(recipient, &name);
            after = Some(name);
        }
    }
}

/// What a delivery can expect of its recipient.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Attitude {
    /// It takes or refuses what is pushed.
    Attentive,
    /// It has no session, or does not answer.
    Silent,
    /// Another server delivers to it.
    Elsewhere,
}

/// Pushes one message; answers what to expect of the recipient from now on.
async fn push(
    server: &Arc<Server>,
    recipient: &UeServiceId,
    attention: &Attention,
    name: &str,
    queued: &QueuedRecord,
) -> Result<Attitude, RequestError> {
    let mut moved = attention.moved.subscribe();
    let mut found = find(server, recipient, queued).await?;
    let (session, code) = loop {
        let session = match &found {
            Found::Here(session) => Arc::clone(session),
            Found::Elsewhere => return Ok(Attitude::Elsewhere),
            Found::Absent => return Ok(Attitude::Silent),
            Found::Stranger => {
                give_up(server, recipient, name, queued, Cause::UnknownRecipient).await?;
                return Ok(Attitude::Attentive);
            }
        };
        let mut answer = session.line().push(queued.body.clone());
        // A UE that is elsewhere by now tells a message that it got twice by the Message ID.
        let code = loop {
            tokio::select! {
                code = &mut answer => break Some(code),
                Ok(()) = moved.changed() => found = find(server, recipient, queued).await?,
            }
            if !matches!(&found, Found::Here(other) if other.at() == session.at()) {
                break None;
            }
        };
        drop(answer);
        if let Some(code) = code {
            break (session, code);
        }
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
    Ok(match code {
        Some(_) => Attitude::Attentive,
        None => Attitude::Silent,
    })
}

/// Where the holder of a name is.
enum Found {
    /// In this open session.
    Here(Arc<LiveSession>),
    /// In a session of another server.
    Elsewhere,
    /// Nowhere now.
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
    let session = match Reach::find(server, &located).await? {
        Reach::Here(session) => session,
        Reach::Elsewhere => return Ok(Found::Elsewhere),
        Reach::Absent => return Ok(Found::Absent),
    };
    match server.in_time(server.confirm(&session)).await {
        Ok(()) if session.binds(recipient) => Ok(Found::Here(session)),
        Ok(()) | Err(RequestError::Refused(_)) => Ok(Found::Absent),
        Err(error) => Err(error),
    }
}
