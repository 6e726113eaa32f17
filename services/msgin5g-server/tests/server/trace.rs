//! One trace for a message, whichever servers it passes.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::io;
use std::sync::{Arc, Mutex};

use nf_runtime::Runtime;
use nf_runtime::telemetry::{self, TelemetryConfig};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::Span;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status, async_trait};

use crate::harness::locked;
use crate::replicas::Two;

/// An OTLP receiver.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Span>>>);

#[async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let resources = request.into_inner().resource_spans.into_iter();
        let scopes = resources.flat_map(|resource| resource.scope_spans);
        locked(&self.0).extend(scopes.flat_map(|scope| scope.spans));
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Server::builder().add_service(TraceServiceServer::new(self.clone()));
        let runtime = Runtime::for_tests();
        runtime.lifecycle.spawn("collector", async move {
            let incoming = TcpListenerStream::new(listener);
            server.serve_with_incoming(incoming).await.unwrap();
        });
        format!("http://{address}")
    }

    fn spans(&self, name: &str) -> Vec<Span> {
        let spans = locked(&self.0);
        spans
            .iter()
            .filter(|span| span.name == name)
            .cloned()
            .collect()
    }
}

#[tokio::test]
async fn the_trace_of_a_message_goes_on_at_the_server_that_delivers_it() {
    let collector = Collector::default();
    let config = TelemetryConfig {
        otlp_endpoint: Some(collector.start().await),
        ..TelemetryConfig::default()
    };
    let (telemetry, _installed) = telemetry::init_for_thread(&config, "test", io::sink).unwrap();
    let two = Two::start().await;
    let alice = two.a.registered("alice").await;
    let bob = two.b.registered("bob").await;
    for id in ["m-1", "m-2"] {
        alice.say("bob", id).await.unwrap();
    }
    bob.texts(2).await;
    two.a.until_nothing_waits_for("bob").await;
    two.stop().await;
    telemetry.shutdown().await;

    let accepted = collector.spans("msgin5g_server.accept_message");
    let pushed = collector.spans("msgin5g_server.push");
    assert_eq!((accepted.len(), pushed.len()), (2, 2));
    assert_ne!(accepted[0].trace_id, accepted[1].trace_id);
    for (accepted, pushed) in accepted.iter().zip(&pushed) {
        assert_eq!(pushed.trace_id, accepted.trace_id);
        assert_eq!(pushed.parent_span_id, accepted.span_id);
    }
}
