//! N1: one stream, one device.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use cause::Cause;
use nf_api::pb::access_gateway::n1_service_server::N1Service;
use nf_api::pb::access_gateway::{ExchangeRequest, ExchangeResponse, Reject, exchange_response};
use nf_api::status::refuse;
use nf_runtime::Runtime;
use nf_runtime::grpc::Channel;
use nf_runtime::metrics::ProcedureMetrics;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{sleep, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming, async_trait};
use tracing::{Instrument as _, debug};

use crate::connectivity::Sessions;
use crate::device::Device;
use crate::networks::Networks;
use crate::proof_ports::ProofPorts;

pub(crate) use exchange_response::Message as Downlink;

/// What all devices share. Clones are the same gateway.
#[derive(Clone)]
pub(crate) struct Gateway {
    pub(crate) networks: Arc<Networks>,
    pub(crate) ausf: Channel,
    pub(crate) sessions: Sessions,
    pub(crate) proof_ports: ProofPorts,
    pub(crate) relay_ip: IpAddr,
    pub(crate) places: Arc<Semaphore>,
    pub(crate) metrics: ProcedureMetrics,
    pub(crate) runtime: Runtime,
}

pub(crate) struct Edge(pub(crate) Gateway);

#[async_trait]
impl N1Service for Edge {
    type ExchangeStream = ReceiverStream<Result<ExchangeResponse, Status>>;

    async fn exchange(
        &self,
        request: Request<Streaming<ExchangeRequest>>,
    ) -> Result<Response<Self::ExchangeStream>, Status> {
        let place = Arc::clone(&self.0.places).try_acquire_owned();
        let place = place.map_err(|_| refuse(Cause::Overloaded))?;
        let uplink = request.into_inner();
        let (downlink, answers) = mpsc::channel(DOWNLINK_MESSAGES);
        let gateway = self.0.clone();
        // One trace a connection: the device may name it, and all that it asks for belongs to it.
        let device = async move {
            let mut device = Device::new(gateway);
            serve(&mut device, uplink, downlink).await;
            device.vanished().await;
            drop(place);
        };
        let device = device.in_current_span();
        self.0.runtime.lifecycle.spawn("device", device);
        Ok(Response::new(ReceiverStream::new(answers)))
    }
}

/// Answers each message in order, until the device leaves, is silent for too long, or says too much.
async fn serve(
    device: &mut Device,
    mut uplink: Streaming<ExchangeRequest>,
    downlink: mpsc::Sender<Result<ExchangeResponse, Status>>,
) {
    let token = device.gateway().runtime.lifecycle.token();
    for _ in 0..MAX_MESSAGES {
        let received = tokio::select! {
            () = token.cancelled() => return,
            () = downlink.closed() => return,
            () = sleep(device.patience()) => {
                // To a device that does not read either, nothing can be said.
                let _ = downlink.try_send(Ok(answer(reject(Cause::DeadlineExceeded))));
                return;
            }
            received = uplink.message() => received,
        };
        let message = match received {
            Ok(Some(request)) => request.message,
            Ok(None) => return,
            Err(status) => {
                debug!(code = ?status.code(), "device broke off");
                return;
            }
        };
        let messages = match message {
            Some(message) => device.take(message).await,
            None => vec![reject(Cause::MalformedMessage)],
        };
        for message in messages {
            let sent = timeout(SEND_LIMIT, downlink.send(Ok(answer(message)))).await;
            if !matches!(sent, Ok(Ok(()))) {
                return;
            }
        }
    }
    let _ = downlink.try_send(Ok(answer(reject(Cause::RateLimited))));
}

const fn answer(message: Downlink) -> ExchangeResponse {
    ExchangeResponse {
        message: Some(message),
    }
}

/// A refusal.
pub(crate) fn reject(cause: Cause) -> Downlink {
    Downlink::Reject(Reject {
        cause: nf_api::convert::pb_cause(cause).into(),
    })
}

/// Answers that wait for a device to read.
const DOWNLINK_MESSAGES: usize = 4;
const SEND_LIMIT: Duration = Duration::from_secs(10);
/// Messages of one connection; a device that needs more connects anew.
const MAX_MESSAGES: usize = 256;
