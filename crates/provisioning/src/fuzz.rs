//! Entry points for fuzzing: each takes any octets and must never panic.

use crate::{
    ClaimSecret, Commit, Installed, Keyset, OpenContext, PackageHeader, Profile, Receipt,
    VerifiedKeyset, open_package,
};
use cose::{KeyId, SigningKey};
use identifiers::{DeviceId, OnboardingSession};
use onboarding::{AgreementKey, NetworkProofLevel, Recipient, Suite};
use secret::{OwaKey, PrivateKey};

/// Decodes every payload; what decodes must encode to something that decodes to the same.
///
/// # Panics
/// If it does not, which is what is searched for.
pub fn fuzz_payloads(data: &[u8]) {
    if let Ok(header) = PackageHeader::decode(data) {
        assert_eq!(header.encode(), data, "header");
    }
    if let Ok(keyset) = Keyset::decode(data) {
        assert_eq!(keyset.encode(), data, "keyset");
    }
    if let Ok(receipt) = Receipt::decode(data) {
        assert_eq!(receipt.encode(), data, "receipt");
    }
    if let Ok(commit) = Commit::decode(data) {
        assert_eq!(commit.encode(), data, "commit");
    }
    if let Ok(profile) = Profile::decode(data) {
        assert_eq!(Profile::decode(&profile.encode()), Ok(profile), "profile");
    }
    let _ = Profile::decode_with_secret(data);
    if let Ok(text) = core::str::from_utf8(data) {
        let _ = ClaimSecret::parse(text);
    }
}

/// Verifies a keyset, a receipt and a commit.
pub fn fuzz_signed(data: &[u8]) {
    if let Ok(keyset) = VerifiedKeyset::verify(data, None) {
        let _ = Commit::verify(data, &keyset, Some(1_800_000_000));
    }
    if let Ok(key) = SigningKey::new(&PrivateKey::new([7; 32])) {
        let _ = Receipt::verify(data, &key.verification_key());
    }
}

/// Opens a package, on first contact and later.
pub fn fuzz_open_package(data: &[u8]) {
    let Ok(recipient_key) = AgreementKey::new(Suite::X25519, PrivateKey::new([7; 32])) else {
        return;
    };
    let first_contact = OpenContext {
        device_id: &DeviceId::from_spki_sha256(&[7; 32]),
        session: &OnboardingSession::new([7; 16]),
        transcript_hash: &[7; 32],
        package_key: &OwaKey::new([7; 32]),
        claim_secret: None,
        recipient: &Recipient::CertDirect,
        recipient_key: &recipient_key,
        demanded: NetworkProofLevel::None,
        network_proof: None,
        installed: None,
        now: None,
    };
    let _ = open_package(data, &first_contact);
    let later = OpenContext {
        installed: Some(Installed {
            root: KeyId::new([7; 32]),
            keyset: data,
            least_keyset_version: 1,
            credential_epoch: 1,
            superseded: None,
        }),
        ..first_contact
    };
    let _ = open_package(data, &later);
}
