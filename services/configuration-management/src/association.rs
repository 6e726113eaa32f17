//! Who may use a UE Service ID.

use identifiers::{Gpsi, SubscriptionId, Supi, TenantId, UeServiceId};

/// How a UE Service ID is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The UE itself is the MSGin5G UE.
    Direct,
    /// A constrained device behind a gateway UE, which authenticates for it. TS 33.501 Annex Y.6.
    Behind(Supi),
}

/// One open association of a UE ID (SUPI, and GPSI where there is one) and a UE Service ID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Association {
    /// Names the association for ever; chosen by the subscription manager.
    pub association_id: String,
    /// The subscription.
    pub subscription_id: SubscriptionId,
    /// The SUPI.
    pub supi: Supi,
    /// The GPSI.
    pub gpsi: Option<Gpsi>,
    /// What the UE may call itself.
    pub ue_service_id: UeServiceId,
    /// The tenant; messages stay within one.
    pub tenant_id: TenantId,
    /// How it is reached.
    pub kind: Kind,
}
