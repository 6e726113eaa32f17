//! Registrations, for operators.

use std::sync::Arc;

use cause::Cause;
use identifiers::UeServiceId;
use nf_api::convert::{timestamp, ue_service_id};
use nf_api::pb::msgin5g as pb;
use nf_api::pb::msgin5g::registration_service_server::{
    RegistrationService, RegistrationServiceServer,
};
use nf_api::status::refuse;
use nf_runtime::metrics::ProcedureMetrics;
use nf_runtime::procedure::answer;
use tonic::service::Routes;
use tonic::{Request, Response, Status, async_trait};

use crate::error::RequestError;
use crate::reach::Reach;
use crate::server::Server;

struct Edge {
    server: Arc<Server>,
    metrics: ProcedureMetrics,
}

pub(crate) fn routes(server: Arc<Server>, metrics: ProcedureMetrics) -> Routes {
    Routes::new(RegistrationServiceServer::new(Edge { server, metrics }))
}

#[async_trait]
impl RegistrationService for Edge {
    async fn get(
        &self,
        request: Request<pb::GetRegistrationRequest>,
    ) -> Result<Response<pb::GetRegistrationResponse>, Status> {
        let id = ue_service_id(&request.get_ref().ue_service_id).map_err(refuse)?;
        let found = self.registration(&id);
        let found = answer(
            &self.metrics,
            "get_registration",
            found,
            RequestError::cause,
        )
        .await?;
        Ok(Response::new(found))
    }
}

impl Edge {
    async fn registration(
        &self,
        id: &UeServiceId,
    ) -> Result<pb::GetRegistrationResponse, RequestError> {
        let located = self.server.registrations.read(id).await?;
        let located = located
            .filter(|located| located.registration.is_current(self.server.now()))
            .ok_or(RequestError::Refused(Cause::NotFound))?;
        let registration = &located.registration;
        let reachable = Reach::find(&self.server, &located).await?.is_present();
        let waiting = self.server.queue.count(id).await?;
        let ms = |seconds: u64| timestamp(seconds.saturating_mul(1_000));
        Ok(pb::GetRegistrationResponse {
            registered_at: Some(ms(registration.registered_at.unix_seconds())),
            expires_at: Some(ms(registration.expires_at.unix_seconds())),
            reachable,
            stored_messages: u32::try_from(waiting).unwrap_or(u32::MAX),
        })
    }
}
