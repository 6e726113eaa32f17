//! Where requests enter.

use std::sync::Arc;

use cause::Cause;
use nf_api::pb::certificate_fetcher as pb;
use nf_api::pb::certificate_fetcher::fetch_service_server::{FetchService, FetchServiceServer};
use nf_api::status::refuse;
use nf_runtime::metrics::ProcedureMetrics;
use nf_runtime::procedure::answer;
use onboarding::certificate_url::CertificateUrl;
use tokio::sync::Semaphore;
use tonic::service::Routes;
use tonic::{Request, Response, Status, async_trait};

use crate::addresses::AddressPolicy;
use crate::config::CertificateFetcherConfig;
use crate::fetch::{Fetch, FetchError, fetch};

struct Edge {
    config: CertificateFetcherConfig,
    places: Arc<Semaphore>,
    metrics: ProcedureMetrics,
}

pub(crate) fn routes(config: CertificateFetcherConfig, metrics: ProcedureMetrics) -> Routes {
    let places = Arc::new(Semaphore::new(config.concurrency));
    Routes::new(FetchServiceServer::new(Edge {
        config,
        places,
        metrics,
    }))
}

#[async_trait]
impl FetchService for Edge {
    async fn fetch(
        &self,
        request: Request<pb::FetchRequest>,
    ) -> Result<Response<pb::FetchResponse>, Status> {
        let request = decode(request.into_inner()).map_err(refuse)?;
        let Ok(_place) = self.places.try_acquire() else {
            return Err(refuse(Cause::RateLimited));
        };
        let fetched = fetch(&self.config, &request);
        let certificates = answer(&self.metrics, "fetch", fetched, FetchError::cause).await?;
        Ok(Response::new(pb::FetchResponse { certificates }))
    }
}

fn decode(request: pb::FetchRequest) -> Result<Fetch, Cause> {
    let ports = request
        .allowed_ports
        .into_iter()
        .map(u16::try_from)
        .collect::<Result<Vec<_>, _>>();
    let ports = ports.map_err(|_| Cause::MandatoryElementIncorrect)?;
    Ok(Fetch {
        url: CertificateUrl::parse(&request.url, &ports)
            .map_err(|_| Cause::MandatoryElementIncorrect)?,
        server_anchors: request.server_anchors,
        addresses: AddressPolicy::parse(&request.allowed_networks, &request.host_overrides)
            .map_err(|_| Cause::MandatoryElementIncorrect)?,
    })
}
