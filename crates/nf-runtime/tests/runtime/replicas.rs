//! Callers while replicas come and go.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all};
use nf_api::NetworkFunction;
use nf_runtime::Runtime;
use nf_runtime::grpc::{self, Channel, GrpcConfig, Resolver};
use nf_runtime::lifecycle::ShutdownConfig;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tonic::service::Routes;
use tonic::{Code, Status};

use crate::support::{AUSF, GET_VECTOR, LOCALHOST, Lab, PROMOTE, every_path, unary, unary_with};

/// How long anything may take; a machine under load is slow.
const LIMIT: Duration = Duration::from_secs(30);

/// A name service that answers what the test says.
#[derive(Clone, Default)]
struct NameService {
    answers: Arc<Mutex<VecDeque<io::Result<Vec<SocketAddr>>>>>,
    last: Arc<Mutex<Vec<SocketAddr>>>,
    asked: Arc<AtomicU32>,
    /// How long it takes to answer.
    delay: Arc<Mutex<Duration>>,
}

impl NameService {
    fn knows(addresses: &[SocketAddr]) -> Self {
        let service = Self::default();
        service.now_knows(addresses);
        service
    }

    fn now_knows(&self, addresses: &[SocketAddr]) {
        *self.last.lock().unwrap() = addresses.to_vec();
    }

    /// The next question gets this answer instead.
    fn answers_once(&self, answer: io::Result<Vec<SocketAddr>>) {
        self.answers.lock().unwrap().push_back(answer);
    }

    fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Resolver for NameService {
    fn resolve(&self, _: &str) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let once = self.answers.lock().unwrap().pop_front();
        let answer = once.unwrap_or_else(|| Ok(self.last.lock().unwrap().clone()));
        let delay = *self.delay.lock().unwrap();
        async move {
            tokio::time::sleep(delay).await;
            answer
        }
        .boxed()
    }
}

fn channel(lab: &Lab, names: &NameService, runtime: &Runtime) -> Channel {
    grpc::connect_by(
        Arc::new(names.clone()),
        "vault:8443",
        &lab.identity(&AUSF),
        NetworkFunction::Vault,
        runtime,
    )
    .unwrap()
}

/// A runtime whose peers' names are asked for again with every call.
fn curious() -> Runtime {
    let mut runtime = Runtime::for_tests();
    runtime.grpc.resolve_interval = Duration::ZERO;
    runtime
}

/// Services that count their calls.
fn counting() -> (Routes, Arc<AtomicU32>) {
    let seen = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&seen);
    let routes = every_path(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
        async { Ok(()) }
    });
    (routes, seen)
}

async fn closed_port() -> SocketAddr {
    let listener = TcpListener::bind((LOCALHOST, 0)).await.unwrap();
    listener.local_addr().unwrap()
}

/// Calls until `holds`.
async fn call_until(channel: &Channel, what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < LIMIT, "not within {LIMIT:?}: {what}");
        unary(channel, GET_VECTOR).await.unwrap();
    }
}

#[tokio::test]
async fn a_new_replica_joins_and_one_that_vanished_leaves() {
    let (lab, servers) = (Lab::new(), Runtime::for_tests());
    let ((first, first_seen), (second, second_seen)) = (counting(), counting());
    let first = lab.serve(first, &servers).await;
    let second = lab.serve(second, &servers).await;
    let names = NameService::knows(&[first]);
    let channel = channel(&lab, &names, &curious());
    unary(&channel, GET_VECTOR).await.unwrap();

    names.now_knows(&[first, second]);
    call_until(&channel, "the second replica is called", || {
        second_seen.load(Ordering::SeqCst) > 0
    })
    .await;

    // It still answers, yet is not the function's any more.
    names.now_knows(&[second]);
    let asked = names.asked();
    call_until(&channel, "the name is asked for", || {
        names.asked() > asked + 1
    })
    .await;
    let before = first_seen.load(Ordering::SeqCst);
    for _ in 0..10 {
        unary(&channel, GET_VECTOR).await.unwrap();
    }
    assert_eq!(first_seen.load(Ordering::SeqCst), before);
}

#[tokio::test]
async fn an_empty_or_failed_answer_of_the_name_service_leaves_the_replicas_as_they_were() {
    let (lab, servers) = (Lab::new(), Runtime::for_tests());
    let address = lab.serve(counting().0, &servers).await;
    let names = NameService::knows(&[address]);
    let channel = channel(&lab, &names, &curious());
    unary(&channel, GET_VECTOR).await.unwrap();
    for _ in 0..3 {
        names.answers_once(Ok(Vec::new()));
        names.answers_once(Err(io::Error::from(io::ErrorKind::TimedOut)));
    }
    let asked = names.asked();
    call_until(&channel, "all answers are used up", || {
        names.asked() > asked + 6
    })
    .await;
}

#[tokio::test]
async fn a_call_waits_for_a_replica_that_starts_again_at_another_address() {
    let (lab, servers) = (Lab::new(), Runtime::for_tests());
    let gone = closed_port().await;
    let names = NameService::knows(&[gone]);
    // Not before its turn, but for the doubt.
    let channel = channel(&lab, &names, &Runtime::for_tests());
    let calls = [PROMOTE, GET_VECTOR].map(|path| {
        let mut request = tonic::Request::new(());
        request.set_timeout(LIMIT);
        let channel = channel.clone();
        async move { unary_with(&channel, path, request).await }
    });
    let mut waiting = JoinSet::new();
    waiting.spawn(join_all(calls));
    let begun = Instant::now();
    while names.asked() < 2 {
        assert!(begun.elapsed() < LIMIT, "the name is asked for again");
        tokio::task::yield_now().await;
    }
    let (routes, seen) = counting();
    names.now_knows(&[lab.serve(routes, &servers).await]);
    for answer in waiting.join_next().await.unwrap().unwrap() {
        answer.unwrap();
    }
    assert_eq!(seen.load(Ordering::SeqCst), 2);
    let asked = names.asked();
    let most = u32::try_from(begun.elapsed().as_secs()).unwrap() + 2;
    assert!(asked <= most, "asked {asked} times, {most} are enough");
}

#[tokio::test]
async fn a_call_that_finds_no_replica_ends_well_before_its_deadline() {
    let lab = Lab::new();
    let names = NameService::knows(&[closed_port().await]);
    let channel = channel(&lab, &names, &Runtime::for_tests());
    let mut request = tonic::Request::new(());
    request.set_timeout(Duration::from_secs(2));
    let begun = Instant::now();
    let answer = unary_with(&channel, PROMOTE, request).await.unwrap_err();
    assert_eq!(answer.code(), Code::Unavailable);
    let took = begun.elapsed();
    assert!(took < Duration::from_millis(1500), "{took:?}");
}

#[tokio::test]
async fn a_replica_that_does_not_answer_holds_up_a_call_only_shortly() {
    let (lab, servers) = (Lab::new(), Runtime::for_tests());
    // Connections are made by the system; nobody speaks TLS on them.
    let silent = TcpListener::bind((LOCALHOST, 0)).await.unwrap();
    let (routes, _) = counting();
    let open = lab.serve(routes, &servers).await;
    let names = NameService::knows(&[silent.local_addr().unwrap(), open]);
    let channel = channel(&lab, &names, &Runtime::for_tests());
    for _ in 0..20 {
        timeout(Duration::from_secs(2), unary(&channel, GET_VECTOR))
            .await
            .unwrap()
            .unwrap();
    }
}

#[tokio::test]
async fn a_call_reaches_replicas_that_came_when_all_it_knew_have_fallen_silent() {
    let (lab, servers) = (Lab::new(), Runtime::for_tests());
    let silent = TcpListener::bind((LOCALHOST, 0)).await.unwrap();
    let names = NameService::knows(&[silent.local_addr().unwrap()]);
    let channel = channel(&lab, &names, &curious());
    let first = timeout(Duration::from_millis(100), unary(&channel, GET_VECTOR)).await;
    assert!(
        first.is_err(),
        "nobody could answer, and it was not waited for"
    );

    let (routes, _) = counting();
    names.now_knows(&[lab.serve(routes, &servers).await]);
    let call = timeout(Duration::from_secs(2), unary(&channel, GET_VECTOR));
    call.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_answer_of_the_name_service_that_a_call_did_not_wait_for_helps_the_next_one() {
    let (lab, servers) = (Lab::new(), Runtime::for_tests());
    let silent = TcpListener::bind((LOCALHOST, 0)).await.unwrap();
    let names = NameService::knows(&[silent.local_addr().unwrap()]);
    // Not before its turn, but for the doubt.
    let channel = channel(&lab, &names, &Runtime::for_tests());
    let first = timeout(Duration::from_millis(100), unary(&channel, GET_VECTOR)).await;
    assert!(first.is_err(), "nobody could answer");

    let (routes, _) = counting();
    names.now_knows(&[lab.serve(routes, &servers).await]);
    *names.delay.lock().unwrap() = Duration::from_millis(700);
    // Until it may be asked again.
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(1)).await;
    tokio::time::resume();
    let asks = timeout(Duration::from_millis(1200), unary(&channel, GET_VECTOR)).await;
    assert!(asks.is_err(), "the answer came too late for this one");
    let call = timeout(Duration::from_secs(2), unary(&channel, GET_VECTOR));
    call.await.unwrap().unwrap();
}

/// Calls from eight tasks until told to stop; answers how many there were and what went wrong.
fn under_load(
    channel: &Channel,
    path: &'static str,
    stop: &Arc<AtomicBool>,
) -> JoinSet<(u32, Vec<Status>)> {
    let (channel, stop) = (channel.clone(), Arc::clone(stop));
    let mut load = JoinSet::new();
    load.spawn(async move {
        let callers = (0..8).map(|_| async {
            let (mut calls, mut failed) = (0, Vec::new());
            while !stop.load(Ordering::SeqCst) {
                calls += 1;
                failed.extend(unary(&channel, path).await.err());
            }
            (calls, failed)
        });
        let all = join_all(callers).await;
        let calls = all.iter().map(|(calls, _)| calls).sum();
        (
            calls,
            all.into_iter().flat_map(|(_, failed)| failed).collect(),
        )
    });
    load
}

async fn reaches(counter: &AtomicU32, many: u32) {
    let begun = Instant::now();
    while counter.load(Ordering::SeqCst) < many {
        assert!(begun.elapsed() < LIMIT, "{many} calls are answered");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn callers_move_over_without_one_failed_call_when_a_replica_stops() {
    let (lab, stays) = (Lab::new(), Runtime::for_tests());
    let shutdown = ShutdownConfig {
        settle: Duration::from_millis(100),
        grace: LIMIT,
    };
    let stops = Runtime::new(shutdown, GrpcConfig::default());
    let ((first, first_seen), (second, second_seen)) = (counting(), counting());
    let addresses = [
        lab.serve(first, &stops).await,
        lab.serve(second, &stays).await,
    ];
    let channel = channel(&lab, &NameService::knows(&addresses), &Runtime::for_tests());
    let stop = Arc::new(AtomicBool::new(false));
    let mut load = under_load(&channel, GET_VECTOR, &stop);
    reaches(&first_seen, 100).await;
    stops.lifecycle.shutdown().await;
    let seen = second_seen.load(Ordering::SeqCst);
    reaches(&second_seen, seen + 200).await;
    stop.store(true, Ordering::SeqCst);
    let (calls, failed) = load.join_next().await.unwrap().unwrap();
    assert!(failed.is_empty(), "{} of {calls}: {failed:?}", failed.len());
}

#[tokio::test]
async fn no_idempotent_call_fails_and_only_others_in_flight_do_when_a_replica_is_killed() {
    let (lab, stays) = (Lab::new(), Runtime::for_tests());
    for (path, most_failures) in [(PROMOTE, 0), (GET_VECTOR, 8)] {
        let ((first, first_seen), (second, second_seen)) = (counting(), counting());
        // When it is dropped, its sockets close without a word, as when a process is killed.
        let process = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let killed = Runtime::for_tests();
        let identity = lab.identity(&crate::support::VAULT);
        let listener = {
            let _inside = process.enter();
            let listener = std::net::TcpListener::bind((LOCALHOST, 0)).unwrap();
            listener.set_nonblocking(true).unwrap();
            TcpListener::from_std(listener).unwrap()
        };
        let address = listener.local_addr().unwrap();
        process.spawn(async move { grpc::serve(listener, first, &identity, &killed).await });
        let addresses = [address, lab.serve(second, &stays).await];
        let channel = channel(&lab, &NameService::knows(&addresses), &Runtime::for_tests());
        let stop = Arc::new(AtomicBool::new(false));
        let mut load = under_load(&channel, path, &stop);
        reaches(&first_seen, 100).await;
        process.shutdown_background();
        let seen = second_seen.load(Ordering::SeqCst);
        reaches(&second_seen, seen + 200).await;
        stop.store(true, Ordering::SeqCst);
        let (calls, failed) = load.join_next().await.unwrap().unwrap();
        assert!(
            failed.len() <= most_failures,
            "{path}: {} of {calls}: {failed:?}",
            failed.len()
        );
    }
}
