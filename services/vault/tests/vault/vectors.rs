//! Vectors, sequence numbers and resynchronisation.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use aka::{AuthenticationFailure, Auts, Sqn, Usim};
use cause::Cause;
use futures::future::join_all;
use key_hierarchy::milenage::Milenage;
use store::{Observation, Observer};
use vault::{GetVector, Resync, Vector, get_vector};

use crate::support::{Device, Lab, Provisioned, snn, vector_request};

// TS 33.102 C.3.4: as long as fewer than 32 vectors are under way, any order will do.
#[tokio::test]
async fn sixty_four_vectors_at_once_have_sixty_four_numbers_that_the_usim_accepts() {
    for lab in [Lab::new().await, Lab::on_disk().await] {
        let mut device = lab.provision(&Device::new(1), 1).await;
        let vectors = join_all((0..64).map(|_| lab.vector(1))).await;
        let mut vectors: Vec<Vector> = vectors.into_iter().map(Result::unwrap).collect();
        vectors.sort_by_key(|vector| sqn_of(&device, vector));
        let numbers: Vec<u64> = vectors
            .iter()
            .map(|vector| sqn_of(&device, vector).seq())
            .collect();
        assert_eq!(numbers, (1..=64).collect::<Vec<u64>>());
        let epochs: BTreeSet<u64> = vectors
            .iter()
            .map(|vector| vector.authentication_epoch)
            .collect();
        assert_eq!(epochs, (1..=64).collect());
        for window in vectors.chunks(Sqn::INDEXES) {
            assert!(window.iter().rev().all(|vector| device.answers(vector)));
        }
        assert!(
            !vectors.iter().any(|vector| device.answers(vector)),
            "each number is good once"
        );
    }
}

#[tokio::test]
async fn numbers_go_on_after_a_restart() {
    let mut lab = Lab::on_disk().await;
    let mut device = lab.provision(&Device::new(1), 1).await;
    let mut seen = BTreeSet::new();
    for round in 0..4 {
        for _ in 0..5 {
            let vector = lab.authenticate(&mut device, 1).await;
            assert!(seen.insert((sqn_of(&device, &vector), vector.authentication_epoch)));
        }
        assert_eq!(
            seen.last().map(|(sqn, epoch)| (sqn.seq(), *epoch)),
            Some((5 * round + 5, 5 * round + 5))
        );
        lab.restart().await;
    }
}

#[tokio::test]
async fn a_crash_between_step_and_answer_loses_one_number() {
    let mut lab = Lab::on_disk().await;
    let mut device = lab.provision(&Device::new(1), 1).await;
    let mut cut_off = 0;
    for _ in 0..50 {
        let before = steps(&lab, &device).await;
        if cut_off_after_step(&lab, &device, before).await {
            cut_off += 1;
            lab.restart().await;
        }
        let vector = lab.authenticate(&mut device, 1).await;
        assert_eq!(sqn_of(&device, &vector).seq(), before + 2);
    }
    assert!(cut_off > 0, "no request was cut off");
}

#[tokio::test]
async fn requests_that_are_cut_off_anywhere_never_repeat_a_number() {
    let lab = Lab::on_disk().await;
    let mut device = lab.provision(&Device::new(1), 1).await;
    let mut last = 0;
    for polls in 0..40 {
        let mut request = pin!(lab.vector(1));
        let mut answered = None;
        for _ in 0..polls {
            if let Poll::Ready(vector) = futures::poll!(&mut request) {
                answered = Some(vector.unwrap());
                break;
            }
            tokio::task::yield_now().await;
        }
        if let Some(vector) = answered {
            assert!(sqn_of(&device, &vector).seq() > last);
            last = sqn_of(&device, &vector).seq();
            assert!(device.answers(&vector));
        }
    }
    lab.authenticate(&mut device, 1).await;
}

// One durable write of the store carries the steps of many subscribers.
#[tokio::test]
async fn steps_of_different_subscribers_share_a_write() {
    let batches = Arc::new(Batches::default());
    let lab = Lab::observed(batches.clone()).await;
    for n in 1..=48 {
        lab.provision(&Device::new(u8::try_from(n).unwrap()), n)
            .await;
    }
    batches.0.store(0, Ordering::Relaxed);
    let vectors = join_all((1..=48).map(|n| lab.vector(n))).await;
    assert!(vectors.iter().all(Result::is_ok));
    let writes = batches.0.load(Ordering::Relaxed);
    assert!(writes <= 24, "{writes} writes for 48 vectors");
}

#[tokio::test]
async fn a_usim_that_is_ahead_resynchronises() {
    let lab = Lab::new().await;
    let mut device = lab.provision(&Device::new(1), 1).await;
    device.usim = usim_at(&device, 1_000);
    let refused = lab.vector(1).await.unwrap();
    let auts = auts(&mut device, &refused);

    let vector = resync(&lab, &refused, auts).await.unwrap();
    assert_eq!(sqn_of(&device, &vector).seq(), 1_001);
    assert_eq!(
        vector.authentication_epoch, 2,
        "the epoch only grows by one"
    );
    assert!(device.answers(&vector));
    lab.authenticate(&mut device, 1).await;

    // TS 33.102 6.3.5: late or repeated, the token sets nothing back.
    let repeated = resync(&lab, &refused, auts).await.unwrap();
    assert_eq!(sqn_of(&device, &repeated).seq(), 1_003);
    assert!(device.answers(&repeated));
}

#[tokio::test]
async fn a_usim_beyond_its_own_limit_is_followed_back() {
    let lab = Lab::new().await;
    let mut device = lab.provision(&Device::new(1), 1).await;
    device.usim = usim_at(&device, 1 << 40);
    let refused = lab.vector(1).await.unwrap();
    let ahead = auts(&mut device, &refused);
    resync(&lab, &refused, ahead).await.unwrap();

    // Another copy of the USIM, far behind: everything is out of its range until it is followed.
    device.usim = usim_at(&device, 7);
    let refused = lab.vector(1).await.unwrap();
    let behind = auts(&mut device, &refused);
    let vector = resync(&lab, &refused, behind).await.unwrap();
    assert_eq!(sqn_of(&device, &vector).seq(), 8);
    assert!(device.answers(&vector));
}

// TS 33.102 6.3.5: MAC-S comes before everything.
#[tokio::test]
async fn a_token_that_is_not_authentic_changes_nothing() {
    let lab = Lab::new().await;
    let mut device = lab.provision(&Device::new(1), 1).await;
    let honest = lab.authenticate(&mut device, 1).await;
    device.usim = usim_at(&device, 1_000);
    let refused = lab.vector(1).await.unwrap();
    let auts = *auts(&mut device, &refused).as_octets();
    for octet in 0..auts.len() {
        let mut forged = auts;
        forged[octet] ^= 1;
        let refusal = resync(&lab, &refused, Auts::new(forged))
            .await
            .err()
            .unwrap();
        assert_eq!(refusal.cause(), Cause::AuthenticationRejected);
    }
    let refusal = resync(&lab, &honest, Auts::new(auts)).await.err().unwrap();
    assert_eq!(
        refusal.cause(),
        Cause::AuthenticationRejected,
        "the RAND is another"
    );
    let next = lab.vector(1).await.unwrap();
    assert_eq!(sqn_of(&device, &next).seq(), 3);
    assert_eq!(next.authentication_epoch, 3);
}

#[tokio::test]
async fn tokens_and_vectors_at_once_never_share_a_number() {
    let lab = Lab::new().await;
    let mut device = lab.provision(&Device::new(1), 1).await;
    device.usim = usim_at(&device, 1_000);
    let refused = lab.vector(1).await.unwrap();
    let auts = auts(&mut device, &refused);
    let resyncs = join_all((0..8).map(|_| resync(&lab, &refused, auts)));
    let (resyncs, vectors) = futures::join!(resyncs, join_all((0..24).map(|_| lab.vector(1))));
    let numbers: Vec<Sqn> = resyncs
        .into_iter()
        .chain(vectors)
        .map(|vector| sqn_of(&device, &vector.unwrap()))
        .collect();
    assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), 32);
}

#[tokio::test]
async fn numbers_jump_after_a_restore_and_the_usim_follows() {
    let mut lab = Lab::on_disk().await;
    let mut device = lab.provision(&Device::new(1), 1).await;
    lab.authenticate(&mut device, 1).await;
    lab.config.sqn_jump_on_start = true;
    lab.restart().await;
    let vector = lab.authenticate(&mut device, 1).await;
    assert_eq!(sqn_of(&device, &vector).seq(), 2 + Sqn::SAFETY_JUMP);
    assert_eq!(vector.authentication_epoch, 2 + Sqn::SAFETY_JUMP);
    let vector = lab.authenticate(&mut device, 1).await;
    assert_eq!(
        sqn_of(&device, &vector).seq(),
        3 + Sqn::SAFETY_JUMP,
        "once for a start"
    );

    lab.config.sqn_jump_on_start = false;
    lab.restart().await;
    let vector = lab.authenticate(&mut device, 1).await;
    assert_eq!(sqn_of(&device, &vector).seq(), 4 + Sqn::SAFETY_JUMP);
}

#[tokio::test]
async fn an_unknown_subscriber_and_credentials_that_nobody_has_are_told_apart() {
    let lab = Lab::new().await;
    assert_eq!(
        lab.vector(1).await.err().unwrap().cause(),
        Cause::UserNotFound
    );
    lab.mint(&Device::new(1), 1).await;
    assert_eq!(
        lab.vector(1).await.err().unwrap().cause(),
        Cause::CredentialNotActive
    );
}

#[tokio::test]
async fn a_vector_brings_what_was_minted() {
    let lab = Lab::new().await;
    let device = Device::new(1);
    let provisioned = lab.provision(&device, 1).await;
    let vector = lab.vector(1).await.unwrap();
    assert_eq!(vector.supi.as_text(), "imsi-001010000000001");
    assert_eq!(vector.gpsi.unwrap().as_str(), "msisdn-88100000001");
    assert_eq!(vector.routing_indicator.as_str(), "0");
    assert_eq!(
        (vector.device_id, vector.credential_set_id),
        (device.id, provisioned.id)
    );
    assert!(vector.akma_allowed && vector.candidate && vector.commit.is_empty());
}

/// Asks for a vector and goes away once its number is taken, unless the answer was there first.
async fn cut_off_after_step(lab: &Lab, device: &Provisioned, before: u64) -> bool {
    let mut request = pin!(lab.vector(1));
    loop {
        if futures::poll!(&mut request).is_ready() {
            return false;
        }
        if steps(lab, device).await > before {
            return true;
        }
    }
}

/// How many numbers were taken.
async fn steps(lab: &Lab, device: &Provisioned) -> u64 {
    let store = lab.database.for_function("vault").unwrap();
    let tag = store.tag(crate::support::supi(1).as_text()).unwrap();
    let field = store::Kind::new("sqn").named(device.id.as_str()).unwrap();
    store.counter(&tag, field).await.unwrap().count
}

/// Counts durable writes.
#[derive(Default)]
struct Batches(AtomicUsize);

impl Observer for Batches {
    fn observe(&self, observation: Observation) {
        if matches!(observation, Observation::Batch { .. }) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

async fn resync(lab: &Lab, refused: &Vector, auts: Auts) -> Result<Vector, vault::GetVectorError> {
    let resync = Some(Resync {
        rand: refused.home.rand,
        auts,
    });
    get_vector(
        &lab.vault,
        &GetVector {
            resync,
            ..vector_request(1)
        },
    )
    .await
}

/// The token of a device that refuses the number of a vector.
fn auts(device: &mut Provisioned, vector: &Vector) -> Auts {
    match device
        .usim
        .challenge(&vector.home.rand, &vector.home.autn, &snn())
    {
        Err(AuthenticationFailure::SynchFailure { auts }) => auts,
        _ => panic!("the device does not refuse the number"),
    }
}

/// The device's USIM after it has accepted the 32 numbers up to this SEQ.
fn usim_at(device: &Provisioned, highest: u64) -> Usim {
    let mut array = aka::SqnArray::default();
    for seq in highest.saturating_sub(31)..=highest {
        array.seq[usize::try_from(seq % 32).unwrap()] = seq;
    }
    Usim::new(&device.k, &device.opc, array)
}

fn sqn_of(device: &Provisioned, vector: &Vector) -> Sqn {
    let ak = Milenage::new(&device.k, &device.opc)
        .f2_to_f5(&vector.home.rand)
        .ak;
    let mut octets = vector.home.autn.sqn_xor_ak();
    octets
        .iter_mut()
        .zip(ak.expose())
        .for_each(|(octet, ak)| *octet ^= ak);
    Sqn::from_octets(octets)
}
