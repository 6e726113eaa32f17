//! What stands in the store.

use akma::k_akma;
use cause::Cause;
use identifiers::Supi;
use onboarding::{AgreementKey, Challenge, Frame, KeySchedule, Suite, start_and_challenge_hash};
use secret::PrivateKey;

use crate::aka::{answer, confirm, is_success, start, usim};
use crate::device::{Device, maker, opened, send_proof, trust};
use crate::peers::SUPI;
use crate::world::{NETWORK, World, origin, snn};

#[tokio::test]
async fn no_key_stands_in_the_store_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ausf.redb");
    let world = World::in_file(&file).await;

    // An open context, a confirmed one, and a registration that waits.
    let open = start(&world).await;
    *world.anchor_keys.refuses.lock().unwrap() = Some(Cause::UpstreamFailure);
    let challenge = start(&world).await;
    let answered = answer(&mut usim(), &challenge);
    let confirmed = confirm(&world, &challenge.auth_ctx_id, Some(&answered.res_star)).await;
    assert!(is_success(&confirmed.unwrap(), &answered));

    // An onboarding session.
    trust(&world, &maker()).await;
    let device = Device::inline();
    let (waiting, frame) = device.proof(&world).await;
    let accepted = send_proof(&world, &frame, &origin()).await.unwrap();
    let keys = opened(&waiting, &accepted.frame).keys;
    let (start_octets, challenge_octets) = {
        let devices = world.manager.devices.lock().unwrap();
        let taken = &devices[accepted.session.as_bytes()];
        (taken.start.clone(), taken.challenge.clone())
    };
    let public = Challenge::decode(&challenge_octets).unwrap().public_key;
    let ephemeral = AgreementKey::new(Suite::X25519, PrivateKey::new([0x41; 32])).unwrap();
    let hash = start_and_challenge_hash(&start_octets, &challenge_octets);
    let shared = ephemeral.agree(&public).unwrap();
    let schedule = KeySchedule::new(&hash, &shared, snn(NETWORK));
    assert!(schedule.session_keys().package == keys.package);

    world.stop_outbox().await;
    world.database.close().await;
    let stored = std::fs::read(&file).unwrap();
    let holds = |octets: &[u8]| stored.windows(octets.len()).any(|window| window == octets);

    // What is no secret is found, so that the search finds what it looks for.
    assert!(holds(&open.rand) && holds(&challenge.rand) && holds(&start_octets));
    let Ok(Frame::Accept(accept)) = Frame::decode(&accepted.frame) else {
        panic!("no Accept");
    };
    assert!(holds(accept));

    let supi = Supi::parse(SUPI).unwrap();
    for vector in world.vault.handed_out.lock().unwrap().iter() {
        assert!(!holds(vector.xres_star.expose()), "XRES*");
        assert!(!holds(vector.k_ausf.expose()), "K_AUSF");
        let k_akma = k_akma(&vector.k_ausf, &supi.kdf_form());
        assert!(!holds(k_akma.expose()), "K_AKMA");
    }
    assert!(!holds(schedule.prk().expose()), "PRK");
    assert!(!holds(shared.expose()), "Z");
    assert!(!holds(keys.pdp_dtls.expose()), "K(pdp-dtls)");
    assert!(!holds(keys.package.expose()), "K(package)");
}
