//! A browser is linked to the session of the device behind which it sits: by a code that the captive-portal API
//! hands out, usable once and for a short time, and then by a cookie. Only hashes are stored. RFC 8908.

use std::time::Duration;

use cause::Cause;
use data_encoding::BASE64URL_NOPAD;
use identifiers::OnboardingSession;
use store::{Class, Error, Kind, Record as _};

use super::find_session::{FindSessionError, FoundSession, find_session};
use crate::context::Context;
use crate::records::{BrowserRecord, LinkCodeRecord, parsed};

/// A browser is not linked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkBrowserError {
    #[error("link code is wrong, used or too old")]
    Code,
    #[error("no cookie of a linked browser")]
    NotLinked,
    #[error("too many link codes in a minute")]
    TooMany,
    #[error("session of the browser cannot be used")]
    Session(#[from] FindSessionError),
    #[error("links cannot be read or written")]
    Store(#[from] Error),
}

impl LinkBrowserError {
    pub(crate) const fn cause(&self) -> Cause {
        match self {
            Self::Code => Cause::LinkCodeInvalid,
            Self::NotLinked => Cause::NotAuthorized,
            Self::TooMany => Cause::RateLimited,
            Self::Session(error) => error.cause(),
            Self::Store(error) => error.cause(),
        }
    }
}

/// Makes a link code for a session: 128 bits in base64url.
pub(crate) async fn issue_link_code(
    context: &Context,
    session: &FoundSession,
) -> Result<String, LinkBrowserError> {
    let store = &context.store;
    let mut counting = store.transaction(&session.tag, Class::Ephemeral);
    let count = counting.add(LINK_CODES, 1, Some(Duration::from_secs(60)));
    if store.commit(counting).await?.counter(count) > MAX_CODES_A_MINUTE {
        return Err(LinkBrowserError::TooMany);
    }
    let code = BASE64URL_NOPAD.encode(&context.random.array::<16>());
    let lifetime = context.settings.link_code_lifetime;
    let record = LinkCodeRecord {
        session: session.name(),
        expires_at_ms: end(context, lifetime),
    };
    let mut transaction = store.transaction(
        &context.hashed_tag("link", code.as_bytes())?,
        Class::Session,
    );
    transaction.put(&record).expires_in(lifetime);
    store.commit(transaction).await?;
    Ok(code)
}

/// Uses a link code up and answers the cookie of the browser that brought it.
#[tracing::instrument(skip_all, name = "subscription_manager.link_browser", fields(nf.clause = "RFC 8908"))]
pub(crate) async fn link_browser(
    context: &Context,
    code: &str,
) -> Result<String, LinkBrowserError> {
    if code.len() != CODE_LENGTH {
        return Err(LinkBrowserError::Code);
    }
    let store = &context.store;
    let tag = context.hashed_tag("link", code.as_bytes())?;
    let found = store.read::<LinkCodeRecord>(&tag).await?;
    let found = found
        .filter(|found| context.now_ms() < found.record.expires_at_ms)
        .ok_or(LinkBrowserError::Code)?;
    let mut transaction = store.transaction(&tag, Class::Record);
    transaction
        .delete::<LinkCodeRecord>()
        .if_version(found.version);
    store
        .commit(transaction)
        .await
        .map_err(|error| match error {
            Error::Conflict { .. } => LinkBrowserError::Code,
            other => LinkBrowserError::Store(other),
        })?;

    let cookie = BASE64URL_NOPAD.encode(&context.random.array::<32>());
    let record = BrowserRecord {
        session: found.record.session,
        expires_at_ms: end(context, BROWSER_LIFETIME),
    };
    let mut transaction = store.transaction(
        &context.hashed_tag("browser", cookie.as_bytes())?,
        Class::Session,
    );
    transaction.put(&record).expires_in(BROWSER_LIFETIME);
    store.commit(transaction).await?;
    Ok(cookie)
}

/// The session of a linked browser; it may have ended.
pub(crate) async fn session_of_browser(
    context: &Context,
    cookie: &str,
) -> Result<FoundSession, LinkBrowserError> {
    if cookie.len() != COOKIE_LENGTH {
        return Err(LinkBrowserError::NotLinked);
    }
    let tag = context.hashed_tag("browser", cookie.as_bytes())?;
    let found = context.store.read::<BrowserRecord>(&tag).await?;
    let found = found.filter(|found| context.now_ms() < found.record.expires_at_ms);
    let browser = found.ok_or(LinkBrowserError::NotLinked)?.record;
    let id = parsed(
        BrowserRecord::KIND,
        &browser.session,
        OnboardingSession::parse,
    )?;
    Ok(find_session(context, &id).await?)
}

fn end(context: &Context, lifetime: Duration) -> u64 {
    context
        .now_ms()
        .saturating_add(u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX))
}

/// How long a linked browser sees its pages, which outlive the session so that the last one can be read.
pub(crate) const BROWSER_LIFETIME: Duration = Duration::from_secs(3600);
const CODE_LENGTH: usize = 22;
const COOKIE_LENGTH: usize = 43;
const LINK_CODES: Kind = Kind::new("link-codes");
const MAX_CODES_A_MINUTE: u64 = 30;
