//! Exchanges on a bad network: each completes, each request runs once.

use std::time::Duration;

use coap::{Code, ContentFormat, Event, Failure, Reliability, Request, Response};

use crate::pair::{Network, Pair, seeds};

const BAD: Network = Network {
    loss: 20,
    duplication: 20,
    jitter: Duration::from_millis(900),
};

// RFC 7252 4.2 and 4.5
#[test]
fn requests_run_once_and_are_answered_on_a_bad_network() {
    let mut answered = 0;
    let mut timed_out = 0;
    for seed in seeds() {
        let mut pair = Pair::new(BAD, seed);
        let mut runs = [0u32; 10];
        for number in 0..10u8 {
            let post = Request::post("/a", ContentFormat::OCTET_STREAM, vec![number]);
            let now = pair.now;
            pair.ends[0]
                .request(now, post, Reliability::Confirmable)
                .unwrap();
        }
        let mut done = 0;
        pair.run(Duration::from_secs(3000), |pair, _, event| {
            match event {
                Event::Request { id, request, .. } => {
                    let number = request.payload[0];
                    runs[usize::from(number)] += 1;
                    let response = Response::content(ContentFormat::OCTET_STREAM, vec![number]);
                    let now = pair.now;
                    pair.ends[1].respond(now, id, response).unwrap();
                }
                Event::Response { response, .. } => {
                    assert_eq!(response.code, Code::CONTENT, "seed {seed}");
                    answered += 1;
                    done += 1;
                }
                Event::Failed { failure, .. } => {
                    assert_eq!(failure, Failure::TimedOut, "seed {seed}");
                    timed_out += 1;
                    done += 1;
                }
                other => panic!("seed {seed}: {other:?}"),
            }
            false
        });
        assert_eq!(done, 10, "seed {seed}");
        assert!(runs.iter().all(|runs| *runs <= 1), "seed {seed}: {runs:?}");
        assert!(
            pair.ends.iter().all(coap::Endpoint::is_quiet),
            "seed {seed}"
        );
    }
    // five sendings, each way lost with 20 %: 36 % a try, 0.6 % in the end
    assert!(timed_out * 40 < answered, "{timed_out} of {answered}");
}

// RFC 7252 5.2.2
#[test]
fn slow_answers_arrive_once_on_a_bad_network() {
    for seed in seeds() {
        let mut pair = Pair::new(BAD, seed);
        let now = pair.now;
        pair.ends[0]
            .request(now, Request::get("/slow"), Reliability::Confirmable)
            .unwrap();
        let mut asked = None;
        pair.run(Duration::from_secs(20), |_, _, event| {
            if let Event::Request { id, .. } = event {
                assert!(asked.replace(id).is_none(), "seed {seed}: executed twice");
            }
            false
        });
        let Some(id) = asked else { continue };
        let now = pair.now;
        pair.ends[1]
            .respond(now, id, Response::new(Code::CONTENT))
            .unwrap();
        let mut answers = 0;
        pair.run(Duration::from_secs(200), |_, _, event| {
            answers += u32::from(matches!(event, Event::Response { .. }));
            false
        });
        assert!(answers <= 1, "seed {seed}");
    }
}

#[test]
fn large_bodies_pass_both_ways_on_a_bad_network() {
    let network = Network { loss: 10, ..BAD };
    let body: Vec<u8> = (0..9000u32).flat_map(u32::to_be_bytes).collect();
    let mut complete = 0;
    for seed in seeds() {
        let mut pair = Pair::new(network, seed);
        let post = Request::post("/a", ContentFormat::OCTET_STREAM, body.clone());
        let now = pair.now;
        pair.ends[0]
            .request(now, post, Reliability::Confirmable)
            .unwrap();
        let mut runs = 0;
        pair.run(Duration::from_secs(10_000), |pair, _, event| {
            match event {
                Event::Request { id, request, .. } => {
                    runs += 1;
                    assert_eq!(request.payload, body, "seed {seed}");
                    let response = Response::content(ContentFormat::OCTET_STREAM, request.payload);
                    let now = pair.now;
                    pair.ends[1].respond(now, id, response).unwrap();
                }
                Event::Response { response, .. } => {
                    assert_eq!(response.payload, body, "seed {seed}");
                    complete += 1;
                }
                Event::Failed { failure, .. } => {
                    assert_eq!(failure, Failure::TimedOut, "seed {seed}")
                }
                other => panic!("seed {seed}: {other:?}"),
            }
            false
        });
        assert!(runs <= 1, "seed {seed}: executed {runs} times");
    }
    assert!(complete > 100, "only {complete} transfers were completed");
}

#[test]
fn both_sides_ask_at_the_same_time() {
    for seed in seeds() {
        let mut pair = Pair::new(BAD, seed);
        let now = pair.now;
        for end in &mut pair.ends {
            for _ in 0..5 {
                end.request(now, Request::get("/a"), Reliability::Confirmable)
                    .unwrap();
            }
        }
        let mut ended = [0; 2];
        pair.run(Duration::from_secs(3000), |pair, side, event| {
            match event {
                Event::Request { id, .. } => {
                    let now = pair.now;
                    pair.ends[side]
                        .respond(now, id, Response::new(Code::CONTENT))
                        .unwrap();
                }
                Event::Response { .. } | Event::Failed { .. } => ended[side] += 1,
                other => panic!("seed {seed}: {other:?}"),
            }
            false
        });
        assert_eq!(ended, [5, 5], "seed {seed}");
    }
}
