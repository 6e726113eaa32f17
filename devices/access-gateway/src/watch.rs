//! Follows the subscription manager: which sessions have ended.

use std::time::Duration;

use cause::Cause;
use identifiers::OnboardingSession;
use nf_api::convert;
use nf_api::pb::subscription_manager::get_session_response::State;
use nf_api::pb::subscription_manager::session_service_client::SessionServiceClient;
use nf_api::pb::subscription_manager::watch_sessions_response::Kind;
use nf_api::pb::subscription_manager::{GetSessionRequest, WatchSessionsRequest};
use nf_api::status::cause_of;
use nf_runtime::Runtime;
use nf_runtime::grpc::Channel;
use tokio::time::{sleep, timeout};
use tonic::Status;
use tracing::debug;

use crate::connectivity::{End, Sessions};
use crate::proof_ports::ProofPorts;

type Client = SessionServiceClient<Channel>;

/// Follows until the process stops.
pub(crate) fn follow(
    sessions: Sessions,
    proof_ports: ProofPorts,
    subscription_manager: Channel,
    runtime: &Runtime,
) {
    let token = runtime.lifecycle.token();
    let client = SessionServiceClient::new(subscription_manager);
    runtime
        .lifecycle
        .spawn("watch of limited sessions", async move {
            let following = async {
                loop {
                    if let Err(status) = follow_once(&sessions, &proof_ports, client.clone()).await
                    {
                        debug!(
                            cause = cause_of(&status).name(),
                            "watch of limited sessions ended"
                        );
                    }
                    sleep(PAUSE).await;
                }
            };
            token.run_until_cancelled(following).await;
        });
}

/// Follows one stream to its end.
async fn follow_once(
    sessions: &Sessions,
    proof_ports: &ProofPorts,
    mut client: Client,
) -> Result<(), Status> {
    let mut stream = client.watch(WatchSessionsRequest {}).await?.into_inner();
    loop {
        let next = timeout(SILENCE, stream.message()).await;
        let Some(event) = next.map_err(|_| Status::deadline_exceeded("silence"))?? else {
            return Ok(());
        };
        match event.kind() {
            Kind::Ended => {
                if let Ok(id) = convert::session(&event.session) {
                    sessions.end(&id, End::Told);
                    proof_ports.ended(&id);
                }
            }
            Kind::Resynchronize => {
                for id in sessions.list() {
                    if has_ended(&mut client, &id).await? {
                        sessions.end(&id, End::Told);
                    }
                }
            }
            Kind::Heartbeat | Kind::Unspecified => {}
        }
        sessions.heard();
    }
}

/// Asks whether a session that is carried has ended meanwhile.
async fn has_ended(client: &mut Client, id: &OnboardingSession) -> Result<bool, Status> {
    let request = GetSessionRequest {
        session: id.as_bytes().to_vec(),
    };
    match client.get(request).await {
        Ok(answer) => Ok(matches!(
            answer.into_inner().state(),
            State::Released | State::Expired
        )),
        Err(status)
            if matches!(
                cause_of(&status),
                Cause::LimitedSessionUnknown | Cause::NotFound
            ) =>
        {
            Ok(true)
        }
        Err(status) => Err(status),
    }
}

const PAUSE: Duration = Duration::from_millis(200);
/// Heartbeats come each second; so much silence is a broken stream.
const SILENCE: Duration = Duration::from_secs(3);
