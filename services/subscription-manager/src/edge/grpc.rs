//! The gRPC services.

mod delivery;
mod intake;
mod order;
mod plan;
mod session;

use nf_api::pb::subscription_manager::delivery_service_server::DeliveryServiceServer;
use nf_api::pb::subscription_manager::device_intake_service_server::DeviceIntakeServiceServer;
use nf_api::pb::subscription_manager::order_service_server::OrderServiceServer;
use nf_api::pb::subscription_manager::plan_service_server::PlanServiceServer;
use nf_api::pb::subscription_manager::session_service_server::SessionServiceServer;
use nf_runtime::metrics::ProcedureMetrics;
use store::Outbox;
use tonic::service::Routes;

use crate::context::Context;

/// All services of the function.
#[derive(Clone)]
struct Edge {
    context: Context,
    outbox: Outbox,
    metrics: ProcedureMetrics,
}

pub(crate) fn routes(context: Context, outbox: Outbox, metrics: ProcedureMetrics) -> Routes {
    let edge = Edge {
        context,
        outbox,
        metrics,
    };
    Routes::new(DeviceIntakeServiceServer::new(edge.clone()))
        .add_service(SessionServiceServer::new(edge.clone()))
        .add_service(DeliveryServiceServer::new(edge.clone()))
        .add_service(OrderServiceServer::new(edge.clone()))
        .add_service(PlanServiceServer::new(edge))
}
