//! Associations of UE ID and UE Service ID, and which of them a session may use.

use crate::session::UeId;
use alloc::vec::Vec;
use identifiers::{Gpsi, Supi, TenantId, UeServiceId};

/// One association, as the MSGin5G Configuration Function holds it. Source: TS 33.501 Y.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Association {
    /// The UE endpoint.
    pub ue_service_id: UeServiceId,
    /// SUPI of the UE.
    pub supi: Option<Supi>,
    /// GPSI of the UE.
    pub gpsi: Option<Gpsi>,
    /// The tenant that the UE belongs to.
    pub tenant_id: TenantId,
    /// Over whose session the endpoint registers.
    pub kind: AssociationKind,
}

/// Over whose session an endpoint registers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AssociationKind {
    /// The UE's own.
    Direct,
    /// That of a gateway UE with this UE ID. Source: TS 33.501 Y.6.
    Behind(UeId),
}

impl Association {
    /// Returns whether `ue_id` is one of the UE's own identities.
    fn is_of(&self, ue_id: &UeId) -> bool {
        match ue_id {
            UeId::Supi(supi) => self.supi.as_ref() == Some(supi),
            UeId::Gpsi(gpsi) => self.gpsi.as_ref() == Some(gpsi),
        }
    }
}

/// What is known about the associations of one UE ID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Associations {
    /// All open associations that were found by that UE ID, possibly none.
    Known(Vec<Association>),
    /// They could not be had in time, or are too old to be trusted.
    Unavailable,
}

impl Associations {
    /// Returns the association by which the UE `ue_id` may use `ue_service_id`, if there is one.
    ///
    /// That is a direct association of this UE, or one behind it as a gateway. An endpoint behind *another* gateway is
    /// not usable, even where the set was found by the endpoint's own UE ID. A set found by a different UE ID grants
    /// nothing.
    #[must_use]
    pub fn usable(&self, ue_id: &UeId, ue_service_id: &UeServiceId) -> Option<&Association> {
        let Self::Known(set) = self else {
            return None;
        };
        // A gateway is named by SUPI or GPSI; its own row tells that both are one UE.
        let own = |other: &UeId| {
            other == ue_id
                || set.iter().any(|row| {
                    row.kind == AssociationKind::Direct && row.is_of(ue_id) && row.is_of(other)
                })
        };
        set.iter()
            .filter(|row| row.ue_service_id == *ue_service_id)
            .find(|row| match &row.kind {
                AssociationKind::Direct => row.is_of(ue_id),
                AssociationKind::Behind(gateway) => own(gateway),
            })
    }
}
