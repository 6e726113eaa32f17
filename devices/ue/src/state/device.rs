//! What the factory put in, and the label.

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::directory::Record;

/// How the certificate reaches the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificatePresentation {
    /// The network fetches it from the URL that the device names.
    #[default]
    Url,
    /// It travels in Start; the URL still says who made the device.
    Inline,
}

/// Which key the device asks the network to seal its profile to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PackageRecipient {
    /// A fresh key for each onboarding, under the signature of the identity key.
    #[default]
    CertBound,
    /// The identity key itself. The certificate has to allow key agreement, and the operator this for the
    /// manufacturer.
    CertDirect,
}

/// What does not change after the factory.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct DeviceRecord {
    /// Serial number of the certificate's subject.
    pub(crate) serial: String,
    pub(crate) device_id: String,
    /// DER, base64.
    #[serde(with = "super::slot::octets")]
    pub(crate) certificate: Vec<u8>,
    pub(crate) certificate_url: String,
    pub(crate) presentation: CertificatePresentation,
    /// Devices from before there was a choice have the default.
    #[serde(default)]
    pub(crate) recipient: PackageRecipient,
    pub(crate) headless: bool,
    /// DER certificates of the operators that the manufacturer trusts, base64.
    #[serde(with = "super::slot::octet_strings")]
    pub(crate) operator_roots: Vec<Vec<u8>>,
    /// PEM certificates that https servers of operators are verified with.
    pub(crate) portal_roots: String,
    /// Where the radio is heard: `http://host:port` of an access gateway.
    pub(crate) access_gateway: String,
    #[serde(default, skip_serializing_if = "Secrets::is_empty")]
    pub(crate) label: Secrets,
}

/// What only the label shows.
#[derive(Clone, Default, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Secrets {
    /// Base32 without padding.
    pub(crate) claim_secret: Option<String>,
}

impl Secrets {
    const fn is_empty(&self) -> bool {
        self.claim_secret.is_none()
    }
}

impl Record for DeviceRecord {
    const FILE: &'static str = "device.json";
    const VERSION: u32 = 1;
}
