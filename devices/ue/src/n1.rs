//! The device's side of the radio: one exchange of messages with an access gateway.

use std::time::Duration;

use cause::Cause;
use nf_api::pb::access_gateway::n1_service_client::N1ServiceClient;
use nf_api::pb::access_gateway::{
    ExchangeRequest, ExchangeResponse, exchange_request, exchange_response,
};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Request;
use tonic::transport::Endpoint;

use crate::error::UeError;
use crate::trace;

pub(crate) use exchange_request::Message as Uplink;
pub(crate) use exchange_response::Message as Downlink;

/// A connection to an access gateway. Dropping it is leaving the cell.
pub(crate) struct N1 {
    uplink: mpsc::Sender<ExchangeRequest>,
    downlink: tonic::Streaming<ExchangeResponse>,
}

impl N1 {
    /// Connects to the gateway at `http://host:port`.
    pub(crate) async fn connect(gateway: &str) -> Result<Self, UeError> {
        let failed = |source: tonic::transport::Error| UeError::unreachable(OPERATION, source);
        let endpoint = Endpoint::from_shared(gateway.to_owned())
            .map_err(failed)?
            .connect_timeout(CONNECT_LIMIT)
            .tcp_nodelay(true);
        let channel = endpoint.connect().await.map_err(failed)?;
        let (uplink, messages) = mpsc::channel(1);
        let mut client = N1ServiceClient::new(channel).max_decoding_message_size(MAX_MESSAGE_BYTES);
        let mut request = Request::new(ReceiverStream::new(messages));
        if let Some(trace) = trace::current().and_then(|trace| trace.parse().ok()) {
            request.metadata_mut().insert(trace::HEADER, trace);
        }
        let exchange = client.exchange(request);
        let downlink = timeout(CONNECT_LIMIT, exchange)
            .await
            .map_err(|_| UeError::TimedOut {
                operation: OPERATION,
            })?
            .map_err(|status| refused(OPERATION, &status))?
            .into_inner();
        Ok(Self { uplink, downlink })
    }

    /// Sends a message and waits for the next one of the network.
    ///
    /// # Errors
    /// [`UeError::Refused`] for a Reject, otherwise the transport's.
    pub(crate) async fn ask(
        &mut self,
        operation: &'static str,
        message: Uplink,
        within: Duration,
    ) -> Result<Downlink, UeError> {
        let request = ExchangeRequest {
            message: Some(message),
        };
        if self.uplink.send(request).await.is_err() {
            return Err(UeError::unreachable(operation, "connection is closed"));
        }
        self.receive(operation, within).await
    }

    /// Waits for a message of the network.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub(crate) async fn receive(
        &mut self,
        operation: &'static str,
        within: Duration,
    ) -> Result<Downlink, UeError> {
        let received = timeout(within, self.downlink.message())
            .await
            .map_err(|_| UeError::TimedOut { operation })?
            .map_err(|status| refused(operation, &status))?;
        match received.map(|response| response.message) {
            None => Err(UeError::unreachable(operation, "connection is closed")),
            Some(None) => Err(UeError::untrusted(operation, Cause::MalformedMessage)),
            Some(Some(Downlink::Reject(reject))) => Err(UeError::refused(
                operation,
                nf_api::convert::cause(reject.cause).unwrap_or(Cause::UpstreamFailure),
            )),
            Some(Some(message)) => Ok(message),
        }
    }
}

/// A transport that broke is no refusal.
fn refused(operation: &'static str, status: &tonic::Status) -> UeError {
    match status.code() {
        tonic::Code::Unavailable | tonic::Code::Unknown | tonic::Code::Cancelled => {
            UeError::unreachable(operation, status.message())
        }
        _ => UeError::refused(operation, nf_api::status::cause_of(status)),
    }
}

const OPERATION: &str = "connect to the access gateway";
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// Longest message that a device takes from the radio.
const MAX_MESSAGE_BYTES: usize = 64 * 1024;
