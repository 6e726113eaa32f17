//! An OTLP receiver that keeps all that it is told.

use std::sync::{Arc, Mutex};

use nf_runtime::lifecycle::{Lifecycle, ShutdownConfig};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message as _;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, async_trait};

/// A running receiver.
#[derive(Clone, Default)]
pub(crate) struct Collector(Arc<Mutex<Vec<ExportTraceServiceRequest>>>);

/// A span and the process that it was in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Traced {
    pub(crate) service: String,
    pub(crate) name: String,
    pub(crate) trace_id: String,
    pub(crate) span_id: String,
    /// Empty for the first of a trace.
    pub(crate) parent: String,
}

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
        let requests = self.0.lock().unwrap();
        requests
            .iter()
            .flat_map(|request| request.encode_to_vec())
            .collect()
    }

    /// All spans that came so far.
    pub(crate) fn spans(&self) -> Vec<Traced> {
        let requests = self.0.lock().unwrap();
        let mut traced = Vec::new();
        for spans in requests.iter().flat_map(|it| &it.resource_spans) {
            let attributes = spans.resource.iter().flat_map(|it| &it.attributes);
            let service = attributes
                .filter(|it| it.key == "service.name")
                .find_map(|it| match it.value.as_ref()?.value.as_ref()? {
                    Value::StringValue(name) => Some(name.clone()),
                    _ => None,
                })
                .expect("every process names itself");
            for span in spans.scope_spans.iter().flat_map(|it| &it.spans) {
                traced.push(Traced {
                    service: service.clone(),
                    name: span.name.clone(),
                    trace_id: hex(&span.trace_id),
                    span_id: hex(&span.span_id),
                    parent: hex(&span.parent_span_id),
                });
            }
        }
        traced
    }
}

fn hex(octets: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(octets)
}

#[async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.0.lock().unwrap().push(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}
