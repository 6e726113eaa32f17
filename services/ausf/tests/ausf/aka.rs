//! 5G AKA.

use aka::{AuthenticationFailure, Autn, Auts, Rand, SqnArray, UeResult, Usim};
use ausf::{
    Challenge, ConfirmAkaError, Confirmation, StartAkaError, confirm_aka, resync_aka, start_aka,
};
use cause::Cause;
use futures::future::join_all;
use key_hierarchy::five_g_aka::k_seaf;
use secret::ResStar;

use crate::peers::{SUPI, eventually, k, opc};
use crate::world::{FOREIGN_NETWORK, NETWORK, OTHER_NETWORK, World, gateway, snn};

/// A USIM that has seen nothing.
pub(crate) fn usim() -> Usim {
    Usim::new(&k(), &opc(), SqnArray::default())
}

/// What the UE answers to a challenge.
pub(crate) fn answer(usim: &mut Usim, challenge: &Challenge) -> UeResult {
    let (rand, autn) = (Rand::new(challenge.rand), Autn::new(challenge.autn));
    let answered = usim.challenge(&rand, &autn, &snn(NETWORK)).unwrap();
    assert!(challenge.hxres_star.matches(&rand, &answered.res_star));
    answered
}

pub(crate) async fn start(world: &World) -> Challenge {
    let (authentication, caller) = (&world.ausf.authentication, gateway("one"));
    let started = start_aka(authentication, &caller, SUPI, snn(NETWORK)).await;
    started.unwrap()
}

pub(crate) async fn confirm(
    world: &World,
    auth_ctx_id: &str,
    res_star: Option<&ResStar>,
) -> Result<Confirmation, ConfirmAkaError> {
    let (caller, network) = (gateway("one"), snn(NETWORK));
    let authentication = &world.ausf.authentication;
    confirm_aka(
        authentication,
        &caller,
        auth_ctx_id,
        res_star.cloned(),
        &network,
    )
    .await
}

/// Whether it is a success with the K_SEAF and commit of this answer.
pub(crate) fn is_success(confirmation: &Confirmation, answered: &UeResult) -> bool {
    match confirmation {
        Confirmation::Success {
            supi,
            k_seaf: key,
            commit,
        } => {
            *key == k_seaf(&answered.k_ausf, &snn(NETWORK))
                && supi.as_text() == SUPI
                && commit == b"commit"
        }
        Confirmation::Failure => false,
    }
}

fn is_failure(confirmation: &Confirmation) -> bool {
    matches!(confirmation, Confirmation::Failure)
}

fn wrong() -> ResStar {
    ResStar::new([0; 16])
}

fn cause<T>(outcome: Result<T, ConfirmAkaError>) -> Option<Cause> {
    outcome.err().map(|error| error.cause())
}

#[tokio::test]
async fn sixty_four_authentications_of_one_subscriber_at_once_all_succeed() {
    let world = World::new().await;
    let challenges = join_all((0..64).map(|_| start(&world))).await;
    let mut challenges = challenges;
    challenges.sort_by_key(|challenge| challenge.rand);
    let mut usim = usim();
    let answered = challenges
        .iter()
        .map(|challenge| answer(&mut usim, challenge))
        .collect::<Vec<_>>();
    let confirmed = join_all(
        challenges
            .iter()
            .zip(&answered)
            .map(|(challenge, answered)| {
                confirm(&world, &challenge.auth_ctx_id, Some(&answered.res_star))
            }),
    );
    for (confirmation, answered) in confirmed.await.into_iter().zip(&answered) {
        assert!(is_success(&confirmation.unwrap(), answered));
    }
    eventually(|| world.anchor_keys.count() == 64).await;
}

#[tokio::test]
async fn a_wrong_res_star_gets_no_key_and_consumes_the_context() {
    let world = World::new().await;
    for given in [Some(wrong()), None] {
        let challenge = start(&world).await;
        let right = answer(&mut usim(), &challenge).res_star;
        let id = &challenge.auth_ctx_id;
        assert!(is_failure(
            &confirm(&world, id, given.as_ref()).await.unwrap()
        ));
        assert!(is_failure(
            &confirm(&world, id, given.as_ref()).await.unwrap()
        ));
        assert!(is_failure(
            &confirm(&world, id, Some(&right)).await.unwrap()
        ));
    }
    assert_eq!(world.anchor_keys.count(), 0);
}

#[tokio::test]
async fn the_right_res_star_gets_the_same_answer_while_the_context_lives() {
    let world = World::new().await;
    let challenge = start(&world).await;
    let answered = answer(&mut usim(), &challenge);
    let id = &challenge.auth_ctx_id;
    for _ in 0..3 {
        let confirmed = confirm(&world, id, Some(&answered.res_star)).await.unwrap();
        assert!(is_success(&confirmed, &answered));
    }
    // A wrong one afterwards gets nothing and takes nothing.
    assert!(is_failure(
        &confirm(&world, id, Some(&wrong())).await.unwrap()
    ));
    let confirmed = confirm(&world, id, Some(&answered.res_star)).await.unwrap();
    assert!(is_success(&confirmed, &answered));
    assert_eq!(world.anchor_keys.count(), 1);
    world.advance(std::time::Duration::from_secs(61));
    let late = confirm(&world, id, Some(&answered.res_star)).await;
    assert_eq!(cause(late), Some(Cause::ContextNotFound));
}

#[tokio::test]
async fn an_answer_is_good_for_its_own_context_only() {
    let world = World::new().await;
    let (first, second) = (start(&world).await, start(&world).await);
    let answered = answer(&mut usim(), &first);
    let elsewhere = confirm(&world, &second.auth_ctx_id, Some(&answered.res_star)).await;
    assert!(is_failure(&elsewhere.unwrap()));
    let confirmed = confirm(&world, &first.auth_ctx_id, Some(&answered.res_star)).await;
    assert!(is_success(&confirmed.unwrap(), &answered));
    for unknown in ["", "x", "manufacturers", "{}", "\n", &"y".repeat(400)] {
        let outcome = confirm(&world, unknown, Some(&answered.res_star)).await;
        assert_eq!(cause(outcome), Some(Cause::ContextNotFound), "{unknown:?}");
    }
}

#[tokio::test]
async fn a_context_belongs_to_its_gateway_and_its_serving_network() {
    let world = World::new().await;
    let authentication = &world.ausf.authentication;
    let challenge = start(&world).await;
    let answered = answer(&mut usim(), &challenge);
    for (caller, network) in [
        ("one", OTHER_NETWORK),
        ("one", FOREIGN_NETWORK),
        ("two", NETWORK),
        ("three", NETWORK),
    ] {
        let (caller, network) = (gateway(caller), snn(network));
        let id = &challenge.auth_ctx_id;
        let given = Some(answered.res_star.clone());
        let outcome = confirm_aka(authentication, &caller, id, given, &network).await;
        assert_eq!(cause(outcome), Some(Cause::ServingNetworkNotAuthorized));
        let outcome = resync_aka(authentication, &caller, id, [0; 14], network).await;
        assert_eq!(
            outcome.err().map(|error| error.cause()),
            Some(Cause::ServingNetworkNotAuthorized)
        );
    }
    // None of it consumed the context.
    let confirmed = confirm(&world, &challenge.auth_ctx_id, Some(&answered.res_star)).await;
    assert!(is_success(&confirmed.unwrap(), &answered));
}

#[tokio::test]
async fn right_and_wrong_res_star_at_once_have_one_outcome() {
    for _ in 0..16 {
        let world = World::new().await;
        let challenge = start(&world).await;
        let answered = answer(&mut usim(), &challenge);
        let (id, wrong) = (&challenge.auth_ctx_id, wrong());
        let (right, wrong) = tokio::join!(
            confirm(&world, id, Some(&answered.res_star)),
            confirm(&world, id, Some(&wrong)),
        );
        assert!(is_failure(&wrong.unwrap()));
        let succeeded = is_success(&right.unwrap(), &answered);
        let again = confirm(&world, id, Some(&answered.res_star)).await.unwrap();
        assert_eq!(is_success(&again, &answered), succeeded);
        eventually(|| world.anchor_keys.count() == usize::from(succeeded)).await;
    }
}

#[tokio::test]
async fn the_same_res_star_at_once_is_one_authentication() {
    let world = World::new().await;
    let challenge = start(&world).await;
    let answered = answer(&mut usim(), &challenge);
    let given = Some(&answered.res_star);
    let all = join_all((0..8).map(|_| confirm(&world, &challenge.auth_ctx_id, given))).await;
    for confirmed in all {
        assert!(is_success(&confirmed.unwrap(), &answered));
    }
    eventually(|| world.anchor_keys.count() == 1).await;
}

/// The token of a USIM that is ahead of the vault.
fn out_of_step(challenge: &Challenge) -> (Usim, Auts) {
    let ahead = SqnArray { seq: [1_000; 32] };
    let mut usim = Usim::new(&k(), &opc(), ahead);
    let (rand, autn) = (Rand::new(challenge.rand), Autn::new(challenge.autn));
    match usim.challenge(&rand, &autn, &snn(NETWORK)) {
        Err(AuthenticationFailure::SynchFailure { auts }) => (usim, auts),
        _ => panic!("it is in step"),
    }
}

async fn resync(world: &World, id: &str, auts: [u8; 14]) -> Result<Challenge, StartAkaError> {
    let (authentication, caller) = (&world.ausf.authentication, gateway("one"));
    resync_aka(authentication, &caller, id, auts, snn(NETWORK)).await
}

#[tokio::test]
async fn a_usim_that_is_ahead_is_followed() {
    let world = World::new().await;
    let challenge = start(&world).await;
    let (mut usim, auts) = out_of_step(&challenge);
    let id = &challenge.auth_ctx_id;
    let fresh = resync(&world, id, *auts.as_octets()).await.unwrap();
    assert_ne!(fresh.auth_ctx_id, challenge.auth_ctx_id);
    let answered = answer(&mut usim, &fresh);
    let confirmed = confirm(&world, &fresh.auth_ctx_id, Some(&answered.res_star)).await;
    assert!(is_success(&confirmed.unwrap(), &answered));
    // The old context is consumed.
    let outcome = confirm(&world, id, Some(&wrong())).await;
    assert_eq!(cause(outcome), Some(Cause::ContextNotFound));
    let outcome = resync(&world, id, *auts.as_octets()).await;
    assert_eq!(
        outcome.err().map(|error| error.cause()),
        Some(Cause::ContextNotFound)
    );
}

#[tokio::test]
async fn a_forged_token_moves_nothing() {
    let world = World::new().await;
    let challenge = start(&world).await;
    let (_, auts) = out_of_step(&challenge);
    let before = *world.vault.sqn.lock().unwrap();
    let mut forged = *auts.as_octets();
    forged[13] ^= 1;
    let outcome = resync(&world, &challenge.auth_ctx_id, forged).await;
    assert_eq!(
        outcome.err().map(|error| error.cause()),
        Some(Cause::AuthenticationRejected)
    );
    assert!(*world.vault.sqn.lock().unwrap() == before);
    // A token for the challenge of another context does not fit either.
    let other = start(&world).await;
    let outcome = resync(&world, &other.auth_ctx_id, *auts.as_octets()).await;
    assert_eq!(
        outcome.err().map(|error| error.cause()),
        Some(Cause::AuthenticationRejected)
    );
}

#[tokio::test]
async fn of_two_resynchronisations_at_once_one_is_made() {
    let world = World::new().await;
    let challenge = start(&world).await;
    let (_, auts) = out_of_step(&challenge);
    let id = &challenge.auth_ctx_id;
    let (one, other) = tokio::join!(
        resync(&world, id, *auts.as_octets()),
        resync(&world, id, *auts.as_octets())
    );
    let mut causes = [one, other].map(|outcome| outcome.err().map(|error| error.cause()));
    causes.sort();
    assert_eq!(causes, [None, Some(Cause::ContextNotFound)]);
}
