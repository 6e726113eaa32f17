//! Where requests enter: decode, call a procedure, encode.

mod access_policy;
mod anchor_key;
mod application_key;
mod watch;

use std::time::Duration;

use nf_api::pb::aanf::access_policy_service_server::AccessPolicyServiceServer;
use nf_api::pb::aanf::anchor_key_service_server::AnchorKeyServiceServer;
use nf_api::pb::aanf::application_key_service_server::ApplicationKeyServiceServer;
use nf_runtime::clock::Clock;
use nf_runtime::metrics::ProcedureMetrics;
use tonic::service::Routes;

use crate::contexts::Contexts;
use crate::policy::Policies;

pub(crate) fn routes(
    contexts: Contexts,
    policies: Policies,
    grace: Duration,
    clock: Clock,
    metrics: ProcedureMetrics,
) -> Routes {
    let anchor_keys = anchor_key::Edge {
        contexts: contexts.clone(),
        grace,
        clock: clock.clone(),
        metrics: metrics.clone(),
    };
    let application_keys = application_key::Edge {
        contexts,
        policies: policies.clone(),
        clock,
        metrics: metrics.clone(),
    };
    Routes::new(AnchorKeyServiceServer::new(anchor_keys))
        .add_service(ApplicationKeyServiceServer::new(application_keys))
        .add_service(AccessPolicyServiceServer::new(access_policy::Edge {
            policies,
            metrics,
        }))
}
