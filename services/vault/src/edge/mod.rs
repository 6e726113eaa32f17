//! Where requests enter: decode, call a procedure, encode.

mod convert;
mod grpc;

use std::sync::Arc;

use nf_api::pb::vault::vault_service_server::VaultServiceServer;
use nf_runtime::metrics::ProcedureMetrics;
use tonic::service::Routes;

use crate::vault::Vault;

pub(crate) fn routes(vault: Arc<Vault>, metrics: ProcedureMetrics) -> Routes {
    Routes::new(VaultServiceServer::new(grpc::Edge { vault, metrics }))
}
