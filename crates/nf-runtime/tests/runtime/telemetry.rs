//! Traces, log lines and metrics of one call agree with each other.

use std::io::{self, Write};
use std::net::SocketAddr;
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
use tonic::transport::{Identity, Server, ServerTlsConfig};
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
        let address = self.serve(Server::builder()).await;
        format!("http://{address}")
    }

    async fn serve(&self, mut server: Server) -> SocketAddr {
        let listener = TcpListener::bind((LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
        let server = server.add_service(TraceServiceServer::new(self.clone()));
        Runtime::for_tests()
            .lifecycle
            .spawn("collector", async move {
                server.serve_with_incoming(incoming).await.unwrap();
            });
        address
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
async fn what_nobody_receives_is_not_recorded_but_log_lines_name_it() {
    let lines = Lines::default();
    let writer = lines.clone();
    let (_telemetry, _installed) =
        telemetry::init_for_thread(&TelemetryConfig::default(), "test", move || writer.clone())
            .unwrap();
    let runtime = Runtime::for_tests();
    let procedures = runtime.metrics.procedures(NetworkFunction::Aanf);
    let called = "00-0000000000000000000000000000000a-00f067aa0ba902b7-01";
    let span = tracing::info_span!("aanf.remove_context");
    telemetry::set_parent_from_traceparent(&span, called);
    let passed_on = span.in_scope(|| {
        tracing::info!("context removed");
        procedures.observe("remove_context", None, Duration::from_millis(3));
        telemetry::current_traceparent().unwrap()
    });
    assert!(
        passed_on.starts_with("00-0000000000000000000000000000000a-") && passed_on.ends_with("-00"),
        "{passed_on}"
    );
    let line = lines.line_with("context removed");
    assert_eq!(line["trace_id"], "0000000000000000000000000000000a");
    let page = runtime.metrics.encode();
    assert!(
        page.contains("remove_context") && !page.contains("trace_id"),
        "{page}"
    );
}

#[tokio::test]
async fn the_log_filter_changes_while_the_process_runs() {
    let lines = Lines::default();
    let writer = lines.clone();
    let config = TelemetryConfig {
        log_filter: "warn".to_owned(),
        log_format: LogFormat::Text,
        ..TelemetryConfig::default()
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

#[tokio::test]
async fn traces_go_over_tls_to_a_receiver_of_the_named_authority() {
    let (lab, collector) = (Lab::new(), Collector::default());
    let files = lab.files(&AUSF);
    let read = |path| std::fs::read(path).unwrap();
    let own = Identity::from_pem(read(&files.certificate), read(&files.key));
    let server = Server::builder().tls_config(ServerTlsConfig::new().identity(own));
    let address = collector.serve(server.unwrap()).await;
    let config = TelemetryConfig {
        otlp_endpoint: Some(format!("https://localhost:{}", address.port())),
        otlp_ca: Some(files.ca),
        ..TelemetryConfig::default()
    };
    let (telemetry, installed) = telemetry::init_for_thread(&config, "test", io::sink).unwrap();
    tracing::info_span!("aanf.remove_context").in_scope(|| ());
    telemetry.shutdown().await;
    drop(installed);
    collector.span(|span| span.name == "aanf.remove_context");

    for (endpoint, why) in [
        (
            "otel-collector:4317",
            "neither with http:// nor with https://",
        ),
        ("https://localhost:1", "/nowhere/ca.crt cannot be read"),
    ] {
        let config = TelemetryConfig {
            otlp_endpoint: Some(endpoint.to_owned()),
            otlp_ca: Some("/nowhere/ca.crt".into()),
            ..TelemetryConfig::default()
        };
        let refused = telemetry::init_for_thread(&config, "test", io::sink);
        let refused = nf_runtime::procedure::chain(&refused.err().unwrap());
        assert!(refused.contains(why), "{refused}");
    }
}

/// Which of `calls` calls are recorded when the caller says that its own is.
async fn recorded(ratio: f64, radio: bool, calls: usize) -> usize {
    let collector = Collector::default();
    let config = TelemetryConfig {
        otlp_endpoint: Some(collector.start().await),
        trace_ratio: ratio.try_into().unwrap(),
        ..TelemetryConfig::default()
    };
    let (telemetry, _installed) = telemetry::init_for_thread(&config, "test", io::sink).unwrap();
    let mut headers = http::HeaderMap::new();
    for call in 0..calls {
        // Whoever chooses the identifier chooses one that every ratio selects.
        let chosen = format!("00-{:032x}-00f067aa0ba902b7-01", call + 1);
        headers.insert("traceparent", chosen.parse().unwrap());
        let span = tracing::info_span!("access_gateway.registration");
        if radio {
            telemetry::set_stranger_as_parent(&span, &headers);
        } else {
            telemetry::set_parent_from_traceparent(&span, &chosen);
        }
        span.in_scope(|| {
            let trace = telemetry::current_trace_id().unwrap();
            assert_eq!(
                trace,
                format!("{:032x}", call + 1),
                "the name is taken over"
            );
            // What runs below follows, whatever it was that decided above.
            tracing::info_span!("ausf.start_aka").in_scope(|| ());
        });
    }
    telemetry.shutdown().await;
    let spans = collector.0.lock().unwrap();
    let count = |name| spans.iter().filter(|span| span.name == name).count();
    assert_eq!(
        count("access_gateway.registration"),
        count("ausf.start_aka")
    );
    count("ausf.start_aka")
}

#[tokio::test]
async fn a_function_decides_for_those_that_it_calls_and_a_stranger_decides_nothing() {
    assert_eq!(recorded(0.0, false, 3).await, 3);
    assert_eq!(recorded(0.0, true, 100).await, 0);
    assert_eq!(recorded(1.0, true, 3).await, 3);
    let half = recorded(0.5, true, 400).await;
    // Outside once in some 10^17 runs.
    assert!((120..280).contains(&half), "{half} of 400");
}

#[test]
fn a_ratio_lies_between_nothing_and_everything() {
    for text in ["-0.1", "1.1", "nan"] {
        let refused = toml::from_str::<TelemetryConfig>(&format!("trace_ratio = {text}"));
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("is not between 0 and 1"), "{refused}");
    }
    let half: TelemetryConfig = toml::from_str("trace_ratio = 0.5").unwrap();
    assert_eq!(f64::from(half.trace_ratio), 0.5);
}

#[tokio::test]
async fn what_runs_is_shown_and_what_is_given_up_is_counted() {
    let runtime = Runtime::for_tests();
    let procedures = runtime.metrics.procedures(NetworkFunction::Aanf);
    let procedures = procedures.known(&["remove_context"]);
    let name = "berth_aanf_procedure_duration_seconds_count";
    let shows = |line: &str| {
        let page = runtime.metrics.encode();
        assert!(
            page.lines().any(|shown| shown == line),
            "{line} not in {page}"
        );
    };
    shows(r#"berth_procedures_in_flight{procedure="remove_context"} 0"#);
    shows(&format!(
        r#"{name}{{procedure="remove_context",cause="NONE"}} 0"#
    ));

    let mut removing = Box::pin(procedures.measure(
        "remove_context",
        std::future::pending::<Result<(), cause::Cause>>(),
        |cause| *cause,
    ));
    assert!(futures::poll!(&mut removing).is_pending());
    shows(r#"berth_procedures_in_flight{procedure="remove_context"} 1"#);
    drop(removing);
    shows(r#"berth_procedures_in_flight{procedure="remove_context"} 0"#);
    shows(&format!(
        r#"{name}{{procedure="remove_context",cause="CANCELLED"}} 1"#
    ));

    let failing = async { Err::<(), _>(cause::Cause::StoreUnavailable) };
    let failed = procedures.measure("remove_context", failing, |cause| *cause);
    assert_eq!(failed.await, Err(cause::Cause::StoreUnavailable));
    shows(&format!(
        r#"{name}{{procedure="remove_context",cause="STORE_UNAVAILABLE"}} 1"#
    ));
}
