//! Application keys, for application functions.

use cause::Cause;
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use nf_api::pb::aanf as pb;
use nf_api::pb::aanf::application_key_service_server::ApplicationKeyService;
use nf_api::status::{cause_of, refuse};
use nf_api::{Caller, convert};
use nf_runtime::clock::Clock;
use nf_runtime::grpc::caller;
use nf_runtime::metrics::ProcedureMetrics;
use nf_runtime::procedure::answer;
use tonic::{Request, Response, Status, Streaming, async_trait};

use super::watch;
use crate::contexts::Contexts;
use crate::policy::{Policies, UeIdForm};
use crate::procedures::get_application_key::{
    GetApplicationKey, GetApplicationKeyError, get_application_key,
};

/// Requests of one stream that are worked on at a time.
const CONCURRENCY: usize = 64;

#[derive(Clone)]
pub(super) struct Edge {
    pub(super) contexts: Contexts,
    pub(super) policies: Policies,
    pub(super) clock: Clock,
    pub(super) metrics: ProcedureMetrics,
}

#[async_trait]
impl ApplicationKeyService for Edge {
    type GetStreamStream = BoxStream<'static, Result<pb::GetStreamResponse, Status>>;
    type WatchContextsStream = BoxStream<'static, Result<pb::WatchContextsResponse, Status>>;

    async fn get(
        &self,
        request: Request<pb::GetRequest>,
    ) -> Result<Response<pb::GetResponse>, Status> {
        let caller = caller(request.extensions())?.clone();
        self.key(&caller, request.get_ref(), false)
            .await
            .map(Response::new)
    }

    async fn get_anonymous(
        &self,
        request: Request<pb::GetRequest>,
    ) -> Result<Response<pb::GetResponse>, Status> {
        let caller = caller(request.extensions())?.clone();
        self.key(&caller, request.get_ref(), true)
            .await
            .map(Response::new)
    }

    async fn get_stream(
        &self,
        request: Request<Streaming<pb::GetStreamRequest>>,
    ) -> Result<Response<Self::GetStreamStream>, Status> {
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

    async fn watch_contexts(
        &self,
        request: Request<pb::WatchContextsRequest>,
    ) -> Result<Response<Self::WatchContextsStream>, Status> {
        let caller = caller(request.extensions())?.to_string();
        let policies = self
            .policies
            .list()
            .await
            .map_err(|error| refuse(error.cause()))?;
        let of_caller = policies
            .into_iter()
            .filter(|policy| policy.caller == caller)
            .map(|policy| policy.ue_id_form);
        let forms = of_caller
            .filter(|form| *form != UeIdForm::None)
            .collect::<Vec<_>>();
        if forms.is_empty() {
            return Err(refuse(Cause::AfNotAllowed));
        }
        let stream = watch::open(self.contexts.store(), forms)
            .await
            .map_err(|error| refuse(error.cause()))?;
        Ok(Response::new(stream))
    }
}

impl Edge {
    async fn key(
        &self,
        caller: &Caller,
        request: &pb::GetRequest,
        anonymous: bool,
    ) -> Result<pb::GetResponse, Status> {
        let request = GetApplicationKey {
            // An A-KID that does not parse is one that nobody has registered.
            a_kid: convert::a_kid(&request.a_kid).map_err(refuse)?,
            af_fqdn: convert::fqdn(&request.af_fqdn).map_err(refuse)?,
            ua_star_id: convert::ua_star_id(&request.ua_star_id).map_err(refuse)?,
            anonymous,
        };
        let key = get_application_key(
            &self.contexts,
            &self.policies,
            caller,
            request,
            self.clock.unix_ms(),
        );
        let key = answer(
            &self.metrics,
            "get_application_key",
            key,
            GetApplicationKeyError::cause,
        )
        .await?;
        Ok(pb::GetResponse {
            k_af: Some(convert::key(key.k_af.expose())),
            expires_at: Some(convert::timestamp(key.expires_at_ms)),
            ue_id: key.ue_id,
            authentication_epoch: key.authentication_epoch,
        })
    }

    async fn stream_answer(
        &self,
        caller: &Caller,
        request: pb::GetStreamRequest,
    ) -> pb::GetStreamResponse {
        let answer = match request.request {
            Some(asked) => self
                .key(caller, &asked, false)
                .await
                .map_err(|status| cause_of(&status)),
            None => Err(Cause::MandatoryElementMissing),
        };
        let (response, cause) = match answer {
            Ok(response) => (Some(response), 0),
            Err(cause) => (None, convert::pb_cause(cause).into()),
        };
        pb::GetStreamResponse {
            correlation: request.correlation,
            response,
            cause,
        }
    }
}
