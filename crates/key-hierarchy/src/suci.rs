//! Concealing a SUPI at the UE and recovering it in the home network (SIDF). TS 33.501 6.12, Annex C.

use alloc::vec::Vec;

use cause::Cause;
use identifiers::{HomeNetwork, ParseIdentifierError, Plmn, ProtectionScheme, RoutingIndicator};
use identifiers::{Suci, Supi, SupiType};
use secret::PrivateKey;
use zeroize::Zeroizing;

use crate::bcd;
use crate::ecies::{HomeNetworkKey, HomeNetworkPublicKey, InvalidKey, Profile};

impl Profile {
    /// The protection scheme that uses this profile.
    #[must_use]
    pub const fn scheme(self) -> ProtectionScheme {
        match self {
            Self::A => ProtectionScheme::ProfileA,
            Self::B => ProtectionScheme::ProfileB,
        }
    }

    /// The profile of a protection scheme; the null scheme has none.
    #[must_use]
    pub const fn of_scheme(scheme: ProtectionScheme) -> Option<Self> {
        match scheme {
            ProtectionScheme::Null => None,
            ProtectionScheme::ProfileA => Some(Self::A),
            ProtectionScheme::ProfileB => Some(Self::B),
        }
    }
}

/// Where a SUPI is at home, as its SUCI shows it.
#[derive(Clone, Copy, Debug)]
pub struct Home<'a> {
    /// Network of an IMSI, which does not tell by itself where its network code ends. The realm of a
    /// network-specific identifier takes its place.
    pub plmn: &'a Plmn,
    /// The routing indicator from the USIM.
    pub routing_indicator: &'a RoutingIndicator,
}

/// Why a SUPI cannot be concealed. All of these are faults of what was provisioned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConcealError {
    /// The SUPI is an IMSI of another network.
    #[error("imsi does not belong to the home network")]
    OtherNetwork,
    /// The ephemeral private key or the home network's public key is not usable.
    #[error("suci cannot be concealed with this key")]
    Key(#[from] InvalidKey),
    /// The parts make no SUCI, for example a key identifier of 0.
    #[error("parts make no suci")]
    Parts(#[from] ParseIdentifierError),
}

impl ConcealError {
    /// The cause to report.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::OtherNetwork => Cause::MandatoryElementIncorrect,
            Self::Key(error) => error.cause(),
            Self::Parts(error) => error.cause(),
        }
    }
}

/// Makes a SUCI under profile A or B. TS 33.501 6.12.2, C.3.2.
///
/// `key_id` (1 to 255) is the identifier under which the home network knows its `key`. `ephemeral` comes
/// from a cryptographic source of randomness and is used once: another SUCI needs another one.
///
/// # Errors
/// [`ConcealError`].
pub fn conceal(
    supi: &Supi,
    home: Home<'_>,
    key_id: u8,
    key: &HomeNetworkPublicKey,
    ephemeral: &PrivateKey,
) -> Result<Suci, ConcealError> {
    let (home_network, subscriber) = parts(supi, home.plmn)?;
    let scheme_input = match supi.supi_type() {
        SupiType::Imsi => bcd::pack(subscriber).ok_or(ConcealError::OtherNetwork)?,
        SupiType::NetworkSpecificIdentifier => Zeroizing::new(subscriber.as_bytes().to_vec()),
    };
    let output = key.encrypt(ephemeral, &scheme_input)?;
    Ok(Suci::new(
        home_network,
        home.routing_indicator.clone(),
        key.profile().scheme(),
        key_id,
        output,
    )?)
}

/// Makes a SUCI under the null scheme, which conceals nothing. TS 33.501 6.12.2, C.2.
///
/// For a home network that says so, a USIM without key, or unauthenticated emergency sessions.
///
/// # Errors
/// [`ConcealError`].
pub fn conceal_null(supi: &Supi, home: Home<'_>) -> Result<Suci, ConcealError> {
    let (home_network, subscriber) = parts(supi, home.plmn)?;
    Ok(Suci::new(
        home_network,
        home.routing_indicator.clone(),
        ProtectionScheme::Null,
        0,
        subscriber.as_bytes().to_vec(),
    )?)
}

/// What stays visible of a SUPI, and what is concealed: MSIN or user name.
fn parts<'a>(supi: &'a Supi, plmn: &Plmn) -> Result<(HomeNetwork, &'a str), ConcealError> {
    if let Some((username, realm)) = supi.username_and_realm() {
        return Ok((HomeNetwork::Realm(realm.into()), username));
    }
    let msin = supi.msin(plmn).ok_or(ConcealError::OtherNetwork)?;
    Ok((HomeNetwork::Plmn(plmn.clone()), msin))
}

/// Why a SUCI gives no SUPI. Tells nothing about the key or the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeconcealError {
    /// The home network has no key at all for this protection scheme.
    #[error("protection scheme of the suci is not supported")]
    UnsupportedProtectionScheme,
    /// The home network has keys for this scheme, but none with this identifier.
    #[error("home network public key identifier of the suci is not known")]
    InvalidHomeNetworkKeyId,
    /// The output is too short, its key is no point, its tag is wrong, or it holds no MSIN or user name.
    #[error("scheme output of the suci is not valid")]
    InvalidSchemeOutput,
}

impl DeconcealError {
    /// The cause to answer. TS 29.509 table 6.1.7.3-1.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::UnsupportedProtectionScheme => Cause::UnsupportedProtectionScheme,
            Self::InvalidHomeNetworkKeyId => Cause::InvalidHnPublicKeyIdentifier,
            Self::InvalidSchemeOutput => Cause::InvalidSchemeOutput,
        }
    }
}

/// Recovers the SUPI. TS 33.501 6.12.4, C.3.3.
///
/// `keys` are all keys of the home network that are live; several at once while keys are exchanged.
/// The tag is verified, in constant time, before anything is decrypted.
///
/// # Errors
/// [`DeconcealError`].
pub fn deconceal(suci: &Suci, keys: &[HomeNetworkKey]) -> Result<Supi, DeconcealError> {
    let Some(profile) = Profile::of_scheme(suci.scheme()) else {
        return suci
            .unconcealed()
            .ok_or(DeconcealError::InvalidSchemeOutput);
    };
    let mut of_profile = keys
        .iter()
        .filter(|key| key.profile() == profile)
        .peekable();
    if of_profile.peek().is_none() {
        return Err(DeconcealError::UnsupportedProtectionScheme);
    }
    let key = of_profile
        .find(|key| key.id() == suci.home_network_key_id())
        .ok_or(DeconcealError::InvalidHomeNetworkKeyId)?;
    let scheme_input = key
        .decrypt(suci.scheme_output())
        .ok_or(DeconcealError::InvalidSchemeOutput)?;
    let subscriber: Option<Zeroizing<Vec<u8>>> = match suci.supi_type() {
        SupiType::Imsi => bcd::unpack(scheme_input.expose()),
        SupiType::NetworkSpecificIdentifier => Some(Zeroizing::new(scheme_input.expose().to_vec())),
    };
    subscriber
        .and_then(|subscriber| suci.supi_from_scheme_input(&subscriber).ok())
        .ok_or(DeconcealError::InvalidSchemeOutput)
}
