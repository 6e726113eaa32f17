//! Calls that end badly: late, broken, panicking, repeated.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nf_api::status::{cause_of, refuse};
use nf_runtime::Runtime;
use nf_runtime::grpc::{self, Channel, Deadline};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;
use tonic::service::Routes;
use tonic::{Code, Request, Status};

use crate::support::{
    AUSF, GET_VECTOR, LOCALHOST, Lab, PROMOTE, VAULT, WATCH, every_path, message, server_stream,
    unary, unary_with,
};

/// Says so when it is dropped.
struct Dropped(Arc<Notify>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

fn never_answers(dropped: &Arc<Notify>) -> Routes {
    let dropped = Arc::clone(dropped);
    every_path(move |_| {
        let guard = Dropped(Arc::clone(&dropped));
        async move {
            let _guard = guard;
            pending().await
        }
    })
}

fn fails_times(count: u32, status: fn() -> Status) -> (Routes, Arc<AtomicU32>) {
    let seen = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&seen);
    let routes = every_path(move |_| {
        let outcome = if counter.fetch_add(1, Ordering::SeqCst) < count {
            Err(status())
        } else {
            Ok(())
        };
        async move { outcome }
    });
    (routes, seen)
}

fn request(timeout: Duration) -> Request<()> {
    let mut request = Request::new(());
    request.set_timeout(timeout);
    request
}

async fn assert_deadline(channel: &Channel, dropped: &Notify) {
    let answer = unary_with(channel, PROMOTE, request(Duration::from_millis(50)))
        .await
        .unwrap_err();
    assert_eq!(answer.code(), Code::DeadlineExceeded, "{answer:?}");
    assert_eq!(cause_of(&answer), cause::Cause::DeadlineExceeded);
    dropped.notified().await;
}

#[tokio::test(start_paused = true)]
async fn a_passed_deadline_is_deadline_exceeded_in_process_and_ends_the_handler() {
    let dropped = Arc::new(Notify::new());
    let channel = grpc::in_process(never_answers(&dropped), AUSF, &Runtime::for_tests());
    assert_deadline(&channel, &dropped).await;
}

#[tokio::test]
async fn a_passed_deadline_is_deadline_exceeded_over_sockets_and_ends_the_handler() {
    let (lab, runtime, dropped) = (Lab::new(), Runtime::for_tests(), Arc::new(Notify::new()));
    let address = lab.serve(never_answers(&dropped), &runtime).await;
    assert_deadline(&lab.connect(address, &AUSF, &runtime), &dropped).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_without_streams_always_has_a_deadline() {
    let runtime = Runtime::for_tests();
    let channel = grpc::in_process(never_answers(&Arc::new(Notify::new())), AUSF, &runtime);
    let begin = tokio::time::Instant::now();
    assert_eq!(
        unary(&channel, PROMOTE).await.unwrap_err().code(),
        Code::DeadlineExceeded
    );
    assert_eq!(begin.elapsed(), runtime.grpc.default_deadline);

    let begin = tokio::time::Instant::now();
    let long = request(Duration::from_secs(3600));
    assert_eq!(
        unary_with(&channel, PROMOTE, long)
            .await
            .unwrap_err()
            .code(),
        Code::DeadlineExceeded
    );
    assert_eq!(begin.elapsed(), runtime.grpc.longest_deadline);
}

#[tokio::test(start_paused = true)]
async fn a_passed_deadline_ends_what_the_handler_waits_for_at_others() {
    let (runtime, dropped) = (Runtime::for_tests(), Arc::new(Notify::new()));
    let far = grpc::in_process(never_answers(&dropped), AUSF, &runtime);
    let near = every_path(move |_| {
        let far = far.clone();
        async move { unary(&far, PROMOTE).await }
    });
    let near = grpc::in_process(near, AUSF, &runtime);
    assert_deadline(&near, &dropped).await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_sees_its_deadline_and_can_hand_it_on() {
    let runtime = Runtime::for_tests();
    let seen = Arc::new(std::sync::Mutex::new(None));
    let far = {
        let seen = Arc::clone(&seen);
        every_path(move |request| {
            *seen.lock().unwrap() = request
                .extensions()
                .get::<Deadline>()
                .map(|deadline| deadline.remaining());
            async { Ok(()) }
        })
    };
    let far = grpc::in_process(far, AUSF, &runtime);
    let near = every_path(move |request| {
        let (far, deadline) = (far.clone(), request.extensions().get::<Deadline>().copied());
        async move {
            let mut request = Request::new(());
            request.extensions_mut().insert(deadline.unwrap());
            unary_with(&far, PROMOTE, request).await
        }
    });
    let near = grpc::in_process(near, AUSF, &runtime);
    unary_with(&near, PROMOTE, request(Duration::from_millis(700)))
        .await
        .unwrap();
    assert_eq!(*seen.lock().unwrap(), Some(Duration::from_millis(700)));
}

#[tokio::test(start_paused = true)]
async fn a_stream_lives_until_the_deadline_that_its_caller_gives() {
    let runtime = Runtime::for_tests();
    let endless = axum::Router::new().fallback(|| async {
        let mut response = message();
        *response.body_mut() =
            tonic::body::Body::new(http_body_util::StreamBody::new(tokio_stream::pending::<
                Result<http_body::Frame<bytes::Bytes>, Status>,
            >()));
        response
    });
    let caller = nf_api::Caller::function(nf_api::NetworkFunction::Msgin5gServer);
    let channel = grpc::in_process(Routes::from(endless), caller, &runtime);

    let mut unbounded = server_stream(&channel, WATCH).await.unwrap();
    assert!(
        tokio::time::timeout(Duration::from_secs(86_400), unbounded.message())
            .await
            .is_err()
    );

    let mut client = tonic::client::Grpc::new(channel);
    let codec: tonic_prost::ProstCodec<(), ()> = tonic_prost::ProstCodec::default();
    let bounded = client
        .server_streaming(
            request(Duration::from_secs(2)),
            WATCH.parse().unwrap(),
            codec,
        )
        .await;
    let begin = tokio::time::Instant::now();
    let end = bounded.unwrap().into_inner().message().await.unwrap_err();
    assert_eq!(end.code(), Code::DeadlineExceeded);
    assert_eq!(begin.elapsed(), Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn only_idempotent_calls_are_repeated_and_only_when_unavailable() {
    let runtime = Runtime::for_tests();
    let unavailable: fn() -> Status = || refuse(cause::Cause::StoreUnavailable);
    for (path, status, failures, expected, calls) in [
        (PROMOTE, unavailable, 2, Code::Ok, 3),
        (PROMOTE, unavailable, 9, Code::Unavailable, 4),
        (GET_VECTOR, unavailable, 1, Code::Unavailable, 1),
        (
            PROMOTE,
            || refuse(cause::Cause::Conflict),
            1,
            refuse(cause::Cause::Conflict).code(),
            1,
        ),
        (
            PROMOTE,
            || refuse(cause::Cause::Overloaded),
            1,
            Code::ResourceExhausted,
            1,
        ),
    ] {
        let (routes, seen) = fails_times(failures, status);
        let answer = unary(&grpc::in_process(routes, AUSF, &runtime), path).await;
        assert_eq!(
            answer.map_or_else(|status| status.code(), |()| Code::Ok),
            expected,
            "{path}"
        );
        assert_eq!(seen.load(Ordering::SeqCst), calls, "{path} {expected:?}");
    }
}

#[tokio::test]
async fn a_broken_connection_is_unavailable_and_repeated_only_where_idempotent() {
    let (lab, runtime) = (Lab::new(), Runtime::for_tests());
    let listener = TcpListener::bind((LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = TlsAcceptor::from(lab.identity(&VAULT).server_config());
    let connections = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&connections);
    runtime.lifecycle.spawn("breaker", async move {
        while let Ok((tcp, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            let mut stream = acceptor.accept(tcp).await.unwrap();
            // The preface, and with it at least the beginning of a call.
            let _ = stream.read_exact(&mut [0; 64]).await;
        }
    });
    for (path, expected) in [(GET_VECTOR, 1), (PROMOTE, 4)] {
        connections.store(0, Ordering::SeqCst);
        let channel = lab.connect(address, &AUSF, &runtime);
        let answer = unary(&channel, path).await.unwrap_err();
        assert_eq!(answer.code(), Code::Unavailable, "{answer:?}");
        assert_eq!(connections.load(Ordering::SeqCst), expected, "{path}");
    }
}

#[tokio::test]
async fn a_replica_that_cannot_be_reached_is_passed_over_for_every_call() {
    let (lab, runtime) = (Lab::new(), Runtime::for_tests());
    let closed = TcpListener::bind((LOCALHOST, 0))
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let (routes, _) = fails_times(0, || Status::unknown(""));
    let open = lab.serve(routes, &runtime).await;
    let identity = lab.identity(&AUSF);
    let targets = format!("{closed},{open}");
    let channel = grpc::connect(
        &targets,
        &identity,
        nf_api::NetworkFunction::Vault,
        &runtime,
    )
    .unwrap();
    for _ in 0..20 {
        unary(&channel, GET_VECTOR).await.unwrap();
    }
    let nowhere = lab.connect(closed, &AUSF, &runtime);
    assert_eq!(
        unary(&nowhere, GET_VECTOR).await.unwrap_err().code(),
        Code::Unavailable
    );
}

#[tokio::test]
async fn calls_go_round_over_all_replicas() {
    let (lab, runtime) = (Lab::new(), Runtime::for_tests());
    let (first, first_seen) = fails_times(0, || Status::unknown(""));
    let (second, second_seen) = fails_times(0, || Status::unknown(""));
    let targets = format!(
        "{},{}",
        lab.serve(first, &runtime).await,
        lab.serve(second, &runtime).await
    );
    let channel = grpc::connect(
        &targets,
        &lab.identity(&AUSF),
        nf_api::NetworkFunction::Vault,
        &runtime,
    )
    .unwrap();
    for _ in 0..10 {
        unary(&channel, GET_VECTOR).await.unwrap();
    }
    assert_eq!(
        (
            first_seen.load(Ordering::SeqCst),
            second_seen.load(Ordering::SeqCst)
        ),
        (5, 5)
    );
}

#[tokio::test]
async fn a_panic_is_internal_and_the_server_lives() {
    let (lab, runtime) = (Lab::new(), Runtime::for_tests());
    let routes = || {
        every_path(|request| {
            assert!(request.uri().path() != PROMOTE, "a handler's mistake");
            async { Ok(()) }
        })
    };
    let address = lab.serve(routes(), &runtime).await;
    for channel in [
        lab.connect(address, &AUSF, &runtime),
        grpc::in_process(routes(), AUSF, &runtime),
    ] {
        let answer = unary(&channel, PROMOTE).await.unwrap_err();
        assert_eq!(answer.code(), Code::Internal);
        assert_eq!(cause_of(&answer), cause::Cause::Internal);
        assert!(
            !answer.message().contains("mistake"),
            "what went wrong is not for the caller"
        );
        assert!(unary(&channel, GET_VECTOR).await.is_ok());
    }
}

#[tokio::test]
async fn a_panic_in_a_stream_is_internal() {
    let runtime = Runtime::for_tests();
    let panics = axum::Router::new().fallback(|| async {
        let mut response = message();
        let frames = futures::stream::poll_fn(
            |_| -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, Status>>> {
                panic!("a mistake")
            },
        );
        *response.body_mut() = tonic::body::Body::new(http_body_util::StreamBody::new(frames));
        response
    });
    let caller = nf_api::Caller::function(nf_api::NetworkFunction::Msgin5gServer);
    let channel = grpc::in_process(Routes::from(panics), caller, &runtime);
    let end = server_stream(&channel, WATCH)
        .await
        .unwrap()
        .message()
        .await
        .unwrap_err();
    assert_eq!(end.code(), Code::Internal);
}
