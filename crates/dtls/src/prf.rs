//! The pseudo-random function of TLS 1.2 (RFC 5246 5).

use zeroize::Zeroize;

use crate::Crypto;

/// Fills `output` with `PRF(secret, label, seed)`, P_SHA256; `seed` is two parts in sequence.
pub(crate) fn prf<C: Crypto>(
    crypto: &C,
    secret: &[u8],
    label: &[u8],
    seed: [&[u8]; 2],
    output: &mut [u8],
) {
    let [first, second] = seed;
    let mut chain = crypto.hmac_sha256(secret, &[label, first, second]);
    for block in output.chunks_mut(chain.len()) {
        let mut value = crypto.hmac_sha256(secret, &[&chain, label, first, second]);
        for (octet, from) in block.iter_mut().zip(value) {
            *octet = from;
        }
        value.zeroize();
        chain = crypto.hmac_sha256(secret, &[&chain]);
    }
    chain.zeroize();
}
