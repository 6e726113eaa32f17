//! What the device learns about its limited session.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use cose::cbor::{self, DecodeError, Item, SchemaError};
use identifiers::OnboardingSession;

/// The plaintext of Accept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionParameters {
    /// The session of the Challenge.
    pub session: OnboardingSession,
    /// When the limited session ends, in seconds since 1970, UTC.
    pub expires: u64,
    /// Address of the web portal.
    pub portal_uri: String,
    /// Address of the captive-portal API (RFC 8908).
    pub captive_portal_api_uri: String,
    /// Addresses of the provisioning server, one to four.
    pub provisioning_uris: Vec<String>,
    /// Name of the data network that carries the limited session.
    pub data_network: String,
}

impl SessionParameters {
    /// Reads the parameters.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        let map = Item::decode(octets)?.map(&[1, 2, 3, 4, 5, 6])?;
        Ok(Self {
            session: map.required(1, |item| item.fixed().map(OnboardingSession::new))?,
            expires: map.required(2, Item::uint)?,
            portal_uri: map.required(3, read_text)?,
            captive_portal_api_uri: map.required(4, read_text)?,
            provisioning_uris: map.required(5, |item| item.array_of(1..=4, read_text))?,
            data_network: map.required(6, read_text)?,
        })
    }

    /// Encodes the parameters.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let provisioning_uris = self.provisioning_uris.iter().map(|uri| cbor::text(uri));
        cbor::map()
            .with(1, cbor::bytes(self.session.as_bytes()))
            .with(2, cbor::uint(self.expires))
            .with(3, cbor::text(&self.portal_uri))
            .with(4, cbor::text(&self.captive_portal_api_uri))
            .with(5, provisioning_uris.collect())
            .with(6, cbor::text(&self.data_network))
            .build()
            .into_vec()
    }
}

fn read_text(item: Item<'_>) -> Result<String, SchemaError> {
    item.text().map(|text| text.to_string())
}
