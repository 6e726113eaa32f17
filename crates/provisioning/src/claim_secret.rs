//! The claim secret on a device's label.

use cause::Cause;
use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, Mac as _};
use secret::{OwaKey, SecretBytes};
use sha2::Sha256;
use zeroize::Zeroizing;

/// What only someone who has seen the label knows: 16 octets in a QR code, at least 10 typed.
#[derive(Clone, PartialEq, Eq)]
pub struct ClaimSecret(SecretBytes);

impl ClaimSecret {
    /// Fewest octets.
    pub const MIN_LEN: usize = 10;

    /// Most octets.
    pub const MAX_LEN: usize = 64;

    /// Takes decoded octets.
    ///
    /// # Errors
    /// [`ClaimSecretError::Length`].
    pub fn new(octets: SecretBytes) -> Result<Self, ClaimSecretError> {
        if (Self::MIN_LEN..=Self::MAX_LEN).contains(&octets.len()) {
            Ok(Self(octets))
        } else {
            Err(ClaimSecretError::Length)
        }
    }

    /// Reads the text of a label or of a person: base32 (RFC 4648 clause 6) without padding; case
    /// and `-` do not matter.
    ///
    /// # Errors
    /// [`ClaimSecretError`].
    pub fn parse(text: &str) -> Result<Self, ClaimSecretError> {
        let characters: Zeroizing<alloc::vec::Vec<u8>> = Zeroizing::new(
            text.bytes()
                .filter(|octet| *octet != b'-')
                .map(|octet| octet.to_ascii_uppercase())
                .collect(),
        );
        let octets = BASE32_NOPAD
            .decode(&characters)
            .map_err(|_| ClaimSecretError::Text)?;
        Self::new(SecretBytes::new(octets))
    }

    /// The octets.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }
}

/// The pre-shared key of a package: K(package), or PSK_package where the claim secret is mixed in.
///
/// `PSK_package = HMAC-SHA-256(K(package), claim_secret)`.
#[must_use]
pub fn package_psk(package_key: &OwaKey, claim_secret: Option<&ClaimSecret>) -> OwaKey {
    let Some(claim_secret) = claim_secret else {
        return package_key.clone();
    };
    let mut mac = Hmac::<Sha256>::new_from_slice(package_key.expose())
        .expect("HMAC takes a key of any length");
    mac.update(claim_secret.expose());
    let psk = Zeroizing::new(<[u8; 32]>::from(mac.finalize().into_bytes()));
    OwaKey::new(*psk)
}

/// A text or octet string is no claim secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimSecretError {
    /// Not base32.
    #[error("claim secret is not base32")]
    Text,
    /// Too short or too long.
    #[error("claim secret has a wrong length")]
    Length,
}

impl ClaimSecretError {
    /// The cause to answer whoever typed it.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        Cause::MandatoryElementIncorrect
    }
}
