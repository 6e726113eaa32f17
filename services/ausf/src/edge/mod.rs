//! Where requests enter and leave: decode, call a procedure, encode.

mod authentication;
mod manufacturers;
mod one_way_auth;
pub(crate) mod peers;

use nf_api::pb::ausf::authentication_service_server::AuthenticationServiceServer;
use nf_api::pb::ausf::manufacturer_service_server::ManufacturerServiceServer;
use nf_api::pb::ausf::one_way_auth_service_server::OneWayAuthServiceServer;
use nf_runtime::metrics::ProcedureMetrics;
use tonic::service::Routes;

use crate::authentication::Authentication;
use crate::owa::OneWayAuthentication;

pub(crate) fn routes(
    owa: OneWayAuthentication,
    authentication: Authentication,
    metrics: ProcedureMetrics,
) -> Routes {
    let manufacturers = manufacturers::Edge {
        manufacturers: owa.manufacturers.clone(),
        metrics: metrics.clone(),
    };
    let networks = authentication.networks.clone();
    Routes::new(OneWayAuthServiceServer::new(one_way_auth::Edge {
        owa,
        networks,
        metrics: metrics.clone(),
    }))
    .add_service(AuthenticationServiceServer::new(authentication::Edge {
        authentication,
        metrics,
    }))
    .add_service(ManufacturerServiceServer::new(manufacturers))
}
