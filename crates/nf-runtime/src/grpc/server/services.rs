//! Services that every listener has: health, and reflection where it is switched on.

use nf_api::pb::common::info_service_server::InfoServiceServer;
use tonic::service::Routes;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};
use tracing::error;

use super::info::Info;
use crate::runtime::Runtime;

/// Adds health, which follows readiness, what the process says about itself, and reflection.
pub(super) async fn with_common_services(routes: Routes, runtime: &Runtime) -> Routes {
    let reporter = HealthReporter::new();
    // The reporter starts as SERVING; nobody may see that before the process is ready.
    reporter
        .set_service_status("", ServingStatus::NotServing)
        .await;
    let health = HealthServer::new(HealthService::from_health_reporter(reporter.clone()));
    follow_readiness(reporter, runtime);
    let info = InfoServiceServer::new(Info {
        about: runtime.about.clone(),
        clock: runtime.clock.clone(),
    });
    let routes = routes.add_service(health).add_service(info);
    if !runtime.grpc.reflection {
        return routes;
    }
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(nf_api::FILE_DESCRIPTOR_SET)
        .build_v1();
    match reflection {
        Ok(reflection) => routes.add_service(reflection),
        Err(error) => {
            error!(error = %error, "reflection is not available");
            routes
        }
    }
}

fn follow_readiness(reporter: HealthReporter, runtime: &Runtime) {
    let (readiness, token) = (runtime.lifecycle.readiness(), runtime.lifecycle.token());
    runtime.lifecycle.spawn("health", async move {
        let mut ready = false;
        while let Some(changed) = token
            .run_until_cancelled(readiness.changed_from(ready))
            .await
        {
            ready = changed;
            let status = if ready {
                ServingStatus::Serving
            } else {
                ServingStatus::NotServing
            };
            reporter.set_service_status("", status).await;
        }
    });
}
