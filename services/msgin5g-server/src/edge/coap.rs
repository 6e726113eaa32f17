//! CoAP over DTLS, for UEs. Source: TS 24.538 6.3 and 6.4, TS 33.501 Y.2, RFC 7252.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cause::Cause;
use coap::{Code, ContentFormat, Link, Method, Request as CoapRequest, Response, well_known_core};
use coap_tokio::{
    Handler, Incoming, KeyLookup, KeyQuery, Limits, LookupUnavailable, PreSharedKey,
    Server as CoapServer, ServerConfig, Session, Tasks, Traffic, WallClock,
};
use dtls::{CipherSuite, CloseReason};
use msgin5g::delivery::DeliveryVerdict;
use msgin5g::messages::{Request, failure_body};
use msgin5g::registration::{DeregistrationVerdict, RegistrationVerdict};
use msgin5g::session::SessionEpoch;
use msgin5g::{MAX_BODY_BYTES, URI_PATH};
use nf_runtime::Runtime;
use nf_runtime::metrics::ProcedureMetrics;
use nf_runtime::procedure::chain;
use secret::SecretBytes;
use tokio::sync::mpsc;
use tracing::{Instrument as _, info_span};

use crate::BuildError;
use crate::config::Msgin5gServerConfig;
use crate::error::RequestError;
use crate::metrics::Bound;
use crate::procedures::accept_message::accept_message;
use crate::procedures::accept_report::accept_report;
use crate::procedures::deregister::deregister;
use crate::procedures::find_application_key::find_application_key;
use crate::procedures::register::register;
use crate::server::Server;
use crate::sessions::{KnownUe, Line, LiveSession};
use crate::tasks::Departure;

/// Binds the socket and serves UEs.
pub(crate) async fn open(
    config: &Msgin5gServerConfig,
    server: &Arc<Server>,
    departures: mpsc::Sender<Departure>,
    runtime: &Runtime,
) -> Result<CoapServer<KnownUe>, BuildError> {
    let defaults = Limits::default();
    let clock = runtime.clock.clone();
    let settings = ServerConfig {
        listen: config.listen,
        dtls: dtls::ServerConfig {
            suites: config
                .suites
                .iter()
                .map(|suite| CipherSuite::from(*suite))
                .collect(),
            psk_identity_hint: Some(akma::PSK_IDENTITY_HINT.as_bytes().to_vec()),
            ..dtls::ServerConfig::default()
        },
        coap: coap::Parameters {
            max_body: MAX_BODY_BYTES,
            ..coap::Parameters::default()
        },
        limits: Limits {
            piggyback_timeout: defaults
                .piggyback_timeout
                .max(config.association_timeout + ANSWER_MARGIN),
            ..defaults
        },
        wall_clock: WallClock::new(move || clock.unix_ms()),
        ..ServerConfig::default()
    };
    let keys = Keys {
        server: Arc::clone(server),
        procedures: server.procedures.clone(),
    };
    let endpoint = Endpoint {
        server: Arc::clone(server),
        procedures: server.procedures.clone(),
        departures,
    };
    let tasks = Tasks::new(runtime.lifecycle.tracker(), runtime.lifecycle.token());
    let coap = CoapServer::bind(settings, Arc::new(keys), Arc::new(endpoint), &tasks).await?;
    let (counted, bound) = (coap.clone(), Arc::clone(server));
    Bound(move || bound.sessions.endpoint_count())
        .register(Traffic::new(move || counted.stats()), runtime);
    Ok(coap)
}

struct Keys {
    server: Arc<Server>,
    procedures: ProcedureMetrics,
}

impl KeyLookup for Keys {
    type Context = KnownUe;

    async fn lookup(
        &self,
        query: KeyQuery,
    ) -> Result<Option<PreSharedKey<KnownUe>>, LookupUnavailable> {
        let span = info_span!("dtls.key", otel.kind = "server");
        self.look_up(query).instrument(span).await
    }
}

impl Keys {
    async fn look_up(
        &self,
        query: KeyQuery,
    ) -> Result<Option<PreSharedKey<KnownUe>>, LookupUnavailable> {
        let running = self.procedures.start("find_application_key");
        let server_name = query.server_name.as_deref();
        let suite = query.suite.number();
        let found = find_application_key(&self.server, &query.identity, suite, server_name).await;
        let cause = match &found {
            Ok(Some(_)) => None,
            Ok(None) => Some(Cause::UnknownAKid),
            Err(error) => Some(error.cause()),
        };
        running.finish(cause);
        let found = found.map_err(|error| {
            tracing::warn!(
                cause = error.cause().name(),
                error = chain(&error),
                "no key looked up"
            );
            LookupUnavailable
        })?;
        Ok(found.map(|found| PreSharedKey {
            key: SecretBytes::new(found.k_af.expose().to_vec()),
            expires_at_unix_ms: Some(found.expires_at_ms),
            context: found.ue,
        }))
    }
}

struct Endpoint {
    server: Arc<Server>,
    procedures: ProcedureMetrics,
    departures: mpsc::Sender<Departure>,
}

impl Handler<KnownUe> for Endpoint {
    async fn request(&self, session: Session<KnownUe>, incoming: Incoming<KnownUe>) -> Response {
        let request = incoming.request;
        match request.path().as_str() {
            "/.well-known/core" => well_known_core(&request, &LINKS),
            PATH if request.method == Method::Post => {
                // Around the counting and the log line too, which name the trace.
                let span = info_span!("coap.server", otel.name = PATH, otel.kind = "server");
                self.post(&session, &request).instrument(span).await
            }
            PATH => Response::new(Code::METHOD_NOT_ALLOWED),
            _ => Response::new(Code::NOT_FOUND),
        }
    }

    /// REG and DEREG: the answer has the Message ID of the request. TS 24.538 6.3.1.2.
    fn requires_piggyback(&self, request: &CoapRequest) -> bool {
        request.method == Method::Post
            && request.path() == PATH
            && matches!(
                self.read(request),
                Ok(Request::Registration(_) | Request::Deregistration(_))
            )
    }

    fn established(&self, session: &Session<KnownUe>) {
        let line = Box::new(DtlsLine(session.clone()));
        let ue = session.context().clone();
        self.server
            .sessions
            .insert(LiveSession::new(epoch(session), ue, line));
    }

    fn closed(&self, session: &Session<KnownUe>, reason: CloseReason) {
        tracing::debug!(?reason, "session over");
        let Some(removed) = self.server.sessions.remove(session.id().get()) else {
            return;
        };
        if removed.was_last {
            self.server.associations.release(&session.context().ue_id);
        }
        // A server that ends its sessions itself is ending, which says enough.
        if reason == CloseReason::LocalClose {
            return;
        }
        for ue_service_id in removed.session.binding().bound() {
            let departure = Departure {
                ue_service_id: ue_service_id.clone(),
                session: removed.session.at(),
            };
            if self.departures.try_send(departure).is_err() {
                tracing::debug!("too many sessions end at once, not all are written down");
            }
        }
    }
}

impl Endpoint {
    fn read(&self, request: &CoapRequest) -> Result<Request, msgin5g::DecodeError> {
        let format = request.content_format().map(|format| format.0);
        Request::decode(&self.server.service, format, &request.payload)
    }

    async fn post(&self, session: &Session<KnownUe>, request: &CoapRequest) -> Response {
        if let Err(refusal) = request.negotiate(&[ContentFormat::JSON]) {
            return refusal;
        }
        let read = match self.read(request) {
            Ok(read) => read,
            Err(error) => {
                tracing::debug!(
                    cause = error.cause().name(),
                    error = chain(&error),
                    "unreadable request"
                );
                self.procedures
                    .observe("read_request", Some(error.cause()), Duration::ZERO);
                return refuse(error.cause());
            }
        };
        let live = match self.server.sessions.of(session.id().get()) {
            Ok(live) => live,
            Err(cause) => return refuse(cause),
        };
        let response = self.handle(&live, &read).await;
        if live.take_owed() {
            for bound in live.binding().bound() {
                self.server.kick(bound);
            }
        }
        response
    }

    async fn handle(&self, session: &LiveSession, request: &Request) -> Response {
        let (server, service) = (&self.server, &self.server.service);
        match request {
            Request::Registration(request) => {
                let done = register(server, session, request);
                let id = &request.ue_service_id;
                let verdict = self.observed("register", done).await;
                let verdict = verdict.unwrap_or_else(RegistrationVerdict::Refused);
                respond(verdict.code(), verdict.answer(id).encode())
            }
            Request::Deregistration(request) => {
                let done = deregister(server, session, request);
                let id = &request.ue_service_id;
                let verdict = self.observed("deregister", done).await;
                let verdict = verdict.unwrap_or_else(DeregistrationVerdict::Refused);
                respond(verdict.code(), verdict.answer(id).encode())
            }
            Request::Message(message) => {
                let done = accept_message(server, session, message);
                let verdict = self.observed("accept_message", done);
                let verdict = verdict.await.unwrap_or_else(DeliveryVerdict::Refused);
                respond(
                    verdict.code(),
                    verdict.answer(&message.message_id).encode(service),
                )
            }
            Request::DeliveryReport(report) => {
                let done = accept_report(server, session, report);
                let verdict = self.observed("accept_report", done);
                let verdict = verdict.await.unwrap_or_else(DeliveryVerdict::Refused);
                respond(
                    verdict.code(),
                    verdict.answer(&report.message_id).encode(service),
                )
            }
            // The answer to a push has told already what this tells once more.
            Request::MessageResponse(_) => Response::new(Code::CHANGED),
        }
    }

    /// Runs a procedure: times it, counts it, logs a failure once, as a warning where we are at fault.
    async fn observed<T: Verdict>(
        &self,
        procedure: &'static str,
        work: impl Future<Output = Result<T, RequestError>>,
    ) -> Result<T, Cause> {
        let running = self.procedures.start(procedure);
        let outcome = work.await;
        let cause = match &outcome {
            Ok(verdict) => verdict.refusal(),
            Err(error) => Some(error.cause()),
        };
        running.finish(cause);
        match outcome {
            Ok(verdict) => {
                tracing::debug!(procedure, cause = cause.map(Cause::name), "procedure done");
                Ok(verdict)
            }
            Err(error) => {
                let cause = error.cause();
                // What a UE does wrong is no warning: it could fill the log with them.
                if cause.http() >= 500 {
                    tracing::warn!(
                        procedure,
                        cause = cause.name(),
                        error = chain(&error),
                        "procedure failed"
                    );
                } else {
                    tracing::debug!(
                        procedure,
                        cause = cause.name(),
                        error = chain(&error),
                        "procedure refused"
                    );
                }
                Err(cause)
            }
        }
    }
}

/// The part of a verdict that the metrics show.
trait Verdict {
    fn refusal(&self) -> Option<Cause>;
}

impl Verdict for RegistrationVerdict {
    fn refusal(&self) -> Option<Cause> {
        match self {
            Self::Refused(cause) => Some(*cause),
            Self::Created(_) | Self::Changed(_) => None,
        }
    }
}

impl Verdict for DeregistrationVerdict {
    fn refusal(&self) -> Option<Cause> {
        match self {
            Self::Refused(cause) => Some(*cause),
            Self::Deleted => None,
        }
    }
}

impl Verdict for DeliveryVerdict {
    fn refusal(&self) -> Option<Cause> {
        match self {
            Self::Refused(cause) | Self::Failed(cause) => Some(*cause),
            Self::Deliver { .. } | Self::Store { .. } => None,
        }
    }
}

struct DtlsLine(Session<KnownUe>);

#[async_trait]
impl Line for DtlsLine {
    async fn push(&self, body: Vec<u8>) -> Option<u8> {
        let request = CoapRequest::post(PATH, ContentFormat::JSON, body);
        match self.0.request(request).await {
            Ok(response) => Some(response.code.byte()),
            Err(error) => {
                tracing::debug!(
                    cause = error.cause().name(),
                    error = chain(&error),
                    "push not answered"
                );
                None
            }
        }
    }

    async fn end(&self) {
        self.0.revoke().await;
    }
}

fn epoch(session: &Session<KnownUe>) -> SessionEpoch {
    SessionEpoch {
        session: session.id().get(),
        epoch: session.epoch(),
    }
}

fn refuse(cause: Cause) -> Response {
    respond(cause.coap(), failure_body(cause))
}

fn respond(code: u8, body: Vec<u8>) -> Response {
    let code = Code::from_byte(code);
    let response = Response::new(code).with_payload(ContentFormat::JSON, body);
    if code == Code::SERVICE_UNAVAILABLE {
        response.with_max_age(RETRY_AFTER_SECONDS)
    } else {
        response
    }
}

const PATH: &str = "/msgin5g";

const LINKS: [Link<'_>; 1] = [Link {
    path: PATH,
    resource_type: URI_PATH,
    content_format: Some(ContentFormat::JSON),
    observable: false,
}];

/// What a UE is asked to wait after 5.03.
const RETRY_AFTER_SECONDS: u32 = 5;

/// Between the end of the time for checks and the end of the time for a piggy-backed answer.
const ANSWER_MARGIN: Duration = Duration::from_millis(300);
