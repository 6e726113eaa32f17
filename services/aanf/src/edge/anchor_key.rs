//! Anchor keys, from the AuSF.

use std::time::Duration;

use akma::AnchorKey;
use cause::Cause;
use identifiers::{Gpsi, Supi};
use nf_api::convert;
use nf_api::pb::aanf as pb;
use nf_api::pb::aanf::anchor_key_service_server::AnchorKeyService;
use nf_api::status::refuse;
use nf_runtime::clock::Clock;
use nf_runtime::metrics::ProcedureMetrics;
use nf_runtime::procedure::answer;
use tonic::{Request, Response, Status, async_trait};

use crate::contexts::{ContextError, Contexts};
use crate::procedures::register_anchor_key::{RegisterAnchorKeyError, register_anchor_key};
use crate::procedures::remove_context::remove_context;

pub(super) struct Edge {
    pub(super) contexts: Contexts,
    pub(super) grace: Duration,
    pub(super) clock: Clock,
    pub(super) metrics: ProcedureMetrics,
}

#[async_trait]
impl AnchorKeyService for Edge {
    async fn register(
        &self,
        request: Request<pb::RegisterRequest>,
    ) -> Result<Response<pb::RegisterResponse>, Status> {
        let (supi, anchor_key) = decode(request.into_inner()).map_err(refuse)?;
        let registered = register_anchor_key(
            &self.contexts,
            &supi,
            anchor_key,
            self.grace,
            self.clock.unix_ms(),
        );
        answer(
            &self.metrics,
            "register_anchor_key",
            registered,
            RegisterAnchorKeyError::cause,
        )
        .await?;
        Ok(Response::new(pb::RegisterResponse {}))
    }

    async fn remove_context(
        &self,
        request: Request<pb::RemoveContextRequest>,
    ) -> Result<Response<pb::RemoveContextResponse>, Status> {
        let supi = convert::supi(&request.get_ref().supi).map_err(refuse)?;
        let removed = remove_context(&self.contexts, &supi);
        answer(
            &self.metrics,
            "remove_context",
            removed,
            ContextError::cause,
        )
        .await?;
        Ok(Response::new(pb::RemoveContextResponse {}))
    }
}

fn decode(request: pb::RegisterRequest) -> Result<(Supi, AnchorKey), Cause> {
    let gpsi = match request.gpsi.as_str() {
        "" => None,
        text => Some(Gpsi::parse(text).map_err(|error| error.cause())?),
    };
    let anchor_key = AnchorKey {
        a_kid: convert::a_kid(&request.a_kid)?,
        k_akma: convert::k_akma(request.k_akma)?,
        gpsi,
        authentication_epoch: request.authentication_epoch,
    };
    Ok((convert::supi(&request.supi)?, anchor_key))
}
