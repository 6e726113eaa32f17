//! Signed objects: reproduced byte for byte, and refused out of place.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use cose::cbor::{self, Item};
use cose::fuzz::{fuzz_signed_object, fuzz_spki};
use cose::{
    Algorithm, CoseError, KeyError, KeyId, ObjectType, SignError, SignedObject, Signing,
    SigningKey, VerificationKey, spki,
};
use secret::PrivateKey;
use serde_json::Value;

fn vectors(name: &str) -> Value {
    let path = format!("{}/../../vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn octets(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn signing_key(private: &Value) -> SigningKey {
    SigningKey::new(&PrivateKey::try_from_slice(&octets(private)).unwrap()).unwrap()
}

#[test]
fn device_key_has_the_vector_spki_and_id() {
    let identities = vectors("identities.json");
    let key = signing_key(&identities["device_private"]);
    assert_eq!(key.spki().to_vec(), octets(&identities["device_spki"]));
    assert_eq!(
        key.key_id().as_bytes().to_vec(),
        octets(&identities["device_spki_sha256"])
    );
    assert_eq!(spki::p256_point(&key.spki()).unwrap(), &key.public_point());
}

#[test]
fn external_aad_is_that_of_the_vectors() {
    let table = vectors("owa-and-package.json")["cose_external_aad"].clone();
    assert_eq!(table.as_object().unwrap().len(), ObjectType::ALL.len());
    for object_type in ObjectType::ALL {
        assert_eq!(
            object_type.external_aad(),
            octets(&table[object_type.name()])
        );
        assert_eq!(
            ObjectType::from_media_type(&object_type.media_type()),
            Some(object_type)
        );
    }
}

#[test]
fn keyset_is_signed_again_byte_for_byte() {
    let identities = vectors("identities.json");
    let root = signing_key(&identities["operator_root_private"]);
    let payload = octets(&identities["keyset_payload"]);
    let object = Signing::new(ObjectType::Keyset, &payload)
        .with_spki()
        .sign(&root)
        .unwrap();
    assert_eq!(object, octets(&identities["keyset"]));
    let received = SignedObject::decode(&object, ObjectType::Keyset).unwrap();
    let carried = received.carried_key().unwrap();
    assert_eq!(received.verify(&carried).unwrap(), payload);
}

#[test]
fn every_proof_receipt_and_commit_is_signed_again_byte_for_byte() {
    let identities = vectors("identities.json");
    let device = signing_key(&identities["device_private"]);
    let operator = signing_key(&identities["operator_signer_private"]);
    let runs = vectors("owa-and-package.json");
    for run in runs["cases"].as_array().unwrap() {
        let payload = octets(&run["proof_payload"]);
        let proof = Signing::new(ObjectType::OwaProof, &payload)
            .with_spki()
            .sign(&device)
            .unwrap();
        // A run whose certificate travels in Start carries no key in its Proof.
        let without = Signing::new(ObjectType::OwaProof, &payload)
            .sign(&device)
            .unwrap();
        assert!([proof, without].contains(&octets(&run["proof"])));

        for (object, object_type, key) in [
            (&run["receipt"], ObjectType::Receipt, &device),
            (&run["package"]["sealed"], ObjectType::Profile, &operator),
        ] {
            resigns(&octets(object), object_type, key);
        }
    }
    let commit = octets(&runs["commit_of_first_case_package"]);
    resigns(&commit, ObjectType::Commit, &operator);
}

fn resigns(object: &[u8], object_type: ObjectType, key: &SigningKey) {
    let received = SignedObject::decode(object, object_type).unwrap();
    let payload = received.verify(&key.verification_key()).unwrap();
    let again = Signing::new(object_type, payload).sign(key).unwrap();
    assert_eq!(again, object);
}

#[test]
fn detached_network_proof_is_signed_again_byte_for_byte() {
    let identities = vectors("identities.json");
    let key = signing_key(&identities["operator_net_signer_private"]);
    let certificate = octets(&identities["operator_net_signer_certificate"]);
    let runs = vectors("owa-and-package.json");
    let mut signed = 0;
    for run in runs["cases"].as_array().unwrap() {
        let challenge = octets(&run["challenge"]);
        let map = Item::decode(&challenge).unwrap().open_map().unwrap();
        let Some(proof) = map.get(8) else { continue };
        let proof = proof.bytes().unwrap();
        let payload = octets(&run["owa_net_signed"]);
        let object = SignedObject::decode(proof, ObjectType::OwaNet).unwrap();
        assert_eq!(object.header().x5chain, [certificate.as_slice()]);
        assert_eq!(
            object.verify_detached(&key.verification_key(), &payload),
            Ok(())
        );
        assert_eq!(object.verify(&key.verification_key()), Err(CoseError::Form));
        let again = Signing::new(ObjectType::OwaNet, &payload)
            .with_chain(&[&certificate])
            .detached()
            .sign(&key)
            .unwrap();
        assert_eq!(again, proof);
        signed += 1;
    }
    assert_eq!(signed, 4);
}

#[test]
fn each_type_in_place_of_each_other_is_refused() {
    let key = SigningKey::new(&PrivateKey::new([9; 32])).unwrap();
    let payload = cbor::map().build().into_vec();
    for signed in ObjectType::ALL {
        let object = Signing::new(signed, &payload).sign(&key).unwrap();
        for expected in ObjectType::ALL {
            let outcome = SignedObject::decode(&object, expected).err();
            assert_eq!(outcome, (signed != expected).then_some(CoseError::Type));

            // The same with the type rewritten after signing: the signature covers it.
            let renamed = rename(&object, expected);
            let outcome = SignedObject::decode(&renamed, expected)
                .unwrap()
                .verify(&key.verification_key());
            if signed == expected {
                assert_eq!(outcome, Ok(payload.as_slice()));
            } else {
                assert_eq!(outcome, Err(CoseError::Signature));
            }
        }
    }
}

fn rename(object: &[u8], object_type: ObjectType) -> Vec<u8> {
    let members = Item::decode(object).unwrap().array().unwrap();
    let protected = members[0].bytes().unwrap();
    let media_type = cbor::text(&object_type.media_type());
    let protected = cbor::with(
        cbor::without(protected, 16).unwrap().as_slice(),
        16,
        media_type,
    );
    replace(object, 0, &cbor::bytes(protected.unwrap().as_slice()))
}

/// The COSE_Sign1 with one of its four members replaced.
fn replace(object: &[u8], member: usize, with: &cbor::Encoded) -> Vec<u8> {
    let members = Item::decode(object).unwrap().array().unwrap();
    let replaced: cbor::Encoded = members
        .into_iter()
        .enumerate()
        .map(|(index, item)| {
            if index == member {
                with.clone()
            } else {
                item.into()
            }
        })
        .collect();
    replaced.into_vec()
}

#[test]
fn checks_run_in_their_order() {
    let key = SigningKey::new(&PrivateKey::new([9; 32])).unwrap();
    let other = SigningKey::new(&PrivateKey::new([8; 32])).unwrap();
    let object = Signing::new(ObjectType::Receipt, b"\xa0")
        .sign(&key)
        .unwrap();

    let tagged = [&[0xd2], object.as_slice()].concat();
    let decode = |octets: &[u8]| SignedObject::decode(octets, ObjectType::Receipt).err();
    assert_eq!(
        decode(&tagged),
        Some(CoseError::Cbor(cbor::CborError::UnusedKind))
    );
    let unprotected = cbor::map().with(4, cbor::bytes(&[1])).build();
    assert_eq!(
        decode(&replace(&object, 1, &unprotected)),
        Some(CoseError::Form)
    );
    assert_eq!(
        decode(&replace(&object, 2, &cbor::text("x"))),
        Some(CoseError::Form)
    );
    assert_eq!(
        decode(&object[..object.len() - 1]),
        Some(CoseError::Cbor(cbor::CborError::Truncated))
    );

    let received = SignedObject::decode(&object, ObjectType::Receipt).unwrap();
    assert_eq!(
        received.verify(&other.verification_key()),
        Err(CoseError::KeyId)
    );
    assert_eq!(received.carried_key().err(), Some(CoseError::KeyMissing));

    let protected = Item::decode(&object).unwrap().array().unwrap()[0]
        .bytes()
        .unwrap();
    let eddsa = cbor::without(protected, 1).unwrap().into_vec();
    let eddsa = cbor::with(&eddsa, 1, cbor::int(Algorithm::EdDsa.number())).unwrap();
    let object = replace(&object, 0, &cbor::bytes(eddsa.as_slice()));
    assert_eq!(
        SignedObject::decode(&object, ObjectType::Receipt)
            .unwrap()
            .verify(&key.verification_key()),
        Err(CoseError::Algorithm(Algorithm::EdDsa))
    );
    let unknown = cbor::without(protected, 1).unwrap().into_vec();
    let unknown = cbor::with(&unknown, 1, cbor::int(-257)).unwrap();
    let object = replace(&object, 0, &cbor::bytes(unknown.as_slice()));
    assert_eq!(
        decode(&object),
        Some(CoseError::Header(cbor::SchemaError::Incorrect(1)))
    );
}

#[test]
fn a_carried_key_other_than_the_signer_is_refused() {
    let key = SigningKey::new(&PrivateKey::new([9; 32])).unwrap();
    let other = SigningKey::new(&PrivateKey::new([8; 32])).unwrap();
    let object = Signing::new(ObjectType::Receipt, b"\xa0")
        .with_spki()
        .sign(&key)
        .unwrap();
    let protected = Item::decode(&object).unwrap().array().unwrap()[0]
        .bytes()
        .unwrap();
    let foreign = cbor::without(protected, -70_001).unwrap().into_vec();
    let foreign = cbor::with(&foreign, -70_001, cbor::bytes(&other.spki())).unwrap();
    let object = replace(&object, 0, &cbor::bytes(foreign.as_slice()));
    let received = SignedObject::decode(&object, ObjectType::Receipt).unwrap();
    assert_eq!(
        received.verify(&key.verification_key()),
        Err(CoseError::KeyId)
    );
    let carried = received.carried_key().unwrap();
    assert_eq!(received.verify(&carried), Err(CoseError::KeyId));
}

#[test]
fn chains_of_one_to_four_certificates_are_carried() {
    let key = SigningKey::new(&PrivateKey::new([9; 32])).unwrap();
    let certificates: [&[u8]; 5] = [b"1", b"2", b"3", b"4", b"5"];
    for count in 0..=4 {
        let object = Signing::new(ObjectType::OwaNet, b"")
            .with_chain(&certificates[..count])
            .sign(&key)
            .unwrap();
        let received = SignedObject::decode(&object, ObjectType::OwaNet).unwrap();
        assert_eq!(received.header().x5chain, certificates[..count]);
        assert!(received.verify(&key.verification_key()).is_ok());
    }
    let outcome = Signing::new(ObjectType::OwaNet, b"")
        .with_chain(&certificates)
        .sign(&key);
    assert_eq!(outcome, Err(SignError::ChainTooLong));
}

#[test]
fn es384_and_eddsa_verify_and_rsa_is_refused() {
    use ed25519_dalek::Signer as _;
    let key = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let mut der = hex::decode("302a300506032b6570032100").unwrap();
    der.extend_from_slice(key.verifying_key().as_bytes());
    assert_eq!(der, spki::ed25519(key.verifying_key().as_bytes()));
    let public = VerificationKey::from_spki(&der).unwrap();
    assert_eq!(public.algorithm(), Algorithm::EdDsa);
    assert!(public.verifies(b"message", &key.sign(b"message").to_bytes()));
    assert!(!public.verifies(b"massage", &key.sign(b"message").to_bytes()));

    let key = p384::ecdsa::SigningKey::from_slice(&[7; 48]).unwrap();
    let mut der = hex::decode("3076301006072a8648ce3d020106052b81040022036200").unwrap();
    der.extend_from_slice(key.verifying_key().to_encoded_point(false).as_bytes());
    assert_eq!(der, spki::p384(der[23..].try_into().unwrap()));
    let public = VerificationKey::from_spki(&der).unwrap();
    assert_eq!(public.algorithm(), Algorithm::Es384);
    let signature: p384::ecdsa::Signature = key.sign(b"message");
    assert!(public.verifies(b"message", &signature.to_bytes()));
    assert!(public.verifies_der(b"message", signature.to_der().as_bytes()));

    let rsa = hex::decode("30819f300d06092a864886f70d010101050003818d00").unwrap();
    assert_eq!(
        VerificationKey::from_spki(&rsa).err(),
        Some(KeyError::UnsupportedType)
    );
}

#[test]
fn impossible_keys_are_refused() {
    let outcome = SigningKey::new(&PrivateKey::new([0; 32])).err();
    assert_eq!(outcome, Some(KeyError::InvalidPrivateKey));
    let mut off_curve = [1; 65];
    off_curve[0] = 4;
    let outcome = VerificationKey::from_spki(&spki::p256(&off_curve)).err();
    assert_eq!(outcome, Some(KeyError::InvalidPublicKey));
    let identity = [0; 65];
    let outcome = VerificationKey::from_spki(&spki::p256(&identity)).err();
    assert_eq!(outcome, Some(KeyError::InvalidPublicKey));
}

#[test]
fn key_ids_are_printed_in_part() {
    let printed = format!("{:?}", KeyId::new([0xab; 32]));
    assert_eq!(printed, "KeyId(ababab…)");
}

#[test]
fn no_prefix_of_an_object_or_key_panics() {
    let identities = vectors("identities.json");
    let keyset = octets(&identities["keyset"]);
    for length in 0..=keyset.len() {
        fuzz_signed_object(&keyset[..length]);
    }
    let spki = octets(&identities["device_spki"]);
    for length in 0..=spki.len() {
        fuzz_spki(&spki[..length]);
    }
}
