//! Many authentications of one subscriber at once, and what a wrong or repeated answer gets.

use std::collections::BTreeSet;
use std::path::Path;

use aka::{Sqn, SqnArray, Usim};
use cause::Cause;
use futures::future::join_all;
use identifiers::ServingNetworkName;
use key_hierarchy::five_g_aka::k_seaf;
use nf_api::pb::ausf::confirm_aka_response::Result as AkaResult;
use nf_api::pb::ausf::{ConfirmAkaResponse, StartAkaResponse};
use onboarding::{Frame, Reject};
use secret::{KSeaf, ResStar};
use tempfile::tempdir;
use ue::CertificatePresentation;

use crate::aka::{Gateway, Subscriber, vector};
use crate::device::{Memory, in_service, manufacture};
use crate::grpc::SERVING_NETWORK_NAME;
use crate::installation::Installation;
use crate::owa;

fn assert_success(confirmed: &ConfirmAkaResponse, supi: &str, k_seaf: &KSeaf) {
    assert_eq!(confirmed.result(), AkaResult::Success);
    assert_eq!(confirmed.supi, supi);
    let key = confirmed.k_seaf.as_ref().unwrap();
    // Not `assert_eq!`: it would print them.
    assert!(key.value == k_seaf.expose(), "another K_SEAF");
}

fn assert_failure_without_key(confirmed: &ConfirmAkaResponse) {
    assert_eq!(confirmed.result(), AkaResult::Failure);
    assert!(confirmed.supi.is_empty());
    assert!(confirmed.k_seaf.is_none());
    assert!(confirmed.commit.is_empty());
}

#[tokio::test]
async fn sixty_four_authentications_of_one_subscriber_at_once_take_as_many_numbers() {
    const AT_ONCE: usize = 64;
    let folder = tempdir().unwrap();
    let installation = Installation::laboratory(&folder.path().join("data"));
    let device = folder.path().join("device");
    in_service(&device, &installation.lab()).await;
    let subscriber = Subscriber::new(Memory::read(&device));
    let gateway = Gateway::new(&installation, "lab");

    let one = || async {
        let challenge = gateway.start(subscriber.supi()).await.unwrap();
        let answer = subscriber.answer(&challenge);
        let confirmed = gateway.confirm(&challenge, Some(&answer.res_star)).await;
        assert_success(&confirmed.unwrap(), subscriber.supi(), &answer.k_seaf);
        (challenge.auth_ctx_id, answer.sqn)
    };
    let all = join_all((0..AT_ONCE).map(|_| one())).await;
    let contexts: BTreeSet<_> = all.iter().map(|(context, _)| context).collect();
    let numbers: BTreeSet<_> = all.iter().map(|(_, sqn)| sqn.seq()).collect();
    assert_eq!(contexts.len(), AT_ONCE);
    assert_eq!(numbers.len(), AT_ONCE);
    // Each vector took the next number: nothing was left out, nothing was given twice.
    let span = numbers.last().unwrap() - numbers.first().unwrap();
    assert_eq!(span, AT_ONCE as u64 - 1);
    installation.stop();
}

#[tokio::test]
async fn one_usim_answers_thirty_two_challenges_under_way_newest_first() {
    // As many as its array has entries. TS 33.102 C.3.2
    let count = Sqn::INDEXES;
    let folder = tempdir().unwrap();
    let installation = Installation::laboratory(&folder.path().join("data"));
    let device = folder.path().join("device");
    in_service(&device, &installation.lab()).await;
    let subscriber = Subscriber::new(Memory::read(&device));
    let gateway = Gateway::new(&installation, "lab");
    let started = join_all((0..count).map(|_| gateway.start(subscriber.supi()))).await;
    let mut challenges: Vec<_> = started.into_iter().map(Result::unwrap).collect();
    // The newest first is the hardest order for a window.
    challenges.sort_by_key(|challenge| std::cmp::Reverse(subscriber.answer(challenge).sqn));

    let (k, opc) = subscriber.memory().keys();
    let mut usim = Usim::new(k, opc, stored(&device));
    let snn = &ServingNetworkName::parse(SERVING_NETWORK_NAME).unwrap();
    for challenge in &challenges {
        let (rand, autn) = vector(challenge);
        let result = usim.challenge(&rand, &autn, snn).unwrap();
        let confirmed = gateway.confirm(challenge, Some(&result.res_star)).await;
        assert_success(
            &confirmed.unwrap(),
            subscriber.supi(),
            &k_seaf(&result.k_ausf, snn),
        );
    }
    for challenge in &challenges {
        let (rand, autn) = vector(challenge);
        assert!(usim.challenge(&rand, &autn, snn).is_err(), "answered twice");
    }
    installation.stop();
}

/// The SQN array that the device has stored.
fn stored(device: &Path) -> SqnArray {
    let slots = ["slot-a.json", "slot-b.json"].map(|name| device.join(name));
    let slot = slots.iter().find_map(|file| crate::device::json(file));
    let numbers: Vec<u64> = serde_json::from_value(slot.unwrap()["sqn"].clone()).unwrap();
    let mut array = SqnArray::default();
    array.seq.copy_from_slice(&numbers);
    array
}

#[tokio::test]
async fn a_wrong_answer_gets_no_key_and_ends_the_authentication() {
    let folder = tempdir().unwrap();
    let installation = Installation::laboratory(&folder.path().join("data"));
    let device = folder.path().join("device");
    in_service(&device, &installation.lab()).await;
    let subscriber = Subscriber::new(Memory::read(&device));
    let gateway = Gateway::new(&installation, "lab");

    let challenge = gateway.start(subscriber.supi()).await.unwrap();
    let right = subscriber.answer(&challenge);
    let mut wrong = *right.res_star.expose();
    wrong[15] ^= 1;
    let wrong = ResStar::new(wrong);
    let refused = gateway.confirm(&challenge, Some(&wrong)).await.unwrap();
    assert_failure_without_key(&refused);
    // The context is consumed: the right answer comes too late.
    let late = gateway.confirm(&challenge, Some(&right.res_star)).await;
    assert_failure_without_key(&late.unwrap());

    // A device that never answered. TS 29.509
    let challenge = gateway.start(subscriber.supi()).await.unwrap();
    let silent = gateway.confirm(&challenge, None).await.unwrap();
    assert_failure_without_key(&silent);

    // A right answer, repeated, is answered the same; a wrong one after it gets nothing.
    let challenge = gateway.start(subscriber.supi()).await.unwrap();
    let right = subscriber.answer(&challenge);
    for _ in 0..2 {
        let confirmed = gateway.confirm(&challenge, Some(&right.res_star)).await;
        assert_success(&confirmed.unwrap(), subscriber.supi(), &right.k_seaf);
    }
    let after = gateway.confirm(&challenge, Some(&wrong)).await.unwrap();
    assert_failure_without_key(&after);

    // Contexts and networks of others.
    let nobody = StartAkaResponse::default();
    let unknown = gateway.confirm(&nobody, Some(&right.res_star)).await;
    assert_eq!(unknown.unwrap_err(), Cause::ContextNotFound);
    let stranger = Gateway::new(&installation, "elsewhere");
    let refused = stranger.start(subscriber.supi()).await;
    assert_eq!(refused.unwrap_err(), Cause::ServingNetworkNotAuthorized);
    let challenge = gateway.start(subscriber.supi()).await.unwrap();
    let answer = subscriber.answer(&challenge);
    let stolen = stranger.confirm(&challenge, Some(&answer.res_star)).await;
    assert!(stolen.is_err());
    installation.stop();
}

#[tokio::test]
async fn a_replayed_proof_gets_the_same_answer_and_another_one_none() {
    let folder = tempdir().unwrap();
    let installation = Installation::laboratory(&folder.path().join("data"));
    let device = folder.path().join("device");
    manufacture(
        &device,
        &installation.lab(),
        CertificatePresentation::Inline,
    );
    let admitted = owa::authenticate(&installation, &device).await;

    // The same octets: the same Accept, and no second session.
    for again in join_all((0..8).map(|_| admitted.prove_again())).await {
        assert!(again == admitted.accept, "another answer to the same Proof");
    }

    // A Proof whose signature does not hold consumes nothing.
    let mut forged = admitted.proof_frame();
    let at = forged.len() - 20;
    forged[at] ^= 1;
    let answer = admitted.prove_with(forged).await;
    let Ok(Frame::Reject(body)) = Frame::decode(&answer) else {
        panic!("a forged Proof is not rejected");
    };
    let cause = Reject::decode(body).unwrap().known_cause();
    assert_eq!(cause, Some(Cause::ProofInvalid));
    assert!(admitted.prove_again().await == admitted.accept);

    // Under another reference of the gateway, it is another device's.
    let elsewhere = admitted.prove_as("somebody else").await;
    assert!(matches!(Frame::decode(&elsewhere), Ok(Frame::Reject(_))));
    installation.stop();
}
