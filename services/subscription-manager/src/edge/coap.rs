//! The provisioning server: CoAP over DTLS with the key of the limited session.
//!
//! `GET /profile` answers the package, or nothing as long as there is none; observed, it pushes the package when
//! it is sealed. `POST /receipt` takes the device's receipt.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use cause::Cause;
use coap::{Code, ContentFormat, Method, Reliability, Request, Response};
use coap_tokio::{
    BindError, Handler, Incoming, KeyLookup, KeyQuery, LookupUnavailable, Observation,
    PreSharedKey, Server, ServerConfig, Session, Tasks, WallClock,
};
use identifiers::OnboardingSession;
use nf_runtime::lifecycle::Lifecycle;
use nf_runtime::metrics::ProcedureMetrics;
use nf_runtime::procedure::chain;
use secret::SecretBytes;
use store::{Hint, Record as _, Watch};
use tokio::net::UdpSocket;
use tokio::time::sleep;
use tracing::{Instrument as _, info_span};

use crate::context::{Context, PDP_DTLS};
use crate::procedures::deliver_package::{OfferedPackage, note_fetched, offered_package};
use crate::procedures::find_session::{FindSessionError, FoundSession, find_live_session};
use crate::procedures::take_receipt::{TakeReceiptError, take_receipt};
use crate::records::SessionRecord;

/// Finds K(pdp-dtls) by the session that the PSK identity names.
pub(crate) struct SessionKeys {
    pub(crate) context: Context,
}

impl KeyLookup for SessionKeys {
    type Context = OnboardingSession;

    async fn lookup(
        &self,
        query: KeyQuery,
    ) -> Result<Option<PreSharedKey<OnboardingSession>>, LookupUnavailable> {
        let span = info_span!("dtls.key", otel.kind = "server");
        self.look_up(&query).instrument(span).await
    }
}

impl SessionKeys {
    async fn look_up(
        &self,
        query: &KeyQuery,
    ) -> Result<Option<PreSharedKey<OnboardingSession>>, LookupUnavailable> {
        let Ok(id) = onboarding::parse_pdp_identity(&query.identity) else {
            return Ok(None);
        };
        let found = match find_live_session(&self.context, &id).await {
            Ok(found) => found,
            Err(FindSessionError::Unknown | FindSessionError::Ended) => return Ok(None),
            Err(error) => return Err(unavailable(&error)),
        };
        let key = self
            .context
            .unseal_key(PDP_DTLS, &id, &found.record().pdp_dtls_key);
        let key = key.map_err(|error| unavailable(&error))?;
        Ok(Some(PreSharedKey {
            key: SecretBytes::new(key.expose().to_vec()),
            expires_at_unix_ms: Some(found.record().expires_at_ms),
            context: id,
        }))
    }
}

fn unavailable(error: &dyn std::error::Error) -> LookupUnavailable {
    tracing::warn!(
        error = chain(error),
        "key of a limited session cannot be looked up"
    );
    LookupUnavailable
}

/// Serves devices with a limited session.
pub(crate) struct Provisioning {
    pub(crate) context: Context,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) metrics: ProcedureMetrics,
}

impl Handler<OnboardingSession> for Provisioning {
    async fn request(
        &self,
        session: Session<OnboardingSession>,
        incoming: Incoming<OnboardingSession>,
    ) -> Response {
        let (path, procedure) = match incoming.request.path().as_str() {
            "/profile" => ("/profile", "deliver_package"),
            "/receipt" => ("/receipt", "take_receipt"),
            _ => return refusal(Cause::NotFound),
        };
        // Around the counting too, which names the trace.
        let span = info_span!("coap.server", otel.name = path, otel.kind = "server");
        let answer = async {
            if procedure == "deliver_package" {
                self.profile(&session, incoming).await
            } else {
                self.receipt(&session, &incoming.request).await
            }
        };
        self.metrics
            .measure(procedure, answer, Refusal::cause)
            .instrument(span)
            .await
            .unwrap_or_else(Refusal::response)
    }
}

/// Why a request is not answered with success.
enum Refusal {
    Cause(Cause),
    /// The method is not one of the resource.
    Method,
}

impl Refusal {
    const fn cause(&self) -> Cause {
        match self {
            Self::Cause(cause) => *cause,
            Self::Method => Cause::MalformedMessage,
        }
    }

    fn response(self) -> Response {
        match self {
            Self::Cause(cause) => refusal(cause),
            Self::Method => {
                Response::diagnostic(Code::METHOD_NOT_ALLOWED, Cause::MalformedMessage.name())
            }
        }
    }
}

impl From<FindSessionError> for Refusal {
    fn from(error: FindSessionError) -> Self {
        Self::Cause(error.cause())
    }
}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Self {
        tracing::warn!(error = chain(&error), "package cannot be read");
        Self::Cause(error.cause())
    }
}

impl Provisioning {
    async fn profile(
        &self,
        session: &Session<OnboardingSession>,
        incoming: Incoming<OnboardingSession>,
    ) -> Result<Response, Refusal> {
        if incoming.request.method != Method::Get {
            return Err(Refusal::Method);
        }
        if let Err(not_acceptable) = incoming.request.negotiate(&[ContentFormat::COSE_SIGN1]) {
            return Ok(not_acceptable);
        }
        let found = find_live_session(&self.context, session.context()).await?;
        // Watched before it is read, so that no change falls between.
        let watch = self.context.store.watch_tag(&found.tag).await?;
        let package = offered_package(&self.context, &found).await?;
        if let Some(registration) = incoming.registration {
            let push = Push {
                context: self.context.clone(),
                found: found.clone(),
                observation: registration.accept(),
            };
            let token = self.lifecycle.token();
            let is_there = package.is_some();
            self.lifecycle.spawn("profile push", async move {
                token.run_until_cancelled(push.run(watch, is_there)).await;
            });
        }
        match package {
            Some(package) => {
                note_fetched(&self.context, &found).await?;
                Ok(representation(package))
            }
            None => Ok(Response::new(Code::CONTENT).with_max_age(0)),
        }
    }

    async fn receipt(
        &self,
        session: &Session<OnboardingSession>,
        request: &Request,
    ) -> Result<Response, Refusal> {
        if request.method != Method::Post {
            return Err(Refusal::Method);
        }
        if request
            .require_format(&[ContentFormat::COSE_SIGN1])
            .is_err()
        {
            return Err(Refusal::Cause(Cause::ContentFormatUnsupported));
        }
        if request.payload.len() > MAX_RECEIPT {
            return Err(Refusal::Cause(Cause::PayloadTooLarge));
        }
        let found = find_live_session(&self.context, session.context()).await?;
        match take_receipt(&self.context, &found, &request.payload).await {
            Ok(()) => Ok(Response::new(Code::CHANGED)),
            Err(TakeReceiptError::Store(error)) => Err(error.into()),
            Err(error) => {
                tracing::debug!(error = chain(&error), "receipt refused");
                Err(Refusal::Cause(error.cause()))
            }
        }
    }
}

/// Pushes the package of a session to a device that observes it.
struct Push {
    context: Context,
    found: FoundSession,
    observation: Observation<OnboardingSession>,
}

impl Push {
    async fn run(self, mut watch: Watch, is_there: bool) {
        if is_there {
            return;
        }
        loop {
            tokio::select! {
                () = self.observation.ended() => return,
                hint = watch.next() => if hint.is_none() { return },
                // A hint may be lost; whichever replica sealed the package, it is found in the store.
                () = sleep(LOOK_EVERY) => {}
            }
            match offered_package(&self.context, &self.found).await {
                Ok(None) => {}
                Ok(Some(package)) => {
                    let pushed = self
                        .observation
                        .notify(representation(package), Reliability::Confirmable)
                        .await;
                    if pushed.is_ok()
                        && let Err(error) = note_fetched(&self.context, &self.found).await
                    {
                        tracing::warn!(error = chain(&error), "push cannot be noted");
                    }
                    return;
                }
                Err(error) => tracing::warn!(error = chain(&error), "package cannot be read"),
            }
        }
    }
}

/// Ends DTLS sessions with the limited sessions that they belong to.
pub(crate) async fn end_with_sessions(
    context: Context,
    server: Server<OnboardingSession>,
    mut watch: Watch,
) {
    while let Some(hint) = watch.next().await {
        let Hint::Changed(change) = hint else {
            // Ends may have been missed. A device whose limited session lives comes back at once.
            server.revoke_where(|_| true).await;
            continue;
        };
        let Some(name) = change.name else { continue };
        let row = context
            .store
            .read_named::<SessionRecord>(&change.tag, &name)
            .await;
        // In doubt it has: a device whose limited session lives comes back at once.
        let ended = row.map_or(true, |row| row.is_none_or(|row| row.record.has_ended()));
        if let (true, Ok(id)) = (ended, OnboardingSession::parse(&name)) {
            server.revoke_where(move |session| *session == id).await;
        }
    }
}

fn representation(package: OfferedPackage) -> Response {
    let etag = package.sha256.get(..8).unwrap_or_default().to_vec();
    Response::content(ContentFormat::COSE_SIGN1, package.octets).with_etag(&etag)
}

fn refusal(cause: Cause) -> Response {
    Response::diagnostic(Code::from_byte(cause.coap()), cause.name())
}

/// How often a package that is waited for is looked for, besides the hints of the store.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// A receipt is far smaller.
const MAX_RECEIPT: usize = 4096;

/// The kind of rows whose changes end sessions.
pub(crate) const WATCHED: store::Kind = SessionRecord::KIND;

/// The server of devices with a limited session.
pub(crate) type ProvisioningServer = Server<OnboardingSession>;

/// Binds the socket of the provisioning server.
pub(crate) async fn socket(listen: SocketAddr) -> Result<UdpSocket, BindError> {
    UdpSocket::bind(listen).await.map_err(BindError::Socket)
}

/// The address of the socket.
pub(crate) fn address_of(socket: &UdpSocket) -> Result<SocketAddr, BindError> {
    socket.local_addr().map_err(BindError::Socket)
}

/// Starts the provisioning server.
pub(crate) fn serve(
    socket: UdpSocket,
    context: &Context,
    lifecycle: &Lifecycle,
    metrics: ProcedureMetrics,
) -> Result<ProvisioningServer, BindError> {
    let clock = context.clock.clone();
    let config = ServerConfig {
        dtls: dtls::ServerConfig {
            psk_identity_hint: None,
            ..Default::default()
        },
        wall_clock: WallClock::new(move || clock.unix_ms()),
        ..Default::default()
    };
    let keys = SessionKeys {
        context: context.clone(),
    };
    let handler = Provisioning {
        context: context.clone(),
        lifecycle: lifecycle.clone(),
        metrics,
    };
    let tasks = Tasks::new(lifecycle.tracker(), lifecycle.token());
    Server::serve(socket, config, Arc::new(keys), Arc::new(handler), &tasks)
}
