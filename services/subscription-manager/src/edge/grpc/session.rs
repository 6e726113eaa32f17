//! Limited sessions, as the access gateway that carries them sees them.

use futures::stream::BoxStream;
use futures::{StreamExt as _, stream};
use identifiers::OnboardingSession;
use nf_api::Caller;
use nf_api::convert::{session, timestamp};
use nf_api::pb::subscription_manager as pb;
use nf_api::pb::subscription_manager::session_service_server::SessionService;
use nf_api::pb::subscription_manager::{get_session_response, watch_sessions_response};
use nf_api::status::refuse;
use nf_runtime::feed::{Beat, feed};
use nf_runtime::grpc::caller;
use nf_runtime::procedure::answer;
use store::{Hint, Record as _, Store};
use tonic::{Request, Response, Status, async_trait};

use super::Edge;
use crate::context::Context;
use crate::procedures::end_session::end_session;
use crate::procedures::find_session::{FindSessionError, FoundSession, find_session};
use crate::records::{SessionRecord, SessionState};

#[async_trait]
impl SessionService for Edge {
    type WatchStream = BoxStream<'static, Result<pb::WatchSessionsResponse, Status>>;

    async fn get(
        &self,
        request: Request<pb::GetSessionRequest>,
    ) -> Result<Response<pb::GetSessionResponse>, Status> {
        let id = session(&request.get_ref().session).map_err(refuse)?;
        let caller = caller(request.extensions())?;
        let found = find_carried(&self.context, caller, &id);
        let found = answer(&self.metrics, "get_session", found, FindSessionError::cause).await?;
        let record = found.record();
        let state = match record.state() {
            SessionState::Unspecified => get_session_response::State::Unspecified,
            SessionState::Released => get_session_response::State::Released,
            _ if !record.is_live(self.context.now_ms()) => get_session_response::State::Expired,
            SessionState::Limited => get_session_response::State::Limited,
            SessionState::SignedUp => get_session_response::State::SignedUp,
            SessionState::Delivering => get_session_response::State::Delivering,
            SessionState::Installed => get_session_response::State::Installed,
            SessionState::Expired => get_session_response::State::Expired,
        };
        Ok(Response::new(pb::GetSessionResponse {
            state: state.into(),
            expires_at: Some(timestamp(record.expires_at_ms)),
            device_id: found.device_id.as_str().to_owned(),
        }))
    }

    async fn end(
        &self,
        request: Request<pb::EndSessionRequest>,
    ) -> Result<Response<pb::EndSessionResponse>, Status> {
        let id = session(&request.get_ref().session).map_err(refuse)?;
        let caller = caller(request.extensions())?;
        let ended = async {
            match find_carried(&self.context, caller, &id).await {
                Ok(_) => Ok(end_session(&self.context, &id).await?),
                Err(FindSessionError::Unknown | FindSessionError::Ended) => Ok(()),
                Err(error) => Err(error),
            }
        };
        answer(&self.metrics, "end_session", ended, FindSessionError::cause).await?;
        Ok(Response::new(pb::EndSessionResponse {}))
    }

    async fn watch(
        &self,
        request: Request<pb::WatchSessionsRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let caller = caller(request.extensions())?.clone();
        let watch = self.context.store.watch_kind(SessionRecord::KIND).await;
        let watch = watch.map_err(|error| refuse(error.cause()))?;
        let hints = stream::unfold(watch, async |mut watch| {
            watch.next().await.map(|hint| (hint, watch))
        });
        let (store, asked) = (self.context.store.clone(), self.context.store.clone());
        let ends = hints.filter_map(move |hint| {
            let (store, caller) = (store.clone(), caller.clone());
            async move { end_of(&store, &caller, hint).await }
        });
        let is_current = move || {
            let store = asked.clone();
            async move { store.check().await.is_ok() }
        };
        Ok(Response::new(
            feed(ends, is_current)
                .map(|(_, beat)| Ok(message(beat)))
                .boxed(),
        ))
    }
}

/// A session that the caller carries; an operator sees all.
async fn find_carried(
    context: &Context,
    caller: &Caller,
    id: &OnboardingSession,
) -> Result<FoundSession, FindSessionError> {
    let found = find_session(context, id).await?;
    if carries(caller, found.record()) {
        Ok(found)
    } else {
        Err(FindSessionError::Unknown)
    }
}

/// Whether the caller is the gateway of a session; an operator may look after all.
fn carries(caller: &Caller, session: &SessionRecord) -> bool {
    match caller {
        Caller::Operator { .. } => true,
        Caller::Function { .. } => session.gateway == caller.to_string(),
    }
}

/// What a hint means for this caller; `None` if nothing.
async fn end_of(store: &Store, caller: &Caller, hint: Hint) -> Option<Beat<OnboardingSession>> {
    let Hint::Changed(change) = hint else {
        return Some(Beat::Resynchronize);
    };
    let name = change.name?;
    match store.read_named::<SessionRecord>(&change.tag, &name).await {
        Ok(Some(row)) if row.record.has_ended() && carries(caller, &row.record) => {
            OnboardingSession::parse(&name).ok().map(Beat::Event)
        }
        Ok(_) => None,
        Err(_) => Some(Beat::Resynchronize),
    }
}

fn message(beat: Beat<OnboardingSession>) -> pb::WatchSessionsResponse {
    let (kind, session) = match beat {
        Beat::Resynchronize => (watch_sessions_response::Kind::Resynchronize, Vec::new()),
        Beat::Heartbeat => (watch_sessions_response::Kind::Heartbeat, Vec::new()),
        Beat::Event(session) => (
            watch_sessions_response::Kind::Ended,
            session.as_bytes().to_vec(),
        ),
    };
    pb::WatchSessionsResponse {
        kind: kind.into(),
        session,
    }
}
