//! What is stored.
//!
//! Everything about one device lies at the device's tag, so that its session, its enrolment and what is
//! delivered to it change together or not at all. What is found by another name (a session, an address, a
//! code) is an index: written before the truth, and verified against it by readers.

mod device;
mod enrolment;
mod index;
mod order;
mod plan;
mod session;
mod subscription;

pub(crate) use device::DeviceRecord;
pub(crate) use enrolment::{Delivery, DeliveryState, EnrolmentRecord};
pub(crate) use index::{
    AddressRecord, BrowserRecord, ExpiryRecord, LinkCodeRecord, NextNumberRecord, OrderCodeRecord,
    OrderKeyRecord, SessionIndexRecord,
};
pub(crate) use order::OrderRecord;
pub(crate) use plan::PlanRecord;
pub(crate) use session::{SessionRecord, SessionState, match_code as session_match_code};
pub(crate) use subscription::{AssociationRecord, SubscriptionRecord};

use cause::Cause;
use store::Error;

/// A stored text that is parsed when it is used.
pub(crate) fn parsed<T, E>(
    kind: store::Kind,
    text: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, Error> {
    parse(text).map_err(|_| Error::Corrupt {
        kind: kind.as_str(),
    })
}

/// A stored text that may be empty for none.
pub(crate) fn parsed_some<T, E>(
    kind: store::Kind,
    text: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    parsed(kind, text, parse).map(Some)
}

/// A stored number of a cause; 0 for none.
pub(crate) fn cause(number: u32) -> Option<Cause> {
    match number {
        0 => None,
        number => Some(
            u16::try_from(number)
                .ok()
                .and_then(Cause::from_number)
                .unwrap_or(Cause::Internal),
        ),
    }
}
