//! How an A-KID is written.

use alloc::format;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use identifiers::{AKid, Fqdn, ParseIdentifierError, Plmn, RoutingIndicator};
use key_hierarchy::akma::ATid;

/// The form of the A-KIDs of one home network.
///
/// `Choice:` TS 33.535 6.1 demands an NAI with the routing indicator and A-TID in its user name and the
/// home network in its realm, and leaves separator, encoding and realm open. The default is
/// `<routing indicator>.<unpadded base64url of A-TID>@5gc.mnc<MNC>.mcc<MCC>.3gppnetwork.org`. AUSF and UE
/// have to use the same form, since an A-KID is looked up as an exact text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AKidFormat {
    /// How the 32 octets of A-TID become text.
    pub encoding: ATidEncoding,
    /// What follows the `@`.
    pub realm: Realm,
}

/// The text form of A-TID.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ATidEncoding {
    /// 43 characters, RFC 4648 5 without padding.
    #[default]
    Base64Url,
    /// 64 lower-case hexadecimal digits.
    Hexadecimal,
}

/// The realm of the A-KIDs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Realm {
    /// The realm of the home network, `5gc.mnc<MNC>.mcc<MCC>.3gppnetwork.org`. TS 23.003 28.7.3.
    #[default]
    HomeNetwork,
    /// This name for every subscriber.
    Fixed(Fqdn),
}

impl AKidFormat {
    /// Writes the A-KID of one K_AUSF. TS 33.535 6.1.
    ///
    /// `home` is the network of the subscriber; it does not enter where the realm is fixed.
    ///
    /// # Errors
    /// [`ParseIdentifierError`] if a fixed realm makes the A-KID longer than an NAI may be (253 octets).
    pub fn a_kid(
        &self,
        routing_indicator: &RoutingIndicator,
        a_tid: &ATid,
        home: &Plmn,
    ) -> Result<AKid, ParseIdentifierError> {
        let a_tid = match self.encoding {
            ATidEncoding::Base64Url => BASE64URL_NOPAD.encode(a_tid.as_octets()),
            ATidEncoding::Hexadecimal => HEXLOWER.encode(a_tid.as_octets()),
        };
        let username = format!("{}.{a_tid}", routing_indicator.as_str());
        match &self.realm {
            Realm::HomeNetwork => AKid::parse(&format!("{username}@{}", home.home_network_realm())),
            Realm::Fixed(realm) => AKid::parse(&format!("{username}@{}", realm.as_str())),
        }
    }
}
