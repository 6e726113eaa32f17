//! Where requests enter: decode, call a procedure, encode.

mod convert;
mod grpc;
mod watch;

use nf_api::pb::configuration_management::association_service_server::AssociationServiceServer;
use nf_api::pb::configuration_management::ue_configuration_service_server::UeConfigurationServiceServer;
use nf_runtime::metrics::ProcedureMetrics;
use store::Store;
use tonic::service::Routes;

use crate::config::ConfigurationManagementConfig;

pub(crate) fn routes(
    config: ConfigurationManagementConfig,
    store: Store,
    metrics: ProcedureMetrics,
) -> Routes {
    let edge = grpc::Edge {
        config,
        store,
        metrics,
    };
    Routes::new(AssociationServiceServer::new(edge.clone()))
        .add_service(UeConfigurationServiceServer::new(edge))
}
