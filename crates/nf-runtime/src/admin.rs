//! The admin port: plain HTTP inside the cluster, GET only.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{Router, get};
use serde_json::json;
use tokio::net::TcpListener;

use crate::lifecycle::Lifecycle;
use crate::metrics::Metrics;
use crate::readiness::Readiness;

/// What the admin port shows.
#[derive(Clone, Debug)]
pub struct Admin {
    /// The process, for example `aanf`.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Whether it takes traffic.
    pub readiness: Readiness,
    /// Its metrics.
    pub metrics: Metrics,
}

/// Answers `/livez`, `/readyz`, `/metrics` and `/version` until listeners close. The metrics then also tell
/// of the process itself.
///
/// # Errors
/// The listener fails.
pub async fn serve(
    listener: TcpListener,
    admin: Admin,
    lifecycle: &Lifecycle,
) -> std::io::Result<()> {
    let token = lifecycle.token();
    admin
        .metrics
        .process(admin.name, admin.version, admin.readiness.clone());
    axum::serve(listener, router(admin))
        .with_graceful_shutdown(token.cancelled_owned())
        .await
}

fn router(admin: Admin) -> Router {
    Router::new()
        .route("/livez", get(live))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/version", get(version))
        .with_state(admin)
}

/// That it answers is all it says: tasks still get their turn. Stores and peers do not enter, or their
/// failure would restart healthy processes.
async fn live() -> &'static str {
    "ok\n"
}

async fn ready(State(admin): State<Admin>) -> Response {
    let waiting_for = admin.readiness.waiting_for();
    if waiting_for.is_empty() {
        return "ok\n".into_response();
    }
    let page = format!("waiting for {}\n", waiting_for.join(", "));
    (StatusCode::SERVICE_UNAVAILABLE, page).into_response()
}

async fn metrics(State(admin): State<Admin>) -> Response {
    (
        [(header::CONTENT_TYPE, OPEN_METRICS)],
        admin.metrics.encode(),
    )
        .into_response()
}

async fn version(State(admin): State<Admin>) -> Response {
    Json(json!({ "name": admin.name, "version": admin.version })).into_response()
}

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
