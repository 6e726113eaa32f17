//! MILENAGE against a published test set, before any subscriber depends on it.

use key_hierarchy::keys::Op;
use key_hierarchy::milenage::{Milenage, opc};
use key_hierarchy::{Amf, Rand};
use secret::K;

/// A test set of TS 35.208 4.3.
struct TestSet {
    k: [u8; 16],
    rand: [u8; 16],
    sqn: [u8; 6],
    amf: [u8; 2],
    op: [u8; 16],
    opc: [u8; 16],
    f1: [u8; 8],
    f1_star: [u8; 8],
    f2: [u8; 8],
    f3: [u8; 16],
    f4: [u8; 16],
    f5: [u8; 6],
    f5_star: [u8; 6],
}

/// Whether OPc and f1 to f5* come out as published. TS 35.208 4.3.1.
pub(crate) fn milenage_works() -> bool {
    SET_1.is_reproduced()
}

impl TestSet {
    fn is_reproduced(&self) -> bool {
        let k = K::new(self.k);
        let derived = opc(&k, &Op::new(self.op));
        let milenage = Milenage::new(&k, &derived);
        let rand = Rand::new(self.rand);
        let amf = Amf::new(self.amf);
        let outputs = milenage.f2_to_f5(&rand);
        *derived.expose() == self.opc
            && milenage.f1(&rand, &self.sqn, amf) == self.f1
            && milenage.f1_star(&rand, &self.sqn, amf) == self.f1_star
            && *outputs.res.expose() == self.f2
            && *outputs.ck.expose() == self.f3
            && *outputs.ik.expose() == self.f4
            && *outputs.ak.expose() == self.f5
            && *milenage.f5_star(&rand).expose() == self.f5_star
    }
}

/// Test set 1.
const SET_1: TestSet = TestSet {
    k: [
        0x46, 0x5b, 0x5c, 0xe8, 0xb1, 0x99, 0xb4, 0x9f, 0xaa, 0x5f, 0x0a, 0x2e, 0xe2, 0x38, 0xa6,
        0xbc,
    ],
    rand: [
        0x23, 0x55, 0x3c, 0xbe, 0x96, 0x37, 0xa8, 0x9d, 0x21, 0x8a, 0xe6, 0x4d, 0xae, 0x47, 0xbf,
        0x35,
    ],
    sqn: [0xff, 0x9b, 0xb4, 0xd0, 0xb6, 0x07],
    amf: [0xb9, 0xb9],
    op: [
        0xcd, 0xc2, 0x02, 0xd5, 0x12, 0x3e, 0x20, 0xf6, 0x2b, 0x6d, 0x67, 0x6a, 0xc7, 0x2c, 0xb3,
        0x18,
    ],
    opc: [
        0xcd, 0x63, 0xcb, 0x71, 0x95, 0x4a, 0x9f, 0x4e, 0x48, 0xa5, 0x99, 0x4e, 0x37, 0xa0, 0x2b,
        0xaf,
    ],
    f1: [0x4a, 0x9f, 0xfa, 0xc3, 0x54, 0xdf, 0xaf, 0xb3],
    f1_star: [0x01, 0xcf, 0xaf, 0x9e, 0xc4, 0xe8, 0x71, 0xe9],
    f2: [0xa5, 0x42, 0x11, 0xd5, 0xe3, 0xba, 0x50, 0xbf],
    f3: [
        0xb4, 0x0b, 0xa9, 0xa3, 0xc5, 0x8b, 0x2a, 0x05, 0xbb, 0xf0, 0xd9, 0x87, 0xb2, 0x1b, 0xf8,
        0xcb,
    ],
    f4: [
        0xf7, 0x69, 0xbc, 0xd7, 0x51, 0x04, 0x46, 0x04, 0x12, 0x76, 0x72, 0x71, 0x1c, 0x6d, 0x34,
        0x41,
    ],
    f5: [0xaa, 0x68, 0x9c, 0x64, 0x83, 0x70],
    f5_star: [0x45, 0x1e, 0x8b, 0xec, 0xa4, 0x3b],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_set_is_reproduced_and_any_other_is_not() {
        assert!(milenage_works());
        let mut changed = SET_1;
        changed.f5_star[0] ^= 1;
        assert!(!changed.is_reproduced());
    }
}
