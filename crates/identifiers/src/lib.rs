//! Identifiers of the 5G system and of Berth, parsed at the edge and redacted in logs.
//!
//! A text becomes one of these types once, where it enters the system, and stays one: whoever holds
//! a [`Supi`] need not check it again. All of them
//!
//! - are read by `parse`, which takes exactly the form that the specification gives (ASCII only,
//!   nothing is trimmed or repaired), and given back by `as_str`, `as_text` or `to_text`;
//! - compare, hash and order by that text, so that they may be keys of a map or a store;
//! - print only their redacted form, both under `Debug` and by `redacted()`; there is no `Display`
//!   and no `Serialize`, so that a whole identifier reaches a log or a document only on purpose.
//!
//! Digits stay text: `01` and `010` are different mobile network codes, and `0` and `0000` are
//! different routing indicators.

#![no_std]

extern crate alloc;

#[macro_use]
mod redaction;

mod a_kid;
mod device_id;
mod error;
mod fqdn;
pub mod fuzz;
mod gpsi;
mod layer2_id;
mod name;
mod onboarding_session;
mod plmn;
mod routing_indicator;
mod serving_network_name;
mod suci;
mod supi;
mod syntax;
mod ua_star_id;
mod ue_service_id;
mod ulid;

pub use a_kid::AKid;
pub use device_id::DeviceId;
pub use error::{Fault, ParseIdentifierError};
pub use fqdn::Fqdn;
pub use gpsi::Gpsi;
pub use layer2_id::Layer2Id;
pub use name::{OperatorId, PlanId, TenantId};
pub use onboarding_session::OnboardingSession;
pub use plmn::{Nid, Plmn};
pub use routing_indicator::RoutingIndicator;
pub use serving_network_name::ServingNetworkName;
pub use suci::{HomeNetwork, ProtectionScheme, Suci};
pub use supi::{Supi, SupiKdf, SupiType};
pub use ua_star_id::UaStarId;
pub use ue_service_id::UeServiceId;
pub use ulid::{CredentialSetId, OrderId, OwnerId, PackageId, SubscriptionId};
