//! Challenge, the network's answer to Start.

use crate::start::read_serving_network;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use cose::cbor::{self, DecodeError, Encoded, Item, SchemaError};
use identifiers::{OnboardingSession, ServingNetworkName};

/// What the network contributes to the transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// The onboarding session.
    pub session: OnboardingSession,
    /// Number of the chosen suite.
    pub suite: u16,
    /// 32 random octets.
    pub nonce: [u8; 32],
    /// The network's ephemeral public key for that suite, not checked yet.
    pub public_key: Vec<u8>,
    /// The serving network.
    pub serving_network: ServingNetworkName,
    /// Name of the authenticating function.
    pub authenticator: String,
    /// When it was made, in seconds since 1970, UTC.
    pub time: u64,
    /// A COSE_Sign1 of type `owa-net` over the rest, where the network proves itself.
    pub network_proof: Option<Vec<u8>>,
}

impl Challenge {
    /// Reads the body of a Challenge.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        let map = Item::decode(octets)?.map(&[
            SESSION,
            SUITE,
            NONCE,
            KEY,
            SERVING_NETWORK,
            AUTHENTICATOR,
            TIME,
            NETWORK_PROOF,
        ])?;
        Ok(Self {
            session: map.required(SESSION, |item| item.fixed().map(OnboardingSession::new))?,
            suite: map.required(SUITE, Item::uint16)?,
            nonce: map.required(NONCE, Item::fixed)?,
            public_key: map.required(KEY, Item::bytes)?.to_vec(),
            serving_network: map.required(SERVING_NETWORK, read_serving_network)?,
            authenticator: map.required(AUTHENTICATOR, read_name)?,
            time: map.required(TIME, Item::uint)?,
            network_proof: map.optional(NETWORK_PROOF, |item| item.bytes().map(<[u8]>::to_vec))?,
        })
    }

    /// Encodes the body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        cbor::map()
            .with(SESSION, cbor::bytes(self.session.as_bytes()))
            .with(SUITE, cbor::uint(self.suite))
            .with(NONCE, cbor::bytes(&self.nonce))
            .with(KEY, cbor::bytes(&self.public_key))
            .with(SERVING_NETWORK, cbor::text(self.serving_network.as_str()))
            .with(AUTHENTICATOR, cbor::text(&self.authenticator))
            .with(TIME, cbor::uint(self.time))
            .with_some(
                NETWORK_PROOF,
                self.network_proof.as_deref().map(cbor::bytes),
            )
            .build()
            .into_vec()
    }

    /// The body as received without the network's proof: what that proof signs.
    ///
    /// # Errors
    /// [`DecodeError`] if the octets are no map in deterministic encoding.
    pub fn without_network_proof(octets: &[u8]) -> Result<Encoded, DecodeError> {
        cbor::without(octets, NETWORK_PROOF)
    }
}

fn read_name(item: Item<'_>) -> Result<String, SchemaError> {
    let name = item.text()?;
    if name.is_empty() || name.len() > MAX_NAME_OCTETS {
        return Err(SchemaError::Form);
    }
    Ok(name.to_string())
}

const SESSION: i64 = 1;
const SUITE: i64 = 2;
const NONCE: i64 = 3;
const KEY: i64 = 4;
const SERVING_NETWORK: i64 = 5;
const AUTHENTICATOR: i64 = 6;
const TIME: i64 = 7;
const NETWORK_PROOF: i64 = 8;
const MAX_NAME_OCTETS: usize = 255;
