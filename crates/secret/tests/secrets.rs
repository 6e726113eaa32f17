//! What every key type promises.

use secret::{
    AnonymityKey, Ck, Ik, K, KAf, KAkma, KAmf, KAusf, KSeaf, Opc, OwaKey, PrivateKey, ResStar,
    SealingKey, SecretBytes, SharedSecret, WrongLength, XresStar, ct_eq,
};
use zeroize::{Zeroize, ZeroizeOnDrop};

const fn erased_on_drop<T: ZeroizeOnDrop>() -> bool {
    core::mem::needs_drop::<T>()
}

macro_rules! for_every_key {
    ($($name:ident: $length:literal),+ $(,)?) => {
        #[test]
        fn keys_have_the_length_of_their_specification() {
            $(
                assert_eq!($name::LEN, $length);
                assert_eq!($name::new([7; $length]).expose(), &[7; $length]);
            )+
        }

        #[test]
        fn slices_of_another_length_are_refused() {
            $(
                for actual in [0, $length - 1, $length + 1, 64] {
                    let error = $name::try_from_slice(&vec![1; actual]).err();
                    assert_eq!(error, Some(WrongLength { expected: $length, actual }));
                }
                assert!($name::try_from_slice(&[1; $length]).is_ok_and(|key| key == $name::new([1; $length])));
            )+
        }

        #[test]
        fn keys_differ_when_any_single_bit_differs() {
            $(
                let octets = [0x5a_u8; $length];
                let key = $name::new(octets);
                assert!(key == key.clone());
                for bit in 0..$length * 8 {
                    let mut other = octets;
                    other[bit / 8] ^= 1 << (bit % 8);
                    assert!(key != $name::new(other), "bit {bit} of {}", stringify!($name));
                }
            )+
        }

        #[test]
        fn keys_are_erased_by_the_routine_that_drop_calls() {
            $(
                assert!(erased_on_drop::<$name>());
                let mut key = $name::new([0xff; $length]);
                key.zeroize();
                assert_eq!(key.expose(), &[0; $length]);
            )+
        }
    };
}

for_every_key! {
    K: 16, Opc: 16, Ck: 16, Ik: 16, AnonymityKey: 6, XresStar: 16, ResStar: 16, KAusf: 32,
    KSeaf: 32, KAmf: 32, KAkma: 32, KAf: 32, OwaKey: 32, SharedSecret: 32, PrivateKey: 32,
    SealingKey: 32,
}

#[test]
fn secret_bytes_compare_by_content_and_length() {
    let secret = SecretBytes::new(vec![1, 2, 3]);
    assert!(secret == secret.clone());
    assert!(secret != SecretBytes::new(vec![1, 2, 4]));
    assert!(secret != SecretBytes::new(vec![1, 2]));
    assert_eq!(secret.expose(), [1, 2, 3]);
    assert_eq!(secret.len(), 3);
    assert!(!secret.is_empty());
    assert!(SecretBytes::new(Vec::new()).is_empty());
}

#[test]
fn secret_bytes_are_erased_by_the_routine_that_drop_calls() {
    assert!(erased_on_drop::<SecretBytes>());
    let mut secret = SecretBytes::new(vec![0xff; 40]);
    secret.zeroize();
    assert!(secret.expose().iter().all(|octet| *octet == 0));
}

#[test]
fn octet_strings_compare_by_content_and_length() {
    assert!(ct_eq(b"", b""));
    assert!(ct_eq(b"same", b"same"));
    assert!(!ct_eq(b"same", b"some"));
    assert!(!ct_eq(b"same", b"sam"));
}

#[test]
fn a_wrong_length_is_told_without_the_octets() {
    let Err(error) = KAusf::try_from_slice(&[0xab; 31]) else {
        panic!("31 octets are no K_AUSF");
    };
    assert_eq!(
        error.to_string(),
        "key of 32 octets expected, 31 octets given"
    );
    assert_eq!(error.cause(), cause::Cause::MandatoryElementIncorrect);
}
