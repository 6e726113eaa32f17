//! A DTLS session with the MSGin5G server, keyed by AKMA.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use akma::PSK_IDENTITY_HINT;
use cause::Cause;
use coap::{Code, ContentFormat, Request, Response};
use coap_tokio::{Client, ClientConfig, ConnectError, ExchangeError, Tasks};
use dtls::{AlertDescription, CipherSuite, FailureReason};
use identifiers::{Fqdn, UeServiceId};
use msgin5g::client::{Answer, AnswerError, Client as Msgin5gClient, Post};
use msgin5g::messages::{Message, ReportStatus};
use msgin5g::values::{
    AsServiceId, Endpoint, FailureCause, MessageId, Recipient, ServiceIdentifier,
};
use secret::SecretBytes;
use tokio::net::lookup_host;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::debug;
use url::Url;

use super::Registration;
use super::pushes::Pushes;
use crate::agent::unix_seconds;
use crate::akma::Anchor;
use crate::error::{NotReady, UeError};
use crate::state::{Directory, Inbox, InboxMessage};

/// A DTLS session with the server and what belongs to it.
pub(super) struct Line {
    pub(super) client: Client,
    pub(super) msgin5g: Msgin5gClient,
    pub(super) inbox: Inbox,
    pub(super) news: Arc<Notify>,
    /// Ends what watches the server, and the session if it is still there.
    _watched: DropGuard,
}

impl Line {
    /// Connects; an A-KID that the network cannot know yet is tried again.
    pub(super) async fn connect(directory: &Directory) -> Result<Self, UeError> {
        let anchor = Anchor::load(directory)?;
        let service = anchor.credentials().profile.applications.msgin5g.as_ref();
        let service = service.ok_or(UeError::NotReady(NotReady::NoMessaging))?;
        let msgin5g =
            Msgin5gClient::new(ServiceIdentifier::default(), service.ue_service_id.clone());
        let inbox = Inbox::open(directory)?;
        let news = Arc::new(Notify::new());
        let fresh = unix_seconds().saturating_sub(anchor.authenticated_at()) <= FRESH_SECONDS;
        let mut pauses = BACK_OFF.iter().filter(|_| fresh);
        let mut limits = HANDSHAKE_LIMITS.into_iter();
        let mut limit = limits.next().unwrap_or(LONGEST_PAUSE);
        loop {
            let mut config =
                configuration(&anchor, &service.server_uri, &service.dtls_suites).await?;
            config.handshake_timeout = limit;
            let handler = Arc::new(Pushes {
                msgin5g: msgin5g.clone(),
                inbox: inbox.clone(),
                news: Arc::clone(&news),
            });
            let tasks = Tasks::default();
            let error = match Client::connect(config, handler, &tasks).await {
                Ok(client) => {
                    tasks
                        .tracker
                        .spawn(watch(client.clone(), tasks.token.clone()));
                    return Ok(Self {
                        _watched: tasks.token.drop_guard(),
                        client,
                        msgin5g,
                        inbox,
                        news,
                    });
                }
                Err(error) => connect_error(error),
            };
            if matches!(error, UeError::TimedOut { .. }) {
                // From another port, which may lead to another server.
                limit = limits.next().ok_or(error)?;
                continue;
            }
            let again = error.cause() == Cause::UnknownAKid || error.cause().retryable();
            match pauses.next().filter(|_| again) {
                Some(pause) => sleep(*pause).await,
                None => return Err(error),
            }
        }
    }

    /// Sends REG; one that the server cannot decide now is sent again after the pause it asks for.
    pub(super) async fn register(&self) -> Result<Registration, UeError> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let answer = self
                .post(REGISTER, self.msgin5g.register(None, None))
                .await?;
            match self.msgin5g.read_registration(answer_of(&answer)) {
                Ok(registered) => {
                    return Ok(Registration {
                        ue_service_id: self.msgin5g.ue_service_id().clone(),
                        new: registered.new,
                        expires_at: registered.expires.map(|time| time.unix_seconds()),
                        suite: self.client.session().suite(),
                    });
                }
                Err(_) if answer.code == Code::SERVICE_UNAVAILABLE && attempts < REG_ATTEMPTS => {
                    let pause = answer.max_age().unwrap_or(Duration::from_secs(1));
                    sleep(pause.min(LONGEST_PAUSE)).await;
                }
                Err(error) => return Err(refused(REGISTER, &answer, error)),
            }
        }
    }

    pub(super) async fn deregister(&self) -> Result<(), UeError> {
        let answer = self.post(DEREGISTER, self.msgin5g.deregister()).await?;
        self.read_deregistration(&answer)
    }

    pub(super) fn read_deregistration(&self, answer: &Response) -> Result<(), UeError> {
        self.msgin5g
            .read_deregistration(answer_of(answer))
            .map_err(|error| refused(DEREGISTER, answer, error))
    }

    pub(super) async fn post(
        &self,
        operation: &'static str,
        post: Post,
    ) -> Result<Response, UeError> {
        let format = ContentFormat(post.content_format);
        let request = Request::post(post.uri_path, format, post.body);
        match timeout(REQUEST_LIMIT, self.client.request(request)).await {
            Err(_) => Err(UeError::TimedOut { operation }),
            Ok(Ok(response)) if self.is_sent_away_by(&response).await => {
                Err(UeError::unreachable(operation, "the server is leaving"))
            }
            Ok(Ok(response)) => Ok(response),
            Ok(Err(ExchangeError::Failed(coap::Failure::TimedOut))) => {
                Err(UeError::TimedOut { operation })
            }
            Ok(Err(ExchangeError::Failed(failure))) => Err(UeError::untrusted_because(
                operation,
                failure.cause(),
                failure,
            )),
            Ok(Err(error)) => Err(UeError::unreachable(operation, error)),
        }
    }

    /// Whether a server refuses because it ends: its session ends as well then.
    async fn is_sent_away_by(&self, response: &Response) -> bool {
        let closed = self.client.session().closed();
        response.code == Code::SERVICE_UNAVAILABLE && timeout(FAREWELL, closed).await.is_ok()
    }

    /// IMDN for a message; `None` if its sender cannot be addressed.
    pub(super) fn report_on(&self, message: &InboxMessage) -> Option<Post> {
        let originator = match UeServiceId::parse(&message.from) {
            Ok(ue) => Endpoint::Ue(ue),
            Err(_) => Endpoint::As(AsServiceId::parse(&message.from).ok()?),
        };
        let me = Recipient::Ue(self.msgin5g.ue_service_id().clone());
        let message_id = MessageId::parse(&message.message_id).ok()?;
        let mut received = Message::new(originator, me, message_id);
        received.delivery_status_required = message.report_wanted;
        self.msgin5g.report(&received, ReportStatus::Delivered)
    }
}

/// Asks the server now and then whether it is there, and ends the session if it is not.
async fn watch(client: Client, stop: CancellationToken) {
    let asking = async {
        loop {
            sleep(KEEP_ALIVE).await;
            // Whatever it answers, it answers in this session.
            if let Err(error) = client.request(Request::get(RESOURCES)).await {
                debug!(%error, "server does not answer any more");
                client.close().await;
                return;
            }
        }
    };
    stop.run_until_cancelled(asking).await;
}

/// Everything that the handshake needs: one key for each suite, since K_AF depends on it.
async fn configuration(
    anchor: &Anchor,
    server_uri: &str,
    suites: &[u16],
) -> Result<ClientConfig, UeError> {
    let af: Fqdn = anchor.messaging_af()?;
    let server = resolve(server_uri).await?;
    let offered = suites
        .iter()
        .filter_map(|number| CipherSuite::from_number(number.to_be_bytes()));
    let mut offered = offered.collect::<Vec<_>>();
    offered.dedup();
    if offered.is_empty() {
        offered = CipherSuite::ALL.to_vec();
    }
    let mut identity = Vec::new();
    let mut keys = Vec::new();
    for suite in offered {
        let key = anchor.application_key(Some(&af), suite)?;
        identity = key.psk_identity;
        keys.push((suite, SecretBytes::new(key.k_af.expose().to_vec())));
    }
    let mut config = ClientConfig::new(server, &identity, keys);
    config.server_name = Some(af.as_str().to_owned());
    config.expected_hint = Some(PSK_IDENTITY_HINT.as_bytes().to_vec());
    config.coap.ack_timeout = ACK_TIMEOUT;
    config.coap.ack_random_span = ACK_TIMEOUT / 2;
    config.coap.max_retransmit = MAX_RETRANSMIT;
    Ok(config)
}

/// The address behind `coaps://host[:port]`.
async fn resolve(server_uri: &str) -> Result<SocketAddr, UeError> {
    let unusable = || UeError::untrusted(CONNECT, Cause::MandatoryElementIncorrect);
    let uri = Url::parse(server_uri).map_err(|_| unusable())?;
    let host = uri
        .host_str()
        .filter(|_| uri.scheme() == "coaps")
        .ok_or_else(unusable)?;
    let target = (
        host.trim_matches(['[', ']']),
        uri.port().unwrap_or(COAPS_PORT),
    );
    let mut found = timeout_at(Instant::now() + RESOLVE_LIMIT, lookup_host(target))
        .await
        .map_err(|_| UeError::TimedOut { operation: CONNECT })?
        .map_err(|source| UeError::unreachable(CONNECT, source))?;
    found
        .next()
        .ok_or_else(|| UeError::unreachable(CONNECT, "the server's name has no address"))
}

/// An unknown identity and a wrong key look the same from outside.
fn connect_error(error: ConnectError) -> UeError {
    match error {
        ConnectError::Handshake(FailureReason::TimedOut) => {
            UeError::TimedOut { operation: CONNECT }
        }
        ConnectError::Handshake(FailureReason::PeerAlert(AlertDescription::INTERNAL_ERROR)) => {
            UeError::refused(CONNECT, Cause::TemporarilyUnavailable)
        }
        ConnectError::Handshake(_) => UeError::refused(CONNECT, Cause::UnknownAKid),
        ConnectError::Hint => UeError::untrusted(CONNECT, Cause::Unsupported),
        ConnectError::Socket(_) => UeError::unreachable(CONNECT, error),
        _ => UeError::internal(CONNECT, error),
    }
}

pub(super) fn answer_of(response: &Response) -> Answer<'_> {
    Answer {
        code: response.code.byte(),
        content_format: response.content_format().map(|format| format.0),
        body: &response.payload,
    }
}

pub(super) fn refused(operation: &'static str, answer: &Response, error: AnswerError) -> UeError {
    match &error {
        AnswerError::Refused(refusal) => UeError::Refused {
            operation,
            cause: match (refusal.cause.clone(), answer.code) {
                (Some(FailureCause::Known(cause)), _) => cause,
                (_, Code::UNAUTHORIZED) => Cause::Unauthenticated,
                (_, Code::FORBIDDEN) => Cause::NotAuthorized,
                (_, Code::NOT_FOUND) => Cause::NotFound,
                (_, Code::TOO_MANY_REQUESTS) => Cause::RateLimited,
                (_, Code::SERVICE_UNAVAILABLE) => Cause::TemporarilyUnavailable,
                _ => Cause::UpstreamFailure,
            },
            retry_after: answer.max_age(),
        },
        _ => UeError::untrusted_because(operation, error.cause(), error),
    }
}

const CONNECT: &str = "connect to the msgin5g server";
pub(super) const REGISTER: &str = "register";
pub(super) const DEREGISTER: &str = "deregister";
const COAPS_PORT: u16 = 5684;
const RESOLVE_LIMIT: Duration = Duration::from_secs(5);
/// One handshake after the other, each from a port of its own, as long as none is answered.
const HANDSHAKE_LIMITS: [Duration; 3] = [
    Duration::from_secs(3),
    Duration::from_secs(5),
    Duration::from_secs(10),
];
/// `Choice:` a server that acknowledges nothing within 3 to 4.5 s counts as gone (RFC 7252 4.8 would wait 45 s and more):
/// another one is found sooner than that.
const ACK_TIMEOUT: Duration = Duration::from_secs(1);
const MAX_RETRANSMIT: u32 = 1;
/// How often the server is asked whether it is there.
const KEEP_ALIVE: Duration = Duration::from_secs(4);
/// How soon after a refusal a session ends whose server is leaving.
const FAREWELL: Duration = Duration::from_secs(1);
/// What every server answers to, RFC 6690 4.
const RESOURCES: &str = "/.well-known/core";
const REQUEST_LIMIT: Duration = Duration::from_secs(30);
const REG_ATTEMPTS: u32 = 4;
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// For so long after an authentication the application function may not know the A-KID yet.
const FRESH_SECONDS: u64 = 60;
/// Pauses before each further attempt with an A-KID that is not known.
const BACK_OFF: [Duration; 7] = [
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(800),
    Duration::from_millis(1600),
    Duration::from_millis(3200),
    Duration::from_millis(3200),
];
