//! The concealed identifier of a subscriber.

use crate::{Fault, ParseIdentifierError, Plmn, RoutingIndicator, Supi, SupiType, syntax};
use alloc::{format, string::String, vec::Vec};
use core::fmt;
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};

/// A subscription concealed identifier. TS 23.003 2.2B, TS 29.571 5.3.2.
///
/// Text form: `suci-0-<mcc>-<mnc>-<routing indicator>-<scheme>-<key id>-<scheme output>` for an IMSI,
/// `suci-1-<realm>-…` for a network-specific identifier.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Suci {
    home_network: HomeNetwork,
    routing_indicator: RoutingIndicator,
    scheme: ProtectionScheme,
    home_network_key_id: u8,
    scheme_output: Vec<u8>,
}

/// The home network of a concealed identifier; its kind tells the type of the SUPI.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HomeNetwork {
    /// Network of an IMSI.
    Plmn(Plmn),
    /// Realm of a network-specific identifier, in the case in which it was given.
    Realm(String),
}

/// How the subscriber's part is concealed, with the number of the scheme. TS 33.501 C.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProtectionScheme {
    /// Not at all. TS 33.501 C.2.
    Null = 0,
    /// ECIES over Curve25519. TS 33.501 C.3.4.1.
    ProfileA = 1,
    /// ECIES over secp256r1. TS 33.501 C.3.4.2.
    ProfileB = 2,
}

/// Longest scheme output, in octets. TS 33.501 C.1.
const MAX_OUTPUT: usize = 3000;

impl Suci {
    /// Joins the parts.
    ///
    /// `scheme_output` is the output's octets; under the null scheme the MSIN as ASCII digits, or the
    /// user name. `home_network_key_id` is 0 under the null scheme and 1 to 255 otherwise.
    ///
    /// # Errors
    /// [`ParseIdentifierError`] if the parts contradict each other, the output is empty or longer
    /// than 3000 octets, the realm is no domain name, or the text form would not read back as the
    /// same parts.
    pub fn new(
        home_network: HomeNetwork,
        routing_indicator: RoutingIndicator,
        scheme: ProtectionScheme,
        home_network_key_id: u8,
        scheme_output: Vec<u8>,
    ) -> Result<Self, ParseIdentifierError> {
        let suci = Self {
            home_network,
            routing_indicator,
            scheme,
            home_network_key_id,
            scheme_output,
        };
        suci.check().map_err(Self::error)?;
        // A realm may hold hyphens and digits that look like the parts behind it.
        if let HomeNetwork::Realm(realm) = &suci.home_network
            && split_realm(suci.to_text().strip_prefix("suci-1-").unwrap_or_default())
                .is_none_or(|(read, ..)| read != realm)
        {
            return Err(Self::error(Fault::Form));
        }
        Ok(suci)
    }

    /// Reads the text form. Hexadecimal digits of either case are taken.
    ///
    /// # Errors
    /// [`ParseIdentifierError`], with the cause `UNSUPPORTED_PROTECTION_SCHEME` for a scheme other
    /// than 0, 1 and 2.
    pub fn parse(text: &str) -> Result<Self, ParseIdentifierError> {
        parse(text).map_err(Self::error)
    }

    /// The text form; hexadecimal digits in lower case.
    #[must_use]
    pub fn to_text(&self) -> String {
        let output = match self.scheme {
            ProtectionScheme::Null => String::from_utf8_lossy(&self.scheme_output).into_owned(),
            ProtectionScheme::ProfileA | ProtectionScheme::ProfileB => {
                HEXLOWER.encode(&self.scheme_output)
            }
        };
        format!("{}{output}", self.visible_part())
    }

    /// The type of the SUPI that is concealed.
    #[must_use]
    pub const fn supi_type(&self) -> SupiType {
        match self.home_network {
            HomeNetwork::Plmn(_) => SupiType::Imsi,
            HomeNetwork::Realm(_) => SupiType::NetworkSpecificIdentifier,
        }
    }

    /// The home network.
    #[must_use]
    pub const fn home_network(&self) -> &HomeNetwork {
        &self.home_network
    }

    /// The routing indicator.
    #[must_use]
    pub const fn routing_indicator(&self) -> &RoutingIndicator {
        &self.routing_indicator
    }

    /// The protection scheme.
    #[must_use]
    pub const fn scheme(&self) -> ProtectionScheme {
        self.scheme
    }

    /// The identifier of the home network's public key; 0 under the null scheme.
    #[must_use]
    pub const fn home_network_key_id(&self) -> u8 {
        self.home_network_key_id
    }

    /// The octets of the scheme output; under the null scheme the MSIN as ASCII digits, or the user
    /// name.
    #[must_use]
    pub fn scheme_output(&self) -> &[u8] {
        &self.scheme_output
    }

    /// The SUPI that the null scheme shows; `None` under any other scheme.
    #[must_use]
    pub fn unconcealed(&self) -> Option<Supi> {
        if self.scheme != ProtectionScheme::Null {
            return None;
        }
        self.supi_from_scheme_input(&self.scheme_output).ok()
    }

    /// Joins the home network and the subscriber's part to a SUPI.
    ///
    /// `subscriber` is what concealing took away: the MSIN as ASCII digits, or the user name.
    ///
    /// # Errors
    /// [`ParseIdentifierError`] if the result is no SUPI.
    pub fn supi_from_scheme_input(&self, subscriber: &[u8]) -> Result<Supi, ParseIdentifierError> {
        let subscriber = core::str::from_utf8(subscriber)
            .map_err(|_| ParseIdentifierError::new("supi", Fault::Character))?;
        match &self.home_network {
            HomeNetwork::Plmn(plmn) => Supi::from_msin(plmn, subscriber),
            HomeNetwork::Realm(realm) => Supi::from_username(subscriber, realm),
        }
    }

    fn check(&self) -> Result<(), Fault> {
        if let HomeNetwork::Realm(realm) = &self.home_network {
            syntax::domain(realm)?;
        }
        if (self.scheme == ProtectionScheme::Null) != (self.home_network_key_id == 0) {
            return Err(Fault::Range);
        }
        if !(1..=MAX_OUTPUT).contains(&self.scheme_output.len()) {
            return Err(Fault::Length);
        }
        if self.scheme == ProtectionScheme::Null {
            self.supi_from_scheme_input(&self.scheme_output)
                .map_err(|error| error.fault())?;
        }
        Ok(())
    }

    /// Everything that the text form shows in the clear, up to the last hyphen.
    fn visible_part(&self) -> String {
        let home_network = match &self.home_network {
            HomeNetwork::Plmn(plmn) => format!("0-{}-{}", plmn.mcc(), plmn.mnc()),
            HomeNetwork::Realm(realm) => format!("1-{realm}"),
        };
        format!(
            "suci-{home_network}-{}-{}-{}-",
            self.routing_indicator.as_str(),
            self.scheme as u8,
            self.home_network_key_id
        )
    }

    const fn error(fault: Fault) -> ParseIdentifierError {
        ParseIdentifierError::new("suci", fault)
    }

    fn fmt_redacted(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}…", self.visible_part())
    }
}

redacted!(Suci);

impl ProtectionScheme {
    /// The scheme with this number; `None` for reserved and proprietary schemes.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Null),
            1 => Some(Self::ProfileA),
            2 => Some(Self::ProfileB),
            _ => None,
        }
    }

    fn parse(text: &str) -> Result<Self, Fault> {
        // One hexadecimal digit: 3 to B are reserved, C to F proprietary.
        let mut characters = text.chars();
        match (
            characters.next().and_then(|digit| digit.to_digit(16)),
            characters.next(),
        ) {
            (Some(number), None) => u8::try_from(number)
                .ok()
                .and_then(Self::from_number)
                .ok_or(Fault::ProtectionScheme),
            _ => Err(Fault::Form),
        }
    }
}

fn parse(text: &str) -> Result<Suci, Fault> {
    if !text.is_ascii() {
        return Err(Fault::Character);
    }
    let text = text.strip_prefix("suci-").ok_or(Fault::Form)?;
    let (home_network, routing_indicator, scheme, key_id, output) =
        if let Some(text) = text.strip_prefix("0-") {
            let mut parts = text.splitn(6, '-');
            let mut part = || parts.next().ok_or(Fault::Form);
            let plmn = Plmn::new(part()?, part()?).map_err(|error| error.fault())?;
            (HomeNetwork::Plmn(plmn), part()?, part()?, part()?, part()?)
        } else if let Some(text) = text.strip_prefix("1-") {
            let (realm, routing_indicator, scheme, key_id, output) =
                split_realm(text).ok_or(Fault::Form)?;
            (
                HomeNetwork::Realm(realm.into()),
                routing_indicator,
                scheme,
                key_id,
                output,
            )
        } else {
            return Err(Fault::Form);
        };
    let scheme = ProtectionScheme::parse(scheme)?;
    let scheme_output = match scheme {
        ProtectionScheme::Null => output.as_bytes().into(),
        ProtectionScheme::ProfileA | ProtectionScheme::ProfileB => {
            // Checked before decoding, so that a long text is not decoded for nothing.
            if output.len() > MAX_OUTPUT.saturating_mul(2) {
                return Err(Fault::Length);
            }
            HEXLOWER_PERMISSIVE
                .decode(output.as_bytes())
                .map_err(|_| Fault::Character)?
        }
    };
    let suci = Suci {
        home_network,
        routing_indicator: RoutingIndicator::parse(routing_indicator)
            .map_err(|error| error.fault())?,
        scheme,
        home_network_key_id: key_id_number(key_id)?,
        scheme_output,
    };
    suci.check()?;
    Ok(suci)
}

/// A number from 0 to 255 without leading zeros.
fn key_id_number(text: &str) -> Result<u8, Fault> {
    syntax::digits(text, 1..=3)?;
    if text.len() > 1 && text.starts_with('0') {
        return Err(Fault::Form);
    }
    text.parse().map_err(|_| Fault::Range)
}

/// Splits `<realm>-<routing indicator>-<scheme>-<key id>-<output>`.
///
/// Realm and user name may both hold hyphens. `Choice:` the realm ends where the parts behind it fit
/// for the first time: the realm is chosen by the operator, who can avoid such names, the user name
/// under the null scheme by whoever sends it.
fn split_realm(text: &str) -> Option<(&str, &str, &str, &str, &str)> {
    text.match_indices('-').find_map(|(index, _)| {
        let (realm, rest) = text.split_at_checked(index)?;
        let mut parts = rest.strip_prefix('-')?.splitn(4, '-');
        let (routing_indicator, scheme) = (parts.next()?, parts.next()?);
        let (key_id, output) = (parts.next()?, parts.next()?);
        let fits = syntax::digits(routing_indicator, 1..=4).is_ok()
            && scheme.len() == 1
            && scheme.bytes().all(|octet| octet.is_ascii_hexdigit())
            && key_id_number(key_id).is_ok();
        fits.then_some((realm, routing_indicator, scheme, key_id, output))
    })
}
