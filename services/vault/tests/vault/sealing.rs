//! Packages: who gets one, and who does not.

use std::time::Duration;

use cause::Cause;
use cose::{ObjectType, SignedObject, Signing};
use identifiers::{DeviceId, OnboardingSession, PackageId, RoutingIndicator};
use onboarding::Suite;
use provisioning::profile::AuthenticationKeys;
use provisioning::{MAX_CHALLENGE_AGE_SECONDS, PackageHeader, Profile};
use rcgen::{CertificateParams, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256};

use crate::support::{Device, Lab, Mode, Sealing};

#[tokio::test]
async fn the_device_opens_what_was_sealed_to_its_fresh_key() {
    let lab = Lab::new().await;
    let device = Device::new(1);
    for (n, suite) in [(1, Suite::X25519), (2, Suite::P256)] {
        let minted = vault::mint(
            &lab.vault,
            &crate::support::mint_request(&device, n, "order"),
        )
        .await
        .unwrap();
        let run = lab.onboard(&device, Mode::Bound(suite));
        let package = lab
            .sealing(&device, n, &minted, &run)
            .seal(&lab)
            .await
            .unwrap();
        let opened = run.open(&package).unwrap();
        assert_eq!(opened.secret.supi, crate::support::supi(n));
        assert_eq!((opened.secret.amf, opened.secret.sqn), ([0x80, 0], [0; 6]));
        assert_eq!(opened.keyset.keyset.operator, *lab.vault.operator_id());
        assert!(matches!(
            opened.secret.keys,
            AuthenticationKeys::Milenage { .. }
        ));

        let stranger = lab.onboard(&device, Mode::Bound(suite));
        assert!(
            stranger.open(&package).is_err(),
            "another session of the same device"
        );
    }
}

#[tokio::test]
async fn the_device_opens_what_was_sealed_to_its_certificate_key() {
    let lab = Lab::new().await;
    let device = Device::new(1);
    let minted = lab.mint(&device, 1).await;
    let run = lab.onboard(&device, Mode::Direct(Vec::new()));
    let package = lab
        .sealing(&device, 1, &minted, &run)
        .seal(&lab)
        .await
        .unwrap();
    assert_eq!(
        run.open(&package).unwrap().secret.supi,
        crate::support::supi(1)
    );
}

#[tokio::test]
async fn a_certificate_without_key_agreement_is_no_recipient() {
    let lab = Lab::new().await;
    for (n, usages, allowed) in [
        (1, vec![KeyUsagePurpose::DigitalSignature], false),
        (
            2,
            vec![
                KeyUsagePurpose::DigitalSignature,
                KeyUsagePurpose::KeyAgreement,
            ],
            true,
        ),
    ] {
        let device = Device::new(u8::try_from(n).unwrap());
        let minted = lab.mint(&device, n).await;
        let run = lab.onboard(&device, Mode::Direct(vec![certificate(n, usages)]));
        let sealed = lab.sealing(&device, n, &minted, &run).seal(&lab).await;
        match allowed {
            true => assert!(run.open(&sealed.unwrap()).is_ok()),
            false => assert_eq!(sealed.err().unwrap().cause(), Cause::NotAuthorized),
        }
    }
}

#[tokio::test]
async fn a_proof_under_another_key_is_refused() {
    let lab = Lab::new().await;
    let (device, stranger) = (Device::new(1), Device::new(2));
    let minted = lab.mint(&device, 1).await;
    let run = lab.onboard(&device, Mode::Bound(Suite::X25519));
    let sealing = lab.sealing(&device, 1, &minted, &run);
    let foreign = lab.onboard(&stranger, Mode::Bound(Suite::X25519));
    let refused = Sealing {
        proof: foreign.proof,
        ..sealing.clone()
    }
    .seal(&lab)
    .await;
    assert_eq!(
        refused.err().unwrap().cause(),
        Cause::DeviceIdentityMismatch
    );

    let earlier = lab.onboard(&device, Mode::Bound(Suite::X25519));
    let refused = Sealing {
        proof: earlier.proof,
        ..sealing.clone()
    }
    .seal(&lab)
    .await;
    assert_eq!(
        refused.err().unwrap().cause(),
        Cause::ProofInvalid,
        "of another session"
    );

    let mut changed = sealing.clone();
    *changed.proof.last_mut().unwrap() ^= 1;
    assert_eq!(
        changed.seal(&lab).await.err().unwrap().cause(),
        Cause::ProofInvalid
    );
}

#[tokio::test]
async fn a_proof_that_carries_no_key_is_sealed_for_with_the_key_of_the_device() {
    let lab = Lab::new().await;
    let device = Device::new(1);
    let minted = lab.mint(&device, 1).await;
    let run = lab.onboard(&device, Mode::Bound(Suite::X25519));
    let bare = Sealing {
        proof: without_key(&run.proof, &device),
        identity_spki: device.identity.spki().to_vec(),
        ..lab.sealing(&device, 1, &minted, &run)
    };
    let package = bare.seal(&lab).await.unwrap();
    assert_eq!(
        run.open(&package).unwrap().secret.supi,
        crate::support::supi(1)
    );
}

#[tokio::test]
async fn a_proof_that_carries_no_key_is_refused_with_any_other_key_or_none() {
    let lab = Lab::new().await;
    let (device, stranger) = (Device::new(1), Device::new(2));
    let minted = lab.mint(&device, 1).await;
    let run = lab.onboard(&device, Mode::Bound(Suite::X25519));
    let bare = Sealing {
        proof: without_key(&run.proof, &device),
        ..lab.sealing(&device, 1, &minted, &run)
    };
    let good = device.identity.spki().to_vec();
    let cut = good.split_last().unwrap().1.to_vec();
    for identity_spki in [
        Vec::new(),
        stranger.identity.spki().to_vec(),
        cut,
        [good, vec![0]].concat(),
    ] {
        let refused = Sealing {
            identity_spki,
            ..bare.clone()
        }
        .seal(&lab)
        .await;
        assert_eq!(
            refused.err().unwrap().cause(),
            Cause::MandatoryElementMissing
        );
    }
}

#[tokio::test]
async fn the_key_of_another_device_does_not_make_its_proof_good_for_this_handle() {
    let lab = Lab::new().await;
    let (device, stranger) = (Device::new(1), Device::new(2));
    let minted = lab.mint(&device, 1).await;
    let run = lab.onboard(&stranger, Mode::Bound(Suite::X25519));
    let bare = Sealing {
        proof: without_key(&run.proof, &stranger),
        ..lab.sealing(&stranger, 1, &minted, &run)
    };
    for (identity, cause) in [
        (&stranger.identity, Cause::MandatoryElementMissing),
        (&device.identity, Cause::DeviceIdentityMismatch),
    ] {
        let refused = Sealing {
            identity_spki: identity.spki().to_vec(),
            ..bare.clone()
        }
        .seal(&lab)
        .await;
        assert_eq!(refused.err().unwrap().cause(), cause);
    }
}

#[tokio::test]
async fn the_handle_of_another_device_is_refused() {
    let lab = Lab::new().await;
    let (device, stranger) = (Device::new(1), Device::new(2));
    let minted = lab.mint(&device, 1).await;
    let run = lab.onboard(&stranger, Mode::Bound(Suite::X25519));
    let refused = lab.sealing(&stranger, 1, &minted, &run).seal(&lab).await;
    assert_eq!(refused.err().unwrap().cause(), Cause::RecipientMismatch);
}

#[tokio::test]
async fn a_challenge_is_good_for_an_hour() {
    let lab = Lab::new().await;
    let device = Device::new(1);
    let minted = lab.mint(&device, 1).await;
    let run = lab.onboard(&device, Mode::Bound(Suite::X25519));
    let sealing = lab.sealing(&device, 1, &minted, &run);
    lab.runtime
        .clock
        .advance(Duration::from_secs(MAX_CHALLENGE_AGE_SECONDS));
    sealing.seal(&lab).await.unwrap();
    lab.runtime.clock.advance(Duration::from_secs(1));
    let refused = sealing.numbered(2).seal(&lab).await;
    assert_eq!(refused.err().unwrap().cause(), Cause::ChallengeStale);
}

#[tokio::test]
async fn a_challenge_of_the_future_is_refused() {
    let lab = Lab::new().await;
    let device = Device::new(1);
    let minted = lab.mint(&device, 1).await;
    let run = lab.onboard_ahead(&device);
    let refused = lab.sealing(&device, 1, &minted, &run).seal(&lab).await;
    assert_eq!(refused.err().unwrap().cause(), Cause::ChallengeStale);
}

#[tokio::test]
async fn a_header_for_anything_else_is_refused() {
    let lab = Lab::new().await;
    let device = Device::new(1);
    let minted = lab.mint(&device, 1).await;
    let run = lab.onboard(&device, Mode::Bound(Suite::X25519));
    let good = lab.sealing(&device, 1, &minted, &run);
    let header = |header: PackageHeader| Sealing {
        header,
        ..good.clone()
    };
    let original = good.header.clone();
    for other in [
        PackageHeader {
            device_id: DeviceId::from_spki_sha256(&[1; 32]),
            ..original.clone()
        },
        PackageHeader {
            session: OnboardingSession::new([9; 16]),
            ..original.clone()
        },
        PackageHeader {
            recipient_hash: [9; 32],
            ..original.clone()
        },
        PackageHeader {
            cert_direct: true,
            ..original.clone()
        },
        PackageHeader {
            package_id: PackageId::generate(9, [9; 10]),
            ..original.clone()
        },
    ] {
        let refused = header(other).seal(&lab).await.err().unwrap();
        assert_eq!(refused.cause(), Cause::MandatoryElementIncorrect);
    }
    let past = header(PackageHeader {
        not_after: 1,
        ..original
    })
    .seal(&lab)
    .await;
    assert_eq!(past.err().unwrap().cause(), Cause::PackageExpired);
    good.seal(&lab).await.unwrap();
}

#[tokio::test]
async fn a_profile_for_anything_else_is_refused() {
    let lab = Lab::new().await;
    let device = Device::new(1);
    let minted = lab.mint(&device, 1).await;
    let run = lab.onboard(&device, Mode::Bound(Suite::X25519));
    let good = lab.sealing(&device, 1, &minted, &run);
    let change = |change: fn(&mut Profile)| {
        let mut other = good.clone();
        change(&mut other.profile);
        other
    };
    for other in [
        change(|profile| profile.subscription_id = crate::support::subscription(9)),
        change(|profile| profile.credential_epoch += 1),
        change(|profile| profile.access.routing_indicator = RoutingIndicator::parse("12").unwrap()),
        change(|profile| {
            profile.credential_set_id = identifiers::CredentialSetId::generate(9, [9; 10])
        }),
        change(|profile| profile.management.pin.root = cose::KeyId::new([9; 32])),
        change(|profile| profile.management.pin.least_keyset_version = 2),
        change(|profile| {
            profile.management.operator.id = identifiers::OperatorId::parse("other").unwrap()
        }),
    ] {
        assert_eq!(
            other.seal(&lab).await.err().unwrap().cause(),
            Cause::MandatoryElementIncorrect
        );
    }
}

#[tokio::test]
async fn a_session_has_its_limit_and_a_new_session_its_own() {
    let lab = Lab::new().await;
    let device = Device::new(1);
    let minted = lab.mint(&device, 1).await;
    let run = lab.onboard(&device, Mode::Bound(Suite::X25519));
    let sealing = lab.sealing(&device, 1, &minted, &run);
    for seal_seq in 1..=8 {
        run.open(&sealing.numbered(seal_seq).seal(&lab).await.unwrap())
            .unwrap();
    }
    assert_eq!(
        sealing.numbered(9).seal(&lab).await.err().unwrap().cause(),
        Cause::SealLimit
    );
    let again = lab.onboard(&device, Mode::Bound(Suite::P256));
    let package = lab
        .sealing(&device, 1, &minted, &again)
        .numbered(9)
        .seal(&lab)
        .await
        .unwrap();
    again.open(&package).unwrap();
    assert_eq!(
        sealing.numbered(10).seal(&lab).await.err().unwrap().cause(),
        Cause::SealLimit
    );
}

#[tokio::test]
async fn the_same_sealing_gives_the_same_octets_and_counts_once() {
    let mut lab = Lab::on_disk().await;
    let device = Device::new(1);
    let minted = lab.mint(&device, 1).await;
    let run = lab.onboard(&device, Mode::Bound(Suite::X25519));
    let sealing = lab.sealing(&device, 1, &minted, &run);
    let package = sealing.seal(&lab).await.unwrap();
    for _ in 0..20 {
        assert_eq!(sealing.seal(&lab).await.unwrap(), package);
    }
    lab.restart().await;
    assert_eq!(sealing.seal(&lab).await.unwrap(), package);
    let mut other = sealing.clone();
    other.profile.not_after += 1;
    assert_eq!(
        other.seal(&lab).await.err().unwrap().cause(),
        Cause::Conflict
    );

    let second = sealing.numbered(2).seal(&lab).await.unwrap();
    assert_ne!(second, package);
    let (first, second) = (run.open(&package).unwrap(), run.open(&second).unwrap());
    assert!(
        first.secret.keys == second.secret.keys,
        "the same credentials"
    );
}

#[tokio::test]
async fn numbers_of_sealings_only_grow_and_the_package_stays_the_same() {
    let lab = Lab::new().await;
    let device = Device::new(1);
    let minted = lab.mint(&device, 1).await;
    let run = lab.onboard(&device, Mode::Bound(Suite::X25519));
    let sealing = lab.sealing(&device, 1, &minted, &run);
    sealing.numbered(3).seal(&lab).await.unwrap();
    assert_eq!(
        sealing.numbered(2).seal(&lab).await.err().unwrap().cause(),
        Cause::Conflict
    );
    let mut other = sealing.numbered(4);
    other.header.package_id = PackageId::generate(9, [9; 10]);
    other.profile.package_id = other.header.package_id.clone();
    assert_eq!(
        other.seal(&lab).await.err().unwrap().cause(),
        Cause::MandatoryElementIncorrect
    );
}

#[tokio::test]
async fn an_unknown_or_destroyed_handle_is_not_found() {
    let lab = Lab::new().await;
    let device = Device::new(1);
    let minted = lab.mint(&device, 1).await;
    let run = lab.onboard(&device, Mode::Bound(Suite::X25519));
    let mut sealing = lab.sealing(&device, 1, &minted, &run);
    vault::destroy(&lab.vault, &minted.credential_set_id)
        .await
        .unwrap();
    assert_eq!(
        sealing.seal(&lab).await.err().unwrap().cause(),
        Cause::NotFound
    );
    sealing.credential_set_id = identifiers::CredentialSetId::generate(9, [9; 10]);
    assert_eq!(
        sealing.seal(&lab).await.err().unwrap().cause(),
        Cause::NotFound
    );
}

#[tokio::test]
async fn a_later_sealing_tells_the_number_that_the_device_has_to_start_from() {
    let lab = Lab::new().await;
    let device = Device::new(1);
    let minted = lab.mint(&device, 1).await;
    let run = lab.onboard(&device, Mode::Bound(Suite::X25519));
    let sealing = lab.sealing(&device, 1, &minted, &run);
    sealing.seal(&lab).await.unwrap();
    lab.vector(1).await.unwrap();
    let opened = run
        .open(&sealing.numbered(2).seal(&lab).await.unwrap())
        .unwrap();
    assert_eq!(aka::Sqn::from_octets(opened.secret.sqn).seq(), 1);
}

/// The Proof as a device sends it that counts on its certificate being known.
pub(crate) fn without_key(proof: &[u8], device: &Device) -> Vec<u8> {
    let carried = SignedObject::decode(proof, ObjectType::OwaProof).unwrap();
    let payload = carried.verify(&device.identity.verification_key()).unwrap();
    let bare = Signing::new(ObjectType::OwaProof, payload)
        .sign(&device.identity)
        .unwrap();
    let object = SignedObject::decode(&bare, ObjectType::OwaProof).unwrap();
    assert!(object.header().spki.is_none());
    bare
}

/// A certificate over the key of device `n`.
fn certificate(n: u32, usages: Vec<KeyUsagePurpose>) -> Vec<u8> {
    use p256::pkcs8::EncodePrivateKey as _;
    let key = p256::SecretKey::from_slice(&[u8::try_from(n).unwrap(); 32])
        .unwrap()
        .to_pkcs8_der()
        .unwrap();
    let key = rustls_pki_types::PrivatePkcs8KeyDer::from(key.as_bytes());
    let key = KeyPair::from_pkcs8_der_and_sign_algo(&key, &PKCS_ECDSA_P256_SHA256).unwrap();
    let mut params = CertificateParams::default();
    params.key_usages = usages;
    params.self_signed(&key).unwrap().der().to_vec()
}
