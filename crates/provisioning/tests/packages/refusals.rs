//! Every negative vector is refused for its reason, and so is what the vectors do not cover.

use crate::support::{NOW, Run, octets, owa_key, run, vectors};
use cause::Cause;
use cose::cbor::DecodeError;
use cose::{CoseError, KeyId, Signing, SigningKey};
use identifiers::PackageId;
use onboarding::{NetworkProof, NetworkProofLevel};
use provisioning::hpke::HpkeError;
use provisioning::{
    ClaimSecret, Installed, Keyset, KeysetError, OpenContext, OpenError, PackageHeader, Profile,
    VerifiedKeyset, open_package, seal_for_proof,
};
use secret::{PrivateKey, SecretBytes};

#[test]
fn every_negative_vector_is_refused_for_its_reason() {
    let negative = vectors("package-negative.json");
    let run = run(negative["run"].as_str().unwrap());
    let other = crate::support::run(negative["other_run"].as_str().unwrap());
    let cases = negative["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 28);

    let newer_keyset = keyset(&run, |keyset| keyset.version = 4);
    let foreign = SigningKey::new(&PrivateKey::new([3; 32])).unwrap().key_id();
    let chain = crate::support::network_proof(&run.identities);
    let foreign_root = NetworkProof {
        root: foreign,
        ..chain
    };
    let foreign_signer = NetworkProof {
        signer: foreign,
        ..chain
    };
    let other_claim_secret = ClaimSecret::new(SecretBytes::new(vec![1; 16])).unwrap();
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let mut context = run.context();
        match name {
            "PSK of another run" => context.package_key = &other.package_key,
            "th of another run" => context.transcript_hash = &other.transcript_hash,
            "sender did not know the claim secret" => {
                context.claim_secret = Some(&other_claim_secret);
            }
            "expired" => context.now = Some(NOW + 3600),
            "root is not the pinned one" => {
                context.installed = Some(Installed {
                    root: foreign,
                    ..run.installed()
                });
            }
            "another root signed the Challenge" => context.network_proof = Some(&foreign_root),
            "signer of the Challenge is not in the keyset for owa-net" => {
                context.network_proof = Some(&foreign_signer);
            }
            "keyset older than the device has" => {
                context.installed = Some(Installed {
                    keyset: &newer_keyset,
                    ..run.installed()
                });
            }
            "credential epoch not above the installed" => {
                context.installed = Some(Installed {
                    credential_epoch: 1,
                    ..run.installed()
                });
            }
            _ => {}
        }
        let error = open_package(&octets(&case["input"]), &context)
            .err()
            .unwrap();
        let (reason, cause) = reason_and_cause(error);
        assert_eq!(reason, case["refusal"], "{name}");
        assert_eq!(error.cause(), cause, "{name}");
    }
}

fn reason_and_cause(error: OpenError) -> (&'static str, Cause) {
    match error {
        OpenError::Object(CoseError::Cbor(_)) | OpenError::Payload(DecodeError::Cbor(_)) => {
            ("cbor", Cause::MalformedMessage)
        }
        OpenError::Object(CoseError::Type) => ("typ", Cause::MalformedMessage),
        OpenError::Object(CoseError::Signature) => ("signature", Cause::SignatureInvalid),
        OpenError::Keyset(KeysetError::UnknownKey) => ("kid", Cause::SignatureInvalid),
        OpenError::Keyset(KeysetError::KeyUse) | OpenError::NetworkSigner(_) => {
            ("key-use", Cause::KeysetInvalid)
        }
        OpenError::Root => ("root", Cause::KeysetInvalid),
        OpenError::KeysetVersion => ("keyset-version", Cause::KeysetInvalid),
        OpenError::OtherDevice => ("device-id", Cause::RecipientMismatch),
        OpenError::OtherSession => ("session", Cause::RecipientMismatch),
        OpenError::Expired => ("expired", Cause::PackageExpired),
        OpenError::Hpke(HpkeError::Open) => ("aead", Cause::PackageInvalid),
        OpenError::CredentialEpoch => ("epoch", Cause::PackageInvalid),
        _ => ("other", Cause::Internal),
    }
}

/// The operator's keyset with a change, signed by its root.
fn keyset(run: &Run, change: impl FnOnce(&mut Keyset)) -> Vec<u8> {
    let mut keyset = VerifiedKeyset::verify(&run.keyset, None).unwrap().keyset;
    change(&mut keyset);
    keyset.sign(&run.root_key()).unwrap()
}

fn refusal<'a>(run: &'a Run, change: impl FnOnce(&mut OpenContext<'a>)) -> Option<OpenError> {
    let mut context = run.context();
    change(&mut context);
    open_package(&run.sealed(), &context).err()
}

#[test]
fn an_equal_keyset_version_with_other_octets_is_refused() {
    let run = run("s1-bound-n1");
    let same_version = keyset(&run, |keyset| keyset.expires += 1);
    let older = keyset(&run, |keyset| keyset.version = 2);
    let installed = |keyset| Installed {
        keyset,
        ..run.installed()
    };
    let mut context = run.context();
    context.installed = Some(installed(&same_version));
    let outcome = open_package(&run.sealed(), &context).err();
    assert_eq!(outcome, Some(OpenError::KeysetVersion));
    context.installed = Some(installed(&older));
    assert!(open_package(&run.sealed(), &context).is_ok());
    context.installed = Some(run.installed());
    assert!(open_package(&run.sealed(), &context).is_ok());
}

#[test]
fn a_keyset_below_the_pinned_version_is_refused() {
    let run = run("s1-bound-n1");
    let mut installed = run.installed();
    installed.least_keyset_version = 4;
    let older = keyset(&run, |keyset| keyset.version = 2);
    let mut context = run.context();
    context.installed = Some(Installed {
        keyset: &older,
        ..installed
    });
    let outcome = open_package(&run.sealed(), &context).err();
    assert_eq!(outcome, Some(OpenError::KeysetVersion));
}

#[test]
fn a_package_under_another_root_than_its_profile_pins_is_refused() {
    let run = run("s1-bound-n0");
    let attacker = SigningKey::new(&PrivateKey::new([5; 32])).unwrap();
    let keyset = {
        let keyset = VerifiedKeyset::verify(&run.keyset, None).unwrap().keyset;
        keyset.sign(&attacker).unwrap()
    };
    let mut request = run.request();
    request.keyset = Some(&keyset);
    let sealed = seal_for_proof(&request).unwrap();
    let outcome = open_package(&sealed.octets, &run.context()).err();
    assert_eq!(outcome, Some(OpenError::Root));
}

#[test]
fn a_profile_that_demands_a_newer_keyset_than_it_brings_is_refused() {
    let run = run("s1-bound-n0");
    let keyset = keyset(&run, |keyset| keyset.version = 2);
    let mut request = run.request();
    request.keyset = Some(&keyset);
    let sealed = seal_for_proof(&request).unwrap();
    let outcome = open_package(&sealed.octets, &run.context()).err();
    assert_eq!(outcome, Some(OpenError::KeysetVersion));
}

#[test]
fn an_expired_keyset_and_keys_out_of_their_time_are_refused() {
    let run = run("s1-bound-n1");
    let outcome = |keyset: &[u8]| {
        let mut request = run.request();
        request.keyset = Some(keyset);
        let sealed = seal_for_proof(&request).unwrap();
        open_package(&sealed.octets, &run.context()).err()
    };
    let expired = keyset(&run, |keyset| keyset.expires = NOW);
    assert_eq!(
        outcome(&expired),
        Some(OpenError::Keyset(KeysetError::Expired))
    );
    let early = keyset(&run, |keyset| keyset.keys[1].valid_from = NOW + 1);
    let validity = Some(OpenError::Keyset(KeysetError::KeyValidity));
    assert_eq!(outcome(&early), validity);
    let late = keyset(&run, |keyset| keyset.keys[1].valid_until = NOW);
    assert_eq!(outcome(&late), validity);
    let network_key_late = keyset(&run, |keyset| keyset.keys[0].valid_until = NOW);
    let expected = OpenError::NetworkSigner(KeysetError::KeyValidity);
    assert_eq!(outcome(&network_key_late), Some(expected));
}

#[test]
fn a_package_without_keyset_is_refused_on_first_contact() {
    let run = run("s1-bound-n0");
    let mut request = run.request();
    request.keyset = None;
    let sealed = seal_for_proof(&request).unwrap();
    let outcome = open_package(&sealed.octets, &run.context()).err();
    assert_eq!(outcome, Some(OpenError::KeysetMissing));
}

#[test]
fn another_recipient_than_the_device_named_is_refused() {
    let key = onboarding::AgreementKey::new(onboarding::Suite::X25519, PrivateKey::new([1; 32]));
    let key = key.unwrap();
    let run = run("s1-bound-n1");
    let outcome = refusal(&run, |context| context.recipient_key = &key);
    assert_eq!(outcome, Some(OpenError::OtherRecipient));
    let outcome = refusal(&run, |context| {
        context.recipient = &onboarding::Recipient::CertDirect;
    });
    assert_eq!(outcome, Some(OpenError::OtherRecipient));
}

#[test]
fn a_network_that_did_not_prove_itself_as_demanded_is_refused() {
    let chain = run("s1-bound-n1");
    let label = run("s1-bound-n3");
    let proof = Some(OpenError::NetworkProof);
    let outcome = refusal(&chain, |context| context.network_proof = None);
    assert_eq!(outcome, proof);
    let outcome = refusal(&chain, |context| {
        context.demanded = NetworkProofLevel::ClaimSecret;
    });
    assert_eq!(outcome, proof);
    let outcome = refusal(&chain, |context| {
        context.demanded = NetworkProofLevel::Voucher;
    });
    assert_eq!(outcome, proof);
    let outcome = refusal(&label, |context| context.claim_secret = None);
    assert_eq!(outcome, proof);
    // More than demanded may be given.
    let outcome = refusal(&label, |context| context.demanded = NetworkProofLevel::None);
    assert_eq!(outcome, None);
}

#[test]
fn a_package_that_the_installed_one_replaced_is_refused() {
    let package = run("s1-bound-n1").header;
    let package = PackageHeader::decode(&package).unwrap().package_id;
    let other = PackageId::generate(0, [0; 10]);
    let run = run("s1-bound-n1");
    for (superseded, expected) in [(&package, Some(OpenError::Superseded)), (&other, None)] {
        let outcome = refusal(&run, |context| {
            context.installed = Some(Installed {
                superseded: Some(superseded),
                ..run.installed()
            });
        });
        assert_eq!(outcome, expected);
    }
}

#[test]
fn a_profile_that_contradicts_its_header_is_refused() {
    let run = run("s1-bound-n1");
    let change = |change: fn(&mut Profile)| {
        let mut profile = Profile::decode(&run.profile).unwrap();
        change(&mut profile);
        let whole = provisioning::insert_secret(&profile.encode(), &run.secret).unwrap();
        let public = run.recipient_key.public().to_vec();
        let sealed = provisioning::seal_package(&provisioning::SealPackage {
            header: &run.header,
            recipient: &onboarding::RecipientKey {
                kem: onboarding::Kem::X25519,
                public,
            },
            transcript_hash: &run.transcript_hash,
            psk: &run.psk,
            profile: &whole,
            keyset: Some(&run.keyset),
            ephemeral: &PrivateKey::new([4; 32]),
            signer: &run.signer,
        });
        open_package(&sealed.unwrap().octets, &run.context()).err()
    };
    assert_eq!(change(|_| {}), None);
    let mismatch = Some(OpenError::ProfileMismatch);
    assert_eq!(
        change(|profile| profile.package_id = PackageId::generate(0, [0; 10])),
        mismatch
    );
    assert_eq!(
        change(|profile| {
            profile.device_id = identifiers::DeviceId::from_spki_sha256(&[1; 32]);
        }),
        mismatch
    );
    assert_eq!(
        change(|profile| profile.supersedes = Some(PackageId::generate(0, [0; 10]))),
        mismatch
    );
    assert_eq!(
        change(|profile| profile.management.pin.root = KeyId::new([1; 32])),
        Some(OpenError::Root)
    );
    assert_eq!(
        change(|profile| profile.not_after = NOW),
        Some(OpenError::Expired)
    );
    assert_eq!(
        change(|profile| profile.credential_epoch = 0),
        Some(OpenError::CredentialEpoch)
    );
}

#[test]
fn a_keyset_signed_as_anything_else_is_refused() {
    let run = run("s1-bound-n0");
    let payload = octets(&run.identities["keyset_payload"]);
    for object_type in cose::ObjectType::ALL {
        let object = Signing::new(object_type, &payload)
            .with_spki()
            .sign(&run.root_key())
            .unwrap();
        let outcome = VerifiedKeyset::verify(&object, Some(NOW));
        if object_type == cose::ObjectType::Keyset {
            assert!(outcome.is_ok());
        } else {
            assert_eq!(
                outcome,
                Err(KeysetError::Object(CoseError::Type)),
                "{object_type:?}"
            );
        }
    }
    let bare = Signing::new(cose::ObjectType::Keyset, &payload)
        .sign(&run.root_key())
        .unwrap();
    assert_eq!(
        VerifiedKeyset::verify(&bare, None),
        Err(KeysetError::Object(CoseError::KeyMissing))
    );
}

#[test]
fn keys_of_vectors_differ_between_runs() {
    let first = run("s1-bound-n1");
    let second = run("s1-bound-n3");
    let key = |run: &Run| owa_key(&run.value["secrets"]["k"]["package"]["key"]);
    assert!(key(&first) != key(&second));
}
