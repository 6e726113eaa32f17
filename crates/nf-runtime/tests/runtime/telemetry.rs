//! Traces, log lines and metrics of one call agree with each other.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nf_api::NetworkFunction;
use nf_runtime::Runtime;
use nf_runtime::grpc;
use nf_runtime::telemetry::{self, LogFormat, TelemetryConfig};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::Span;
use tokio::net::TcpListener;
use tonic::{Code, Request, Response, Status};
use tracing::Instrument as _;

use crate::support::{AUSF, GET_VECTOR, LOCALHOST, Lab, PROMOTE, every_path, unary};

/// Keeps what is written.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(text)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn line_with(&self, message: &str) -> serde_json::Value {
        let text = self.text();
        let line = text
            .lines()
            .find(|line| line.contains(message))
            .unwrap_or_else(|| panic!("no {message} in {text}"));
        serde_json::from_str(line).unwrap()
    }
}

/// An OTLP receiver.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Span>>>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let scopes = request
            .into_inner()
            .resource_spans
            .into_iter()
            .flat_map(|resource| resource.scope_spans);
        self.0
            .lock()
            .unwrap()
            .extend(scopes.flat_map(|scope| scope.spans));
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    async fn start(&self) -> String {
        let listener = TcpListener::bind((LOCALHOST, 0)).await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
        let server =
            tonic::transport::Server::builder().add_service(TraceServiceServer::new(self.clone()));
        Runtime::for_tests()
            .lifecycle
            .spawn("collector", async move {
                server.serve_with_incoming(incoming).await.unwrap();
            });
        endpoint
    }

    fn span(&self, matches: impl Fn(&Span) -> bool) -> Span {
        let spans = self.0.lock().unwrap();
        let found = spans.iter().find(|span| matches(span));
        found
            .unwrap_or_else(|| panic!("not among {spans:#?}"))
            .clone()
    }
}

const CLIENT: i32 = 3;
const SERVER: i32 = 2;

#[tokio::test]
async fn one_trace_follows_a_call_over_two_hops() {
    let (lines, collector) = (Lines::default(), Collector::default());
    let config = TelemetryConfig {
        otlp_endpoint: Some(collector.start().await),
        ..TelemetryConfig::default()
    };
    let writer = lines.clone();
    let (telemetry, _installed) =
        telemetry::init_for_thread(&config, "test", move || writer.clone()).unwrap();

    let (lab, runtime) = (Lab::new(), Runtime::for_tests());
    let far = lab.serve(
        every_path(|_| async {
            tracing::info!(procedure = "promote", "far handler");
            Ok(())
        }),
        &runtime,
    );
    let far = lab.connect(far.await, &AUSF, &runtime);
    let near = every_path(move |_| {
        let far = far.clone();
        async move { unary(&far, PROMOTE).await }
    });
    let near = grpc::in_process(near, AUSF, &runtime);
    unary(&near, GET_VECTOR)
        .instrument(tracing::info_span!("ausf.start_aka"))
        .await
        .unwrap();
    // The server's span ends a moment after its caller has the answer.
    runtime.lifecycle.shutdown().await;
    telemetry.shutdown().await;

    let (near_rpc, far_rpc) = (
        "berth.vault.v1.VaultService/GetVector",
        "berth.vault.v1.VaultService/Promote",
    );
    let root = collector.span(|span| span.name == "ausf.start_aka");
    let near_client = collector.span(|span| span.name == near_rpc && span.kind == CLIENT);
    let near_server = collector.span(|span| span.name == near_rpc && span.kind == SERVER);
    let far_client = collector.span(|span| span.name == far_rpc && span.kind == CLIENT);
    let far_server = collector.span(|span| span.name == far_rpc && span.kind == SERVER);
    for (parent, child) in [
        (&root, &near_client),
        (&near_client, &near_server),
        (&near_server, &far_client),
        (&far_client, &far_server),
    ] {
        assert_eq!(
            child.parent_span_id, parent.span_id,
            "{child:#?} is not below {parent:#?}"
        );
        assert_eq!(child.trace_id, parent.trace_id);
    }
    assert!(root.parent_span_id.is_empty());

    let line = lines.line_with("far handler");
    let hex = |octets: &[u8]| {
        octets
            .iter()
            .map(|octet| format!("{octet:02x}"))
            .collect::<String>()
    };
    assert_eq!(line["trace_id"], hex(&root.trace_id));
    assert_eq!(line["span_id"], hex(&far_server.span_id));
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["procedure"], "promote");
    assert_eq!(line["message"], "far handler");
    assert!(
        line["timestamp"]
            .as_str()
            .is_some_and(|time| time.ends_with('Z'))
    );

    let page = runtime.metrics.encode();
    let counted = page.lines().find(|line| {
        line.starts_with("berth_rpc_server_duration_seconds_bucket")
            && line.contains(far_rpc)
            && line.contains(r#"code="OK""#)
            && line.contains('#')
    });
    let exemplar = format!(r##"# {{trace_id="{}"}}"##, hex(&root.trace_id));
    assert!(
        counted.is_some_and(|line| line.contains(&exemplar)),
        "{page}"
    );
    let own = format!(r#"berth_rpc_client_duration_seconds_count{{rpc="{far_rpc}",code="OK"}} 1"#);
    assert!(page.contains(&own), "{page}");
}

#[tokio::test]
async fn a_stored_traceparent_continues_the_trace() {
    let (_telemetry, _installed) =
        telemetry::init_for_thread(&TelemetryConfig::default(), "test", io::sink).unwrap();
    let (trace_id, stored) = tracing::info_span!("enqueue").in_scope(|| {
        (
            telemetry::current_trace_id().unwrap(),
            telemetry::current_traceparent().unwrap(),
        )
    });
    assert_eq!(telemetry::current_trace_id(), None);

    let later = tracing::info_span!("deliver");
    telemetry::set_parent_from_traceparent(&later, &stored);
    assert_eq!(
        later.in_scope(telemetry::current_trace_id),
        Some(trace_id.clone())
    );

    let malformed = tracing::info_span!("deliver");
    telemetry::set_parent_from_traceparent(&malformed, "00-xyz-\n");
    assert_ne!(
        malformed.in_scope(telemetry::current_trace_id),
        Some(trace_id)
    );
}

#[tokio::test]
async fn the_log_filter_changes_while_the_process_runs() {
    let lines = Lines::default();
    let writer = lines.clone();
    let config = TelemetryConfig {
        log_filter: "warn".to_owned(),
        log_format: LogFormat::Text,
        otlp_endpoint: None,
    };
    let (telemetry, _installed) =
        telemetry::init_for_thread(&config, "test", move || writer.clone()).unwrap();
    tracing::info!("not yet");
    telemetry.set_log_filter("debug").unwrap();
    tracing::debug!("now");
    assert!(telemetry.set_log_filter("a=b=c").is_err());
    tracing::debug!("still");
    let text = lines.text();
    assert!(
        !text.contains("not yet") && text.contains("now") && text.contains("still"),
        "{text}"
    );
}

#[tokio::test]
async fn refused_calls_are_counted_and_logged_without_their_content() {
    let lines = Lines::default();
    let writer = lines.clone();
    let (_telemetry, _installed) =
        telemetry::init_for_thread(&TelemetryConfig::default(), "test", move || writer.clone())
            .unwrap();
    let runtime = Runtime::for_tests();
    let aanf = nf_api::Caller::function(NetworkFunction::Aanf);
    let channel = grpc::in_process(every_path(|_| async { Ok(()) }), aanf, &runtime);
    assert_eq!(
        unary(&channel, PROMOTE).await.unwrap_err().code(),
        Code::PermissionDenied
    );
    assert_eq!(
        unary(&channel, "/made.up.Service/Path")
            .await
            .unwrap_err()
            .code(),
        Code::PermissionDenied
    );

    let line = lines.line_with("call refused");
    assert_eq!(
        (&line["path"], &line["cause"]),
        (&PROMOTE.into(), &"NOT_AUTHORIZED".into())
    );
    let page = runtime.metrics.encode();
    assert!(
        page.contains(r#"server_duration_seconds_count{rpc="other",code="PERMISSION_DENIED"} 1"#),
        "{page}"
    );
    assert!(!page.contains("made.up"), "strangers make up no series");
}

#[tokio::test]
async fn procedures_are_counted_under_their_function_in_seconds() {
    let runtime = Runtime::for_tests();
    let procedures = runtime
        .metrics
        .procedures(NetworkFunction::ConfigurationManagement);
    procedures.observe("put_association", None, Duration::from_millis(3));
    procedures.observe(
        "put_association",
        Some(cause::Cause::Conflict),
        Duration::from_secs(60),
    );
    let page = runtime.metrics.encode();
    let name = "berth_configuration_management_procedure_duration_seconds";
    for expected in [
        format!(r#"{name}_bucket{{le="0.0025",procedure="put_association",cause="NONE"}} 0"#),
        format!(r#"{name}_bucket{{le="0.005",procedure="put_association",cause="NONE"}} 1"#),
        format!(r#"{name}_bucket{{le="10.0",procedure="put_association",cause="CONFLICT"}} 0"#),
        format!(r#"{name}_count{{procedure="put_association",cause="CONFLICT"}} 1"#),
    ] {
        assert!(page.contains(&expected), "{expected} not in {page}");
    }
}
