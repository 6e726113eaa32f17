//! OWA frames, from access gateways.

use cause::Cause;
use nf_api::convert::{serving_network_name, timestamp};
use nf_api::pb::ausf as pb;
use nf_api::pb::ausf::one_way_auth_service_server::OneWayAuthService;
use nf_api::pb::common::UeAddress;
use nf_api::status::refuse;
use nf_runtime::grpc::caller;
use nf_runtime::metrics::ProcedureMetrics;
use nf_runtime::procedure::chain;
use tonic::{Extensions, Request, Response, Status, async_trait};

use crate::networks::Networks;
use crate::owa::{OneWayAuthentication, Origin};
use crate::procedures::prove::prove_owa;
use crate::procedures::start::start_owa;

/// Longest reference that a gateway may use for a device.
const MAX_UE_REFERENCE: usize = 64;

pub(super) struct Edge {
    pub(super) owa: OneWayAuthentication,
    pub(super) networks: Networks,
    pub(super) metrics: ProcedureMetrics,
}

#[async_trait]
impl OneWayAuthService for Edge {
    async fn start(
        &self,
        request: Request<pb::StartRequest>,
    ) -> Result<Response<pb::StartResponse>, Status> {
        let origin = self.origin(
            request.extensions(),
            &request.get_ref().ue_reference,
            &request.get_ref().serving_network_name,
        )?;
        let started = start_owa(&self.owa, &request.get_ref().frame, &origin);
        let outcome = self
            .metrics
            .measure("start_owa", started, |error| error.cause())
            .await;
        let frame = outcome.unwrap_or_else(|error| {
            tracing::debug!(
                cause = error.cause().name(),
                error = chain(&error),
                "Start refused"
            );
            error.reject()
        });
        Ok(Response::new(pb::StartResponse { frame }))
    }

    async fn prove(
        &self,
        request: Request<pb::ProveRequest>,
    ) -> Result<Response<pb::ProveResponse>, Status> {
        let origin = self.origin(
            request.extensions(),
            &request.get_ref().ue_reference,
            &request.get_ref().serving_network_name,
        )?;
        let request = request.into_inner();
        let ue_address = ue_address(request.ue_address).map_err(refuse)?;
        let proven = prove_owa(&self.owa, &request.frame, &origin, ue_address);
        let outcome = self
            .metrics
            .measure("prove_owa", proven, |error| error.cause())
            .await;
        let response = match outcome {
            Ok(accepted) => {
                let session = accepted.limited_session;
                pb::ProveResponse {
                    frame: accepted.frame,
                    limited_session: Some(pb::LimitedSession {
                        session: accepted.session.as_bytes().to_vec(),
                        expires_at: Some(timestamp(session.expires_at_ms)),
                        provisioning_server: session.provisioning_server,
                        allowed_targets: session.allowed_targets,
                        dnn: session.dnn,
                        quota_bytes: session.quota_bytes,
                    }),
                }
            }
            Err(error) => {
                tracing::debug!(
                    cause = error.cause().name(),
                    error = chain(&error),
                    "Proof refused"
                );
                pb::ProveResponse {
                    frame: error.reject(),
                    limited_session: None,
                }
            }
        };
        Ok(Response::new(response))
    }
}

impl Edge {
    fn origin(
        &self,
        extensions: &Extensions,
        ue_reference: &str,
        name: &str,
    ) -> Result<Origin, Status> {
        let caller = caller(extensions)?;
        let serving_network_name = serving_network_name(name).map_err(refuse)?;
        if !self.networks.may_claim(caller, &serving_network_name) {
            return Err(refuse(Cause::ServingNetworkNotAuthorized));
        }
        if ue_reference.is_empty() {
            return Err(refuse(Cause::MandatoryElementMissing));
        }
        if ue_reference.len() > MAX_UE_REFERENCE {
            return Err(refuse(Cause::MandatoryElementIncorrect));
        }
        Ok(Origin {
            gateway: caller.to_string(),
            ue_reference: ue_reference.to_owned(),
            serving_network_name,
        })
    }
}

fn ue_address(message: Option<UeAddress>) -> Result<(String, u16, u16), Cause> {
    let message = message.ok_or(Cause::MandatoryElementMissing)?;
    let port = |number: u32| u16::try_from(number).map_err(|_| Cause::MandatoryElementIncorrect);
    let (first, last) = (port(message.first_port)?, port(message.last_port)?);
    let ip = message
        .ip
        .parse::<std::net::IpAddr>()
        .map_err(|_| Cause::MandatoryElementIncorrect)?;
    if first == 0 || last < first {
        return Err(Cause::MandatoryElementIncorrect);
    }
    Ok((ip.to_string(), first, last))
}
