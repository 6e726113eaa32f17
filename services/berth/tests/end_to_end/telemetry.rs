//! An OTLP receiver that keeps all that it is told.

use std::sync::{Arc, Mutex};

use nf_runtime::lifecycle::{Lifecycle, ShutdownConfig};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message as _;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, async_trait};

/// A running receiver.
#[derive(Clone, Default)]
pub(crate) struct Collector(Arc<Mutex<Vec<u8>>>);

impl Collector {
    /// Starts a receiver and answers it with its URL.
    pub(crate) async fn start() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let collector = Self::default();
        let service = TraceServiceServer::new(collector.clone());
        let serving = tonic::transport::Server::builder()
            .add_service(service)
            .serve_with_incoming(TcpListenerStream::new(listener));
        // It ends with the runtime of the test.
        Lifecycle::new(ShutdownConfig::default()).spawn("collector", async move {
            serving.await.unwrap();
        });
        (collector, url)
    }

    /// All traces as they came.
    pub(crate) fn octets(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

#[async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.0
            .lock()
            .unwrap()
            .extend(request.into_inner().encode_to_vec());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}
