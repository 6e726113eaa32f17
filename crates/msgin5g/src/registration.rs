//! Rules of the server for REG and DEREG.
//!
//! The order at a server: [`Request::decode`](crate::messages::Request::decode), then the decision here, then store what
//! the verdict holds, then [`SessionBinding::bind`], then answer in the same DTLS session and epoch, piggy-backed.
//!
//! Source: TS 24.538 6.3.1.2, TS 33.501 Y.2.

use crate::association::{Association, Associations};
use crate::code;
use crate::messages::{
    DeregistrationAnswer, DeregistrationRequest, RegistrationAnswer, RegistrationOutcome,
    RegistrationRequest,
};
use crate::profile::ClientProfile;
use crate::session::{SessionBinding, SessionEpoch, UeId};
use crate::time::Timestamp;
use cause::Cause;
use core::time::Duration;
use identifiers::{TenantId, UeServiceId};

/// How long registrations live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegistrationPolicy {
    /// Longest lifetime, given also to a request that asks for none. Default 24 hours.
    ///
    /// `Choice:` TS 24.538 states no lifetime of a UE registration.
    pub lifetime: Duration,
}

impl Default for RegistrationPolicy {
    fn default() -> Self {
        Self {
            lifetime: Duration::from_secs(24 * 3600),
        }
    }
}

/// A registration: it belongs to the UE Service ID and outlives the session that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The UE endpoint.
    pub ue_service_id: UeServiceId,
    /// The UE over whose session it registered last: its own, or its gateway's.
    pub ue_id: UeId,
    /// The tenant that the endpoint belongs to.
    pub tenant_id: TenantId,
    /// The stored MSGin5G Client Profile.
    pub profile: ClientProfile,
    /// Where messages are pushed: the newest session that registered or refreshed.
    pub delivery: SessionEpoch,
    /// When the endpoint registered.
    pub registered_at: Timestamp,
    /// When it last registered or refreshed.
    pub refreshed_at: Timestamp,
    /// When the registration ends.
    pub expires_at: Timestamp,
}

impl Registration {
    /// Returns whether the registration still stands at `now`.
    #[must_use]
    pub fn is_current(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }
}

/// Decision about REG.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistrationVerdict {
    /// A new registration, to be stored: 2.01.
    Created(Registration),
    /// A refreshed registration, to be stored: 2.04.
    Changed(Registration),
    /// Nothing changes; the cause gives the code.
    Refused(Cause),
}

impl RegistrationVerdict {
    /// Returns the CoAP code of the answer.
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Self::Created(_) => code::CREATED,
            Self::Changed(_) => code::CHANGED,
            Self::Refused(cause) => cause.coap(),
        }
    }

    /// Returns the body of the answer to a request for `ue_service_id`.
    #[must_use]
    pub fn answer(&self, ue_service_id: &UeServiceId) -> RegistrationAnswer {
        let outcome = match self {
            Self::Created(registration) | Self::Changed(registration) => {
                RegistrationOutcome::Success {
                    expires: Some(registration.expires_at),
                }
            }
            Self::Refused(cause) => RegistrationOutcome::Failure(Some((*cause).into())),
        };
        RegistrationAnswer {
            ue_service_id: ue_service_id.clone(),
            outcome,
        }
    }
}

/// Decides about REG that came at `at`.
///
/// `binding` is the identity of the session; `associations` is the set found by the UE ID of that binding; `existing` is
/// what is stored for the UE Service ID of the request. A request without a profile keeps the stored one, as long as it
/// comes from the same UE.
///
/// Refusals: [`Cause::UeServiceIdNotAssociated`] for another session or epoch than the binding's and for an endpoint
/// that is not associated; [`Cause::AssociationUnavailable`] where nothing is known;
/// [`Cause::MandatoryElementIncorrect`] for a requested expiration that is over.
///
/// Source: TS 24.538 6.3.1.2.1, TS 33.501 Y.2.
#[must_use]
pub fn register(
    binding: &SessionBinding,
    at: SessionEpoch,
    associations: &Associations,
    existing: Option<&Registration>,
    request: &RegistrationRequest,
    now: Timestamp,
    policy: RegistrationPolicy,
) -> RegistrationVerdict {
    let association = match verify(binding, at, associations, &request.ue_service_id) {
        Ok(association) => association,
        Err(cause) => return RegistrationVerdict::Refused(cause),
    };
    let longest = now.plus(policy.lifetime);
    let expires_at = match request.requested_expiration {
        Some(requested) if requested <= now => {
            return RegistrationVerdict::Refused(Cause::MandatoryElementIncorrect);
        }
        Some(requested) => requested.min(longest),
        None => longest,
    };
    // Another UE behind the same UE Service ID starts anew: neither its profile nor its time is the old UE's.
    let existing = existing.filter(|old| {
        old.is_current(now)
            && old.ue_service_id == request.ue_service_id
            && old.ue_id == *binding.ue_id()
    });
    let profile = request
        .profile
        .clone()
        .or_else(|| existing.map(|old| old.profile.clone()))
        .unwrap_or_default();
    let registration = Registration {
        ue_service_id: request.ue_service_id.clone(),
        ue_id: binding.ue_id().clone(),
        tenant_id: association.tenant_id.clone(),
        profile,
        delivery: at,
        registered_at: existing.map_or(now, |old| old.registered_at),
        refreshed_at: now,
        expires_at,
    };
    if existing.is_some() {
        RegistrationVerdict::Changed(registration)
    } else {
        RegistrationVerdict::Created(registration)
    }
}

/// Decision about DEREG.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeregistrationVerdict {
    /// Registration and profile are to be deleted, if there are any: 2.04.
    Deleted,
    /// Nothing changes; the cause gives the code.
    Refused(Cause),
}

impl DeregistrationVerdict {
    /// Returns the CoAP code of the answer.
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Self::Deleted => code::CHANGED,
            Self::Refused(cause) => cause.coap(),
        }
    }

    /// Returns the body of the answer to a request for `ue_service_id`.
    ///
    /// `Deviation:` TS 24.538 6.3.1.2.2 b) 2) allows a client address option in this answer. It is left out: Uri-Path in
    /// a response is a critical option out of place, and a client has to reject the answer (RFC 7252 5.4.1).
    #[must_use]
    pub fn answer(&self, ue_service_id: &UeServiceId) -> DeregistrationAnswer {
        DeregistrationAnswer {
            ue_service_id: ue_service_id.clone(),
            outcome: match self {
                Self::Deleted => Ok(()),
                Self::Refused(cause) => Err(Some((*cause).into())),
            },
        }
    }
}

/// Decides about DEREG that came at `at`.
///
/// The association alone counts, so that a UE can end a registration that an earlier session made. The end of a
/// registration that does not exist is a success: the client gets what it wants, also when it asks twice.
///
/// Refusals: [`Cause::UeServiceIdNotAssociated`] and [`Cause::AssociationUnavailable`], as for [`register`].
///
/// Source: TS 24.538 6.3.1.2.2.
#[must_use]
pub fn deregister(
    binding: &SessionBinding,
    at: SessionEpoch,
    associations: &Associations,
    request: &DeregistrationRequest,
) -> DeregistrationVerdict {
    match verify(binding, at, associations, &request.ue_service_id) {
        Ok(_) => DeregistrationVerdict::Deleted,
        Err(cause) => DeregistrationVerdict::Refused(cause),
    }
}

/// Verifies the UE Service ID against the UE ID of the session.
fn verify<'a>(
    binding: &SessionBinding,
    at: SessionEpoch,
    associations: &'a Associations,
    ue_service_id: &UeServiceId,
) -> Result<&'a Association, Cause> {
    if at != binding.at() {
        return Err(Cause::UeServiceIdNotAssociated);
    }
    if *associations == Associations::Unavailable {
        return Err(Cause::AssociationUnavailable);
    }
    associations
        .usable(binding.ue_id(), ue_service_id)
        .ok_or(Cause::UeServiceIdNotAssociated)
}
