use aka::fuzz::{fuzz_autn, fuzz_auts, fuzz_vector};
use aka::{
    Amf, AuthenticationFailure, Autn, Auts, DEFAULT_DELTA, Resynchronization, SeparationBitMissing,
    Sqn, confirm, generate_vector, resynchronize, verify_auts,
};
use cause::Cause;
use secret::ResStar;

use crate::sides::{k, opc, rand, snn, sqn, usim, vector};

fn auts_after(accepted: Sqn) -> Auts {
    let mut usim = usim();
    assert!(
        usim.challenge(&rand(accepted.seq()), &vector(accepted).autn, &snn())
            .is_ok()
    );
    let again = usim.challenge(&rand(accepted.seq()), &vector(accepted).autn, &snn());
    match again.err() {
        Some(AuthenticationFailure::SynchFailure { auts }) => auts,
        other => panic!("{other:?}"),
    }
}

// TS 33.501 6.1.3.2.0 step 1
#[test]
fn vector_without_separation_bit_is_not_made() {
    for amf in [[0x00, 0x00], [0x7F, 0xFF]] {
        let refused = generate_vector(&k(), &opc(), Amf::new(amf), sqn(1, 1), rand(1), &snn());
        assert_eq!(refused.err(), Some(SeparationBitMissing));
    }
    let accepted = generate_vector(
        &k(),
        &opc(),
        Amf::new([0x80, 1]),
        sqn(1, 1),
        rand(1),
        &snn(),
    );
    assert_eq!(accepted.ok().unwrap().autn.amf(), Amf::new([0x80, 1]));
}

// TS 33.501 6.1.3.2.0 step 11
#[test]
fn response_that_differs_in_one_bit_is_not_confirmed() {
    let vector = vector(sqn(1, 1));
    let right = *vector.xres_star.expose();
    assert_eq!(confirm(&vector.xres_star, &ResStar::new(right)), Ok(()));
    for bit in 0..128 {
        let mut wrong = right;
        wrong[bit / 8] ^= 1 << (bit % 8);
        let refused = confirm(&vector.xres_star, &ResStar::new(wrong)).unwrap_err();
        assert_eq!(refused.cause(), Cause::AuthenticationRejected);
        assert!(
            !vector
                .hxres_star()
                .matches(&vector.rand, &ResStar::new(wrong))
        );
    }
}

// TS 33.102 6.3.5
#[test]
fn resynchronisation_token_is_believed_only_whole_and_for_its_challenge() {
    let accepted = sqn(77, 5);
    let auts = auts_after(accepted);
    assert_eq!(verify_auts(&k(), &opc(), &rand(77), &auts), Ok(accepted));
    for bit in 0..Auts::LEN * 8 {
        let mut octets = *auts.as_octets();
        octets[bit / 8] ^= 1 << (bit % 8);
        let refused = verify_auts(&k(), &opc(), &rand(77), &Auts::new(octets)).unwrap_err();
        assert_eq!(refused.cause(), Cause::AuthenticationRejected);
    }
    assert!(verify_auts(&k(), &opc(), &rand(78), &auts).is_err());
}

#[test]
fn number_of_the_home_network_stays_when_its_next_vector_would_be_accepted() {
    for (home, sqn_ms) in [
        (sqn(5, 5), sqn(5, 5)),
        (sqn(9, 9), sqn(5, 5)),
        (Sqn::ZERO, Sqn::ZERO),
        (sqn(DEFAULT_DELTA + 4, 0), sqn(5, 5)),
        // Exhausted: going back would give numbers out again.
        (sqn(Sqn::MAX_SEQ, 0), sqn(Sqn::MAX_SEQ - 3, 5)),
    ] {
        assert_eq!(
            resynchronize(home, sqn_ms, DEFAULT_DELTA),
            Resynchronization::Unchanged
        );
    }
}

#[test]
fn number_of_the_home_network_is_set_when_its_next_vector_would_be_refused() {
    for (home, sqn_ms) in [
        (sqn(5, 5), sqn(6, 6)),
        (Sqn::ZERO, sqn(1 << 30, 3)),
        (sqn(DEFAULT_DELTA + 5, 0), sqn(5, 5)),
        (sqn(Sqn::MAX_SEQ, 0), sqn(5, 5)),
    ] {
        assert_eq!(
            resynchronize(home, sqn_ms, DEFAULT_DELTA),
            Resynchronization::Set(sqn_ms)
        );
    }
}

#[test]
fn tokens_have_one_length_only() {
    for length in 0..40 {
        let octets = vec![0x5A; length];
        assert_eq!(Autn::from_slice(&octets).is_ok(), length == Autn::LEN);
        assert_eq!(Auts::from_slice(&octets).is_ok(), length == Auts::LEN);
        fuzz_autn(&octets);
        fuzz_auts(&octets);
        fuzz_vector(&octets);
    }
    let refused = Auts::from_slice(&[0; 13]).unwrap_err();
    assert_eq!(refused.cause(), Cause::MandatoryElementIncorrect);
}
