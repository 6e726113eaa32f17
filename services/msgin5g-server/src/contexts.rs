//! The AKMA contexts behind the sessions.

use std::sync::Arc;

use cause::Cause;
use nf_runtime::clock::Clock;

use crate::error::RequestError;
use crate::feed::Feed;
use crate::ports::ApplicationKeys;
use crate::sessions::LiveSession;

/// The AAnF, and how far its feed can be trusted.
pub(crate) struct Contexts {
    port: Arc<dyn ApplicationKeys>,
    feed: Feed,
}

impl Contexts {
    pub(crate) const fn new(port: Arc<dyn ApplicationKeys>, clock: Clock) -> Self {
        Self {
            port,
            feed: Feed::new(clock),
        }
    }

    pub(crate) const fn feed(&self) -> &Feed {
        &self.feed
    }

    pub(crate) fn port(&self) -> Arc<dyn ApplicationKeys> {
        Arc::clone(&self.port)
    }

    /// Makes sure that the key of a session still stands: the feed vouches for it, or the AAnF is asked. A session
    /// without a key ends; its UE authenticates again.
    pub(crate) async fn confirm(&self, session: &LiveSession) -> Result<(), RequestError> {
        let generation = self.feed.generation();
        if self.feed.is_trusted() && session.key_confirmed_in(generation) {
            return Ok(());
        }
        match self.port.get(&session.ue().key).await {
            Ok(key) if key.ue_id == session.ue().ue_id => {
                session.confirm_key(generation);
                Ok(())
            }
            Ok(_) | Err(Cause::UnknownAKid | Cause::AfNotAllowed) => {
                session.line().end().await;
                Err(RequestError::Refused(Cause::Unauthenticated))
            }
            Err(_) => Err(RequestError::Unchecked),
        }
    }
}
