//! Drawing keys.

use cose::SigningKey;
use nf_runtime::random::Random;
use secret::{K, Opc, PrivateKey};
use zeroize::Zeroizing;

/// A new long-term key.
pub(crate) fn k(random: &Random) -> K {
    K::new(*octets(random))
}

/// A new OPc. Each subscriber has its own; there is no OP that one leak could give away for all of them.
pub(crate) fn opc(random: &Random) -> Opc {
    Opc::new(*octets(random))
}

/// A private key that is good for P-256 and for X25519, whose keys are any 32 octets.
pub(crate) fn private_key(random: &Random) -> PrivateKey {
    loop {
        let key = PrivateKey::new(*octets(random));
        // One in 2^32 is not below the order of P-256.
        if SigningKey::new(&key).is_ok() {
            return key;
        }
    }
}

fn octets<const N: usize>(random: &Random) -> Zeroizing<[u8; N]> {
    let mut octets = Zeroizing::new([0; N]);
    random.fill(octets.as_mut_slice());
    octets
}
