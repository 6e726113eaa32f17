//! Sealing a package.

use crate::header::PackageHeader;
use crate::hpke::{self, HpkeError, Mode};
use crate::profile::{Profile, SecretPart, insert_secret};
use alloc::vec::Vec;
use cause::Cause;
use cose::cbor::{self, DecodeError};
use cose::{KeyError, ObjectType, SignError, Signing, SigningKey, VerificationKey, sha256};
use identifiers::DeviceId;
use onboarding::server::{ProofError, verify_proof};
use onboarding::{Challenge, Recipient, RecipientKey, Transcript};
use secret::{OwaKey, PrivateKey, SecretBytes};

/// How long after its Challenge a transcript is good for sealing.
pub const MAX_CHALLENGE_AGE_SECONDS: u64 = 60 * 60;

/// How far the clock that made the Challenge may be ahead, so that no Challenge is good for longer
/// than it should.
const MAX_CLOCK_DIFFERENCE_SECONDS: u64 = 60;

/// What the vault is asked to seal, and what it holds itself.
///
/// The recipient is not among it: it is taken from the Proof.
#[derive(Clone, Copy)]
pub struct SealForProof<'a> {
    /// The messages of the authentication.
    pub transcript: Transcript<'a>,
    /// The device's key, where it stands neither in the Proof nor in Start.
    pub known_key: Option<&'a VerificationKey>,
    /// The device that the credentials were minted for.
    pub device_id: &'a DeviceId,
    /// Whether the manufacturer's registry entry and the certificate allow sealing to the identity
    /// key itself.
    pub cert_direct_allowed: bool,
    /// The encoded header.
    pub header: &'a [u8],
    /// The encoded profile without its secret part.
    pub profile: &'a [u8],
    /// The secret part.
    pub secret: &'a SecretPart,
    /// [`crate::package_psk`].
    pub psk: &'a OwaKey,
    /// The operator's keyset, a signed object; required on first contact.
    pub keyset: Option<&'a [u8]>,
    /// A fresh ephemeral private key.
    pub ephemeral: &'a PrivateKey,
    /// The operator's key for packages.
    pub signer: &'a SigningKey,
    /// The time, in seconds since 1970, UTC.
    pub now: u64,
}

/// What is sealed, once everything about it has been checked.
#[derive(Clone, Copy)]
pub struct SealPackage<'a> {
    /// The encoded header; its octets are the additional data.
    pub header: &'a [u8],
    /// The key to seal to.
    pub recipient: &'a RecipientKey,
    /// SHA-256 of Start and Challenge.
    pub transcript_hash: &'a [u8; 32],
    /// [`crate::package_psk`].
    pub psk: &'a OwaKey,
    /// The encoded profile with its secret part.
    pub profile: &'a SecretBytes,
    /// The operator's keyset, a signed object.
    pub keyset: Option<&'a [u8]>,
    /// A fresh ephemeral private key.
    pub ephemeral: &'a PrivateKey,
    /// The operator's key for packages.
    pub signer: &'a SigningKey,
}

/// A package to deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedPackage {
    /// The signed object.
    pub octets: Vec<u8>,
    /// Its SHA-256, which a receipt has to name.
    pub sha256: [u8; 32],
}

/// Checks that the Proof is that of the device which the credentials were minted for, inserts the
/// secret part, seals to the key that the Proof names, and signs.
///
/// # Errors
/// [`SealError`].
pub fn seal_for_proof(request: &SealForProof<'_>) -> Result<SealedPackage, SealError> {
    let proof = verify_proof(&request.transcript, request.known_key)?;
    if proof.device_id != *request.device_id {
        return Err(SealError::OtherDevice);
    }
    let challenge =
        Challenge::decode(request.transcript.challenge).map_err(SealError::Challenge)?;
    let early = challenge.time.saturating_sub(request.now);
    let late = request.now.saturating_sub(challenge.time);
    if early > MAX_CLOCK_DIFFERENCE_SECONDS || late > MAX_CHALLENGE_AGE_SECONDS {
        return Err(SealError::Stale);
    }
    if proof.recipient == Recipient::CertDirect && !request.cert_direct_allowed {
        return Err(SealError::CertDirect);
    }
    let recipient = proof.recipient_key().map_err(SealError::Recipient)?;
    let header = PackageHeader::decode(request.header).map_err(SealError::Header)?;
    if header.device_id != *request.device_id
        || header.session != challenge.session
        || !header.is_for(&proof.recipient, &recipient)
    {
        return Err(SealError::HeaderMismatch);
    }
    if request.now >= header.not_after {
        return Err(SealError::Expired);
    }
    let profile = Profile::decode(request.profile).map_err(SealError::Profile)?;
    if profile.package_id != header.package_id
        || profile.device_id != header.device_id
        || profile.supersedes != header.supersedes
    {
        return Err(SealError::HeaderMismatch);
    }
    let profile = insert_secret(request.profile, request.secret).map_err(SealError::Profile)?;
    seal_package(&SealPackage {
        header: request.header,
        recipient: &recipient,
        transcript_hash: &request.transcript.hash(),
        psk: request.psk,
        profile: &profile,
        keyset: request.keyset,
        ephemeral: request.ephemeral,
        signer: request.signer,
    })
}

/// Seals and signs, without looking at what is sealed.
///
/// # Errors
/// [`SealError::Header`], [`SealError::Hpke`] or [`SealError::Sign`].
pub fn seal_package(request: &SealPackage<'_>) -> Result<SealedPackage, SealError> {
    let session = PackageHeader::decode(request.header)
        .map_err(SealError::Header)?
        .session;
    let mode = Mode::Psk {
        psk: request.psk.expose(),
        psk_id: session.as_bytes(),
    };
    let sealed = hpke::seal(
        request.recipient,
        request.ephemeral,
        mode,
        &info(request.transcript_hash),
        request.header,
        request.profile.expose(),
    )?;
    let payload = cbor::map()
        .with(1, cbor::bytes(request.header))
        .with(2, cbor::bytes(&sealed.enc))
        .with(3, cbor::bytes(&sealed.ciphertext))
        .with_some(4, request.keyset.map(cbor::bytes))
        .build();
    let octets = Signing::new(ObjectType::Profile, payload.as_slice()).sign(request.signer)?;
    Ok(SealedPackage {
        sha256: sha256(&octets),
        octets,
    })
}

/// The info of the sealing: `CBOR(["berth/profile/1", th])`.
pub(crate) fn info(transcript_hash: &[u8; 32]) -> Vec<u8> {
    cbor::array([cbor::text("berth/profile/1"), cbor::bytes(transcript_hash)]).into_vec()
}

/// A package is not sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The Proof does not hold.
    #[error("proof of the device is refused")]
    Proof(#[from] ProofError),
    /// The Proof is of another device than the credentials were minted for.
    #[error("credentials were minted for another device")]
    OtherDevice,
    /// The Challenge cannot be read.
    #[error("challenge cannot be decoded")]
    Challenge(#[source] DecodeError),
    /// The Challenge is older than [`MAX_CHALLENGE_AGE_SECONDS`], or from the future.
    #[error("challenge is not of the time to seal for it")]
    Stale,
    /// The device asks for its identity key as recipient, which is not allowed for it.
    #[error("sealing to the identity key is not allowed")]
    CertDirect,
    /// The recipient key cannot be used.
    #[error("recipient key cannot be used")]
    Recipient(#[source] KeyError),
    /// The header cannot be read.
    #[error("header of the package cannot be decoded")]
    Header(#[source] DecodeError),
    /// The header does not fit the transcript, the profile or the device.
    #[error("header of the package contradicts transcript or profile")]
    HeaderMismatch,
    /// The package would be expired.
    #[error("package would be expired")]
    Expired,
    /// The profile cannot be read.
    #[error("profile cannot be decoded")]
    Profile(#[source] DecodeError),
    /// Sealing failed.
    #[error("profile could not be sealed")]
    Hpke(#[from] HpkeError),
    /// Signing failed.
    #[error("package could not be signed")]
    Sign(#[from] SignError),
}

impl SealError {
    /// The cause to answer the caller.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Proof(error) => error.cause(),
            Self::OtherDevice => Cause::RecipientMismatch,
            Self::Challenge(error) | Self::Header(error) | Self::Profile(error) => error.cause(),
            Self::Stale => Cause::ChallengeStale,
            Self::CertDirect => Cause::NotAuthorized,
            Self::Recipient(error) => error.cause(),
            Self::HeaderMismatch => Cause::MandatoryElementIncorrect,
            Self::Expired => Cause::PackageExpired,
            Self::Hpke(error) => error.cause(),
            Self::Sign(error) => error.cause(),
        }
    }
}
