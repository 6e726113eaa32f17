//! The provisioning server, by CoAP over DTLS through the relay.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use cause::Cause;
use coap::{Code, ContentFormat, Request, Response};
use coap_tokio::{
    Client, ClientConfig, ConnectError, ExchangeError, Observing, ServesNothing, Tasks,
};
use dtls::{CipherSuite, FailureReason};
use identifiers::OnboardingSession;
use onboarding::pdp_identity;
use secret::{OwaKey, SecretBytes};
use tokio::time::{sleep, timeout};

use super::install::{Pending, PreparedReceipt};
use super::owa::Admitted;
use crate::agent::unix_seconds;
use crate::error::UeError;

#[cfg(test)]
mod tests;

/// A way to the provisioning server; its handshake confirms the device's key.
pub(super) struct ProvisioningServer {
    way: Way,
    client: Client,
    /// Held to the end: to cancel it would fetch the package once more (RFC 7641 3.6).
    observing: Option<Observing<()>>,
}

/// What it takes to connect.
struct Way {
    relay: SocketAddr,
    session: OnboardingSession,
    key: SecretBytes,
    tasks: Tasks,
}

impl ProvisioningServer {
    /// Connects with the keys of the session.
    pub(super) async fn connect(admitted: &Admitted, tasks: &Tasks) -> Result<Self, UeError> {
        let session = &admitted.session;
        let id = session.parameters.session;
        Self::open(admitted.relay, id, &session.keys.pdp_dtls, tasks).await
    }

    async fn open(
        relay: SocketAddr,
        session: OnboardingSession,
        key: &OwaKey,
        tasks: &Tasks,
    ) -> Result<Self, UeError> {
        let key = SecretBytes::new(key.expose().to_vec());
        let way = Way {
            relay,
            session,
            key,
            tasks: tasks.clone(),
        };
        Ok(Self {
            client: way.connect().await?,
            way,
            observing: None,
        })
    }

    /// Waits for the package: pushed where the server grants an observation, asked for otherwise.
    ///
    /// A server that ends the DTLS session meanwhile (it was restarted) is connected to again, for as long as the
    /// limited session lasts.
    pub(super) async fn package(&mut self, expires: u64) -> Result<Vec<u8>, UeError> {
        let left = expires.saturating_sub(unix_seconds());
        let left = Duration::from_secs(left.min(LONGEST_SESSION_SECONDS));
        let waiting = async {
            loop {
                match self.wait_for_package().await {
                    Err(UeError::Unreachable { .. } | UeError::TimedOut { .. })
                        if self.client.session().is_over() =>
                    {
                        self.observing = None;
                        self.client = self.way.connect_again().await?;
                    }
                    outcome => return outcome,
                }
            }
        };
        let waited = timeout(left, waiting).await;
        waited.map_err(|_| UeError::TimedOut { operation: FETCH })?
    }

    async fn wait_for_package(&mut self) -> Result<Vec<u8>, UeError> {
        loop {
            let observing = self.client.observe(Request::get("/profile"));
            let observing = answered(&self.client, observing).await?;
            let observing = self.observing.insert(observing);
            if let Some(package) = take(observing.first())? {
                return Ok(package);
            }
            let mut quiet = FIRST_QUIET;
            loop {
                match timeout(quiet, pushed(observing)).await {
                    Ok(Ok(Some(package))) => return Ok(package),
                    Ok(Ok(None)) => break,
                    Ok(Err(error)) => return Err(error),
                    Err(_) => {}
                }
                // A server that was killed says nothing for ever; another one would answer.
                let asked = self.client.request(Request::get("/profile"));
                if let Some(package) = take(&answered(&self.client, asked).await?)? {
                    return Ok(package);
                }
                quiet = LONGEST_QUIET.min(quiet * 2);
            }
            let pause = observing.first().max_age().unwrap_or(POLL);
            sleep(pause.clamp(POLL, LONGEST_POLL)).await;
        }
    }

    /// Hands the signed receipt over; once more, over a new connection, if the server is gone.
    pub(super) async fn receipt(&mut self, receipt: &PreparedReceipt) -> Result<(), UeError> {
        let request = || {
            Request::post(
                "/receipt",
                ContentFormat::COSE_SIGN1,
                receipt.octets.clone(),
            )
        };
        let response = match timeout(ANSWER_LIMIT, self.client.request(request())).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) if !self.client.session().is_over() => {
                return Err(broken(RECEIPT, error));
            }
            Ok(Err(_)) | Err(_) => {
                self.client.close().await;
                self.client = self.way.connect().await?;
                let again = self.client.request(request()).await;
                again.map_err(|error| broken(RECEIPT, error))?
            }
        };
        if response.is_success() {
            Ok(())
        } else {
            Err(UeError::refused(RECEIPT, cause_of(response.code)))
        }
    }

    /// Ends the session.
    pub(super) async fn close(&self) {
        self.client.close().await;
    }
}

/// Delivers a receipt of an earlier run.
pub(super) async fn deliver(pending: &Pending, tasks: &Tasks) -> Result<(), UeError> {
    let (relay, session) = (pending.relay, pending.session);
    let mut server = ProvisioningServer::open(relay, session, &pending.pdp_dtls, tasks).await?;
    let delivered = server.receipt(&pending.receipt).await;
    server.close().await;
    delivered
}

impl Way {
    /// Connects once somebody is there; whoever asks gives up in the end.
    async fn connect_again(&self) -> Result<Client, UeError> {
        loop {
            sleep(POLL).await;
            match self.connect().await {
                Err(UeError::Unreachable { .. } | UeError::TimedOut { .. }) => {}
                connected => return connected,
            }
        }
    }

    async fn connect(&self) -> Result<Client, UeError> {
        let keys = CipherSuite::ALL.map(|suite| (suite, self.key.clone()));
        let identity = pdp_identity(&self.session);
        let mut config = ClientConfig::new(self.relay, identity.as_bytes(), keys.to_vec());
        config.handshake_timeout = HANDSHAKE_LIMIT;
        let client = Client::connect(config, Arc::new(ServesNothing), &self.tasks).await;
        client.map_err(|error| match error {
            ConnectError::Handshake(FailureReason::TimedOut) => {
                UeError::TimedOut { operation: CONNECT }
            }
            ConnectError::Handshake(_) => UeError::refused(CONNECT, Cause::LimitedSessionUnknown),
            ConnectError::Socket(_) => UeError::unreachable(CONNECT, error),
            _ => UeError::internal(CONNECT, error),
        })
    }
}

/// The package in an answer; `None` if there is none yet.
fn take(response: &Response) -> Result<Option<Vec<u8>>, UeError> {
    match response.code {
        code if code.is_success() => {
            Ok((!response.payload.is_empty()).then(|| response.payload.clone()))
        }
        // Not sealed yet.
        Code::NOT_FOUND | Code::SERVICE_UNAVAILABLE | Code::TOO_MANY_REQUESTS => Ok(None),
        code => Err(UeError::refused(FETCH, cause_of(code))),
    }
}

/// Waits for an answer; a server that gives none is gone, and so is the connection to it.
async fn answered<T>(
    client: &Client,
    asked: impl Future<Output = Result<T, ExchangeError>>,
) -> Result<T, UeError> {
    match timeout(ANSWER_LIMIT, asked).await {
        Ok(answer) => answer.map_err(|error| broken(FETCH, error)),
        Err(_) => {
            client.close().await;
            Err(UeError::TimedOut { operation: FETCH })
        }
    }
}

/// Waits for a package among the notifications; `None` when they end.
async fn pushed(observing: &mut Observing<()>) -> Result<Option<Vec<u8>>, UeError> {
    if !observing.is_granted() {
        return Ok(None);
    }
    while let Some(notification) = observing.next().await {
        if let Some(package) = take(&notification)? {
            return Ok(Some(package));
        }
    }
    Ok(None)
}

fn broken(operation: &'static str, error: ExchangeError) -> UeError {
    match error {
        ExchangeError::Failed(coap::Failure::TimedOut) => UeError::TimedOut { operation },
        ExchangeError::Failed(failure) => {
            UeError::untrusted_because(operation, failure.cause(), error)
        }
        // The limited session may have ended, or the connection broke.
        _ => UeError::unreachable(operation, error),
    }
}

fn cause_of(code: Code) -> Cause {
    match code {
        Code::UNAUTHORIZED => Cause::LimitedSessionUnknown,
        Code::FORBIDDEN => Cause::NotAuthorized,
        Code::CONFLICT => Cause::ReceiptConflict,
        Code::NOT_FOUND => Cause::NotFound,
        Code::BAD_REQUEST | Code::UNPROCESSABLE_ENTITY => Cause::MalformedMessage,
        Code::SERVICE_UNAVAILABLE => Cause::TemporarilyUnavailable,
        Code::TOO_MANY_REQUESTS => Cause::RateLimited,
        _ => Cause::UpstreamFailure,
    }
}

const CONNECT: &str = "connect to the provisioning server";
const FETCH: &str = "fetch the profile";
const RECEIPT: &str = "deliver the receipt";
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(15);
/// How long a request may take before the server is taken for gone: two repetitions of a slow network.
const ANSWER_LIMIT: Duration = Duration::from_secs(9);
/// After so long without a push the device asks whether the server is still there.
const FIRST_QUIET: Duration = Duration::from_secs(3);
const LONGEST_QUIET: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(500);
const LONGEST_POLL: Duration = Duration::from_secs(10);
/// However far away a network says that the end is.
const LONGEST_SESSION_SECONDS: u64 = 60 * 60;
