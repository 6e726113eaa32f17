//! Random octets from the generator of AWS-LC.

use aws_lc_rs::rand;
use secret::PrivateKey;
use zeroize::Zeroizing;

/// `N` random octets.
pub(crate) fn array<const N: usize>() -> [u8; N] {
    let mut octets = [0; N];
    rand::fill(&mut octets).expect("AWS-LC ends the process when the system has no entropy");
    octets
}

/// A random private key.
pub(crate) fn private_key() -> PrivateKey {
    let octets = Zeroizing::new(array());
    PrivateKey::new(*octets)
}
