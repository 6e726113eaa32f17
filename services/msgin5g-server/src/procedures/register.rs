//! REG.

use std::sync::Arc;

use cause::Cause;
use msgin5g::messages::RegistrationRequest;
use msgin5g::registration::{self, RegistrationVerdict};

use crate::error::RequestError;
use crate::server::Server;
use crate::sessions::LiveSession;

/// Registers a UE Service ID that is associated with the UE of the session, and delivers what waits for it.
///
/// # Errors
/// [`RequestError`]; a refusal by the rules is a verdict.
///
/// Source: TS 24.538 6.3.1.2.1, TS 33.501 Y.2.
#[tracing::instrument(skip_all, name = "msgin5g_server.register", fields(nf.clause = "TS 24.538 6.3.1.2.1"))]
pub(crate) async fn register(
    server: &Arc<Server>,
    session: &LiveSession,
    request: &RegistrationRequest,
) -> Result<RegistrationVerdict, RequestError> {
    let id = &request.ue_service_id;
    let generation = server.associations.feed().generation();
    let associations = server
        .in_time(async {
            server.contexts.confirm(session).await?;
            server.associations.get_with(&session.ue().ue_id, id).await
        })
        .await?;
    let now = server.now();
    let binding = session.binding();
    let decide = |existing: Option<&_>| {
        let policy = server.registration_policy;
        registration::register(
            &binding,
            session.at(),
            &associations,
            existing,
            request,
            now,
            policy,
        )
    };
    let (verdict, before) = server.registrations.decide(id, now, decide).await?;
    let (RegistrationVerdict::Created(registration) | RegistrationVerdict::Changed(registration)) =
        &verdict
    else {
        return Ok(verdict);
    };
    server
        .sessions
        .bind(session, id, registration.tenant_id.clone());
    // An association may have been closed between its reading and the binding.
    if server.associations.feed().generation() != generation {
        server.in_time(server.confirm(session)).await?;
        if !session.binds(id) {
            return Ok(RegistrationVerdict::Refused(
                Cause::UeServiceIdNotAssociated,
            ));
        }
    }
    if before.is_some_and(|before| before != session.at()) {
        server.moved(id);
    }
    server.kick(id);
    Ok(verdict)
}
