//! Start, the device's first message.

use crate::suite::Suite;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use cause::Cause;
use core::fmt;
use cose::KeyId;
use cose::cbor::{self, DecodeError, Item, MapBuilder, SchemaError};
use identifiers::ServingNetworkName;

/// What a device says of itself and offers.
#[derive(Clone, PartialEq, Eq)]
pub struct Start {
    /// Numbers of the offered suites in the device's order, each with its public key.
    ///
    /// Suites that this version does not know may be among them.
    pub offers: Vec<(u16, Vec<u8>)>,
    /// How the certificate is found.
    pub certificate: CertificateReference,
    /// 32 random octets.
    pub nonce: [u8; 32],
    /// Whether a person can read something on the device.
    pub class: DeviceClass,
    /// The serving network that the device believes to talk to.
    pub serving_network: ServingNetworkName,
    /// SHA-256 of the SubjectPublicKeyInfo of the device's identity key.
    pub key_id: KeyId,
    /// How the network has to prove itself.
    pub demanded: NetworkProofLevel,
    /// The cookie of a Retry.
    pub cookie: Option<Vec<u8>>,
    /// DER certificates, end entity first, anchor left out; empty if not sent.
    pub chain: Vec<Vec<u8>>,
}

impl Start {
    /// Reads the body of a Start.
    ///
    /// # Errors
    /// [`DecodeStartError`]. The version is looked at before the rest, since another version may
    /// have other labels.
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeStartError> {
        let item = Item::decode(octets).map_err(DecodeError::from)?;
        let version = item
            .open_map()
            .and_then(|map| map.required(VERSION, Item::uint))
            .map_err(DecodeError::from)?;
        if version != OWA_VERSION {
            return Err(DecodeStartError::Version(version));
        }
        Ok(Self::read(item).map_err(DecodeError::from)?)
    }

    fn read(item: Item<'_>) -> Result<Self, SchemaError> {
        let map = item.map(&[
            VERSION,
            SUITES,
            CERTIFICATE,
            NONCE,
            KEYS,
            CLASS,
            SERVING_NETWORK,
            KEY_ID,
            DEMANDED,
            COOKIE,
            CHAIN,
        ])?;
        let suites = map.required(SUITES, |item| item.array_of(1..=MAX_SUITES, Item::uint16))?;
        let keys = map.required(KEYS, Item::open_map)?;
        let offers = pair(&suites, &keys)?;
        Ok(Self {
            offers,
            certificate: map.required(CERTIFICATE, CertificateReference::read)?,
            nonce: map.required(NONCE, Item::fixed)?,
            class: map.required(CLASS, DeviceClass::read)?,
            serving_network: map.required(SERVING_NETWORK, read_serving_network)?,
            key_id: map.required(KEY_ID, |item| item.fixed().map(KeyId::new))?,
            demanded: map.required(DEMANDED, NetworkProofLevel::read)?,
            cookie: map.optional(COOKIE, read_cookie)?,
            chain: map.optional(CHAIN, read_chain)?.unwrap_or_default(),
        })
    }

    /// Encodes the body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let suites = self
            .offers
            .iter()
            .map(|(suite, _)| cbor::uint(*suite))
            .collect();
        let keys = self
            .offers
            .iter()
            .fold(cbor::map(), |keys, (suite, public)| {
                keys.with(i64::from(*suite), cbor::bytes(public))
            });
        let chain = (!self.chain.is_empty()).then(|| {
            self.chain
                .iter()
                .map(|certificate| cbor::bytes(certificate))
                .collect()
        });
        cbor::map()
            .with(VERSION, cbor::uint(OWA_VERSION))
            .with(SUITES, suites)
            .with(CERTIFICATE, self.certificate.write().build())
            .with(NONCE, cbor::bytes(&self.nonce))
            .with(KEYS, keys.build())
            .with(CLASS, cbor::uint(self.class.number()))
            .with(SERVING_NETWORK, cbor::text(self.serving_network.as_str()))
            .with(KEY_ID, cbor::bytes(self.key_id.as_bytes()))
            .with(DEMANDED, cbor::uint(self.demanded.number()))
            .with_some(COOKIE, self.cookie.as_deref().map(cbor::bytes))
            .with_some(CHAIN, chain)
            .build()
            .into_vec()
    }

    /// SHA-256 of the body without its cookie, which is what a cookie is bound to.
    ///
    /// # Errors
    /// [`DecodeError`] if the octets are no map in deterministic encoding.
    pub fn hash_without_cookie(octets: &[u8]) -> Result<[u8; 32], DecodeError> {
        Ok(cose::sha256(cbor::without(octets, COOKIE)?.as_slice()))
    }

    /// The public key that is offered for `suite`.
    #[must_use]
    pub fn public_key(&self, suite: Suite) -> Option<&[u8]> {
        self.offers
            .iter()
            .find(|(number, _)| *number == suite.number())
            .map(|(_, public)| public.as_slice())
    }
}

impl fmt::Debug for Start {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Start")
            .field("certificate", &self.certificate)
            .field("class", &self.class)
            .field("serving_network", &self.serving_network)
            .field("key_id", &self.key_id)
            .field("demanded", &self.demanded)
            .field("cookie", &self.cookie.is_some())
            .field("chain", &self.chain.len())
            .finish_non_exhaustive()
    }
}

/// A Start cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeStartError {
    /// Not deterministic CBOR, or not as defined.
    #[error("start cannot be decoded")]
    Decode(#[from] DecodeError),
    /// Of a version that this crate does not know.
    #[error("version {0} of one-way authentication is not supported")]
    Version(u64),
}

impl DecodeStartError {
    /// The cause to answer.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Decode(error) => error.cause(),
            Self::Version(_) => Cause::Unsupported,
        }
    }
}

/// How the network finds the certificate of a device.
#[derive(Clone, PartialEq, Eq)]
pub enum CertificateReference {
    /// By its URL, as burnt in by the manufacturer, and by its hash if the device knows it.
    Url {
        /// The URL as sent; read it with [`crate::certificate_url::CertificateUrl`].
        url: String,
        /// SHA-256 of the DER certificate.
        sha256: Option<[u8; 32]>,
    },
    /// By its hash alone: the network knows it, or it travels in Start.
    Hash([u8; 32]),
}

impl CertificateReference {
    /// SHA-256 of the DER certificate, where the device gave it.
    #[must_use]
    pub const fn sha256(&self) -> Option<&[u8; 32]> {
        match self {
            Self::Url { sha256, .. } => sha256.as_ref(),
            Self::Hash(sha256) => Some(sha256),
        }
    }

    /// The URL as sent.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        match self {
            Self::Url { url, .. } => Some(url),
            Self::Hash(_) => None,
        }
    }

    fn read(item: Item<'_>) -> Result<Self, SchemaError> {
        let map = item.map(&[1, 2, 3])?;
        match (
            map.optional(1, Item::text)?,
            map.optional(2, Item::fixed)?,
            map.optional(3, Item::fixed)?,
        ) {
            (Some(url), sha256, None) if url.len() <= MAX_URL_OCTETS => Ok(Self::Url {
                url: url.to_string(),
                sha256,
            }),
            (None, None, Some(sha256)) => Ok(Self::Hash(sha256)),
            _ => Err(SchemaError::Form),
        }
    }

    fn write(&self) -> MapBuilder {
        match self {
            Self::Url { url, sha256 } => cbor::map()
                .with(1, cbor::text(url))
                .with_some(2, sha256.as_ref().map(|hash| cbor::bytes(hash))),
            Self::Hash(sha256) => cbor::map().with(3, cbor::bytes(sha256)),
        }
    }
}

impl fmt::Debug for CertificateReference {
    /// Shows which form it is; URL and hash name a device.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Url { sha256: None, .. } => "Url(…)",
            Self::Url { .. } => "Url(…) with hash",
            Self::Hash(_) => "Hash(…)",
        })
    }
}

/// Whether a person can read something on the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceClass {
    /// It can show a short code or a web page.
    Headed,
    /// It cannot.
    Headless,
}

impl DeviceClass {
    const fn number(self) -> u64 {
        match self {
            Self::Headed => 0,
            Self::Headless => 1,
        }
    }

    fn read(item: Item<'_>) -> Result<Self, SchemaError> {
        match item.uint()? {
            0 => Ok(Self::Headed),
            1 => Ok(Self::Headless),
            _ => Err(SchemaError::Form),
        }
    }
}

/// How the network proves itself to the device. Not a scale: each guards against something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NetworkProofLevel {
    /// 0: not at all; for laboratories.
    None,
    /// 1: a chain under an operator root that the device holds signs the Challenge.
    OperatorChain,
    /// 2: a voucher of the manufacturer; refused by this version.
    Voucher,
    /// 3: the package proves knowledge of the claim secret on the device's label.
    ClaimSecret,
}

impl NetworkProofLevel {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u64 {
        match self {
            Self::None => 0,
            Self::OperatorChain => 1,
            Self::Voucher => 2,
            Self::ClaimSecret => 3,
        }
    }

    /// The level of this number.
    #[must_use]
    pub const fn from_number(number: u64) -> Option<Self> {
        match number {
            0 => Some(Self::None),
            1 => Some(Self::OperatorChain),
            2 => Some(Self::Voucher),
            3 => Some(Self::ClaimSecret),
            _ => None,
        }
    }

    fn read(item: Item<'_>) -> Result<Self, SchemaError> {
        Self::from_number(item.uint()?).ok_or(SchemaError::Form)
    }
}

pub(crate) fn read_serving_network(item: Item<'_>) -> Result<ServingNetworkName, SchemaError> {
    ServingNetworkName::parse(item.text()?).map_err(|_| SchemaError::Form)
}

pub(crate) fn read_cookie(item: Item<'_>) -> Result<Vec<u8>, SchemaError> {
    let cookie = item.bytes()?;
    if (8..=64).contains(&cookie.len()) {
        Ok(cookie.to_vec())
    } else {
        Err(SchemaError::Form)
    }
}

fn read_chain(item: Item<'_>) -> Result<Vec<Vec<u8>>, SchemaError> {
    item.array_of(1..=4, |item| item.bytes().map(<[u8]>::to_vec))
}

/// Each suite with its key; no suite twice, no suite without key, no key without suite.
fn pair(suites: &[u16], keys: &cbor::Map<'_>) -> Result<Vec<(u16, Vec<u8>)>, SchemaError> {
    let mut offers: Vec<(u16, Vec<u8>)> = Vec::with_capacity(suites.len());
    for number in suites {
        if offers.iter().any(|(earlier, _)| earlier == number) {
            return Err(SchemaError::Incorrect(SUITES));
        }
        let public = keys
            .get(i64::from(*number))
            .ok_or(SchemaError::Incorrect(KEYS))?
            .bytes()
            .map_err(|error| error.at(KEYS))?;
        let length = Suite::from_number(*number).map(Suite::public_key_len);
        if length.is_some_and(|length| length != public.len()) {
            return Err(SchemaError::Incorrect(KEYS));
        }
        offers.push((*number, public.to_vec()));
    }
    if keys.len() == offers.len() {
        Ok(offers)
    } else {
        Err(SchemaError::Incorrect(KEYS))
    }
}

/// The version of OWA that this crate speaks.
const OWA_VERSION: u64 = 1;
const VERSION: i64 = 1;
const SUITES: i64 = 2;
const CERTIFICATE: i64 = 3;
const NONCE: i64 = 4;
const KEYS: i64 = 5;
const CLASS: i64 = 6;
const SERVING_NETWORK: i64 = 7;
const KEY_ID: i64 = 8;
const DEMANDED: i64 = 9;
const COOKIE: i64 = 10;
const CHAIN: i64 = 11;
const MAX_SUITES: usize = 4;
/// Longest certificate URL in octets.
const MAX_URL_OCTETS: usize = 512;
