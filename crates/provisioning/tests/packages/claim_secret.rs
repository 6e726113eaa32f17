//! The claim secret of a label.

use provisioning::{ClaimSecret, ClaimSecretError, package_psk};
use secret::{OwaKey, SecretBytes};

#[test]
fn a_typed_secret_is_read_without_case_and_hyphens() {
    let expected = b"0123456789";
    for text in [
        "GAYTEMZUGU3DOOBZ",
        "gaytemzugu3doobz",
        "GAYT-EMZU-gu3d-OOBZ",
        "-GAYTEMZUGU3DOOBZ-",
    ] {
        let secret = ClaimSecret::parse(text);
        assert!(
            secret.is_ok_and(|secret| secret.expose() == expected),
            "{text}"
        );
    }
}

#[test]
fn a_qr_code_holds_sixteen_octets() {
    let octets = hex::decode("f14c10b4f832936655f54df9e6b023dd").unwrap();
    let text = data_encoding::BASE32_NOPAD.encode(&octets);
    assert_eq!(text.len(), 26);
    let secret = ClaimSecret::parse(&text);
    assert!(secret.is_ok_and(|secret| secret.expose() == octets));
}

#[test]
fn other_texts_are_no_secret() {
    for (text, error) in [
        ("GAYTEMZUGU3DOOB", ClaimSecretError::Text),
        ("GAYTEMZUGU3DOO", ClaimSecretError::Text),
        ("GAYTEMZUGU3DO", ClaimSecretError::Length),
        ("GAYTEMZUGU3DOOB1", ClaimSecretError::Text),
        ("GAYTEMZUGU3DOOB ", ClaimSecretError::Text),
        ("GAYTEMZUGU3DOOBZ======", ClaimSecretError::Text),
        ("", ClaimSecretError::Length),
    ] {
        assert_eq!(ClaimSecret::parse(text).err(), Some(error), "{text}");
    }
    let outcome = ClaimSecret::new(SecretBytes::new(vec![0; 65]));
    assert_eq!(outcome.err(), Some(ClaimSecretError::Length));
}

#[test]
fn the_psk_depends_on_key_and_secret() {
    let secret = |octet| ClaimSecret::new(SecretBytes::new(vec![octet; 16])).unwrap();
    let key = |octet| OwaKey::new([octet; 32]);
    assert!(package_psk(&key(1), None) == key(1));
    let psk = package_psk(&key(1), Some(&secret(1)));
    assert!(psk != key(1));
    assert!(psk != package_psk(&key(2), Some(&secret(1))));
    assert!(psk != package_psk(&key(1), Some(&secret(2))));
}
