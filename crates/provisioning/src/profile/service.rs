//! What a subscription gives.

use crate::read;
use alloc::string::String;
use alloc::vec::Vec;
use cose::cbor::{self, Encoded, Item, SchemaError};
use identifiers::{Gpsi, PlanId};

/// Slices, numbers and the plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// Slices and data networks.
    pub slices: Vec<Slice>,
    /// UE route selection policy rules, opaque.
    pub ursp: Option<Vec<u8>>,
    /// The subscriber's public identifiers.
    pub gpsis: Vec<Gpsi>,
    /// The plan.
    pub plan: Option<Plan>,
    /// Roaming policy, by number.
    pub roaming: Option<u64>,
}

/// One slice and data network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// S-NSSAI: SST, and SD where there is one (TS 23.003 28.4.2).
    pub s_nssai: Vec<u8>,
    /// Data network name.
    pub dnn: String,
    /// Type of PDU sessions.
    pub session_type: PduSessionType,
    /// 5G QoS identifier.
    pub five_qi: Option<u8>,
    /// Aggregate maximum bit rate upwards, in bits a second.
    pub ambr_uplink: Option<u64>,
    /// Aggregate maximum bit rate downwards, in bits a second.
    pub ambr_downlink: Option<u64>,
    /// Whether it is used where nothing else is asked for.
    pub default: Option<bool>,
}

/// Type of a PDU session (TS 24.501 9.11.4.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PduSessionType {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
    /// Both.
    Ipv4v6,
}

/// A plan, as shown to its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The plan.
    pub id: PlanId,
    /// Its name.
    pub name: String,
    /// Its limits, opaque.
    pub limits: Option<Vec<u8>>,
    /// From when it counts, in seconds since 1970, UTC.
    pub valid_from: Option<u64>,
    /// Until when it counts.
    pub valid_until: Option<u64>,
}

impl Service {
    pub(super) fn read(item: Item<'_>) -> Result<Self, SchemaError> {
        let map = item.map(&[1, 2, 3, 4, 5])?;
        let gpsi = |item: Item<'_>| read::identifier(item, Gpsi::parse);
        Ok(Self {
            slices: map
                .optional(1, |item| read::list(item, Slice::read))?
                .unwrap_or_default(),
            ursp: map.optional(2, read::octets)?,
            gpsis: map
                .optional(3, |item| read::list(item, gpsi))?
                .unwrap_or_default(),
            plan: map.optional(4, Plan::read)?,
            roaming: map.optional(5, Item::uint)?,
        })
    }

    pub(super) fn write(&self) -> Encoded {
        cbor::map()
            .with_some(1, read::some_list(&self.slices, Slice::write))
            .with_some(2, self.ursp.as_deref().map(cbor::bytes))
            .with_some(
                3,
                read::some_list(&self.gpsis, |gpsi| cbor::text(gpsi.as_str())),
            )
            .with_some(4, self.plan.as_ref().map(Plan::write))
            .with_some(5, self.roaming.map(cbor::uint))
            .build()
    }
}

impl Slice {
    fn read(item: Item<'_>) -> Result<Self, SchemaError> {
        let map = item.map(&[1, 2, 3, 4, 5, 6, 7])?;
        Ok(Self {
            s_nssai: map.required(1, read::octets)?,
            dnn: map.required(2, read::text)?,
            session_type: map.required(3, |item| match item.uint()? {
                1 => Ok(PduSessionType::Ipv4),
                2 => Ok(PduSessionType::Ipv6),
                3 => Ok(PduSessionType::Ipv4v6),
                _ => Err(SchemaError::Form),
            })?,
            five_qi: map.optional(4, |item| {
                u8::try_from(item.uint()?).map_err(|_| SchemaError::Form)
            })?,
            ambr_uplink: map.optional(5, Item::uint)?,
            ambr_downlink: map.optional(6, Item::uint)?,
            default: map.optional(7, |item| match item.uint()? {
                0 => Ok(false),
                1 => Ok(true),
                _ => Err(SchemaError::Form),
            })?,
        })
    }

    fn write(&self) -> Encoded {
        let session_type = match self.session_type {
            PduSessionType::Ipv4 => 1_u64,
            PduSessionType::Ipv6 => 2,
            PduSessionType::Ipv4v6 => 3,
        };
        cbor::map()
            .with(1, cbor::bytes(&self.s_nssai))
            .with(2, cbor::text(&self.dnn))
            .with(3, cbor::uint(session_type))
            .with_some(4, self.five_qi.map(cbor::uint))
            .with_some(5, self.ambr_uplink.map(cbor::uint))
            .with_some(6, self.ambr_downlink.map(cbor::uint))
            .with_some(7, self.default.map(cbor::uint))
            .build()
    }
}

impl Plan {
    fn read(item: Item<'_>) -> Result<Self, SchemaError> {
        let map = item.map(&[1, 2, 3, 4, 5])?;
        Ok(Self {
            id: map.required(1, |item| read::identifier(item, PlanId::parse))?,
            name: map.required(2, read::text)?,
            limits: map.optional(3, read::octets)?,
            valid_from: map.optional(4, Item::uint)?,
            valid_until: map.optional(5, Item::uint)?,
        })
    }

    fn write(&self) -> Encoded {
        cbor::map()
            .with(1, cbor::text(self.id.as_str()))
            .with(2, cbor::text(&self.name))
            .with_some(3, self.limits.as_deref().map(cbor::bytes))
            .with_some(4, self.valid_from.map(cbor::uint))
            .with_some(5, self.valid_until.map(cbor::uint))
            .build()
    }
}
