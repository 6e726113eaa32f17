//! Where a registered UE can be reached.

use std::sync::Arc;

use msgin5g::registration::Registration;
use store::Error;

use crate::registrations::{Located, Place};
use crate::server::Server;
use crate::sessions::LiveSession;

/// The way to a registered UE.
pub(crate) enum Reach {
    /// Its session is open here.
    Here(Arc<LiveSession>),
    /// Another server that runs has its session.
    Elsewhere,
    /// It has no session.
    Absent,
}

impl Reach {
    pub(crate) async fn find(server: &Server, located: &Located) -> Result<Self, Error> {
        match &located.place {
            Place::Here => Ok(Self::here(server, &located.registration)),
            Place::At(instance) if server.replicas.is_alive(instance).await? => Ok(Self::Elsewhere),
            Place::At(_) | Place::Nowhere => Ok(Self::Absent),
        }
    }

    fn here(server: &Server, registration: &Registration) -> Self {
        let session = server.sessions.get(registration.delivery.session);
        session
            .filter(|session| session.binds(&registration.ue_service_id))
            .map_or(Self::Absent, Self::Here)
    }

    pub(crate) const fn is_present(&self) -> bool {
        !matches!(self, Self::Absent)
    }
}
