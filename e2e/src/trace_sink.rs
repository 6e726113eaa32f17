//! A receiver of traces, for evidence.

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use data_encoding::HEXLOWER;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use serde_json::json;
use tokio::net::TcpListener;
use tonic::{Request, Response, Status, async_trait};

/// Lines that are kept: what led to a failure is at the end.
const KEPT: usize = 100_000;

/// Spans, each a JSON object, in the order of their arrival.
#[derive(Clone)]
pub(crate) struct Traces {
    lines: Arc<Mutex<Vec<String>>>,
    address: SocketAddr,
}

impl Traces {
    /// Receives on a free port of loopback until the process ends.
    pub(crate) fn receive() -> Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let traces = Self {
            lines: Arc::default(),
            address: listener.local_addr()?,
        };
        let sink = Sink::Memory(traces.lines.clone());
        std::thread::spawn(move || serve(listener, sink));
        Ok(traces)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn write(&self, file: &Path) -> Result<()> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(fs::write(file, lines.join("\n") + "\n")?)
    }
}

/// Receives on an address and prints, until the process ends.
pub(crate) fn print(address: SocketAddr) -> Result<()> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    serve(listener, Sink::Print)
}

fn serve(listener: std::net::TcpListener, sink: Sink) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::from_std(listener)?;
        let incoming = tonic::transport::server::TcpIncoming::from(listener);
        tonic::transport::Server::builder()
            .add_service(TraceServiceServer::new(sink))
            .serve_with_incoming(incoming)
            .await?;
        Ok(())
    })
}

enum Sink {
    Memory(Arc<Mutex<Vec<String>>>),
    Print,
}

#[async_trait]
impl TraceService for Sink {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let lines = lines(&request.into_inner());
        match self {
            Self::Memory(kept) => {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend(lines);
                let surplus = kept.len().saturating_sub(KEPT);
                kept.drain(..surplus);
            }
            Self::Print => {
                // Whoever reads may have gone.
                let _ = writeln!(std::io::stdout(), "{}", lines.join("\n"));
            }
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

fn lines(request: &ExportTraceServiceRequest) -> Vec<String> {
    let mut lines = Vec::new();
    for resource in &request.resource_spans {
        let attributes = resource
            .resource
            .iter()
            .flat_map(|resource| &resource.attributes);
        let service = attributes
            .filter(|attribute| attribute.key == "service.name")
            .find_map(
                |attribute| match attribute.value.as_ref()?.value.as_ref()? {
                    Value::StringValue(name) => Some(name.as_str()),
                    _ => None,
                },
            );
        for span in resource.scope_spans.iter().flat_map(|scope| &scope.spans) {
            let line = json!({
                "service": service,
                "span": span.name,
                "trace_id": HEXLOWER.encode(&span.trace_id),
                "span_id": HEXLOWER.encode(&span.span_id),
                "parent": HEXLOWER.encode(&span.parent_span_id),
                "start": span.start_time_unix_nano,
                "end": span.end_time_unix_nano,
                "failed": span.status.as_ref().is_some_and(|status| status.code == 2),
            });
            lines.push(line.to_string());
        }
    }
    lines
}
