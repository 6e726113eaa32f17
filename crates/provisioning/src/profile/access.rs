//! How a device reaches its network.

use crate::read;
use alloc::string::String;
use alloc::vec::Vec;
use cose::cbor::{self, Encoded, Item, SchemaError};
use identifiers::{Nid, Plmn, ProtectionScheme, RoutingIndicator};

/// Networks, and how the SUPI is concealed towards them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The home network.
    pub home: Plmn,
    /// Networks that count as home.
    pub equivalent: Vec<Plmn>,
    /// The routing indicator of the SUCI.
    pub routing_indicator: RoutingIndicator,
    /// The home network's public keys, in order of preference.
    pub suci_keys: Vec<SuciKey>,
    /// The stand-alone non-public network, if the subscription is for one.
    pub snpn: Option<Snpn>,
    /// Access identities (TS 22.261 6.22.2.2).
    pub access_identities: Vec<u64>,
    /// Unified access control parameters, opaque.
    pub uac: Option<Vec<u8>>,
}

/// A stand-alone non-public network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snpn {
    /// Its PLMN.
    pub plmn: Plmn,
    /// Its network identifier.
    pub nid: Nid,
    /// Group identifiers for onboarding.
    pub group_ids: Vec<String>,
}

/// A public key of the home network for concealing the SUPI (TS 33.501 C.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuciKey {
    /// The protection scheme.
    pub scheme: ProtectionScheme,
    /// The home network public key identifier.
    pub id: u8,
    /// The raw key: 32 octets for profile A, 33 (compressed) for profile B, none for the null
    /// scheme.
    pub public: Option<Vec<u8>>,
}

impl Access {
    pub(super) fn read(item: Item<'_>) -> Result<Self, SchemaError> {
        let map = item.map(&[1, 2, 3, 4, 5, 6, 7])?;
        Ok(Self {
            home: map.required(1, read_plmn)?,
            equivalent: map
                .optional(2, |item| read::list(item, read_plmn))?
                .unwrap_or_default(),
            routing_indicator: map
                .required(3, |item| read::identifier(item, RoutingIndicator::parse))?,
            suci_keys: map.required(4, |item| read::list(item, SuciKey::read))?,
            snpn: map.optional(5, Snpn::read)?,
            access_identities: map
                .optional(6, |item| read::list(item, Item::uint))?
                .unwrap_or_default(),
            uac: map.optional(7, read::octets)?,
        })
    }

    pub(super) fn write(&self) -> Encoded {
        let suci_keys = self.suci_keys.iter().map(SuciKey::write).collect();
        let equivalent = read::some_list(&self.equivalent, |plmn| cbor::text(plmn.as_str()));
        let identities = read::some_list(&self.access_identities, |identity| cbor::uint(*identity));
        cbor::map()
            .with(1, cbor::text(self.home.as_str()))
            .with_some(2, equivalent)
            .with(3, cbor::text(self.routing_indicator.as_str()))
            .with(4, suci_keys)
            .with_some(5, self.snpn.as_ref().map(Snpn::write))
            .with_some(6, identities)
            .with_some(7, self.uac.as_deref().map(cbor::bytes))
            .build()
    }
}

impl Snpn {
    fn read(item: Item<'_>) -> Result<Self, SchemaError> {
        let map = item.map(&[1, 2, 3])?;
        Ok(Self {
            plmn: map.required(1, read_plmn)?,
            nid: map.required(2, |item| read::identifier(item, Nid::parse))?,
            group_ids: map
                .optional(3, |item| read::list(item, read::text))?
                .unwrap_or_default(),
        })
    }

    fn write(&self) -> Encoded {
        cbor::map()
            .with(1, cbor::text(self.plmn.as_str()))
            .with(2, cbor::text(self.nid.as_str()))
            .with_some(3, read::some_list(&self.group_ids, |text| cbor::text(text)))
            .build()
    }
}

impl SuciKey {
    fn read(item: Item<'_>) -> Result<Self, SchemaError> {
        let map = item.map(&[1, 2, 3])?;
        let scheme = map.required(1, |item| {
            u8::try_from(item.uint()?)
                .ok()
                .and_then(ProtectionScheme::from_number)
                .ok_or(SchemaError::Form)
        })?;
        let public = map.optional(3, read::octets)?;
        let length = match scheme {
            ProtectionScheme::Null => None,
            ProtectionScheme::ProfileA => Some(32),
            ProtectionScheme::ProfileB => Some(33),
        };
        if public.as_ref().map(Vec::len) != length {
            return Err(SchemaError::Incorrect(3));
        }
        Ok(Self {
            scheme,
            id: map.required(2, |item| {
                u8::try_from(item.uint()?).map_err(|_| SchemaError::Form)
            })?,
            public,
        })
    }

    fn write(&self) -> Encoded {
        cbor::map()
            .with(1, cbor::uint(self.scheme as u8))
            .with(2, cbor::uint(self.id))
            .with_some(3, self.public.as_deref().map(cbor::bytes))
            .build()
    }
}

fn read_plmn(item: Item<'_>) -> Result<Plmn, SchemaError> {
    read::identifier(item, Plmn::parse)
}
