//! A device that has proven its certificate.

use cose::VerificationKey;
use store::{Error, Kind, Record};

/// What is known of a device, at its tag.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct DeviceRecord {
    #[prost(string, tag = "1")]
    pub(crate) manufacturer: String,
    #[prost(string, tag = "2")]
    pub(crate) serial: String,
    /// DER SubjectPublicKeyInfo of its certificate: what its receipts are verified with.
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) spki: Vec<u8>,
    #[prost(bool, tag = "4")]
    pub(crate) headless: bool,
    /// The newest session; an older one has ended.
    #[prost(string, tag = "5")]
    pub(crate) session: String,
}

impl Record for DeviceRecord {
    const KIND: Kind = Kind::new("device");
    const SCHEMA: u16 = 1;
}

impl DeviceRecord {
    pub(crate) fn key(&self) -> Result<VerificationKey, Error> {
        VerificationKey::from_spki(&self.spki).map_err(|_| Error::Corrupt {
            kind: Self::KIND.as_str(),
        })
    }
}
