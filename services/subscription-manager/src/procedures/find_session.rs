//! Limited sessions, by id and by address.

use std::net::IpAddr;

use cause::Cause;
use identifiers::{DeviceId, OnboardingSession};
use store::{Names, Record as _, Stored, Tag};

use crate::context::Context;
use crate::records::{AddressRecord, SessionIndexRecord, SessionRecord, parsed};

/// A limited session and where it lies.
#[derive(Clone)]
pub(crate) struct FoundSession {
    pub(crate) id: OnboardingSession,
    pub(crate) device_id: DeviceId,
    /// The tag of the device.
    pub(crate) tag: Tag,
    pub(crate) stored: Stored<SessionRecord>,
}

impl FoundSession {
    /// The name of the row.
    pub(crate) fn name(&self) -> String {
        self.id.base64url()
    }

    pub(crate) const fn record(&self) -> &SessionRecord {
        &self.stored.record
    }
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FindSessionError {
    #[error("no such limited session")]
    Unknown,
    #[error("limited session has ended")]
    Ended,
    #[error("sessions cannot be read")]
    Store(#[from] store::Error),
}

impl FindSessionError {
    pub(crate) const fn cause(&self) -> Cause {
        match self {
            Self::Unknown => Cause::LimitedSessionUnknown,
            Self::Ended => Cause::LimitedSessionExpired,
            Self::Store(error) => error.cause(),
        }
    }
}

/// Finds a session, also one that has ended not long ago.
pub(crate) async fn find_session(
    context: &Context,
    id: &OnboardingSession,
) -> Result<FoundSession, FindSessionError> {
    let store = &context.store;
    let index_tag = store.tag(&id.base64url()).map_err(store::Error::from)?;
    let index = store.read::<SessionIndexRecord>(&index_tag).await?;
    let index = index.ok_or(FindSessionError::Unknown)?.record;
    let device_id = parsed(SessionIndexRecord::KIND, &index.device_id, DeviceId::parse)?;
    let tag = context.device_tag(&device_id)?;
    let stored = store
        .read_named::<SessionRecord>(&tag, &id.base64url())
        .await?;
    let stored = stored.ok_or(FindSessionError::Unknown)?;
    Ok(FoundSession {
        id: *id,
        device_id,
        tag,
        stored,
    })
}

/// Finds a session that the device may use now.
pub(crate) async fn find_live_session(
    context: &Context,
    id: &OnboardingSession,
) -> Result<FoundSession, FindSessionError> {
    let found = find_session(context, id).await?;
    if found.record().is_live(context.now_ms()) {
        Ok(found)
    } else {
        Err(FindSessionError::Ended)
    }
}

/// Finds the session of the device whose traffic comes from this address.
pub(crate) async fn find_session_at(
    context: &Context,
    ip: IpAddr,
    port: u16,
) -> Result<FoundSession, FindSessionError> {
    let ip = ip.to_canonical().to_string();
    let tag = context.store.tag(&ip).map_err(store::Error::from)?;
    // Rows bear their last port: the first one at or behind the port is the block that it lies in, unless
    // blocks of ended sessions were cut differently.
    let names = match port.checked_sub(1) {
        Some(before) => Names::all().after(address_name(before)),
        None => Names::all(),
    };
    let blocks = context
        .store
        .list::<AddressRecord>(&tag, &names, OVERLAPPING_BLOCKS)
        .await?;
    for (_, block) in blocks {
        let id = parsed(
            AddressRecord::KIND,
            &block.record.session,
            OnboardingSession::parse,
        )?;
        match find_live_session(context, &id).await {
            Ok(found) if is_at(found.record(), &ip, port) => return Ok(found),
            Ok(_) | Err(FindSessionError::Unknown | FindSessionError::Ended) => {}
            Err(error) => return Err(error),
        }
    }
    Err(FindSessionError::Unknown)
}

fn is_at(session: &SessionRecord, ip: &str, port: u16) -> bool {
    session.ip == ip && (session.first_port..=session.last_port).contains(&u32::from(port))
}

/// The name of the row of a block that ends with this port.
pub(crate) fn address_name(last_port: u16) -> String {
    format!("{last_port:05}")
}

const OVERLAPPING_BLOCKS: usize = 8;
