//! 5G AKA, from access gateways.

use cause::Cause;
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use nf_api::Caller;
use nf_api::convert::{fixed, key, pb_cause, serving_network_name};
use nf_api::pb::ausf as pb;
use nf_api::pb::ausf::authenticate_stream_request::Request as Asked;
use nf_api::pb::ausf::authenticate_stream_response::Response as Answered;
use nf_api::pb::ausf::authentication_service_server::AuthenticationService;
use nf_api::pb::ausf::confirm_aka_response::Result as PbResult;
use nf_api::status::{cause_of, refuse};
use nf_runtime::grpc::caller;
use nf_runtime::metrics::ProcedureMetrics;
use nf_runtime::procedure::answer;
use secret::ResStar;
use tonic::{Request, Response, Status, Streaming, async_trait};

use crate::authentication::Authentication;
use crate::procedures::confirm_aka::{ConfirmAkaError, Confirmation, confirm_aka};
use crate::procedures::start_aka::{Challenge, StartAkaError, resync_aka, start_aka};

/// Requests of one stream that are worked on at a time.
const CONCURRENCY: usize = 64;

#[derive(Clone)]
pub(super) struct Edge {
    pub(super) authentication: Authentication,
    pub(super) metrics: ProcedureMetrics,
}

#[async_trait]
impl AuthenticationService for Edge {
    type AuthenticateStreamStream =
        BoxStream<'static, Result<pb::AuthenticateStreamResponse, Status>>;

    async fn start_aka(
        &self,
        request: Request<pb::StartAkaRequest>,
    ) -> Result<Response<pb::StartAkaResponse>, Status> {
        let caller = caller(request.extensions())?.clone();
        self.start(&caller, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn confirm_aka(
        &self,
        request: Request<pb::ConfirmAkaRequest>,
    ) -> Result<Response<pb::ConfirmAkaResponse>, Status> {
        let caller = caller(request.extensions())?.clone();
        self.confirm(&caller, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn resync_aka(
        &self,
        request: Request<pb::ResyncAkaRequest>,
    ) -> Result<Response<pb::StartAkaResponse>, Status> {
        let caller = caller(request.extensions())?.clone();
        let request = request.into_inner();
        let name = serving_network_name(&request.serving_network_name).map_err(refuse)?;
        let auts = fixed(&request.auts).map_err(refuse)?;
        let resynchronised = resync_aka(
            &self.authentication,
            &caller,
            &request.auth_ctx_id,
            auts,
            name,
        );
        let challenge = answer(
            &self.metrics,
            "resync_aka",
            resynchronised,
            StartAkaError::cause,
        )
        .await?;
        Ok(Response::new(start_response(challenge)))
    }

    async fn authenticate_stream(
        &self,
        request: Request<Streaming<pb::AuthenticateStreamRequest>>,
    ) -> Result<Response<Self::AuthenticateStreamStream>, Status> {
        let caller = caller(request.extensions())?.clone();
        let edge = self.clone();
        let answers = request.into_inner().map_ok(move |request| {
            let (edge, caller) = (edge.clone(), caller.clone());
            async move { Ok(edge.stream_answer(&caller, request).await) }
        });
        Ok(Response::new(
            answers.try_buffer_unordered(CONCURRENCY).boxed(),
        ))
    }
}

impl Edge {
    async fn start(
        &self,
        caller: &Caller,
        request: pb::StartAkaRequest,
    ) -> Result<pb::StartAkaResponse, Status> {
        let name = serving_network_name(&request.serving_network_name).map_err(refuse)?;
        let started = start_aka(&self.authentication, caller, &request.supi_or_suci, name);
        answer(&self.metrics, "start_aka", started, StartAkaError::cause)
            .await
            .map(start_response)
    }

    async fn confirm(
        &self,
        caller: &Caller,
        request: pb::ConfirmAkaRequest,
    ) -> Result<pb::ConfirmAkaResponse, Status> {
        let name = serving_network_name(&request.serving_network_name).map_err(refuse)?;
        let res_star = request
            .res_star
            .map(|octets| ResStar::try_from_slice(&octets))
            .transpose();
        let res_star = res_star.map_err(|_| refuse(Cause::MandatoryElementIncorrect))?;
        let confirmed = confirm_aka(
            &self.authentication,
            caller,
            &request.auth_ctx_id,
            res_star,
            &name,
        );
        let confirmation = answer(
            &self.metrics,
            "confirm_aka",
            confirmed,
            ConfirmAkaError::cause,
        )
        .await?;
        Ok(match confirmation {
            Confirmation::Success {
                supi,
                k_seaf,
                commit,
            } => pb::ConfirmAkaResponse {
                result: PbResult::Success.into(),
                supi: supi.as_text().to_owned(),
                k_seaf: Some(key(k_seaf.expose())),
                commit,
            },
            Confirmation::Failure => pb::ConfirmAkaResponse {
                result: PbResult::Failure.into(),
                ..Default::default()
            },
        })
    }

    async fn stream_answer(
        &self,
        caller: &Caller,
        request: pb::AuthenticateStreamRequest,
    ) -> pb::AuthenticateStreamResponse {
        let answered = match request.request {
            Some(Asked::Start(start)) => self.start(caller, start).await.map(Answered::Start),
            Some(Asked::Confirm(confirm)) => {
                self.confirm(caller, confirm).await.map(Answered::Confirm)
            }
            None => Err(refuse(Cause::MandatoryElementMissing)),
        };
        let response = answered.unwrap_or_else(|status| {
            Answered::Refusal(pb::Refusal {
                cause: pb_cause(cause_of(&status)).into(),
            })
        });
        pb::AuthenticateStreamResponse {
            correlation: request.correlation,
            response: Some(response),
        }
    }
}

fn start_response(challenge: Challenge) -> pb::StartAkaResponse {
    pb::StartAkaResponse {
        auth_ctx_id: challenge.auth_ctx_id,
        rand: challenge.rand.to_vec(),
        autn: challenge.autn.to_vec(),
        hxres_star: challenge.hxres_star.as_octets().to_vec(),
    }
}
