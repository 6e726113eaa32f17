//! MILENAGE against the published test sets. TS 35.208 4.3.

use crate::files::{array, vectors};
use key_hierarchy::keys::Op;
use key_hierarchy::milenage::{Milenage, opc};
use key_hierarchy::{Amf, Rand};
use secret::{K, Opc};

#[test]
fn published_test_sets_are_reproduced() {
    let file = vectors("milenage.json");
    let sets = file["sets"].as_array().unwrap();
    assert_eq!(sets.len(), 3);
    for set in sets {
        let k = K::new(array(set, "k"));
        let rand = Rand::new(array(set, "rand"));
        let sqn = array(set, "sqn");
        let amf = Amf::new(array(set, "amf"));

        let derived = opc(&k, &Op::new(array(set, "op")));
        assert_eq!(derived.expose(), &array(set, "opc"));

        let milenage = Milenage::new(&k, &Opc::new(array(set, "opc")));
        assert_eq!(milenage.f1(&rand, &sqn, amf), array(set, "mac_a"));
        assert_eq!(milenage.f1_star(&rand, &sqn, amf), array(set, "mac_s"));
        let outputs = milenage.f2_to_f5(&rand);
        assert_eq!(outputs.res.expose(), &array(set, "res"));
        assert_eq!(outputs.ck.expose(), &array(set, "ck"));
        assert_eq!(outputs.ik.expose(), &array(set, "ik"));
        assert_eq!(outputs.ak.expose(), &array(set, "ak"));
        assert_eq!(milenage.f5_star(&rand).expose(), &array(set, "ak_star"));

        let mut autn = sqn.to_vec();
        autn.iter_mut()
            .zip(outputs.ak.expose())
            .for_each(|(octet, ak)| *octet ^= ak);
        autn.extend_from_slice(amf.as_octets());
        autn.extend_from_slice(&milenage.f1(&rand, &sqn, amf));
        assert_eq!(autn, array::<16>(set, "autn"));
    }
}
