//! One device in the cell.

use std::time::Duration;

use cause::Cause;
use data_encoding::HEXLOWER;
use nf_api::pb::access_gateway::DiscoveryResponse;
use nf_api::pb::access_gateway::exchange_request::Message as Uplink;
use tracing::debug;

use crate::aka::Challenge;
use crate::exchange::{Downlink, Gateway, reject};

/// What the gateway knows of a device while it is connected.
pub(crate) struct Device {
    gateway: Gateway,
    /// The gateway's name for this connection; cookies are bound to it.
    reference: String,
    /// The challenge that the device has not answered yet.
    pub(crate) challenge: Option<Challenge>,
}

impl Device {
    pub(crate) fn new(gateway: Gateway) -> Self {
        let reference = HEXLOWER.encode(&gateway.runtime.random.array::<16>());
        Self {
            gateway,
            reference,
            challenge: None,
        }
    }

    pub(crate) const fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    pub(crate) fn reference(&self) -> String {
        self.reference.clone()
    }

    /// How long the next message may take: an answer to a challenge less than anything else.
    pub(crate) const fn patience(&self) -> Duration {
        if self.challenge.is_some() {
            CHALLENGE_PATIENCE
        } else {
            PATIENCE
        }
    }

    /// Takes a message and gives what to answer.
    pub(crate) async fn take(&mut self, message: Uplink) -> Vec<Downlink> {
        let procedure = match &message {
            Uplink::Discovery(_) => "discovery",
            Uplink::Owa(_) => "one_way_authentication",
            Uplink::RegistrationRequest(_) => "registration",
            Uplink::AuthenticationResponse(_) => "authentication_response",
            Uplink::AuthenticationFailure(_) => "authentication_failure",
        };
        let running = self.gateway.metrics.start(procedure);
        let answered = match message {
            Uplink::Discovery(_) => Ok(vec![self.discovery()]),
            Uplink::Owa(message) => self.one_way(message).await,
            Uplink::RegistrationRequest(request) => {
                self.vanished().await;
                self.register(request).await.map(|it| vec![it])
            }
            Uplink::AuthenticationResponse(response) => {
                self.respond(response).await.map(|it| vec![it])
            }
            Uplink::AuthenticationFailure(failure) => self.fail(failure).await.map(|it| vec![it]),
        };
        running.finish(answered.as_ref().err().copied());
        answered.unwrap_or_else(|cause: Cause| {
            debug!(procedure, cause = cause.name(), "device rejected");
            vec![reject(cause)]
        })
    }

    fn discovery(&self) -> Downlink {
        Downlink::Discovery(DiscoveryResponse {
            networks: self.gateway.networks.announced(),
        })
    }
}

/// A person may stand between two messages.
const PATIENCE: Duration = Duration::from_secs(15 * 60);
/// T3560 and its four repetitions (TS 24.501 10.2).
const CHALLENGE_PATIENCE: Duration = Duration::from_secs(30);
