//! One device in the cell.

use std::time::{Duration, Instant};

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
        let began = Instant::now();
        let (procedure, answered) = match message {
            Uplink::Discovery(_) => ("discovery", Ok(vec![self.discovery()])),
            Uplink::Owa(message) => ("one_way_authentication", self.one_way(message).await),
            Uplink::RegistrationRequest(request) => {
                self.vanished().await;
                (
                    "registration",
                    self.register(request).await.map(|it| vec![it]),
                )
            }
            Uplink::AuthenticationResponse(response) => (
                "authentication_response",
                self.respond(response).await.map(|it| vec![it]),
            ),
            Uplink::AuthenticationFailure(failure) => (
                "authentication_failure",
                self.fail(failure).await.map(|it| vec![it]),
            ),
        };
        let cause = answered.as_ref().err().copied();
        self.gateway
            .metrics
            .observe(procedure, cause, began.elapsed());
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
