//! The first step: is this Start one that the network can answer?

use crate::cookie::{CookieKey, Source};
use crate::kex::{self, KexError};
use crate::retry::Retry;
use crate::start::{DecodeStartError, NetworkProofLevel, Start};
use crate::suite::Suite;
use alloc::boxed::Box;
use alloc::vec::Vec;
use cause::Cause;
use core::fmt;
use identifiers::ServingNetworkName;

/// What a Start is checked against.
#[derive(Clone, Copy)]
pub struct StartContext<'a> {
    /// The serving network that the gateway stands for, after its right to was checked.
    pub serving_network: &'a ServingNetworkName,
    /// The suites in use, in the network's order of preference.
    pub suites: &'a [Suite],
    /// Whether Challenges can be signed under an operator chain.
    pub operator_chain: bool,
    /// Whether a cookie is demanded before any state is kept.
    pub cookies: Option<CookieDemand<'a>>,
}

/// A cookie is demanded.
#[derive(Clone, Copy)]
pub struct CookieDemand<'a> {
    /// The key that makes cookies now.
    pub key: &'a CookieKey,
    /// The key before it, while its cookies may still be on their way.
    pub previous_key: Option<&'a CookieKey>,
    /// Where the Start came from.
    pub source: Source<'a>,
    /// The time, in seconds since 1970, UTC.
    pub now: u64,
}

/// What to do with a Start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartOutcome {
    /// Send this Retry, an encoded body, and keep nothing.
    Retry(Vec<u8>),
    /// Go on to the Challenge.
    Proceed(Box<CheckedStart>),
}

/// A Start that the network can answer.
#[derive(Clone, PartialEq, Eq)]
pub struct CheckedStart {
    pub(super) octets: Vec<u8>,
    pub(super) start: Start,
    pub(super) suite: Suite,
}

impl CheckedStart {
    /// The body as received.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// What it says.
    #[must_use]
    pub const fn start(&self) -> &Start {
        &self.start
    }

    /// The chosen suite; the ephemeral key must be of this suite.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        self.suite
    }

    /// Whether the Challenge must carry a network proof.
    ///
    /// Where it need not, it should not: a device without operator roots refuses a proof that it
    /// cannot verify.
    #[must_use]
    pub fn needs_network_proof(&self) -> bool {
        self.start.demanded == NetworkProofLevel::OperatorChain
    }
}

impl fmt::Debug for CheckedStart {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CheckedStart")
            .field("start", &self.start)
            .field("suite", &self.suite)
            .finish_non_exhaustive()
    }
}

/// Checks the body of a Start and chooses the suite.
///
/// Nothing is spent on the device's keys before its cookie is good.
///
/// # Errors
/// [`StartError`].
pub fn check_start(octets: &[u8], context: &StartContext<'_>) -> Result<StartOutcome, StartError> {
    let start = Start::decode(octets)?;
    if start.serving_network != *context.serving_network {
        return Err(StartError::ServingNetwork);
    }
    let provable = match start.demanded {
        NetworkProofLevel::None | NetworkProofLevel::ClaimSecret => true,
        NetworkProofLevel::OperatorChain => context.operator_chain,
        NetworkProofLevel::Voucher => false,
    };
    if !provable {
        return Err(StartError::NetworkProof(start.demanded));
    }
    let (suite, public) = context
        .suites
        .iter()
        .find_map(|suite| Some((*suite, start.public_key(*suite)?)))
        .ok_or(StartError::Suite)?;
    if let Some(demand) = &context.cookies {
        let hash = Start::hash_without_cookie(octets).map_err(DecodeStartError::from)?;
        if !demand.is_met(start.cookie.as_deref(), &hash) {
            let cookie = demand.key.cookie(demand.source, demand.now, &hash);
            return Ok(StartOutcome::Retry(Retry { cookie }.encode()));
        }
    }
    kex::check_public(suite, public)?;
    Ok(StartOutcome::Proceed(Box::new(CheckedStart {
        octets: octets.to_vec(),
        start,
        suite,
    })))
}

impl CookieDemand<'_> {
    fn is_met(&self, cookie: Option<&[u8]>, start_hash: &[u8; 32]) -> bool {
        cookie.is_some_and(|cookie| {
            [Some(self.key), self.previous_key]
                .into_iter()
                .flatten()
                .any(|key| key.verifies(cookie, self.source, self.now, start_hash))
        })
    }
}

/// A Start is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// It cannot be read.
    #[error("start cannot be decoded")]
    Decode(#[from] DecodeStartError),
    /// It names another serving network than its gateway stands for.
    #[error("start names another serving network")]
    ServingNetwork,
    /// The network cannot prove itself in this way.
    #[error("demanded network proof is not available")]
    NetworkProof(NetworkProofLevel),
    /// No offered suite is in use.
    #[error("no offered suite is supported")]
    Suite,
    /// The device's ephemeral key is unusable.
    #[error("ephemeral key of the device is unusable")]
    Key(#[from] KexError),
}

impl StartError {
    /// The cause to answer.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Decode(error) => error.cause(),
            Self::ServingNetwork => Cause::ServingNetworkNotAuthorized,
            Self::NetworkProof(_) => Cause::NetworkProofUnavailable,
            Self::Suite => Cause::SuiteUnsupported,
            Self::Key(error) => error.cause(),
        }
    }
}
