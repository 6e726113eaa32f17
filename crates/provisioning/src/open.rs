//! Opening a package, at the device.

use crate::claim_secret::{ClaimSecret, package_psk};
use crate::header::PackageHeader;
use crate::hpke::{self, HpkeError, Mode};
use crate::keyset::{KeysetError, VerifiedKeyset};
use crate::profile::{Profile, SecretPart};
use crate::seal::info;
use cause::Cause;
use cose::cbor::{DecodeError, Item, Map, SchemaError};
use cose::{CoseError, KeyId, ObjectType, SignedObject, sha256};
use identifiers::{DeviceId, OnboardingSession, PackageId};
use onboarding::{AgreementKey, NetworkProof, NetworkProofLevel, Recipient, RecipientKey};
use secret::OwaKey;

/// What the device knows when a package arrives.
#[derive(Clone, Copy)]
pub struct OpenContext<'a> {
    /// The device.
    pub device_id: &'a DeviceId,
    /// The session of the last authentication.
    pub session: &'a OnboardingSession,
    /// SHA-256 of its Start and Challenge.
    pub transcript_hash: &'a [u8; 32],
    /// K(package) of that session.
    pub package_key: &'a OwaKey,
    /// The claim secret of the device's label, if it has one.
    pub claim_secret: Option<&'a ClaimSecret>,
    /// The recipient that the Proof named.
    pub recipient: &'a Recipient,
    /// The private key of that recipient.
    pub recipient_key: &'a AgreementKey,
    /// How the device demanded that the network prove itself.
    pub demanded: NetworkProofLevel,
    /// The operator chain that signed the Challenge, if one did.
    pub network_proof: Option<&'a NetworkProof>,
    /// What the device has from this operator already.
    pub installed: Option<Installed<'a>>,
    /// The time in seconds since 1970, UTC, if the device has a clock.
    pub now: Option<u64>,
}

/// What a device has from an earlier package of the same operator.
#[derive(Clone, Copy)]
pub struct Installed<'a> {
    /// The pinned root.
    pub root: KeyId,
    /// The last keyset that was accepted, a signed object.
    pub keyset: &'a [u8],
    /// Least keyset version that the installed profile pins.
    pub least_keyset_version: u64,
    /// The credential epoch that is installed.
    pub credential_epoch: u64,
    /// The package that the installed one replaced.
    pub superseded: Option<&'a PackageId>,
}

/// A package that may be installed.
#[derive(Clone)]
pub struct OpenedPackage {
    /// Its header.
    pub header: PackageHeader,
    /// The profile.
    pub profile: Profile,
    /// The credentials.
    pub secret: SecretPart,
    /// The operator's keyset, to be kept with the profile.
    pub keyset: VerifiedKeyset,
    /// SHA-256 of the package as received, for the receipt.
    pub sha256: [u8; 32],
}

/// Opens a package.
///
/// The private key is used last: before it come the keyset under its root, the root against the pin
/// and against the chain that signed the Challenge, the signer against the keyset, the signature,
/// and the header against device, session, recipient and time. After it, the pin inside the profile
/// must be the root that was just used.
///
/// # Errors
/// [`OpenError`]; nothing of the device changes.
pub fn open_package(octets: &[u8], context: &OpenContext<'_>) -> Result<OpenedPackage, OpenError> {
    let object = SignedObject::decode(octets, ObjectType::Profile)?;
    let keyset = find_keyset(&object, context)?;
    check_root(&keyset, context)?;
    check_keyset_version(&keyset, context)?;
    if let Some(proof) = context.network_proof {
        keyset
            .key_for(ObjectType::OwaNet, &proof.signer, context.now)
            .map_err(OpenError::NetworkSigner)?;
    }
    let key = keyset.key_for(ObjectType::Profile, &object.header().kid, context.now)?;
    let payload = object.verify(&key)?;

    let payload = read_payload(payload).map_err(OpenError::Payload)?;
    let header_octets = payload
        .required(1, Item::bytes)
        .map_err(OpenError::schema)?;
    let header = PackageHeader::decode(header_octets).map_err(OpenError::Payload)?;
    let enc = payload
        .required(2, Item::bytes)
        .map_err(OpenError::schema)?;
    let ciphertext = payload
        .required(3, Item::bytes)
        .map_err(OpenError::schema)?;
    check_header(&header, context)?;
    let claim_secret = check_network_proof(&header, context)?;

    let psk = package_psk(context.package_key, claim_secret);
    let mode = Mode::Psk {
        psk: psk.expose(),
        psk_id: header.session.as_bytes(),
    };
    let plaintext = hpke::open(
        context.recipient_key,
        enc,
        mode,
        &info(context.transcript_hash),
        header_octets,
        ciphertext,
    )?;
    let (profile, secret) =
        Profile::decode_with_secret(plaintext.expose()).map_err(OpenError::Profile)?;
    check_profile(&profile, &header, &keyset, context)?;
    Ok(OpenedPackage {
        header,
        profile,
        secret,
        keyset,
        sha256: sha256(octets),
    })
}

/// The keyset that the package carries, or else the one that the device keeps.
fn find_keyset(
    object: &SignedObject<'_>,
    context: &OpenContext<'_>,
) -> Result<VerifiedKeyset, OpenError> {
    let payload = object
        .unverified_payload()
        .ok_or(OpenError::Object(CoseError::Form))?;
    let carried = read_payload(payload)
        .and_then(|payload| Ok(payload.optional(4, Item::bytes)?))
        .map_err(OpenError::Payload)?;
    let kept = context.installed.map(|installed| installed.keyset);
    let keyset = carried.or(kept).ok_or(OpenError::KeysetMissing)?;
    Ok(VerifiedKeyset::verify(keyset, context.now)?)
}

fn read_payload(payload: &[u8]) -> Result<Map<'_>, DecodeError> {
    Ok(Item::decode(payload)?.map(&[1, 2, 3, 4])?)
}

fn check_root(keyset: &VerifiedKeyset, context: &OpenContext<'_>) -> Result<(), OpenError> {
    let pinned = context.installed.map(|installed| installed.root);
    let proven = context.network_proof.map(|proof| proof.root);
    if [pinned, proven]
        .into_iter()
        .flatten()
        .all(|root| root == keyset.root)
    {
        Ok(())
    } else {
        Err(OpenError::Root)
    }
}

/// A keyset only goes forward, and a version has one content.
fn check_keyset_version(
    keyset: &VerifiedKeyset,
    context: &OpenContext<'_>,
) -> Result<(), OpenError> {
    let Some(installed) = context.installed else {
        return Ok(());
    };
    let version = keyset.keyset.version;
    // The device's own keyset is not checked for time: an expired one still bars older ones.
    let kept = VerifiedKeyset::verify(installed.keyset, None)?;
    if version < kept.keyset.version || version < installed.least_keyset_version {
        return Err(OpenError::KeysetVersion);
    }
    if version == kept.keyset.version && keyset.sha256 != kept.sha256 {
        return Err(OpenError::KeysetVersion);
    }
    Ok(())
}

fn check_header(header: &PackageHeader, context: &OpenContext<'_>) -> Result<(), OpenError> {
    if header.device_id != *context.device_id {
        return Err(OpenError::OtherDevice);
    }
    if header.session != *context.session {
        return Err(OpenError::OtherSession);
    }
    let recipient = RecipientKey {
        kem: onboarding::Kem::from_suite(context.recipient_key.suite()),
        public: context.recipient_key.public().to_vec(),
    };
    if !header.is_for(context.recipient, &recipient) {
        return Err(OpenError::OtherRecipient);
    }
    if context.now.is_some_and(|now| now >= header.not_after) {
        return Err(OpenError::Expired);
    }
    let replaced = context
        .installed
        .and_then(|installed| installed.superseded)
        .is_some_and(|superseded| *superseded == header.package_id);
    if replaced {
        return Err(OpenError::Superseded);
    }
    Ok(())
}

/// Checks that the network has proven itself as demanded; gives the claim secret if it is mixed in.
fn check_network_proof<'a>(
    header: &PackageHeader,
    context: &OpenContext<'a>,
) -> Result<Option<&'a ClaimSecret>, OpenError> {
    let with_claim_secret = header.network_proof == NetworkProofLevel::ClaimSecret;
    let satisfied = match context.demanded {
        NetworkProofLevel::None => true,
        NetworkProofLevel::OperatorChain => context.network_proof.is_some(),
        NetworkProofLevel::ClaimSecret => with_claim_secret,
        NetworkProofLevel::Voucher => false,
    };
    if !satisfied {
        return Err(OpenError::NetworkProof);
    }
    if !with_claim_secret {
        return Ok(None);
    }
    context
        .claim_secret
        .map(Some)
        .ok_or(OpenError::NetworkProof)
}

fn check_profile(
    profile: &Profile,
    header: &PackageHeader,
    keyset: &VerifiedKeyset,
    context: &OpenContext<'_>,
) -> Result<(), OpenError> {
    if profile.package_id != header.package_id
        || profile.device_id != header.device_id
        || profile.supersedes != header.supersedes
    {
        return Err(OpenError::ProfileMismatch);
    }
    if profile.management.pin.root != keyset.root {
        return Err(OpenError::Root);
    }
    if keyset.keyset.version < profile.management.pin.least_keyset_version {
        return Err(OpenError::KeysetVersion);
    }
    if context.now.is_some_and(|now| now >= profile.not_after) {
        return Err(OpenError::Expired);
    }
    let epoch = context
        .installed
        .map_or(0, |installed| installed.credential_epoch);
    if profile.credential_epoch <= epoch {
        return Err(OpenError::CredentialEpoch);
    }
    Ok(())
}

/// A package is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The signed object is refused.
    #[error("package is refused")]
    Object(#[from] CoseError),
    /// There is no keyset to verify the package with.
    #[error("package carries no keyset and the device has none")]
    KeysetMissing,
    /// The keyset, or its use, is refused.
    #[error("keyset of the package is refused")]
    Keyset(#[from] KeysetError),
    /// The keyset does not let the key that signed the Challenge do so.
    #[error("signer of the challenge is not in the keyset of the package")]
    NetworkSigner(#[source] KeysetError),
    /// The keyset is older than the device's, or has its version and other octets.
    #[error("keyset is older than the one of the device")]
    KeysetVersion,
    /// The root is not the pinned one, not the anchor of the chain that signed the Challenge, or
    /// not the one that the profile pins.
    #[error("package comes from another root")]
    Root,
    /// The payload or the header is not as defined.
    #[error("payload of the package is not as defined")]
    Payload(#[source] DecodeError),
    /// It is for another device.
    #[error("package is for another device")]
    OtherDevice,
    /// It belongs to another session.
    #[error("package belongs to another session")]
    OtherSession,
    /// It is sealed to another key.
    #[error("package is sealed to another key")]
    OtherRecipient,
    /// It may no longer be installed.
    #[error("package has expired")]
    Expired,
    /// It has been replaced by the installed one.
    #[error("package has been replaced")]
    Superseded,
    /// The network has not proven itself as the device demands.
    #[error("network has not proven itself as demanded")]
    NetworkProof,
    /// It does not open.
    #[error("package does not open")]
    Hpke(#[from] HpkeError),
    /// The profile is not as defined.
    #[error("profile is not as defined")]
    Profile(#[source] DecodeError),
    /// The profile contradicts the header.
    #[error("profile contradicts the header of its package")]
    ProfileMismatch,
    /// The credentials are not newer than the installed ones.
    #[error("credentials are not newer than the installed ones")]
    CredentialEpoch,
}

impl OpenError {
    const fn schema(error: SchemaError) -> Self {
        Self::Payload(DecodeError::Schema(error))
    }

    /// The cause for the receipt.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Object(error) => error.cause(),
            Self::Keyset(error) => error.cause(),
            Self::KeysetMissing | Self::NetworkSigner(_) | Self::KeysetVersion | Self::Root => {
                Cause::KeysetInvalid
            }
            Self::Payload(error) => error.cause(),
            Self::OtherDevice | Self::OtherSession | Self::OtherRecipient => {
                Cause::RecipientMismatch
            }
            Self::Expired => Cause::PackageExpired,
            Self::NetworkProof => Cause::NetworkProofUnavailable,
            Self::Hpke(error) => error.cause(),
            Self::Superseded | Self::Profile(_) | Self::ProfileMismatch | Self::CredentialEpoch => {
                Cause::PackageInvalid
            }
        }
    }
}
