//! DEREG.

use msgin5g::messages::DeregistrationRequest;
use msgin5g::registration::{self, DeregistrationVerdict};

use crate::error::RequestError;
use crate::ports::ue_id_text;
use crate::server::Server;
use crate::sessions::LiveSession;

/// Ends the registration of a UE Service ID, also one that an earlier session of the UE made. What waits for the
/// endpoint goes on waiting until it expires.
///
/// # Errors
/// [`RequestError`]; a refusal by the rules is a verdict.
///
/// Source: TS 24.538 6.3.1.2.2.
#[tracing::instrument(skip_all, name = "msgin5g_server.deregister", fields(nf.clause = "TS 24.538 6.3.1.2.2"))]
pub(crate) async fn deregister(
    server: &Server,
    session: &LiveSession,
    request: &DeregistrationRequest,
) -> Result<DeregistrationVerdict, RequestError> {
    let id = &request.ue_service_id;
    let ue_id = &session.ue().ue_id;
    let associations = server
        .in_time(async {
            server.contexts.confirm(session).await?;
            server.associations.get_with(ue_id, id).await
        })
        .await?;
    let verdict =
        registration::deregister(&session.binding(), session.at(), &associations, request);
    if verdict == DeregistrationVerdict::Deleted {
        server.registrations.delete(id).await?;
        let own = [ue_id_text(ue_id).to_owned()];
        for session in server.sessions.of_ues(&own) {
            server.sessions.unbind(&session, id);
        }
    }
    Ok(verdict)
}
