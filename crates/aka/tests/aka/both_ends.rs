//! Home network and USIM under loss, reordering, replay, restored backups and resynchronisation.

use std::collections::HashSet;

use aka::{
    Amf, AuthenticationFailure, DEFAULT_DELTA, HomeVector, Rand, Resynchronization, Sqn, SqnArray,
    Usim, confirm, generate_vector, resynchronize, verify_auts,
};
use proptest::prelude::*;
use secret::{K, Opc};

use crate::sides::snn;

/// The home network's half: what a vault stores of a subscriber.
struct Home {
    k: K,
    opc: Opc,
    sqn: Sqn,
}

impl Home {
    /// One authentication request: step, store, make the vector.
    fn vector(&mut self, rand: Rand) -> HomeVector {
        self.sqn = self.sqn.next().unwrap();
        generate_vector(&self.k, &self.opc, Amf::SEPARATED, self.sqn, rand, &snn()).unwrap()
    }

    fn resynchronize(&mut self, rand: &Rand, auts: &aka::Auts) {
        let sqn_ms = verify_auts(&self.k, &self.opc, rand, auts).unwrap();
        if let Resynchronization::Set(sqn) = resynchronize(self.sqn, sqn_ms, DEFAULT_DELTA) {
            self.sqn = sqn;
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// The home network makes a vector; it stays under way.
    Generate([u8; 16]),
    /// One of the vectors that were ever made arrives, the newest counted as 0.
    Deliver(usize),
    /// The store fails over; the last steps may be lost.
    Failover { lost: usize },
    /// An old backup of the home network is restored, without the safety jump.
    Restore(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => any::<[u8; 16]>().prop_map(Step::Generate),
        8 => (0..48usize).prop_map(Step::Deliver),
        1 => (0..20usize).prop_map(|lost| Step::Failover { lost }),
        1 => (0..100u64).prop_map(Step::Restore),
    ]
}

fn sides(k: [u8; 16], opc: [u8; 16], start: Sqn) -> (Home, Usim) {
    let (k, opc) = (K::new(k), Opc::new(opc));
    let mut accepted = SqnArray::default();
    accepted.seq[usize::from(start.ind())] = start.seq();
    let usim = Usim::new(&k, &opc, accepted);
    (Home { k, opc, sqn: start }, usim)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_challenge_is_accepted_twice_and_every_accepted_one_confirms(
        k in any::<[u8; 16]>(),
        opc in any::<[u8; 16]>(),
        start in 0..1u64 << 40,
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let (mut home, mut usim) = sides(k, opc, Sqn::new(start, 7).unwrap());
        let mut made: Vec<(Sqn, HomeVector)> = Vec::new();
        let mut accepted = HashSet::new();
        for step in steps {
            match step {
                Step::Generate(rand) => {
                    let vector = home.vector(Rand::new(rand));
                    made.push((home.sqn, vector));
                }
                Step::Deliver(back) => {
                    let Some(index) = made.len().checked_sub(back + 1) else { continue };
                    let (sqn, vector) = &made[index];
                    let before = usim.sqn().clone();
                    match usim.challenge(&vector.rand, &vector.autn, &snn()) {
                        Ok(result) => {
                            prop_assert!(accepted.insert(*sqn), "accepted {sqn:?} twice");
                            prop_assert!(confirm(&vector.xres_star, &result.res_star).is_ok());
                            prop_assert!(vector.hxres_star().matches(&vector.rand, &result.res_star));
                            prop_assert!(vector.k_ausf == result.k_ausf);
                        }
                        Err(AuthenticationFailure::SynchFailure { auts }) => {
                            prop_assert_eq!(usim.sqn(), &before);
                            let rand = vector.rand;
                            home.resynchronize(&rand, &auts);
                            // The very next vector is accepted: one round is enough.
                            let vector = home.vector(rand);
                            prop_assert!(usim.challenge(&rand, &vector.autn, &snn()).is_ok());
                            prop_assert!(accepted.insert(home.sqn));
                        }
                        Err(other) => prop_assert!(false, "{other:?}"),
                    }
                }
                Step::Failover { lost } => {
                    let survived = home.sqn.seq().saturating_sub(lost as u64);
                    let restored = Sqn::new(survived, home.sqn.ind()).unwrap();
                    let before = home.sqn;
                    home.sqn = restored.jump(Sqn::SAFETY_JUMP).unwrap();
                    prop_assert!(home.sqn > before, "the jump passes what was lost");
                }
                Step::Restore(lost) => {
                    let restored = home.sqn.seq().saturating_sub(lost);
                    home.sqn = Sqn::new(restored, home.sqn.ind()).unwrap();
                }
            }
        }
    }

    #[test]
    fn any_order_within_the_window_is_accepted(
        k in any::<[u8; 16]>(),
        opc in any::<[u8; 16]>(),
        start in 0..1u64 << 40,
        windows in prop::collection::vec(Just((0..32usize).collect::<Vec<_>>()).prop_shuffle(), 1..4),
    ) {
        let (mut home, mut usim) = sides(k, opc, Sqn::new(start, 31).unwrap());
        for order in windows {
            let vectors: Vec<HomeVector> = order
                .iter()
                .map(|number| home.vector(Rand::new([*number as u8; 16])))
                .collect();
            for index in order {
                let vector = &vectors[index];
                prop_assert!(usim.challenge(&vector.rand, &vector.autn, &snn()).is_ok());
            }
        }
    }

    #[test]
    fn token_of_another_subscriber_changes_nothing(
        k in any::<[u8; 16]>(),
        other in any::<[u8; 16]>(),
        opc in any::<[u8; 16]>(),
        rand in any::<[u8; 16]>(),
    ) {
        prop_assume!(k != other);
        let rand = Rand::new(rand);
        let (mut home, mut usim) = sides(k, opc, Sqn::ZERO);
        let vector = home.vector(rand);
        prop_assert!(usim.challenge(&rand, &vector.autn, &snn()).is_ok());
        let Err(AuthenticationFailure::SynchFailure { auts }) =
            usim.challenge(&rand, &vector.autn, &snn())
        else {
            return Err(TestCaseError::fail("a replay was accepted"));
        };
        prop_assert!(verify_auts(&home.k, &home.opc, &rand, &auts).is_ok());
        prop_assert!(verify_auts(&K::new(other), &home.opc, &rand, &auts).is_err());
        let (_, mut foreign) = sides(other, opc, Sqn::ZERO);
        let refused = foreign.challenge(&rand, &vector.autn, &snn()).err();
        prop_assert_eq!(refused, Some(AuthenticationFailure::MacFailure));
    }

    #[test]
    fn fuzz_entry_points_return(data in prop::collection::vec(any::<u8>(), 0..40)) {
        aka::fuzz::fuzz_autn(&data);
        aka::fuzz::fuzz_auts(&data);
        aka::fuzz::fuzz_vector(&data);
    }

    #[test]
    fn any_sqn_and_rand_with_separation_bit_make_a_vector_that_the_usim_judges(
        sqn in any::<[u8; 6]>(),
        amf in any::<u8>(),
        rand in any::<[u8; 16]>(),
    ) {
        let data = [&sqn[..], &[0x80, amf], &rand].concat();
        aka::fuzz::fuzz_vector(&data);
    }
}
