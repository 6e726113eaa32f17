//! Every package of the vectors is sealed and opened byte for byte.

use crate::support::{NOW, Run, octets, run};
use cose::cbor;
use onboarding::{Kem, Recipient};
use provisioning::profile::AuthenticationKeys;
use provisioning::{
    PackageHeader, Profile, SealError, insert_secret, open_package, package_psk, seal_for_proof,
};

#[test]
fn the_vault_seals_every_package_byte_for_byte() {
    for run in Run::all() {
        let sealed = seal_for_proof(&run.request()).unwrap();
        assert_eq!(sealed.octets, run.sealed(), "{}", run.name);
        assert_eq!(sealed.sha256, cose::sha256(&run.sealed()));
        let payload = cose::SignedObject::decode(&sealed.octets, cose::ObjectType::Profile)
            .unwrap()
            .unverified_payload()
            .unwrap();
        let payload = cbor::Item::decode(payload).unwrap().open_map().unwrap();
        for (label, name) in [(1, "header"), (2, "enc"), (3, "ct")] {
            let member = payload.get(label).unwrap().bytes().unwrap();
            assert_eq!(member, octets(&run.value["package"][name]));
        }
    }
}

#[test]
fn the_psk_of_every_package_is_that_of_the_vectors() {
    let mut with_claim_secret = 0;
    for run in Run::all() {
        let psk = package_psk(&run.package_key, run.claim_secret.as_ref());
        assert_eq!(psk.expose(), run.psk.expose());
        with_claim_secret += usize::from(run.claim_secret.is_some());
    }
    assert_eq!(with_claim_secret, 3);
}

#[test]
fn the_device_opens_every_package() {
    for run in Run::all() {
        let opened = open_package(&run.sealed(), &run.context());
        let opened = opened.unwrap_or_else(|error| panic!("{}: {error:?}", run.name));
        let whole = insert_secret(&opened.profile.encode(), &opened.secret).unwrap();
        assert_eq!(whole.expose(), octets(&run.value["package"]["plaintext"]));
        assert_eq!(opened.header.encode(), run.header);
        assert_eq!(opened.keyset.root, run.root());
        assert_eq!(opened.sha256, cose::sha256(&run.sealed()));
        assert!(matches!(
            opened.secret.keys,
            AuthenticationKeys::Milenage { .. }
        ));
    }
}

#[test]
fn a_device_without_a_clock_opens_a_package_of_any_age() {
    let run = run("s1-bound-n1");
    let mut context = run.context();
    context.now = None;
    assert!(open_package(&run.sealed(), &context).is_ok());
}

#[test]
fn a_later_package_needs_no_keyset() {
    let run = run("s2-bound-n1");
    let mut request = run.request();
    request.keyset = None;
    let sealed = seal_for_proof(&request).unwrap();
    let mut context = run.context();
    assert!(open_package(&sealed.octets, &context).is_err());
    context.installed = Some(run.installed());
    assert!(open_package(&sealed.octets, &context).is_ok());
}

#[test]
fn the_secret_part_is_no_member_of_a_profile_on_its_way_to_the_vault() {
    let run = run("s1-bound-n0");
    let whole = octets(&run.value["package"]["plaintext"]);
    assert!(Profile::decode(&whole).is_err());
    let without = cbor::without(&whole, 7).unwrap().into_vec();
    assert_eq!(without, run.profile);
    assert!(Profile::decode(&without).is_ok());
    assert!(Profile::decode_with_secret(&without).is_err());
    assert!(insert_secret(&whole, &run.secret).is_err());
}

#[test]
fn the_vault_seals_for_the_device_and_transcript_of_the_proof_only() {
    let run = run("s1-bound-n1");
    let other = crate::support::run("s1-bound-n3");
    let error = |change: &dyn Fn(&mut provisioning::SealForProof<'_>)| {
        let mut request = run.request();
        change(&mut request);
        seal_for_proof(&request).err()
    };
    assert_eq!(error(&|_| {}), None);

    let mut request = run.request();
    request.transcript.proof = other.request().transcript.proof;
    assert!(matches!(seal_for_proof(&request), Err(SealError::Proof(_))));

    let stranger = identifiers::DeviceId::from_spki_sha256(&[1; 32]);
    let mut request = run.request();
    request.device_id = &stranger;
    assert_eq!(seal_for_proof(&request), Err(SealError::OtherDevice));

    let mut request = run.request();
    request.header = &other.header;
    assert_eq!(seal_for_proof(&request), Err(SealError::HeaderMismatch));

    let mut request = run.request();
    request.profile = &other.profile;
    let same = run.profile == other.profile;
    assert_eq!(seal_for_proof(&request).is_ok(), same);

    assert_eq!(
        error(&|request| request.now = NOW + 3600),
        Some(SealError::Expired)
    );
    assert_eq!(
        error(&|request| request.now = NOW + 3601),
        Some(SealError::Stale)
    );
    assert_eq!(error(&|request| request.now = NOW - 60), None);
    assert_eq!(
        error(&|request| request.now = NOW - 61),
        Some(SealError::Stale)
    );
}

#[test]
fn the_vault_refuses_a_header_that_names_another_recipient() {
    for (name, change) in [
        ("s1-bound-n1", change_hash as fn(&mut PackageHeader)),
        ("s1-bound-n1", change_mode),
        ("s1-bound-n1", change_kem),
        ("s2-direct-n1", change_hash),
        ("s2-direct-n1", change_mode),
    ] {
        let run = run(name);
        let mut header = PackageHeader::decode(&run.header).unwrap();
        change(&mut header);
        let header = header.encode();
        let mut request = run.request();
        request.header = &header;
        assert_eq!(seal_for_proof(&request), Err(SealError::HeaderMismatch));
    }
}

fn change_hash(header: &mut PackageHeader) {
    header.recipient_hash[0] ^= 1;
}

fn change_mode(header: &mut PackageHeader) {
    header.cert_direct = !header.cert_direct;
}

fn change_kem(header: &mut PackageHeader) {
    header.kem = match header.kem {
        Kem::P256 => Kem::X25519,
        Kem::X25519 => Kem::P256,
    };
}

#[test]
fn the_vault_seals_to_the_identity_key_only_where_that_is_allowed() {
    let run = run("s2-direct-n0");
    assert_eq!(run.recipient, Recipient::CertDirect);
    let mut request = run.request();
    request.cert_direct_allowed = false;
    assert_eq!(seal_for_proof(&request), Err(SealError::CertDirect));
}
