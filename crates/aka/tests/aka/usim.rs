use aka::{AuthenticationFailure, DEFAULT_DELTA, Sqn, SqnArray, Usim};
use cause::Cause;
use identifiers::ServingNetworkName;
use key_hierarchy::milenage::Milenage;

use crate::sides::{damaged, k, opc, rand, snn, sqn, usim, vector};

fn challenge(usim: &mut Usim, sqn: Sqn) -> Result<(), AuthenticationFailure> {
    usim.challenge(&rand(sqn.seq()), &vector(sqn).autn, &snn())
        .map(|_| ())
}

fn is_synch_failure(outcome: Result<(), AuthenticationFailure>) -> bool {
    matches!(outcome, Err(AuthenticationFailure::SynchFailure { .. }))
}

// TS 33.102 6.3.3
#[test]
fn challenge_that_differs_in_one_bit_is_a_mac_failure_and_changes_nothing() {
    let mut usim = usim();
    let vector = vector(sqn(1, 1));
    for bit in 0..128 {
        let refused = usim.challenge(&vector.rand, &damaged(&vector.autn, bit), &snn());
        let refused = refused.err().unwrap();
        assert_eq!(refused, AuthenticationFailure::MacFailure);
        assert_eq!(refused.five_gmm_cause(), 20);
        assert_eq!(refused.cause(), Cause::MacFailure);
    }
    assert_eq!(usim.sqn(), &SqnArray::default());
    assert!(usim.challenge(&vector.rand, &vector.autn, &snn()).is_ok());
}

// TS 33.501 6.1.3.2.0 step 8, TS 24.501 5.4.1.3.6 b)
#[test]
fn authentic_challenge_without_separation_bit_is_refused_without_taking_its_number() {
    let number = sqn(1, 1);
    let milenage = Milenage::new(&k(), &opc());
    let outputs = milenage.f2_to_f5(&rand(1));
    let amf = aka::Amf::new([0x00, 0x00]);
    let mut octets = [0; 16];
    octets[..6].copy_from_slice(&number.to_octets());
    octets
        .iter_mut()
        .zip(outputs.ak.expose())
        .for_each(|(octet, ak)| *octet ^= ak);
    octets[8..].copy_from_slice(&milenage.f1(&rand(1), &number.to_octets(), amf));
    let mut usim = usim();
    let refused = usim
        .challenge(&rand(1), &aka::Autn::new(octets), &snn())
        .err()
        .unwrap();
    assert_eq!(refused, AuthenticationFailure::SeparationBitNotSet);
    assert_eq!(refused.five_gmm_cause(), 26);
    assert_eq!(usim.sqn(), &SqnArray::default());
}

#[test]
fn challenge_that_comes_again_is_a_synch_failure() {
    let mut usim = usim();
    assert!(challenge(&mut usim, sqn(3, 3)).is_ok());
    let refused = challenge(&mut usim, sqn(3, 3)).unwrap_err();
    assert_eq!(refused.five_gmm_cause(), 21);
    assert_eq!(refused.cause(), Cause::SynchFailure);
}

// TS 33.102 C.3.2: a vector may be late by less than the length of the array.
#[test]
fn late_vectors_are_accepted_while_their_entry_of_the_array_is_older() {
    let mut usim = usim();
    let numbers: Vec<Sqn> = core::iter::successors(Sqn::ZERO.next().ok(), |sqn| sqn.next().ok())
        .take(64)
        .collect();
    for number in numbers[32..].iter().rev() {
        assert!(challenge(&mut usim, *number).is_ok());
    }
    for number in &numbers {
        assert!(is_synch_failure(challenge(&mut usim, *number)));
    }
    assert_eq!(usim.sqn().highest(), numbers[63]);
}

// TS 33.102 C.2.1
#[test]
fn number_too_far_ahead_is_refused_up_to_the_exact_limit() {
    let mut usim = usim();
    assert!(challenge(&mut usim, sqn(10, 1)).is_ok());
    assert!(is_synch_failure(challenge(
        &mut usim,
        sqn(11 + DEFAULT_DELTA, 2)
    )));
    assert!(challenge(&mut usim, sqn(10 + DEFAULT_DELTA, 2)).is_ok());

    let mut strict = Usim::new(&k(), &opc(), SqnArray::default()).with_delta(4);
    assert!(is_synch_failure(challenge(&mut strict, sqn(5, 1))));
    assert!(challenge(&mut strict, sqn(4, 1)).is_ok());
}

#[test]
fn state_that_was_stored_and_loaded_remembers_what_was_accepted() {
    let mut before = usim();
    assert!(challenge(&mut before, sqn(8, 8)).is_ok());
    let mut after = Usim::new(&k(), &opc(), before.sqn().clone());
    assert!(is_synch_failure(challenge(&mut after, sqn(8, 8))));
    assert!(challenge(&mut after, sqn(9, 9)).is_ok());
}

#[test]
fn stored_state_out_of_range_is_no_panic() {
    let array = SqnArray {
        seq: [u64::MAX; 32],
    };
    let mut usim = Usim::new(&k(), &opc(), array);
    assert!(is_synch_failure(challenge(&mut usim, sqn(1, 1))));
    assert_eq!(usim.sqn().highest(), Sqn::ZERO);
}

#[test]
fn response_is_worth_nothing_in_another_serving_network() {
    let other = ServingNetworkName::parse("5G:mnc002.mcc001.3gppnetwork.org").unwrap();
    let vector = vector(sqn(1, 1));
    let answer = usim().challenge(&vector.rand, &vector.autn, &other);
    let answer = answer.ok().unwrap();
    assert!(aka::confirm(&vector.xres_star, &answer.res_star).is_err());
    assert!(answer.k_ausf != vector.k_ausf);
}
