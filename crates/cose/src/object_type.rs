//! The types of signed objects.

use crate::cbor;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What a signed object is.
///
/// The type stands in the protected header and enters the signature once more as external_aad, so a
/// signature made for one type never counts for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ObjectType {
    /// The network's proof in an OWA Challenge.
    OwaNet,
    /// The device's proof of possession.
    OwaProof,
    /// A sealed profile package.
    Profile,
    /// A device's receipt for a package.
    Receipt,
    /// Notice of a credential update.
    Notice,
    /// A device's proposal of new credentials.
    Proposal,
    /// The network's decision on a proposal.
    Decision,
    /// The network's word that a credential set is active for good.
    Commit,
    /// The operator's signing keys, signed by its root.
    Keyset,
    /// Release of a device by its owner or operator.
    TransferRelease,
    /// Acceptance of a released device.
    TransferAccept,
    /// Order to a device to move to another operator.
    TransferOrder,
}

impl ObjectType {
    /// Every type.
    pub const ALL: [Self; 12] = [
        Self::OwaNet,
        Self::OwaProof,
        Self::Profile,
        Self::Receipt,
        Self::Notice,
        Self::Proposal,
        Self::Decision,
        Self::Commit,
        Self::Keyset,
        Self::TransferRelease,
        Self::TransferAccept,
        Self::TransferOrder,
    ];

    /// The name, as in a keyset's list of types.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OwaNet => "owa-net",
            Self::OwaProof => "owa-proof",
            Self::Profile => "profile",
            Self::Receipt => "receipt",
            Self::Notice => "notice",
            Self::Proposal => "proposal",
            Self::Decision => "decision",
            Self::Commit => "commit",
            Self::Keyset => "keyset",
            Self::TransferRelease => "transfer-release",
            Self::TransferAccept => "transfer-accept",
            Self::TransferOrder => "transfer-order",
        }
    }

    /// The type of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|candidate| candidate.name() == name)
    }

    /// The media type that stands in the protected header (RFC 9596).
    #[must_use]
    pub fn media_type(self) -> String {
        format!("application/berth.{}+cose", self.name())
    }

    /// The type of this media type.
    #[must_use]
    pub fn from_media_type(media_type: &str) -> Option<Self> {
        media_type
            .strip_prefix("application/berth.")?
            .strip_suffix("+cose")
            .and_then(Self::from_name)
    }

    /// The external_aad of the signature: `CBOR(["berth", type, 1])`.
    #[must_use]
    pub fn external_aad(self) -> Vec<u8> {
        cbor::array([
            cbor::text("berth"),
            cbor::text(self.name()),
            cbor::uint(1_u64),
        ])
        .into_vec()
    }
}
