//! How far a device is on its way to a subscription: the state that the worker is driven from.

use identifiers::{CredentialSetId, Gpsi, OwnerId, PackageId, SubscriptionId, Supi, UeServiceId};
use store::{Error, Kind, Record};

use super::plan::PlanRecord;
use super::{parsed, parsed_some};
use crate::plan::Plan;

/// The subscription of a device and how far it is set up, at the tag of the device: a device has at most one.
///
/// What is done follows from what is there: without a SUPI numbers are allocated, without a credential set one
/// is minted, and so on. `generation` counts credential sets; a device that lost its own gets the next one.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct EnrolmentRecord {
    #[prost(string, tag = "1")]
    pub(crate) subscription_id: String,
    #[prost(string, tag = "2")]
    pub(crate) owner_id: String,
    /// The plan as it was when it was chosen.
    #[prost(message, optional, tag = "3")]
    pub(crate) plan: Option<PlanRecord>,
    /// The order that it came from; empty for none.
    #[prost(string, tag = "4")]
    pub(crate) order_id: String,
    #[prost(uint64, tag = "5")]
    pub(crate) generation: u64,
    #[prost(string, tag = "6")]
    pub(crate) supi: String,
    #[prost(string, tag = "7")]
    pub(crate) gpsi: String,
    /// Drawn when the enrolment begins, reserved when numbers are allocated.
    #[prost(string, tag = "8")]
    pub(crate) ue_service_id: String,
    #[prost(bool, tag = "9")]
    pub(crate) ue_service_id_reserved: bool,
    #[prost(string, tag = "10")]
    pub(crate) association_id: String,
    #[prost(bool, tag = "11")]
    pub(crate) associated: bool,
    #[prost(string, tag = "12")]
    pub(crate) credential_set_id: String,
    #[prost(uint64, tag = "13")]
    pub(crate) credential_epoch: u64,
    #[prost(string, tag = "14")]
    pub(crate) package_id: String,
    /// The package of the generation before.
    #[prost(string, tag = "15")]
    pub(crate) supersedes: String,
    /// How often the package was sealed.
    #[prost(uint64, tag = "16")]
    pub(crate) seal_seq: u64,
    /// What is delivered in the newest session that came so far.
    #[prost(message, optional, tag = "17")]
    pub(crate) delivery: Option<Delivery>,
    /// Cause for which the enrolment stopped for good; 0 for none.
    #[prost(uint32, tag = "18")]
    pub(crate) failure: u32,
    /// Sealed claim secret of the device's label; empty for none.
    #[prost(bytes = "vec", tag = "19")]
    pub(crate) claim_secret: Vec<u8>,
    /// A person typed it, and may have mistyped it.
    #[prost(bool, tag = "20")]
    pub(crate) claim_secret_typed: bool,
    /// The credential set that was proven last; empty before the first.
    #[prost(string, tag = "21")]
    pub(crate) active_credential_set_id: String,
    #[prost(uint64, tag = "22")]
    pub(crate) created_at_ms: u64,
}

impl Record for EnrolmentRecord {
    const KIND: Kind = Kind::new("enrolment");
    const SCHEMA: u16 = 1;
}

/// A package on its way to the device.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Delivery {
    /// The session that it is sealed for.
    #[prost(string, tag = "1")]
    pub(crate) session: String,
    #[prost(enumeration = "DeliveryState", tag = "2")]
    pub(crate) state: i32,
    /// Kept from before sealing on, so that sealing can be repeated.
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) header: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) profile: Vec<u8>,
    #[prost(bytes = "vec", tag = "5")]
    pub(crate) package: Vec<u8>,
    #[prost(bytes = "vec", tag = "6")]
    pub(crate) package_sha256: Vec<u8>,
    /// Cause for which nothing is delivered in this session; 0 for none.
    #[prost(uint32, tag = "7")]
    pub(crate) failure: u32,
    /// Payload of the receipt that was taken.
    #[prost(bytes = "vec", tag = "8")]
    pub(crate) receipt: Vec<u8>,
}

/// Where the delivery of a package stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum DeliveryState {
    Unspecified = 0,
    /// Header and profile are made.
    Created = 1,
    /// The vault has sealed it, and the device may fetch it.
    Offered = 3,
    /// It was sent to the device.
    Fetched = 4,
    /// The device says that it is installed.
    Installed = 5,
    /// Its credentials have worked.
    Active = 6,
    /// The device refused it, or undid its installation.
    Rejected = 7,
}

impl EnrolmentRecord {
    /// Whether its credentials have worked and nothing newer is under way.
    pub(crate) fn is_in_service(&self) -> bool {
        !self.credential_set_id.is_empty()
            && self.active_credential_set_id == self.credential_set_id
    }

    /// Goes on in a new session: a device in service gets its next credential set, any other its package again.
    pub(crate) fn resume(&mut self) {
        if self.is_in_service() {
            self.generation += 1;
            self.credential_set_id.clear();
            self.credential_epoch = 0;
            self.supersedes = std::mem::take(&mut self.package_id);
            self.seal_seq = 0;
            self.delivery = None;
        }
    }

    /// The delivery, if it belongs to this session.
    pub(crate) fn delivery_for(&self, session: &str) -> Option<&Delivery> {
        self.delivery
            .as_ref()
            .filter(|delivery| delivery.session == session)
    }

    pub(crate) fn plan(&self) -> Result<Plan, Error> {
        let corrupt = Error::Corrupt {
            kind: Self::KIND.as_str(),
        };
        self.plan.as_ref().ok_or(corrupt)?.plan()
    }

    pub(crate) fn subscription_id(&self) -> Result<SubscriptionId, Error> {
        parsed(Self::KIND, &self.subscription_id, SubscriptionId::parse)
    }

    pub(crate) fn owner_id(&self) -> Result<OwnerId, Error> {
        parsed(Self::KIND, &self.owner_id, OwnerId::parse)
    }

    pub(crate) fn supi(&self) -> Result<Supi, Error> {
        parsed(Self::KIND, &self.supi, Supi::parse)
    }

    pub(crate) fn gpsi(&self) -> Result<Option<Gpsi>, Error> {
        parsed_some(Self::KIND, &self.gpsi, Gpsi::parse)
    }

    pub(crate) fn ue_service_id(&self) -> Result<UeServiceId, Error> {
        parsed(Self::KIND, &self.ue_service_id, UeServiceId::parse)
    }

    pub(crate) fn credential_set_id(&self) -> Result<CredentialSetId, Error> {
        parsed(Self::KIND, &self.credential_set_id, CredentialSetId::parse)
    }

    pub(crate) fn package_id(&self) -> Result<PackageId, Error> {
        parsed(Self::KIND, &self.package_id, PackageId::parse)
    }

    pub(crate) fn supersedes(&self) -> Result<Option<PackageId>, Error> {
        parsed_some(Self::KIND, &self.supersedes, PackageId::parse)
    }
}
