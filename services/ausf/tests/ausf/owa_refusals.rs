//! OWA octets that are not as they should be: each gets a Reject with a cause, none an internal error.

use cause::Cause;
use cose::cbor;
use nf_runtime::random::Random;
use onboarding::{Frame, OperatorRoots, Reject};

use crate::device::{Device, trusting};
use crate::world::{World, origin, ue_address};
use ausf::{prove_owa, start_owa};

/// The cause of the Reject that the frame gets, sent as a Start and as a Proof.
async fn causes(world: &World, frame: &[u8]) -> [Option<Cause>; 2] {
    let owa = &world.ausf.one_way;
    let start = start_owa(owa, frame, &origin()).await;
    let proof = prove_owa(owa, frame, &origin(), ue_address()).await;
    let told = [
        start.err().map(|error| (error.cause(), error.reject())),
        proof.err().map(|error| (error.cause(), error.reject())),
    ];
    told.map(|told| {
        let (cause, reject) = told?;
        let Ok(Frame::Reject(body)) = Frame::decode(&reject) else {
            panic!("no Reject");
        };
        let reject = Reject::decode(body).unwrap();
        let text = reject.text.clone().unwrap_or_default();
        assert!(text.len() < 256, "{text}");
        assert_eq!(reject.known_cause(), Some(cause));
        assert_ne!(cause, Cause::Internal);
        Some(cause)
    })
}

/// A Start with a good cookie.
async fn good_start(world: &World) -> Vec<u8> {
    let (mut waiting, first) = Device::inline().offer().start().unwrap();
    let retry = start_owa(&world.ausf.one_way, &first, &origin())
        .await
        .unwrap();
    match waiting.receive(&retry, &OperatorRoots::default(), None) {
        Ok(onboarding::device::ChallengeAnswer::Retry(again)) => again,
        _ => panic!("no Retry"),
    }
}

#[tokio::test]
async fn frames_of_another_form_are_malformed() {
    let world = trusting().await;
    let body = [0xa0];
    let long = vec![0x61; 16 * 1024];
    let session = identifiers::OnboardingSession::new([1; 16]);
    for frame in [
        Vec::new(),
        vec![0],
        vec![0xff; 100],
        vec![0x9f, 1, 0x40, 0xff],
        Frame::Retry(&body).encode(),
        Frame::Challenge(&body).encode(),
        Frame::Accept(&body).encode(),
        Frame::Reject(&body).encode(),
        cbor::array([cbor::uint(7_u64), cbor::bytes(&body)]).into_vec(),
        cbor::array([cbor::uint(4_u64), cbor::bytes(&body), cbor::bytes(&[1; 15])]).into_vec(),
        [Frame::Start(&body).encode(), vec![0]].concat(),
        // Too long, though well formed.
        Frame::Start(&long).encode(),
        Frame::Proof(&long, session).encode(),
    ] {
        assert_eq!(
            causes(&world, &frame).await,
            [Some(Cause::MalformedMessage); 2]
        );
    }
}

#[tokio::test]
async fn labels_that_are_unknown_and_texts_that_are_none_are_refused() {
    let world = trusting().await;
    let start = good_start(&world).await;
    let Ok(Frame::Start(body)) = Frame::decode(&start) else {
        panic!("no Start");
    };
    // One more label behind the last one, so that the order stays right.
    let mut longer = body.to_vec();
    longer[0] += 1;
    longer.extend([0x18, 99, 0]);
    // The name of the network with an octet that is no UTF-8.
    let mut no_text = body.to_vec();
    let at = body.windows(3).position(|octets| octets == b"5G:").unwrap();
    no_text[at] = 0xff;
    // The name of a network with a short network code.
    let mut short_code = body.to_vec();
    short_code[at + 6] = b'x';
    for body in [
        longer,
        no_text,
        short_code,
        vec![0xa0],
        vec![0x80],
        Vec::new(),
    ] {
        let [cause, _] = causes(&world, &Frame::Start(&body).encode()).await;
        let cause = cause.unwrap();
        assert!(
            matches!(
                cause,
                Cause::MalformedMessage
                    | Cause::MandatoryElementMissing
                    | Cause::MandatoryElementIncorrect
            ),
            "{cause:?}"
        );
    }
}

#[tokio::test]
async fn every_prefix_and_many_mutations_have_a_cause() {
    let world = trusting().await;
    let start = good_start(&world).await;
    let (_, proof) = Device::inline().proof(&world).await;
    for frame in [&start, &proof] {
        for end in 0..frame.len() {
            let outcome = causes(&world, &frame[..end]).await;
            assert_eq!(outcome, [Some(Cause::MalformedMessage); 2], "{end}");
        }
    }
    let seed = 7;
    let random = Random::seeded(seed);
    for n in 0..300 {
        let mut frame = if n % 2 == 0 {
            start.clone()
        } else {
            proof.clone()
        };
        let [high, low, bit, _] = random.array();
        let at = usize::from(u16::from_be_bytes([high, low])) % frame.len();
        frame[at] ^= 1 << (bit % 8);
        let outcome = causes(&world, &frame).await;
        let refused = outcome.iter().flatten().count();
        // A changed Start may be another good one: then it needs another cookie.
        assert!(refused >= 1, "seed {seed}, mutation {n}: {outcome:?}");
    }
}

#[tokio::test]
async fn bad_proof_bodies_close_the_session_instead_of_costing_more() {
    let world = trusting().await;
    let (_, proof) = Device::inline().proof(&world).await;
    let Ok(Frame::Proof(body, session)) = Frame::decode(&proof) else {
        panic!("no Proof");
    };
    for n in 0..20 {
        let cut = Frame::Proof(&body[..body.len() - 1 - n], session).encode();
        let [_, cause] = causes(&world, &cut).await;
        match cause {
            Some(Cause::ChallengeStale) => assert!(n >= 8, "{n}"),
            _ => assert!(n < 8, "{n}"),
        }
    }
}
