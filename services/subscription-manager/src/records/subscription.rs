//! A subscription, and which device and numbers it has had when.

use store::{Kind, Record};

/// A subscription, at its tag.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SubscriptionRecord {
    #[prost(string, tag = "1")]
    pub(crate) owner_id: String,
    #[prost(string, tag = "2")]
    pub(crate) tenant_id: String,
    #[prost(string, tag = "3")]
    pub(crate) plan_id: String,
    #[prost(uint64, tag = "4")]
    pub(crate) created_at_ms: u64,
}

impl Record for SubscriptionRecord {
    const KIND: Kind = Kind::new("subscription");
    const SCHEMA: u16 = 1;
}

/// One association of a subscription, one of many at its tag, by association id. Rows are never changed:
/// another device or number closes one and opens another.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct AssociationRecord {
    #[prost(string, tag = "1")]
    pub(crate) device_id: String,
    #[prost(string, tag = "2")]
    pub(crate) owner_id: String,
    #[prost(string, tag = "3")]
    pub(crate) supi: String,
    #[prost(string, tag = "4")]
    pub(crate) gpsi: String,
    #[prost(string, tag = "5")]
    pub(crate) ue_service_id: String,
    #[prost(uint64, tag = "6")]
    pub(crate) valid_from_ms: u64,
}

impl Record for AssociationRecord {
    const KIND: Kind = Kind::new("association");
    const SCHEMA: u16 = 1;
}
