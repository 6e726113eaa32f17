//! Sessions end: on demand, by time.

use identifiers::OnboardingSession;
use store::{Class, Error, Names, Record as _};

use super::find_session::{FindSessionError, FoundSession, find_session};
use super::open_session::{expiry_name, expiry_tag};
use crate::context::{Context, KEEP_AFTER_END};
use crate::records::{ExpiryRecord, SessionRecord, SessionState, parsed};

/// Ends a session. May be repeated; a session that is not known has ended.
#[tracing::instrument(skip_all, name = "subscription_manager.end_session")]
pub(crate) async fn end_session(context: &Context, id: &OnboardingSession) -> Result<(), Error> {
    loop {
        let found = match find_session(context, id).await {
            Ok(found) if !found.record().has_ended() => found,
            // An earlier attempt may have ended it without hearing whether that lasts.
            Ok(_) => return context.store.settle().await,
            Err(FindSessionError::Unknown | FindSessionError::Ended) => return Ok(()),
            Err(FindSessionError::Store(error)) => return Err(error),
        };
        match end(context, &found).await {
            Err(error) if error.is_conflict() => tokio::task::yield_now().await,
            ended => return ended,
        }
    }
}

async fn end(context: &Context, found: &FoundSession) -> Result<(), Error> {
    let mut transaction = context.store.transaction(&found.tag, Class::Record);
    transaction
        .put_named::<SessionRecord>(&found.name(), &found.record().ended(SessionState::Expired))
        .if_version(found.stored.version)
        .expires_in(KEEP_AFTER_END);
    context.store.commit(transaction).await.map(drop)
}

/// Ends the sessions whose time is up, at most a page of them; answers how many rows there were.
pub(crate) async fn end_overdue_sessions(context: &Context) -> Result<usize, Error> {
    let now = expiry_name(context.now_ms(), "\u{7f}");
    let tag = expiry_tag(context)?;
    let rows = context
        .store
        .list::<ExpiryRecord>(&tag, &Names::all(), PAGE)
        .await?;
    let mut ended = 0;
    for (name, row) in rows.into_iter().take_while(|(name, _)| *name < now) {
        let session = parsed(
            ExpiryRecord::KIND,
            &row.record.session,
            OnboardingSession::parse,
        )?;
        end_session(context, &session).await?;
        let mut transaction = context.store.transaction(&tag, Class::Session);
        transaction.delete_named::<ExpiryRecord>(&name);
        context.store.commit(transaction).await?;
        ended += 1;
    }
    Ok(ended)
}

const PAGE: usize = 256;
