//! Both sides reproduce every run of the vectors byte for byte.

use crate::support::{NOW, Run, octets, run, signing_key, vectors};
use cose::cbor::{self, Item};
use identifiers::OnboardingSession;
use onboarding::device::AcceptAnswer;
use onboarding::server::{
    CheckedStart, CookieDemand, StartContext, StartOutcome, check_certificate, check_start,
    make_accept, verify_proof,
};
use onboarding::{
    CookieKey, Frame, KeySchedule, NetworkProofLevel, Reject, SessionParameters, Source, Start,
    Suite, Transcript, parse_pdp_identity, pdp_identity,
};
use secret::{OwaKey, SecretBytes};

#[test]
fn the_device_sends_the_frames_of_every_run() {
    for run in Run::all() {
        let frames = &run.value["frames"];
        let challenged = run.challenged();
        let demanded = run.value["inputs"]["net_proof"].as_u64().unwrap();
        assert_eq!(challenged.network_proof().is_some(), demanded == 1);
        if let Some(proof) = challenged.network_proof() {
            let root = octets(&run.identities["operator_root_spki_sha256"]);
            assert_eq!(proof.root.as_bytes().to_vec(), root);
            let signer = signing_key(&run.identities, "operator_net_signer_private");
            assert_eq!(proof.signer, signer.key_id());
        }

        let (device, sent) = run.proven();
        assert_eq!(sent, octets(&frames["proof"]), "{}", run.name());
        assert_eq!(sent, device.proof_frame());
        let Ok(AcceptAnswer::Onboarded(onboarded)) = device.receive(&octets(&frames["accept"]))
        else {
            panic!("accept of {} is refused", run.name())
        };
        assert_eq!(onboarded.parameters.encode(), run.octets("session_params"));
        let secrets = &run.value["secrets"];
        assert_eq!(onboarded.transcript_hash.to_vec(), octets(&secrets["th"]));
        let keys = &onboarded.keys;
        for (key, label) in [(&keys.pdp_dtls, "pdp-dtls"), (&keys.package, "package")] {
            assert_eq!(key.expose().to_vec(), octets(&secrets["k"][label]["key"]));
        }
        assert_eq!(
            keys.k_ausf.expose().to_vec(),
            octets(&secrets["k"]["k-ausf"]["key"])
        );
        let identity = pdp_identity(&onboarded.parameters.session);
        assert_eq!(identity, run.value["dtls_psk_identity"]);
        assert_eq!(
            parse_pdp_identity(identity.as_bytes()),
            Ok(onboarded.parameters.session)
        );
    }
}

#[test]
fn the_network_sends_the_frames_of_every_run() {
    for run in Run::all() {
        let serving_network = run.serving_network();
        let cookie_input = &run.value["inputs"]["cookie"];
        let key;
        let source;
        let mut context = StartContext {
            serving_network: &serving_network,
            suites: &Suite::PREFERENCE,
            operator_chain: true,
            cookies: None,
        };
        if !cookie_input.is_null() {
            key = CookieKey::new(SecretBytes::new(octets(&cookie_input["key"])));
            source = octets(&cookie_input["source"]);
            context.cookies = Some(CookieDemand {
                key: &key,
                previous_key: None,
                source: Source(&source),
                now: cookie_input["now"].as_u64().unwrap(),
            });
            let without = run.octets("start_without_cookie");
            let outcome = check_start(&without, &context).unwrap();
            assert_eq!(outcome, StartOutcome::Retry(run.octets("retry")));
        }
        let start = proceed(&run, &context);
        assert_eq!(start.suite(), run.suite());

        let issued = run.issued(&start);
        assert_eq!(issued.octets, run.octets("challenge"), "{}", run.name());
        let frame = Frame::Challenge(&issued.octets).encode();
        assert_eq!(frame, octets(&run.value["frames"]["challenge"]));

        let proof = run.octets("proof");
        let transcript = Transcript {
            start: start.octets(),
            challenge: &issued.octets,
            proof: &proof,
        };
        let aad = octets(&run.value["secrets"]["accept_aad"]);
        assert_eq!(transcript.accept_aad().to_vec(), aad);
        let verified = verify_proof(&transcript, None).unwrap();
        assert_eq!(
            verified.device_id.as_str(),
            run.identities["device_id"].as_str().unwrap()
        );
        let certificate = octets(&run.identities["device_certificate"]);
        let certificate = check_certificate(&verified.start, &certificate).unwrap();
        assert_eq!(certificate.device_id(), verified.device_id);
        assert_eq!(verified.recipient, run.proof_options().recipient);

        // The record between the steps keeps the root of the keys and nothing else secret.
        let prk = OwaKey::new(*issued.schedule.prk().expose());
        let schedule = KeySchedule::from_prk(prk, serving_network.clone());
        let parameters = SessionParameters::decode(&run.octets("session_params")).unwrap();
        let accepted = make_accept(&schedule, &transcript, &parameters).unwrap();
        assert_eq!(accepted.octets, run.octets("accept"), "{}", run.name());
        let frame = Frame::Accept(&accepted.octets).encode();
        assert_eq!(frame, octets(&run.value["frames"]["accept"]));
    }
}

fn proceed(run: &Run, context: &StartContext<'_>) -> CheckedStart {
    match check_start(&run.octets("start"), context).unwrap() {
        StartOutcome::Proceed(start) => *start,
        StartOutcome::Retry(_) => panic!("the cookie of {} is not taken", run.name()),
    }
}

#[test]
fn the_signed_part_of_a_challenge_is_that_of_the_vectors() {
    for run in Run::all() {
        if run.value["owa_net_signed"].is_null() {
            continue;
        }
        let challenge = run.octets("challenge");
        let bare = onboarding::Challenge::without_network_proof(&challenge).unwrap();
        let signed = cbor::array([
            cbor::bytes(&cose::sha256(&run.octets("start"))),
            cbor::bytes(bare.as_slice()),
        ]);
        assert_eq!(signed.as_slice(), run.octets("owa_net_signed"));
    }
}

#[test]
fn agreed_secrets_are_those_of_the_vectors_on_both_sides() {
    for run in Run::all() {
        let device = run.ephemeral("kex_ue_private");
        let network = run.ephemeral("kex_net_private");
        let expected = octets(&run.value["secrets"]["z"]);
        let at_device = device.agree(network.public()).unwrap();
        let at_network = network.agree(device.public()).unwrap();
        assert_eq!(at_device.expose().to_vec(), expected);
        assert_eq!(at_network.expose().to_vec(), expected);
    }
}

#[test]
fn k_seaf_follows_from_k_ausf_by_33_501_a_6() {
    use hmac::{Hmac, Mac as _};
    for run in Run::all() {
        let secrets = &run.value["secrets"];
        let name = run.serving_network();
        let name = name.as_str().as_bytes();
        let mut mac =
            Hmac::<sha2::Sha256>::new_from_slice(&octets(&secrets["k"]["k-ausf"]["key"])).unwrap();
        mac.update(&[0x6c]);
        mac.update(name);
        mac.update(&u16::try_from(name.len()).unwrap().to_be_bytes());
        assert_eq!(
            mac.finalize().into_bytes().to_vec(),
            octets(&secrets["k_seaf"])
        );
    }
}

#[test]
fn the_reject_of_the_vectors_is_encoded_byte_for_byte() {
    let expected = octets(&vectors("owa-and-package.json")["reject"]);
    let reject = Reject {
        cause: 15,
        retry_after: Some(30),
        text: Some("try later".to_owned()),
    };
    assert_eq!(reject.encode(), expected);
    assert_eq!(Reject::decode(&expected), Ok(reject.clone()));
    assert_eq!(
        reject.known_cause(),
        Some(cause::Cause::TemporarilyUnavailable)
    );
}

#[test]
fn the_pause_that_a_reject_asks_for_is_capped() {
    let mut reject = Reject::new(cause::Cause::RateLimited);
    assert_eq!(reject.pause(), None);
    reject.retry_after = Some(u32::MAX);
    assert_eq!(reject.pause(), Some(Reject::MAX_PAUSE));
}

#[test]
fn a_cookie_lasts_for_its_bucket_and_the_next_and_for_its_source_only() {
    let key = CookieKey::new(SecretBytes::new(vec![7; 32]));
    let hash = [1; 32];
    let cookie = key.cookie(Source(b"gw/ue"), 90, &hash);
    assert_eq!(cookie.len(), CookieKey::COOKIE_LEN);
    for (now, good) in [
        (90, true),
        (119, true),
        (149, true),
        (150, false),
        (89, false),
    ] {
        assert_eq!(key.verifies(&cookie, Source(b"gw/ue"), now, &hash), good);
    }
    assert!(!key.verifies(&cookie, Source(b"gw/ue2"), 90, &hash));
    assert!(!key.verifies(&cookie, Source(b"gw/ue"), 90, &[2; 32]));
    assert!(!key.verifies(&cookie[..31], Source(b"gw/ue"), 90, &hash));
    let other = CookieKey::new(SecretBytes::new(vec![8; 32]));
    assert!(!other.verifies(&cookie, Source(b"gw/ue"), 90, &hash));
    assert!(key.verifies(&key.cookie(Source(b""), 0, &hash), Source(b""), 0, &hash));
}

#[test]
fn a_cookie_of_the_previous_key_is_taken_and_a_stale_one_gets_a_new_one() {
    let run = run("s1-bound-n1");
    let serving_network = run.serving_network();
    let old = CookieKey::new(SecretBytes::new(octets(
        &run.value["inputs"]["cookie"]["key"],
    )));
    let new = CookieKey::new(SecretBytes::new(vec![9; 32]));
    let source = octets(&run.value["inputs"]["cookie"]["source"]);
    let start = run.octets("start");
    let outcome = |now, previous_key| {
        let context = StartContext {
            serving_network: &serving_network,
            suites: &Suite::PREFERENCE,
            operator_chain: true,
            cookies: Some(CookieDemand {
                key: &new,
                previous_key,
                source: Source(&source),
                now,
            }),
        };
        check_start(&start, &context).unwrap()
    };
    assert!(matches!(outcome(NOW, Some(&old)), StartOutcome::Proceed(_)));
    assert!(matches!(outcome(NOW, None), StartOutcome::Retry(_)));
    assert!(matches!(
        outcome(NOW + 60, Some(&old)),
        StartOutcome::Retry(_)
    ));
}

#[test]
fn the_network_prefers_its_own_order_of_suites() {
    let first = run("s1-bound-n0");
    let second = run("s2-bound-n0");
    let mut start = Start::decode(&second.octets("start")).unwrap();
    start.offers.push((9, vec![1]));
    start
        .offers
        .extend(Start::decode(&first.octets("start")).unwrap().offers);
    let serving_network = first.serving_network();
    for (suites, chosen) in [
        (Suite::PREFERENCE.as_slice(), Suite::X25519),
        (&[Suite::P256], Suite::P256),
    ] {
        let context = StartContext {
            serving_network: &serving_network,
            suites,
            operator_chain: false,
            cookies: None,
        };
        let Ok(StartOutcome::Proceed(checked)) = check_start(&start.encode(), &context) else {
            panic!("a start with both suites is refused")
        };
        assert_eq!(checked.suite(), chosen);
    }
}

#[test]
fn frames_carry_the_session_with_the_proof_only() {
    let session = OnboardingSession::new([3; 16]);
    let frame = Frame::Proof(b"body", session);
    assert_eq!(Frame::decode(&frame.encode()), Ok(frame));
    for (octets, accepted) in [
        ("820441aa", false),
        ("830141aa50000000000000000000000000000000", false),
        ("830441aa500000000000000000000000000000000000", false),
        ("820041aa", false),
        ("820741aa", false),
        ("820141aa", true),
        ("82014161", true),
        ("82016161", false),
        ("8101", false),
    ] {
        let octets = hex::decode(octets).unwrap();
        assert_eq!(Frame::decode(&octets).is_ok(), accepted);
    }
}

#[test]
fn levels_keep_their_numbers() {
    for number in 0..=3 {
        let level = NetworkProofLevel::from_number(number).unwrap();
        assert_eq!(level.number(), number);
    }
    assert_eq!(NetworkProofLevel::from_number(4), None);
}

#[test]
fn identities_of_other_forms_name_no_session() {
    for identity in [
        "",
        "berth-owa:",
        "berth-owa:PtrfWJGctFmyUEq-dDOYg",
        "berth-owa:PtrfWJGctFmyUEq-dDOYgw=",
        "berth-owa:PtrfWJGctFmyUEq-dDOYgx",
        "berth-owa:PtrfWJGctFmyUEq+dDOYgw",
        "Berth-owa:PtrfWJGctFmyUEq-dDOYgw",
    ] {
        assert!(
            parse_pdp_identity(identity.as_bytes()).is_err(),
            "{identity}"
        );
    }
}

#[test]
fn a_start_map_is_read_label_by_label() {
    let run = run("s1-bound-n1");
    let start = run.octets("start");
    let map = Item::decode(&start).unwrap().open_map().unwrap();
    for label in map.labels() {
        let without = cbor::without(&start, label).unwrap();
        let optional = label == 10;
        assert_eq!(
            Start::decode(without.as_slice()).is_ok(),
            optional,
            "{label}"
        );
    }
}
