//! An order.

use store::{Error, Kind, Record};

use super::plan::PlanRecord;
use crate::plan::Plan;

/// An order, at its tag.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct OrderRecord {
    /// The plan as it was when it was ordered.
    #[prost(message, optional, tag = "1")]
    pub(crate) plan: Option<PlanRecord>,
    /// SHA-256 of the code.
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) code_sha256: Vec<u8>,
    /// The device that it is for; both empty if any.
    #[prost(string, tag = "3")]
    pub(crate) manufacturer: String,
    #[prost(string, tag = "4")]
    pub(crate) serial: String,
    /// Sealed claim secret of the label; empty for none.
    #[prost(bytes = "vec", tag = "5")]
    pub(crate) claim_secret: Vec<u8>,
    /// The device that redeemed it; empty while open.
    #[prost(string, tag = "6")]
    pub(crate) redeemed_by: String,
}

impl Record for OrderRecord {
    const KIND: Kind = Kind::new("order");
    const SCHEMA: u16 = 1;
}

impl OrderRecord {
    pub(crate) fn plan(&self) -> Result<Plan, Error> {
        let corrupt = Error::Corrupt {
            kind: Self::KIND.as_str(),
        };
        self.plan.as_ref().ok_or(corrupt)?.plan()
    }

    /// Whether this device may redeem it, or has done so.
    pub(crate) fn is_for(&self, device_id: &str, manufacturer: &str, serial: &str) -> bool {
        let for_any = self.manufacturer.is_empty();
        let for_this = self.manufacturer == manufacturer && self.serial == serial;
        (for_any || for_this) && (self.redeemed_by.is_empty() || self.redeemed_by == device_id)
    }
}
