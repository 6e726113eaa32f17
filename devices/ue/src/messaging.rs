//! A registered UE: one DTLS session with the MSGin5G server. Source: TS 24.538 6.3, 6.4; TS 33.501 Y.2.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use akma::PSK_IDENTITY_HINT;
use cause::Cause;
use coap::{Code, ContentFormat, Request, Response};
use coap_tokio::{
    Client, ClientConfig, ConnectError, ExchangeError, Handler, Incoming, Session, Tasks,
};
use dtls::{AlertDescription, CipherSuite, FailureReason};
use identifiers::{Fqdn, UeServiceId};
use msgin5g::client::{Answer, AnswerError, Client as Msgin5gClient, Post, Pushed};
use msgin5g::messages::{Message, MessageStatus, ReportStatus};
use msgin5g::values::{
    AsServiceId, Endpoint, FailureCause, MessageId, Recipient, ServiceIdentifier,
};
use msgin5g::{Payload, URI_PATH};
use secret::SecretBytes;
use tokio::net::lookup_host;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{debug, warn};
use url::Url;

use crate::agent::{unix_ms, unix_seconds};
use crate::akma::Anchor;
use crate::error::{NotReady, UeError};
use crate::random;
use crate::state::{Directory, Inbox, InboxMessage, StateError};

/// What the server said to REG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The device's name in the service.
    pub ue_service_id: UeServiceId,
    /// Whether the server had no registration before.
    pub new: bool,
    /// When it ends, in seconds since 1970, UTC, if the server says it.
    pub expires_at: Option<u64>,
    /// The suite of the DTLS session.
    pub suite: CipherSuite,
}

/// A message to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// UE Service ID of the recipient.
    pub to: UeServiceId,
    /// What to carry.
    pub payload: Payload,
    /// Whether the recipient shall report.
    pub report_wanted: bool,
}

/// What the server did with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Identity of the message; a report names it.
    pub message_id: MessageId,
    /// Whether it waits for an absent recipient.
    pub stored: bool,
}

/// Something that another party sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Message or report.
    pub kind: ReceivedKind,
    /// Identity of the message; of a report, that of the message reported on.
    pub message_id: String,
    /// Who sent it.
    pub from: String,
    /// The application inside the device that it is for.
    pub application_id: Option<String>,
    /// What it carries; empty in a report.
    pub payload: Vec<u8>,
    /// When it arrived, in milliseconds since 1970, UTC.
    pub received_at_ms: u64,
}

/// What was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceivedKind {
    /// A message.
    Message,
    /// What became of a message that this device sent.
    Report {
        /// Whether it arrived.
        delivered: bool,
    },
}

impl Received {
    /// The payload as text; octets that are none are replaced.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.payload)
    }
}

/// A live session in which the device is registered. Messages that arrive meanwhile are written to disk
/// before they are acknowledged.
///
/// When the server is gone, or sends the device elsewhere, the device connects and registers again by itself and
/// repeats what it was about. A message is repeated under its Message ID, so that it is taken over once.
pub struct RegisteredUe {
    directory: Directory,
    line: Line,
    registration: Registration,
}

impl RegisteredUe {
    /// What the server said to the last REG.
    #[must_use]
    pub const fn registration(&self) -> &Registration {
        &self.registration
    }

    /// Sends a text.
    ///
    /// # Errors
    /// [`UeError::Input`] if `to` or the text cannot be sent; otherwise as [`Self::send_message`].
    pub async fn send(&mut self, to: &str, text: &str) -> Result<Sent, UeError> {
        let to = UeServiceId::parse(to)
            .map_err(|_| UeError::Input("a recipient looks like name@domain"))?;
        let payload = Payload::text(text).map_err(|_| {
            UeError::Input("a text has at most 2048 octets and no control characters")
        })?;
        self.send_message(Outgoing {
            to,
            payload,
            report_wanted: false,
        })
        .await
    }

    /// Sends a message.
    ///
    /// # Errors
    /// [`UeError::Refused`] with the server's cause; [`UeError::TimedOut`] leaves open whether the server
    /// has taken it over.
    pub async fn send_message(&mut self, outgoing: Outgoing) -> Result<Sent, UeError> {
        let message_id = MessageId::generate(unix_ms(), random::array());
        let recipient = Recipient::Ue(outgoing.to);
        let mut message = self.line.msgin5g.message(recipient, message_id.clone());
        message.payload = Some(outgoing.payload);
        message.delivery_status_required = outgoing.report_wanted;
        let answer = self
            .steadily(SEND, |line| line.msgin5g.send(&message))
            .await?;
        let status = self
            .line
            .msgin5g
            .read_message_response(&message_id, answer_of(&answer));
        let status = status.map_err(|error| refused(SEND, &answer, error))?;
        Ok(Sent {
            message_id,
            stored: status == MessageStatus::Stored,
        })
    }

    /// Waits for a message or report, up to `within`; `None` if none came. Sends the report that the
    /// sender of a message asked for. While nothing comes, the server is asked now and then whether it is there.
    ///
    /// # Errors
    /// As [`Ue::register`](crate::Ue::register) if the server is gone and no other takes the device; [`UeError::State`].
    pub async fn receive(&mut self, within: Duration) -> Result<Option<Received>, UeError> {
        let deadline = Instant::now() + within.min(LONGEST_WAIT);
        loop {
            if let Some((name, message)) = self.line.inbox.oldest()? {
                if message.report_wanted {
                    self.report(&message).await;
                }
                self.line.inbox.remove(&name)?;
                return Ok(Some(read(message)));
            }
            let session = self.line.client.session().clone();
            tokio::select! {
                () = self.line.news.notified() => {}
                reason = session.closed() => {
                    debug!(?reason, "session is over, connecting again");
                    self.recover().await?;
                }
                () = tokio::time::sleep_until(deadline) => return Ok(None),
            }
        }
    }

    /// Posts something; where the server is gone, once more after the device has registered again.
    async fn steadily(
        &mut self,
        operation: &'static str,
        make: impl Fn(&Line) -> Post,
    ) -> Result<Response, UeError> {
        match self.line.post(operation, make(&self.line)).await {
            Err(error) if is_gone(&error) => {
                debug!(operation, "server is gone, connecting again");
                self.recover().await?;
                self.line.post(operation, make(&self.line)).await
            }
            outcome => outcome,
        }
    }

    /// Connects and registers again. The server that was, or what leads to it, may take a while to be replaced.
    async fn recover(&mut self) -> Result<(), UeError> {
        let deadline = Instant::now() + RECOVERY;
        let mut pause = FIRST_PAUSE;
        loop {
            match open(&self.directory).await {
                Ok((line, registration)) => {
                    self.line = line;
                    self.registration = registration;
                    return Ok(());
                }
                Err(error) if is_passing(&error) && Instant::now() < deadline => {
                    debug!(cause = error.cause().name(), "not registered again yet");
                    sleep(pause).await;
                    pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Reports a delivery. The message counts as received whether the report arrives or not.
    async fn report(&mut self, message: &InboxMessage) {
        let Some(post) = self.line.report_on(message) else {
            return;
        };
        match self.steadily(REPORT, |_| post.clone()).await {
            Ok(answer) if answer.is_success() => {}
            Ok(answer) => warn!(code = %answer.code, "delivery report refused"),
            Err(error) => warn!(
                cause = error.cause().name(),
                "delivery report not delivered"
            ),
        }
    }

    /// Ends the registration and the session.
    ///
    /// # Errors
    /// [`UeError::Refused`] with the server's cause.
    pub async fn deregister(mut self) -> Result<(), UeError> {
        let answer = self.steadily(DEREGISTER, |line| line.msgin5g.deregister());
        let deregistered = match answer.await {
            Ok(answer) => self.line.read_deregistration(&answer),
            Err(error) => Err(error),
        };
        self.line.client.close().await;
        deregistered
    }

    /// Ends the session; the registration stays, and the server stores what comes.
    pub async fn close(self) {
        self.line.client.close().await;
    }
}

/// A DTLS session with the server and what belongs to it.
struct Line {
    client: Client,
    msgin5g: Msgin5gClient,
    inbox: Inbox,
    news: Arc<Notify>,
    /// Ends what watches the server, and the session if it is still there.
    _watched: DropGuard,
}

impl Line {
    /// Connects; an A-KID that the network cannot know yet is tried again.
    async fn connect(directory: &Directory) -> Result<Self, UeError> {
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
    async fn register(&self) -> Result<Registration, UeError> {
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

    async fn deregister(&self) -> Result<(), UeError> {
        let answer = self.post(DEREGISTER, self.msgin5g.deregister()).await?;
        self.read_deregistration(&answer)
    }

    fn read_deregistration(&self, answer: &Response) -> Result<(), UeError> {
        self.msgin5g
            .read_deregistration(answer_of(answer))
            .map_err(|error| refused(DEREGISTER, answer, error))
    }

    async fn post(&self, operation: &'static str, post: Post) -> Result<Response, UeError> {
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
    fn report_on(&self, message: &InboxMessage) -> Option<Post> {
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

/// Connects and registers.
pub(crate) async fn register(directory: &Directory) -> Result<RegisteredUe, UeError> {
    let (line, registration) = match open(directory).await {
        // A server that went away between handshake and REG; one that is not there at all was waited for.
        Err(
            UeError::Unreachable {
                operation: REGISTER,
                ..
            }
            | UeError::TimedOut {
                operation: REGISTER,
            },
        ) => open(directory).await?,
        opened => opened?,
    };
    Ok(RegisteredUe {
        directory: directory.clone(),
        line,
        registration,
    })
}

async fn open(directory: &Directory) -> Result<(Line, Registration), UeError> {
    let line = Line::connect(directory).await?;
    match line.register().await {
        Ok(registration) => Ok((line, registration)),
        Err(error) => {
            line.client.close().await;
            Err(error)
        }
    }
}

/// Whether nobody is at the other end of the session any more.
const fn is_gone(error: &UeError) -> bool {
    matches!(
        error,
        UeError::Unreachable { .. } | UeError::TimedOut { .. }
    )
}

/// Whether another attempt in a while may succeed.
fn is_passing(error: &UeError) -> bool {
    is_gone(error) || matches!(error, UeError::Refused { cause, .. } if cause.retryable())
}

/// Connects and ends the registration.
pub(crate) async fn deregister(directory: &Directory) -> Result<(), UeError> {
    let line = Line::connect(directory).await?;
    let deregistered = line.deregister().await;
    line.client.close().await;
    deregistered
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

/// What the server pushes.
struct Pushes {
    msgin5g: Msgin5gClient,
    inbox: Inbox,
    news: Arc<Notify>,
}

impl Handler<()> for Pushes {
    async fn request(&self, _: Session<()>, incoming: Incoming<()>) -> Response {
        let request = incoming.request;
        if request.path().trim_matches('/') != URI_PATH {
            return Response::new(Code::NOT_FOUND);
        }
        if request.method != coap::Method::Post {
            return Response::new(Code::METHOD_NOT_ALLOWED);
        }
        let format = request.content_format().map(|format| format.0);
        let kept = match self.msgin5g.receive(format, &request.payload) {
            Ok(pushed) => keep(&self.inbox, pushed),
            Err(error) => return Response::new(Code::from_byte(error.cause().coap())),
        };
        match kept {
            Ok(()) => {
                self.news.notify_one();
                Response::new(Code::CHANGED)
            }
            Err(error) => {
                warn!(cause = error.cause().name(), "message not kept");
                Response::retry_later(Code::SERVICE_UNAVAILABLE, Duration::from_secs(60))
            }
        }
    }
}

/// Writes what was pushed to disk; after that it may be acknowledged.
fn keep(inbox: &Inbox, pushed: Pushed) -> Result<(), StateError> {
    let message = match pushed {
        Pushed::Message(message) => InboxMessage {
            message_id: message.message_id.as_str().to_owned(),
            from: name_of(&message.originator).to_owned(),
            kind: MESSAGE.to_owned(),
            report_wanted: message.delivery_status_required,
            payload: message
                .payload
                .map(|payload| payload.as_bytes().to_vec())
                .unwrap_or_default(),
            application_id: message.application_id.map(|id| id.as_str().to_owned()),
            delivered: None,
            received_at_ms: unix_ms(),
        },
        Pushed::DeliveryReport(report) => InboxMessage {
            message_id: report.message_id.as_str().to_owned(),
            from: name_of(&report.originator).to_owned(),
            kind: REPORT_KIND.to_owned(),
            report_wanted: false,
            payload: Vec::new(),
            application_id: None,
            delivered: Some(report.status == ReportStatus::Delivered),
            received_at_ms: unix_ms(),
        },
        // A late word of the server on a message: nobody waits for it any more.
        Pushed::MessageResponse(_) => return Ok(()),
    };
    inbox.keep(&message)
}

fn name_of(endpoint: &Endpoint) -> &str {
    match endpoint {
        Endpoint::Ue(ue) => ue.as_str(),
        Endpoint::As(server) => server.as_str(),
    }
}

fn read(message: InboxMessage) -> Received {
    Received {
        kind: match message.delivered {
            Some(delivered) => ReceivedKind::Report { delivered },
            None => ReceivedKind::Message,
        },
        message_id: message.message_id,
        from: message.from,
        application_id: message.application_id,
        payload: message.payload,
        received_at_ms: message.received_at_ms,
    }
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

fn answer_of(response: &Response) -> Answer<'_> {
    Answer {
        code: response.code.byte(),
        content_format: response.content_format().map(|format| format.0),
        body: &response.payload,
    }
}

fn refused(operation: &'static str, answer: &Response, error: AnswerError) -> UeError {
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
const REGISTER: &str = "register";
const DEREGISTER: &str = "deregister";
const SEND: &str = "send a message";
const REPORT: &str = "report a delivery";
const MESSAGE: &str = "message";
const REPORT_KIND: &str = "report";
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
/// How long a device tries to register again by itself.
const RECOVERY: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// What every server answers to, RFC 6690 4.
const RESOURCES: &str = "/.well-known/core";
const REQUEST_LIMIT: Duration = Duration::from_secs(30);
const LONGEST_WAIT: Duration = Duration::from_secs(30 * 24 * 3600);
const REG_ATTEMPTS: u32 = 4;
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
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
