//! MILENAGE, the 3GPP authentication and key generation functions f1, f1*, f2 to f5 and f5*.
//!
//! Source: TS 35.206, with the default constants c1 to c5 and r1 to r5 of its clause 4.1.

use aes::Aes128;
use aes::cipher::{BlockEncrypt, KeyInit};
use secret::{AnonymityKey, Ck, Ik, K, Opc};
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::keys::{Op, Res};
use crate::vector::{Amf, Rand};

/// One block of the kernel function, erased on drop.
type Block = Zeroizing<[u8; 16]>;

/// A network authentication code: MAC-A (f1) or MAC-S (f1*). Not a secret once it is sent.
pub type Mac = [u8; 8];

/// RES, CK, IK and AK of one RAND: the outputs of f2 to f5. TS 35.206 4.1.
#[derive(Clone)]
pub struct ResponseAndKeys {
    /// f2: RES at the UE, XRES in the home network.
    pub res: Res,
    /// f3.
    pub ck: Ck,
    /// f4.
    pub ik: Ik,
    /// f5.
    pub ak: AnonymityKey,
}

/// `OPc = AES_K(OP) ⊕ OP`. TS 35.206 4.1, computed once when a subscriber is made.
#[must_use]
pub fn opc(k: &K, op: &Op) -> Opc {
    let mut block = encrypt(&cipher(k), op.expose());
    xor(&mut block, op.expose());
    Opc::new(*block)
}

/// The functions of one subscriber.
#[derive(Clone, ZeroizeOnDrop)]
pub struct Milenage {
    #[zeroize(skip)] // erases itself
    cipher: Aes128,
    opc: Opc,
}

impl Milenage {
    /// Prepares the key schedule of K.
    #[must_use]
    pub fn new(k: &K, opc: &Opc) -> Self {
        Self {
            cipher: cipher(k),
            opc: opc.clone(),
        }
    }

    /// MAC-A over RAND, SQN and AMF. TS 35.206 f1.
    #[must_use]
    pub fn f1(&self, rand: &Rand, sqn: &[u8; 6], amf: Amf) -> Mac {
        let mut mac = [0; 8];
        mac.copy_from_slice(&self.out1(rand, sqn, amf)[..8]);
        mac
    }

    /// MAC-S over RAND, SQN and AMF, for resynchronisation. TS 35.206 f1*.
    #[must_use]
    pub fn f1_star(&self, rand: &Rand, sqn: &[u8; 6], amf: Amf) -> Mac {
        let mut mac = [0; 8];
        mac.copy_from_slice(&self.out1(rand, sqn, amf)[8..]);
        mac
    }

    /// RES, CK, IK and AK of RAND. TS 35.206 f2, f3, f4, f5.
    #[must_use]
    pub fn f2_to_f5(&self, rand: &Rand) -> ResponseAndKeys {
        let temp = self.temp(rand);
        let out2 = self.out(&temp, 0, 1);
        let mut res = Zeroizing::new([0; 8]);
        res.copy_from_slice(&out2[8..]);
        ResponseAndKeys {
            res: Res::new(*res),
            ck: Ck::new(*self.out(&temp, 4, 2)),
            ik: Ik::new(*self.out(&temp, 8, 4)),
            ak: anonymity_key(&out2),
        }
    }

    /// AK*, which hides SQN_MS in a resynchronisation. TS 35.206 f5*.
    #[must_use]
    pub fn f5_star(&self, rand: &Rand) -> AnonymityKey {
        anonymity_key(&self.out(&self.temp(rand), 12, 8))
    }

    /// `TEMP = AES_K(RAND ⊕ OPc)`.
    fn temp(&self, rand: &Rand) -> Block {
        let mut block = Zeroizing::new(*rand.as_octets());
        xor(&mut block, self.opc.expose());
        encrypt(&self.cipher, &block)
    }

    /// `OUT1 = AES_K(TEMP ⊕ rot(IN1 ⊕ OPc, r1) ⊕ c1) ⊕ OPc` with `IN1 = SQN || AMF || SQN || AMF`,
    /// r1 = 64 bits and c1 = 0.
    fn out1(&self, rand: &Rand, sqn: &[u8; 6], amf: Amf) -> Block {
        let mut block = Zeroizing::new([0; 16]);
        for half in block.chunks_exact_mut(8) {
            half[..6].copy_from_slice(sqn);
            half[6..].copy_from_slice(amf.as_octets());
        }
        xor(&mut block, self.opc.expose());
        block.rotate_left(8);
        xor(&mut block, &self.temp(rand));
        self.masked(block)
    }

    /// `OUTi = AES_K(rot(TEMP ⊕ OPc, ri) ⊕ ci) ⊕ OPc`, i = 2 to 5; the rotation is in octets, and only
    /// the last octet of each constant is not zero.
    fn out(&self, temp: &Block, rotation: usize, constant: u8) -> Block {
        let mut block = temp.clone();
        xor(&mut block, self.opc.expose());
        block.rotate_left(rotation);
        block[15] ^= constant;
        self.masked(block)
    }

    fn masked(&self, block: Block) -> Block {
        let mut output = encrypt(&self.cipher, &block);
        xor(&mut output, self.opc.expose());
        output
    }
}

fn cipher(k: &K) -> Aes128 {
    Aes128::new(k.expose().into())
}

fn encrypt(cipher: &Aes128, block: &[u8; 16]) -> Block {
    let mut output = Zeroizing::new(*block);
    cipher.encrypt_block((&mut *output).into());
    output
}

fn xor(block: &mut [u8; 16], other: &[u8; 16]) {
    for (octet, other) in block.iter_mut().zip(other) {
        *octet ^= other;
    }
}

/// The first six octets of OUT2 or OUT5.
fn anonymity_key(out: &Block) -> AnonymityKey {
    let mut key = Zeroizing::new([0; 6]);
    key.copy_from_slice(&out[..6]);
    AnonymityKey::new(*key)
}
