//! The gRPC services.

use cause::Cause;
use nf_api::convert::ue_service_id;
use nf_api::pb::configuration_management as pb;
use nf_api::pb::configuration_management::association_service_server::AssociationService;
use nf_api::pb::configuration_management::ue_configuration_service_server::UeConfigurationService;
use nf_api::status::refuse;
use nf_runtime::metrics::ProcedureMetrics;
use nf_runtime::procedure::answer;
use store::Store;
use tonic::{Request, Response, Status, async_trait};

use super::{convert, watch};
use crate::association::Kind;
use crate::config::ConfigurationManagementConfig;
use crate::procedures::close_association::{CloseAssociationError, close_association};
use crate::procedures::look_up_by_ue_id::{LookUpByUeIdError, look_up_by_ue_id};
use crate::procedures::open_association::{OpenAssociationError, open_association};
use crate::procedures::resolve_service_id::{ResolveServiceIdError, resolve_service_id};

#[derive(Clone)]
pub(super) struct Edge {
    pub(super) config: ConfigurationManagementConfig,
    pub(super) store: Store,
    pub(super) metrics: ProcedureMetrics,
}

#[async_trait]
impl AssociationService for Edge {
    type WatchAssociationsStream = watch::Stream;

    async fn put(
        &self,
        request: Request<pb::PutAssociationRequest>,
    ) -> Result<Response<pb::PutAssociationResponse>, Status> {
        let association = convert::association(request.into_inner().association).map_err(refuse)?;
        let opened = open_association(&self.store, &association);
        answer(
            &self.metrics,
            "open_association",
            opened,
            OpenAssociationError::cause,
        )
        .await?;
        Ok(Response::new(pb::PutAssociationResponse {}))
    }

    async fn close(
        &self,
        request: Request<pb::CloseAssociationRequest>,
    ) -> Result<Response<pb::CloseAssociationResponse>, Status> {
        let request = request.into_inner();
        let subscription_id = convert::subscription_id(&request.subscription_id).map_err(refuse)?;
        let closed = close_association(&self.store, &subscription_id, &request.association_id);
        answer(
            &self.metrics,
            "close_association",
            closed,
            CloseAssociationError::cause,
        )
        .await?;
        Ok(Response::new(pb::CloseAssociationResponse {}))
    }

    async fn lookup_by_ue_id(
        &self,
        request: Request<pb::LookupByUeIdRequest>,
    ) -> Result<Response<pb::LookupByUeIdResponse>, Status> {
        let looked_up = look_up_by_ue_id(&self.store, &request.get_ref().ue_id);
        let found = answer(
            &self.metrics,
            "look_up_by_ue_id",
            looked_up,
            LookUpByUeIdError::cause,
        )
        .await?;
        let associations = found.iter().map(convert::message).collect();
        Ok(Response::new(pb::LookupByUeIdResponse { associations }))
    }

    async fn resolve_service_id(
        &self,
        request: Request<pb::ResolveServiceIdRequest>,
    ) -> Result<Response<pb::ResolveServiceIdResponse>, Status> {
        let ue_service_id = ue_service_id(&request.get_ref().ue_service_id).map_err(refuse)?;
        let resolved = resolve_service_id(&self.store, &ue_service_id);
        let found = answer(
            &self.metrics,
            "resolve_service_id",
            resolved,
            ResolveServiceIdError::cause,
        )
        .await?;
        let kind = match found.kind {
            Kind::Direct => pb::association::Kind::Direct,
            Kind::Behind(_) => pb::association::Kind::Behind,
        };
        Ok(Response::new(pb::ResolveServiceIdResponse {
            tenant_id: found.tenant_id.as_str().to_owned(),
            kind: kind.into(),
        }))
    }

    async fn watch_associations(
        &self,
        _request: Request<pb::WatchAssociationsRequest>,
    ) -> Result<Response<Self::WatchAssociationsStream>, Status> {
        let stream = watch::open(&self.store)
            .await
            .map_err(|error| refuse(error.cause()))?;
        Ok(Response::new(stream))
    }
}

#[async_trait]
impl UeConfigurationService for Edge {
    async fn get(
        &self,
        request: Request<pb::GetUeConfigurationRequest>,
    ) -> Result<Response<pb::GetUeConfigurationResponse>, Status> {
        let looked_up = look_up_by_ue_id(&self.store, &request.get_ref().ue_id);
        let found = answer(
            &self.metrics,
            "get_ue_configuration",
            looked_up,
            LookUpByUeIdError::cause,
        )
        .await?;
        let direct = found
            .into_iter()
            .find(|association| association.kind == Kind::Direct);
        let association = direct
            .filter(|_| !self.config.msgin5g_server_uri.is_empty())
            .ok_or_else(|| refuse(Cause::NotFound))?;
        Ok(Response::new(pb::GetUeConfigurationResponse {
            msgin5g_server_uri: self.config.msgin5g_server_uri.clone(),
            ue_service_id: association.ue_service_id.as_str().to_owned(),
            segment_size: self.config.segment_size,
        }))
    }
}
