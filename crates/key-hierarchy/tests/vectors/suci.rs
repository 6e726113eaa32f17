//! SUCI against the published vectors of TS 33.501 C.4, and what a home network refuses.

use crate::files::{array, octets, supi, text, vectors};
use cause::Cause;
use identifiers::{HomeNetwork, Plmn, ProtectionScheme, RoutingIndicator, Suci, Supi};
use key_hierarchy::ecies::{HomeNetworkKey, HomeNetworkPublicKey, InvalidKey, Profile};
use key_hierarchy::suci::{ConcealError, DeconcealError, Home, conceal, conceal_null, deconceal};
use proptest::prelude::*;
use secret::PrivateKey;
use serde_json::Value;

fn profile(case: &Value) -> Profile {
    match text(case, "profile") {
        "A" => Profile::A,
        "B" => Profile::B,
        other => panic!("profile {other}"),
    }
}

fn published() -> Vec<Value> {
    let cases = vectors("suci.json")["cases"].as_array().unwrap().clone();
    assert_eq!(cases.len(), 4);
    cases
}

fn home_network_key(case: &Value, id: u8) -> HomeNetworkKey {
    HomeNetworkKey::new(
        id,
        profile(case),
        PrivateKey::new(array(case, "hn_private")),
    )
    .unwrap()
}

fn routing_indicator() -> RoutingIndicator {
    RoutingIndicator::parse("678").unwrap()
}

fn plmn() -> Plmn {
    Plmn::parse("274012").unwrap()
}

/// The SUCI of a published case, with another scheme output.
fn suci_with(case: &Value, key_id: u8, scheme_output: Vec<u8>) -> Suci {
    let home_network = match text(case, "supi_type") {
        "imsi" => HomeNetwork::Plmn(plmn()),
        _ => HomeNetwork::Realm("3gpp.com".into()),
    };
    let scheme = profile(case).scheme();
    Suci::new(
        home_network,
        routing_indicator(),
        scheme,
        key_id,
        scheme_output,
    )
    .unwrap()
}

#[test]
fn published_vectors_are_reproduced_in_both_directions() {
    for case in published() {
        let key = home_network_key(&case, 27);
        let public =
            HomeNetworkPublicKey::new(profile(&case), &octets(&case, "hn_public")).unwrap();
        assert_eq!(key.public_key(), &public);
        assert_eq!(public.as_octets(), octets(&case, "hn_public"));
        let home = Home {
            plmn: &plmn(),
            routing_indicator: &routing_indicator(),
        };
        let ephemeral = PrivateKey::new(array(&case, "ephemeral_private"));
        let suci = conceal(&supi(&case), home, 27, &public, &ephemeral).unwrap();
        assert_eq!(suci.scheme_output(), octets(&case, "scheme_output"));
        assert_eq!(suci.home_network_key_id(), 27);
        assert_eq!(suci.scheme(), profile(&case).scheme());
        assert_eq!(suci.routing_indicator(), &routing_indicator());
        assert_eq!(deconceal(&suci, &[key]).unwrap(), supi(&case));
    }
}

#[test]
fn null_scheme_shows_the_subscriber() {
    let file = vectors("suci.json");
    for case in file["null"].as_array().unwrap() {
        let home = Home {
            plmn: &plmn(),
            routing_indicator: &routing_indicator(),
        };
        let suci = conceal_null(&supi(case), home).unwrap();
        assert_eq!(suci.scheme_output(), text(case, "scheme_output").as_bytes());
        assert_eq!(suci.home_network_key_id(), 0);
        assert_eq!(deconceal(&suci, &[]).unwrap(), supi(case));
    }
}

#[test]
fn text_forms_of_all_schemes_are_reproduced() {
    let file = vectors("standards.json");
    let cases = &file["suci"];
    let supi = supi(cases);
    let plmn = Plmn::parse("00101").unwrap();
    let routing_indicator = RoutingIndicator::parse("0").unwrap();
    let home = Home {
        plmn: &plmn,
        routing_indicator: &routing_indicator,
    };
    let ephemeral = PrivateKey::new(array(cases, "ephemeral_private"));
    let keys = [(1, Profile::A, "1"), (2, Profile::B, "2")].map(|(id, profile, name)| {
        let private = PrivateKey::new(array(&cases["hn_private"], name));
        HomeNetworkKey::new(id, profile, private).unwrap()
    });
    for case in cases["cases"].as_array().unwrap() {
        let suci = match case["scheme"].as_u64().unwrap() {
            0 => conceal_null(&supi, home).unwrap(),
            scheme => {
                let key = &keys[usize::try_from(scheme).unwrap() - 1];
                conceal(&supi, home, key.id(), key.public_key(), &ephemeral).unwrap()
            }
        };
        assert_eq!(suci.to_text(), text(case, "text"));
        let received = Suci::parse(text(case, "text")).unwrap();
        assert_eq!(deconceal(&received, &keys).unwrap(), supi);
    }
}

#[test]
fn every_changed_bit_and_every_truncation_is_an_invalid_scheme_output() {
    for case in published() {
        let keys = [home_network_key(&case, 1)];
        let output = octets(&case, "scheme_output");
        for bit in 0..output.len() * 8 {
            // X25519 ignores the last bit of a coordinate (RFC 7748 5), but the key derivation does not.
            let mut changed = output.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let refused = deconceal(&suci_with(&case, 1, changed), &keys).unwrap_err();
            assert_eq!(refused, DeconcealError::InvalidSchemeOutput);
            assert_eq!(refused.cause(), Cause::InvalidSchemeOutput);
        }
        for length in 1..output.len() {
            let truncated = suci_with(&case, 1, output[..length].to_vec());
            assert_eq!(
                deconceal(&truncated, &keys),
                Err(DeconcealError::InvalidSchemeOutput)
            );
        }
    }
}

#[test]
fn unknown_key_identifier_and_missing_profile_have_causes_of_their_own() {
    let cases = published();
    let (a, b) = (&cases[0], &cases[2]);
    let suci = suci_with(a, 9, octets(a, "scheme_output"));
    let refused = deconceal(&suci, &[home_network_key(a, 1), home_network_key(b, 9)]).unwrap_err();
    assert_eq!(refused.cause(), Cause::InvalidHnPublicKeyIdentifier);
    let refused = deconceal(&suci, &[home_network_key(b, 9)]).unwrap_err();
    assert_eq!(refused.cause(), Cause::UnsupportedProtectionScheme);
}

#[test]
fn keys_are_told_apart_by_identifier_during_an_exchange_of_keys() {
    let case = &published()[0];
    let old = HomeNetworkKey::new(1, Profile::A, PrivateKey::new([7; 32])).unwrap();
    let new = home_network_key(case, 2);
    let output = octets(case, "scheme_output");
    let keys = [old, new];
    assert_eq!(
        deconceal(&suci_with(case, 2, output.clone()), &keys).unwrap(),
        supi(case)
    );
    assert_eq!(
        deconceal(&suci_with(case, 1, output), &keys),
        Err(DeconcealError::InvalidSchemeOutput)
    );
}

#[test]
fn points_of_small_order_are_refused() {
    // The points whose multiples by a clamped scalar are all zero. RFC 7748 6.1.
    let small_order = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];
    let case = &published()[0];
    let home = Home {
        plmn: &plmn(),
        routing_indicator: &routing_indicator(),
    };
    for point in small_order {
        let mut output = hex::decode(point).unwrap();
        let public = HomeNetworkPublicKey::new(Profile::A, &output).unwrap();
        let ephemeral = PrivateKey::new([3; 32]);
        assert_eq!(
            conceal(&supi(case), home, 1, &public, &ephemeral),
            Err(ConcealError::Key(InvalidKey))
        );
        // With the all-zero Z known, an attacker can make a right tag.
        output.extend(forged_with_zero_secret(&output));
        assert_eq!(
            deconceal(&suci_with(case, 1, output), &[home_network_key(case, 1)]),
            Err(DeconcealError::InvalidSchemeOutput)
        );
    }
}

/// Ciphertext and tag as they would be right if Z = 0 were accepted.
fn forged_with_zero_secret(ephemeral: &[u8]) -> Vec<u8> {
    use hmac::Mac;
    use sha2::Digest;
    let mut digest = sha2::Sha256::new();
    digest.update([0; 32]);
    digest.update([0, 0, 0, 2]);
    digest.update(ephemeral);
    let ciphertext = [1, 2, 3, 4, 5];
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(&digest.finalize()).unwrap();
    mac.update(&ciphertext);
    [&ciphertext[..], &mac.finalize().into_bytes()[..8]].concat()
}

#[test]
fn profile_b_takes_compressed_points_of_the_curve_only() {
    let case = &published()[2];
    let compressed = octets(case, "hn_public");
    let point = p256::PublicKey::from_sec1_bytes(&compressed).unwrap();
    let uncompressed = p256::EncodedPoint::from(point);
    assert!(HomeNetworkPublicKey::new(Profile::B, uncompressed.as_bytes()).is_err());
    let mut compact = compressed.clone();
    compact[0] = 0x05;
    assert!(HomeNetworkPublicKey::new(Profile::B, &compact).is_err());
    // No point has the first as its x; the second is above the prime of the field.
    for x in [[0x01; 32], [0xFF; 32]] {
        let point = [&[0x02][..], &x].concat();
        assert!(HomeNetworkPublicKey::new(Profile::B, &point).is_err());
    }
    assert!(HomeNetworkPublicKey::new(Profile::B, &compressed[..32]).is_err());
    assert!(HomeNetworkPublicKey::new(Profile::A, &compressed).is_err());
    for scalar in [[0; 32], [0xFF; 32]] {
        assert!(HomeNetworkKey::new(1, Profile::B, PrivateKey::new(scalar)).is_err());
    }
}

#[test]
fn imsi_of_another_network_and_key_identifier_zero_are_not_concealed() {
    let case = &published()[0];
    let other = Plmn::parse("00101").unwrap();
    let key = home_network_key(case, 1);
    let ephemeral = PrivateKey::new([3; 32]);
    let routing_indicator = routing_indicator();
    let home = Home {
        plmn: &other,
        routing_indicator: &routing_indicator,
    };
    assert_eq!(
        conceal(&supi(case), home, 1, key.public_key(), &ephemeral),
        Err(ConcealError::OtherNetwork)
    );
    assert_eq!(
        conceal_null(&supi(case), home),
        Err(ConcealError::OtherNetwork)
    );
    let home = Home {
        plmn: &plmn(),
        ..home
    };
    assert!(matches!(
        conceal(&supi(case), home, 0, key.public_key(), &ephemeral),
        Err(ConcealError::Parts(_))
    ));
}

#[test]
fn authentic_output_that_is_no_msin_is_an_invalid_scheme_output() {
    // A user name where digits are expected: authentic, since the home network key is public.
    let cases = published();
    for (case, realm) in [(&cases[1], false), (&cases[0], true)] {
        let home_network = if realm {
            HomeNetwork::Realm("3gpp.com".into())
        } else {
            HomeNetwork::Plmn(plmn())
        };
        let suci = Suci::new(
            home_network,
            routing_indicator(),
            ProtectionScheme::ProfileA,
            1,
            octets(case, "scheme_output"),
        )
        .unwrap();
        assert_eq!(
            deconceal(&suci, &[home_network_key(case, 1)]),
            Err(DeconcealError::InvalidSchemeOutput)
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_concealed_is_recovered(
        msin in "[0-9]{1,9}",
        username in "[a-z0-9]{1,20}(-[a-z]{1,9}){0,2}",
        home_private in any::<[u8; 32]>(),
        ephemeral in any::<[u8; 32]>(),
        key_id in 1..=255u8,
        profile in prop_oneof![Just(Profile::A), Just(Profile::B)],
    ) {
        let plmn = plmn();
        let routing_indicator = routing_indicator();
        let home = Home { plmn: &plmn, routing_indicator: &routing_indicator };
        let Ok(key) = HomeNetworkKey::new(key_id, profile, PrivateKey::new(home_private)) else {
            return Ok(());
        };
        for supi in [
            Supi::from_msin(&plmn, &msin).unwrap(),
            Supi::from_username(&username, "factory.example.com").unwrap(),
        ] {
            let ephemeral = PrivateKey::new(ephemeral);
            let Ok(suci) = conceal(&supi, home, key_id, key.public_key(), &ephemeral) else {
                return Ok(());
            };
            let received = Suci::parse(&suci.to_text()).unwrap();
            prop_assert_eq!(deconceal(&received, core::slice::from_ref(&key)), Ok(supi));
        }
    }

    #[test]
    fn fuzz_entry_points_return(data in prop::collection::vec(any::<u8>(), 0..100)) {
        key_hierarchy::fuzz::fuzz_suci(&data);
        key_hierarchy::fuzz::fuzz_msin(&data);
    }
}
