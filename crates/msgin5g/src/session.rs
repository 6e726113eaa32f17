//! The identity of a DTLS session and the UE endpoints bound to it.

use alloc::collections::BTreeMap;
use cause::Cause;
use identifiers::{Gpsi, Supi, TenantId, UeServiceId};

/// UE ID: the identity that the AAnF returned with the application key. Source: TS 33.501 Y.2, TS 33.535 6.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UeId {
    /// The SUPI.
    Supi(Supi),
    /// The GPSI, where the policy of the application function says so.
    Gpsi(Gpsi),
}

/// Names one DTLS session and one epoch of it.
///
/// `session` is a number that the server gives to a session and never to another one; a new handshake is a new session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionEpoch {
    /// The session.
    pub session: u64,
    /// The DTLS epoch.
    pub epoch: u16,
}

/// The UE endpoints that may originate on one DTLS session and epoch.
///
/// The set grows by [`Self::bind`] after an accepted registration and shrinks by [`Self::unbind`] after a
/// de-registration or when an association is closed. It ends with the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionBinding {
    at: SessionEpoch,
    ue_id: UeId,
    bound: BTreeMap<UeServiceId, TenantId>,
}

impl SessionBinding {
    /// Binds a UE ID to a session and epoch; no endpoint is bound yet.
    #[must_use]
    pub const fn new(at: SessionEpoch, ue_id: UeId) -> Self {
        Self {
            at,
            ue_id,
            bound: BTreeMap::new(),
        }
    }

    /// Returns the session and epoch.
    #[must_use]
    pub const fn at(&self) -> SessionEpoch {
        self.at
    }

    /// Returns the UE ID.
    #[must_use]
    pub const fn ue_id(&self) -> &UeId {
        &self.ue_id
    }

    /// Adds an endpoint whose registration was accepted and stored.
    pub fn bind(&mut self, ue_service_id: UeServiceId, tenant_id: TenantId) {
        self.bound.insert(ue_service_id, tenant_id);
    }

    /// Removes an endpoint; returns whether it was bound.
    pub fn unbind(&mut self, ue_service_id: &UeServiceId) -> bool {
        self.bound.remove(ue_service_id).is_some()
    }

    /// Returns the endpoints bound, in their order.
    pub fn bound(&self) -> impl Iterator<Item = &UeServiceId> {
        self.bound.keys()
    }

    /// Checks that a request which came at `at` may have this originator, and returns the originator's tenant.
    ///
    /// # Errors
    /// * [`Cause::NotRegistered`] (4.03): nothing is registered on this session yet; the client registers first.
    /// * [`Cause::UeServiceIdNotAssociated`] (4.03): another session or epoch, or an originator that is not in the set.
    ///
    /// Source: TS 33.501 Y.2; Berth protocol, MSGin5G.
    pub fn check_originator(
        &self,
        at: SessionEpoch,
        originator: &UeServiceId,
    ) -> Result<&TenantId, Cause> {
        if at != self.at {
            return Err(Cause::UeServiceIdNotAssociated);
        }
        if self.bound.is_empty() {
            return Err(Cause::NotRegistered);
        }
        self.bound
            .get(originator)
            .ok_or(Cause::UeServiceIdNotAssociated)
    }
}
