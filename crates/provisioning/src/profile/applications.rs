//! Application servers.

use crate::read;
use alloc::string::String;
use alloc::vec::Vec;
use cose::cbor::{self, Encoded, Item, SchemaError};
use identifiers::{Fqdn, UeServiceId};

/// The servers that a device talks to once it is in service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applications {
    /// MSGin5G.
    pub msgin5g: Option<MsgIn5g>,
    /// Application functions that the device may derive AKMA keys for.
    pub akma_afs: Vec<Fqdn>,
    /// Time servers.
    pub ntp: Vec<String>,
    /// The LwM2M server.
    pub lwm2m: Option<String>,
}

/// The MSGin5G service (TS 23.554).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MsgIn5g {
    /// URI of the MSGin5G server.
    pub server_uri: String,
    /// The device's UE Service ID.
    pub ue_service_id: UeServiceId,
    /// URI of the configuration function.
    pub configuration_uri: Option<String>,
    /// DTLS cipher suites to offer, in order; empty for the device's own choice.
    pub dtls_suites: Vec<u16>,
}

impl Applications {
    pub(super) fn read(item: Item<'_>) -> Result<Self, SchemaError> {
        let map = item.map(&[1, 2, 3, 4])?;
        let fqdn = |item: Item<'_>| read::identifier(item, Fqdn::parse);
        Ok(Self {
            msgin5g: map.optional(1, MsgIn5g::read)?,
            akma_afs: map
                .optional(2, |item| read::list(item, fqdn))?
                .unwrap_or_default(),
            ntp: map
                .optional(3, |item| read::list(item, read::text))?
                .unwrap_or_default(),
            lwm2m: map.optional(4, read::text)?,
        })
    }

    pub(super) fn write(&self) -> Encoded {
        let akma_afs = read::some_list(&self.akma_afs, |fqdn| cbor::text(fqdn.as_str()));
        cbor::map()
            .with_some(1, self.msgin5g.as_ref().map(MsgIn5g::write))
            .with_some(2, akma_afs)
            .with_some(3, read::some_list(&self.ntp, |text| cbor::text(text)))
            .with_some(4, self.lwm2m.as_deref().map(cbor::text))
            .build()
    }
}

impl MsgIn5g {
    fn read(item: Item<'_>) -> Result<Self, SchemaError> {
        let map = item.map(&[1, 2, 3, 4])?;
        Ok(Self {
            server_uri: map.required(1, read::text)?,
            ue_service_id: map.required(2, |item| read::identifier(item, UeServiceId::parse))?,
            configuration_uri: map.optional(3, read::text)?,
            dtls_suites: map
                .optional(4, |item| item.array_of(1..=4, Item::uint16))?
                .unwrap_or_default(),
        })
    }

    fn write(&self) -> Encoded {
        let suites = read::some_list(&self.dtls_suites, |suite| cbor::uint(*suite));
        cbor::map()
            .with(1, cbor::text(&self.server_uri))
            .with(2, cbor::text(self.ue_service_id.as_str()))
            .with_some(3, self.configuration_uri.as_deref().map(cbor::text))
            .with_some(4, suites)
            .build()
    }
}
