//! Shutdown: what runs ends well, what would never end is ended, nothing new begins.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use nf_api::{Caller, NetworkFunction};
use nf_runtime::Runtime;
use nf_runtime::grpc::{self, Channel, GrpcConfig};
use nf_runtime::lifecycle::{Lifecycle, ShutdownConfig, Signals, Stopped};
use nf_runtime::telemetry::{TelemetryConfig, init_for_thread};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_stream::StreamExt as _;
use tonic::service::Routes;
use tonic::{Code, Request, Status, Streaming};

use crate::support::{
    AUSF, GET_VECTOR, GET_VECTOR_STREAM, Lab, WATCH, every_path, message, server_stream, unary,
};

fn lifecycle() -> Lifecycle {
    Lifecycle::new(ShutdownConfig {
        settle: Duration::from_secs(3),
        grace: Duration::from_secs(20),
    })
}

#[tokio::test(start_paused = true)]
async fn readiness_goes_first_then_listeners_then_tasks() {
    let (lifecycle, begin) = (lifecycle(), Instant::now());
    let (readiness, token) = (lifecycle.readiness(), lifecycle.token());
    lifecycle.spawn("worker", async move {
        assert!(!readiness.changed_from(true).await);
        assert_eq!(begin.elapsed(), Duration::ZERO);
        assert!(!token.is_cancelled());
        token.cancelled().await;
        assert_eq!(begin.elapsed(), Duration::from_secs(3));
        tokio::time::sleep(Duration::from_secs(4)).await;
    });
    assert!(lifecycle.readiness().is_ready());
    tokio::task::yield_now().await;
    let stopped = lifecycle.run_until(async {}).await;
    assert!(matches!(stopped, Stopped::Clean));
    assert_eq!(begin.elapsed(), Duration::from_secs(7));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_does_not_end_is_cut_off_when_the_grace_does() {
    let (lifecycle, begin) = (lifecycle(), Instant::now());
    lifecycle.spawn("stubborn", std::future::pending());
    assert!(matches!(
        lifecycle.shutdown().await,
        Stopped::Overdue { tasks: 1 }
    ));
    assert_eq!(begin.elapsed(), Duration::from_secs(23));
}

#[tokio::test(start_paused = true)]
async fn a_critical_task_that_fails_takes_the_process_down() {
    for task in [false, true] {
        let lifecycle = lifecycle();
        lifecycle.spawn_critical("feed", async move {
            assert!(task, "a mistake");
            Err(anyhow::anyhow!("lost the store"))
        });
        let Stopped::Failed(error) = lifecycle.run_until(std::future::pending()).await else {
            panic!("the failure was not seen");
        };
        let error = format!("{error:#}");
        assert!(
            error.contains("task feed failed: ")
                && (error.contains("lost") || error.contains("mistake")),
            "{error}"
        );
        assert!(lifecycle.token().is_cancelled() && !lifecycle.readiness().is_ready());
    }
}

#[tokio::test(start_paused = true)]
async fn other_tasks_may_end_and_even_panic() {
    let lifecycle = lifecycle();
    lifecycle.spawn("mistaken", async { panic!("a mistake") });
    lifecycle.spawn_critical("finished", async { Ok(()) });
    let asked = tokio::time::sleep(Duration::from_secs(1));
    assert!(matches!(lifecycle.run_until(asked).await, Stopped::Clean));
}

#[tokio::test]
async fn a_signal_stops_the_process_in_order() {
    let (telemetry, _installed) =
        init_for_thread(&TelemetryConfig::default(), "test", std::io::sink).unwrap();
    let lifecycle = Runtime::for_tests().lifecycle;
    let token = lifecycle.token();
    lifecycle.spawn("worker", async move { token.cancelled().await });
    let signals = Signals::install().unwrap();
    let own = std::process::id().to_string();
    let sent = Command::new("kill").args(["-TERM", &own]).status();
    assert!(sent.unwrap().success());
    let stopped = lifecycle.run_until_signal(signals, telemetry).await;
    assert!(matches!(stopped, Stopped::Clean));
}

#[tokio::test]
async fn a_call_in_flight_ends_well_and_no_connection_is_accepted_meanwhile() {
    let (lab, runtime) = (Lab::new(), Runtime::for_tests());
    let (entered, leave) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let routes = {
        let (entered, leave) = (Arc::clone(&entered), Arc::clone(&leave));
        every_path(move |_| {
            let (entered, leave) = (Arc::clone(&entered), Arc::clone(&leave));
            async move {
                entered.notify_one();
                leave.notified().await;
                Ok(())
            }
        })
    };
    let address = lab.serve(routes, &runtime).await;
    // The caller is a process of its own.
    let channel = lab.connect(address, &AUSF, &Runtime::for_tests());
    let call = async {
        let answer = unary(&channel, GET_VECTOR).await;
        let next = unary(&channel, GET_VECTOR).await;
        (answer, next)
    };
    let shutdown = async {
        entered.notified().await;
        let stopping = runtime.lifecycle.clone();
        let token = runtime.lifecycle.token();
        let refused = async {
            token.cancelled().await;
            while TcpStream::connect(address).await.is_ok() {
                tokio::task::yield_now().await;
            }
            leave.notify_one();
        };
        tokio::join!(stopping.shutdown(), refused).0
    };
    let ((answer, next), stopped) = tokio::join!(call, shutdown);
    assert!(answer.is_ok(), "{answer:?}");
    assert_eq!(next.unwrap_err().code(), Code::Unavailable);
    assert!(matches!(stopped, Stopped::Clean));
}

#[tokio::test]
async fn a_stream_of_answers_ends_with_the_process() {
    let (lab, runtime) = (Lab::new(), Runtime::for_tests());
    let endless = axum::Router::new().fallback(|| async {
        let mut response = message();
        *response.body_mut() =
            tonic::body::Body::new(http_body_util::StreamBody::new(tokio_stream::pending::<
                Result<http_body::Frame<bytes::Bytes>, Status>,
            >()));
        response
    });
    let address = lab.serve(Routes::from(endless), &runtime).await;
    let watcher = Caller::function(NetworkFunction::Msgin5gServer);
    let channel = lab.connect(address, &watcher, &Runtime::for_tests());
    let mut stream = server_stream(&channel, WATCH).await.unwrap();
    let (end, stopped) = tokio::join!(stream.message(), runtime.lifecycle.shutdown());
    assert_eq!(end.unwrap_err().code(), Code::Unavailable);
    assert!(matches!(stopped, Stopped::Clean));
}

/// Answers each message with one message, as the batched streams do.
fn echo() -> Routes {
    Routes::from(axum::Router::new().fallback(
        |request: http::Request<axum::body::Body>| async move {
            let mut response = message();
            let ok = response.body_mut();
            let status = std::mem::take(ok);
            let requests = http_body_util::BodyDataStream::new(request.into_body());
            let answers = requests.map(|data| {
                data.map(http_body::Frame::data)
                    .map_err(|_| Status::unknown(""))
            });
            let end = http_body_util::BodyStream::new(status)
                .filter(|frame| frame.as_ref().is_ok_and(http_body::Frame::is_trailers));
            *response.body_mut() =
                tonic::body::Body::new(http_body_util::StreamBody::new(answers.chain(end)));
            response
        },
    ))
}

async fn both_ways(
    channel: &Channel,
    requests: impl tokio_stream::Stream<Item = ()> + Send + 'static,
) -> Streaming<()> {
    let codec: tonic_prost::ProstCodec<(), ()> = tonic_prost::ProstCodec::default();
    let path = GET_VECTOR_STREAM.parse().unwrap();
    tonic::client::Grpc::new(channel.clone())
        .streaming(Request::new(requests), path, codec)
        .await
        .unwrap()
        .into_inner()
}

#[tokio::test]
async fn a_stream_of_requests_ends_regularly_after_what_was_asked_is_answered() {
    let (lab, runtime) = (Lab::new(), Runtime::for_tests());
    let address = lab.serve(echo(), &runtime).await;
    let over_sockets = lab.connect(address, &AUSF, &Runtime::for_tests());
    let in_process = grpc::in_process(echo(), AUSF, &runtime);
    let asks_forever = || tokio_stream::iter([(), ()]).chain(tokio_stream::pending());
    let mut streams = [
        both_ways(&over_sockets, asks_forever()).await,
        both_ways(&in_process, asks_forever()).await,
    ];
    for stream in &mut streams {
        assert_eq!(stream.message().await.unwrap(), Some(()));
        assert_eq!(stream.message().await.unwrap(), Some(()));
    }
    let ends = async {
        for stream in &mut streams {
            assert_eq!(stream.message().await.unwrap(), None);
        }
    };
    let ((), stopped) = tokio::join!(ends, runtime.lifecycle.shutdown());
    assert!(matches!(stopped, Stopped::Clean));
}

#[tokio::test]
async fn an_aged_connection_is_replaced_without_a_failed_call() {
    let lab = Lab::new();
    let mut runtime = Runtime::for_tests();
    runtime.grpc.max_connection_age = Duration::from_millis(5);
    let address = lab.serve(every_path(|_| async { Ok(()) }), &runtime).await;
    let channel = lab.connect(address, &AUSF, &runtime);
    let end = Instant::now() + Duration::from_millis(300);
    let calls = (0..8).map(|_| async {
        while Instant::now() < end {
            unary(&channel, GET_VECTOR).await.unwrap();
        }
    });
    futures::future::join_all(calls).await;
}

#[tokio::test]
async fn health_follows_readiness() {
    let lab = Lab::new();
    let shutdown = ShutdownConfig {
        settle: Duration::from_millis(50),
        grace: Duration::from_secs(5),
    };
    let runtime = Runtime::new(shutdown, GrpcConfig::default());
    let latch = runtime.lifecycle.readiness().latch("store");
    let address = lab.serve(Routes::default(), &runtime).await;
    let channel = lab.connect(address, &AUSF, &runtime);
    let mut health = tonic_health::pb::health_client::HealthClient::new(channel);
    let request = tonic_health::pb::HealthCheckRequest::default();
    let mut states = health.watch(request).await.unwrap().into_inner();
    let mut next = async || states.message().await.unwrap().unwrap().status();
    use tonic_health::pb::health_check_response::ServingStatus;
    assert_eq!(next().await, ServingStatus::NotServing);
    latch.release();
    assert_eq!(next().await, ServingStatus::Serving);
    let stopping = runtime.lifecycle.clone();
    let (last, stopped) = tokio::join!(next(), stopping.shutdown());
    assert_eq!(last, ServingStatus::NotServing);
    assert!(matches!(stopped, Stopped::Clean));
}
