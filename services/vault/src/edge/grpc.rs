//! The gRPC service.

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;

use cause::Cause;
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use nf_api::convert::{fixed, pb_cause};
use nf_api::pb::vault as pb;
use nf_api::pb::vault::vault_service_server::VaultService;
use nf_api::status::{cause_of, refuse};
use nf_runtime::metrics::ProcedureMetrics;
use nf_runtime::procedure::answer;
use tonic::{Request, Response, Status, Streaming, async_trait};

use super::convert;
use crate::procedures::destroy::{DestroyError, destroy};
use crate::procedures::get_vector::{GetVectorError, get_vector};
use crate::procedures::mint::{MintError, mint};
use crate::procedures::promote::{PromoteError, promote};
use crate::procedures::seal::{SealError, seal};
use crate::procedures::sign_owa_net::{SignOwaNet, SignOwaNetError, sign_owa_net};
use crate::vault::Vault;

/// Requests of one stream that are worked on at a time.
const CONCURRENCY: usize = 64;

#[derive(Clone)]
pub(super) struct Edge {
    pub(super) vault: Arc<Vault>,
    pub(super) metrics: ProcedureMetrics,
}

#[async_trait]
impl VaultService for Edge {
    type GetVectorStreamStream = BoxStream<'static, Result<pb::GetVectorStreamResponse, Status>>;

    async fn mint(
        &self,
        request: Request<pb::MintRequest>,
    ) -> Result<Response<pb::MintResponse>, Status> {
        let request = convert::mint(request.into_inner()).map_err(refuse)?;
        let minted = answer(
            &self.metrics,
            "mint",
            mint(&self.vault, &request),
            MintError::cause,
        )
        .await?;
        Ok(Response::new(pb::MintResponse {
            credential_set_id: minted.credential_set_id.as_str().to_owned(),
            credential_epoch: minted.credential_epoch,
        }))
    }

    async fn seal(
        &self,
        request: Request<pb::SealRequest>,
    ) -> Result<Response<pb::SealResponse>, Status> {
        let request = convert::seal(request.into_inner()).map_err(refuse)?;
        let package = answer(
            &self.metrics,
            "seal",
            seal(&self.vault, &request),
            SealError::cause,
        )
        .await?;
        Ok(Response::new(pb::SealResponse { package }))
    }

    async fn get_vector(
        &self,
        request: Request<pb::GetVectorRequest>,
    ) -> Result<Response<pb::GetVectorResponse>, Status> {
        self.vector(request.get_ref()).await.map(Response::new)
    }

    async fn get_vector_stream(
        &self,
        request: Request<Streaming<pb::GetVectorStreamRequest>>,
    ) -> Result<Response<Self::GetVectorStreamStream>, Status> {
        let edge = self.clone();
        let answers = request.into_inner().map_ok(move |request| {
            let edge = edge.clone();
            async move { Ok(edge.stream_answer(request).await) }
        });
        Ok(Response::new(
            answers.try_buffer_unordered(CONCURRENCY).boxed(),
        ))
    }

    async fn promote(
        &self,
        request: Request<pb::PromoteRequest>,
    ) -> Result<Response<pb::PromoteResponse>, Status> {
        let id =
            convert::credential_set_id(&request.get_ref().credential_set_id).map_err(refuse)?;
        let promoted = answer(
            &self.metrics,
            "promote",
            promote(&self.vault, &id),
            PromoteError::cause,
        )
        .await?;
        Ok(Response::new(pb::PromoteResponse {
            commit: promoted.commit,
            subscription_id: promoted.subscription_id.as_str().to_owned(),
            device_id: promoted.device_id.as_str().to_owned(),
        }))
    }

    async fn destroy(
        &self,
        request: Request<pb::DestroyRequest>,
    ) -> Result<Response<pb::DestroyResponse>, Status> {
        let id =
            convert::credential_set_id(&request.get_ref().credential_set_id).map_err(refuse)?;
        answer(
            &self.metrics,
            "destroy",
            destroy(&self.vault, &id),
            DestroyError::cause,
        )
        .await?;
        Ok(Response::new(pb::DestroyResponse {}))
    }

    async fn get_home_network_keys(
        &self,
        _request: Request<pb::GetHomeNetworkKeysRequest>,
    ) -> Result<Response<pb::GetHomeNetworkKeysResponse>, Status> {
        let keys = self
            .vault
            .home_network_keys()
            .iter()
            .map(convert::home_network_key)
            .collect();
        let keys = answer(
            &self.metrics,
            "get_home_network_keys",
            ready(Ok(keys)),
            never,
        )
        .await?;
        Ok(Response::new(pb::GetHomeNetworkKeysResponse { keys }))
    }

    async fn get_operator_keys(
        &self,
        _request: Request<pb::GetOperatorKeysRequest>,
    ) -> Result<Response<pb::GetOperatorKeysResponse>, Status> {
        let operator = answer(
            &self.metrics,
            "get_operator_keys",
            ready(Ok(self.vault.operator())),
            never,
        )
        .await?;
        Ok(Response::new(pb::GetOperatorKeysResponse {
            operator_id: operator.operator_id().as_str().to_owned(),
            root_certificate: operator.root_certificate().to_vec(),
            keyset: operator.keyset().to_vec(),
        }))
    }

    async fn sign_owa_net(
        &self,
        request: Request<pb::SignOwaNetRequest>,
    ) -> Result<Response<pb::SignOwaNetResponse>, Status> {
        let request = request.into_inner();
        let request = SignOwaNet {
            start_hash: fixed(&request.start_hash).map_err(refuse)?,
            challenge: request.challenge,
        };
        let signed = ready(sign_owa_net(&self.vault, &request));
        let owa_net = answer(
            &self.metrics,
            "sign_owa_net",
            signed,
            SignOwaNetError::cause,
        )
        .await?;
        Ok(Response::new(pb::SignOwaNetResponse { owa_net }))
    }
}

impl Edge {
    async fn vector(
        &self,
        request: &pb::GetVectorRequest,
    ) -> Result<pb::GetVectorResponse, Status> {
        let request = convert::get_vector(request).map_err(refuse)?;
        let vector = get_vector(&self.vault, &request);
        let vector = answer(&self.metrics, "get_vector", vector, GetVectorError::cause).await?;
        Ok(convert::vector(vector))
    }

    async fn stream_answer(
        &self,
        request: pb::GetVectorStreamRequest,
    ) -> pb::GetVectorStreamResponse {
        let answer = match request.request {
            Some(asked) => self
                .vector(&asked)
                .await
                .map_err(|status| cause_of(&status)),
            None => Err(Cause::MandatoryElementMissing),
        };
        let (response, cause) = match answer {
            Ok(response) => (Some(response), 0),
            Err(cause) => (None, pb_cause(cause).into()),
        };
        pb::GetVectorStreamResponse {
            correlation: request.correlation,
            response,
            cause,
        }
    }
}

fn never(never: &Infallible) -> Cause {
    match *never {}
}
