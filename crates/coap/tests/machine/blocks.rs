//! Block-wise transfer beyond the rules of a single server.

use std::time::Duration;

use coap::{
    Block, BlockSize, Code, ContentFormat, Event, Failure, Kind, Method, OptionNumber, Options,
    Parameters, Reliability, Request, Response,
};

use crate::pair::{Network, Pair};
use crate::peer::{Peer, header};

const NOW: Duration = Duration::from_secs(60);

fn sizes(block: usize) -> Parameters {
    Parameters {
        block_size: BlockSize::fitting(block).expect("a block size of tests is at least 16"),
        ..Parameters::default()
    }
}

/// Echoes one request; what came out at the device, and the requests that the server saw.
fn echo(device: Parameters, server: Parameters, body: &[u8]) -> (Option<Event>, usize) {
    let mut pair = Pair::with(Network::default(), 1, [device, server]);
    let now = pair.now;
    let post = Request::post("/a", ContentFormat::OCTET_STREAM, body.to_vec());
    pair.ends[0]
        .request(now, post, Reliability::Confirmable)
        .expect("the first request is taken");
    let mut runs = 0;
    let mut outcome = None;
    pair.run(Duration::from_secs(1000), |pair, _, event| {
        match event {
            Event::Request { id, request, .. } => {
                runs += 1;
                let response = Response::content(ContentFormat::OCTET_STREAM, request.payload);
                let now = pair.now;
                pair.ends[1]
                    .respond(now, id, response)
                    .expect("the request is open");
            }
            other => outcome = Some(other),
        }
        false
    });
    (outcome, runs)
}

// RFC 7959 2.3 to 2.5
#[test]
fn sides_with_different_block_sizes_agree_on_the_smaller() {
    let body: Vec<u8> = (0..=255).cycle().take(3000).collect();
    for (device, server) in [(1024, 1024), (1024, 64), (64, 1024), (16, 32), (512, 128)] {
        let (outcome, runs) = echo(sizes(device), sizes(server), &body);
        let Some(Event::Response { response, .. }) = outcome else {
            panic!("{device} and {server}: {outcome:?}");
        };
        assert!(response.payload == body, "{device} and {server}");
        assert_eq!(runs, 1);
    }
}

#[test]
fn a_body_of_exactly_full_blocks_passes() {
    for length in [0, 1, 1023, 1024, 1025, 2048, 65_536] {
        let (outcome, _) = echo(
            Parameters::default(),
            Parameters::default(),
            &vec![7; length],
        );
        let Some(Event::Response { response, .. }) = outcome else {
            panic!("{length}: {outcome:?}");
        };
        assert_eq!(response.payload.len(), length);
    }
}

// RFC 7959 2.9.3
#[test]
fn a_request_above_the_limit_of_the_server_is_4_13() {
    let (outcome, runs) = echo(Parameters::default(), Parameters::default(), &[0; 70_000]);
    let Some(Event::Response { response, .. }) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(response.code, Code::REQUEST_ENTITY_TOO_LARGE);
    assert_eq!(response.options.uint(OptionNumber::SIZE1), Some(65_536));
    assert_eq!(runs, 0);
}

#[test]
fn a_response_above_the_limit_of_the_device_ends_the_request() {
    let device = Parameters {
        max_body: 2000,
        ..Parameters::default()
    };
    let (outcome, _) = echo(device, Parameters::default(), &[0; 4000]);
    assert!(
        matches!(
            outcome,
            Some(Event::Failed {
                failure: Failure::TooLarge,
                ..
            })
        ),
        "{outcome:?}"
    );
}

fn block(number: u32, more: bool) -> Block {
    Block {
        number,
        more,
        size: BlockSize::MIN,
    }
}

fn upload(id: u16, path: &[u8], tag: Option<&[u8]>, block: Block, payload: &[u8]) -> Vec<u8> {
    let mut options = Options::new();
    options.push(OptionNumber::URI_PATH, path);
    options.push_uint(OptionNumber::BLOCK1, block.to_uint());
    if let Some(tag) = tag {
        options.push(OptionNumber::REQUEST_TAG, tag);
    }
    header(Kind::Confirmable, Method::Post.code(), id, b"tk").encode(options.iter(), payload)
}

// RFC 7959 2.5, RFC 9175 3
#[test]
fn interleaved_uploads_to_two_resources_or_with_two_tags_stay_apart() {
    type Case<'a> = [(&'a [u8], Option<&'a [u8]>); 2];
    let cases: [Case<'_>; 2] = [
        [(b"a", None), (b"b", None)],
        [(b"a", Some(b"1")), (b"a", Some(b"2"))],
    ];
    for case in cases {
        let mut peer = Peer::new();
        for (index, (path, tag)) in (0u8..).zip(case) {
            let first = upload(u16::from(index), path, tag, block(0, true), &[index; 16]);
            assert_eq!(peer.feed(&first)[0].code, Code::CONTINUE);
        }
        for (index, (path, tag)) in (0u8..).zip(case) {
            peer.feed(&upload(
                10 + u16::from(index),
                path,
                tag,
                block(1, false),
                &[index],
            ));
            let (_, request) = peer.reported();
            assert_eq!(request.payload, [index; 17]);
        }
    }
}

// RFC 7959 2.2 and 2.5
#[test]
fn blocks_of_a_wrong_length_or_size_are_4_00() {
    for (block, length) in [
        (block(0, true), 15),
        (block(0, true), 17),
        (block(0, false), 17),
    ] {
        let sent = Peer::new().feed(&upload(1, b"a", None, block, &vec![0; length]));
        assert_eq!(sent[0].code, Code::BAD_REQUEST);
    }
    let mut options = Options::new();
    options.push(OptionNumber::BLOCK2, &[7]);
    let reserved =
        header(Kind::Confirmable, Method::Get.code(), 1, b"tk").encode(options.iter(), &[]);
    assert_eq!(Peer::new().feed(&reserved)[0].code, Code::BAD_REQUEST);
}

// RFC 7959 4
#[test]
fn an_announced_size_above_the_limit_is_4_13_at_once() {
    let mut options = Options::new();
    options.push_uint(OptionNumber::BLOCK1, block(0, true).to_uint());
    options.push_uint(OptionNumber::SIZE1, 70_000);
    let first =
        header(Kind::Confirmable, Method::Post.code(), 1, b"tk").encode(options.iter(), &[0; 16]);
    assert_eq!(
        Peer::new().feed(&first)[0].code,
        Code::REQUEST_ENTITY_TOO_LARGE
    );
}

#[test]
fn an_upload_that_stops_is_forgotten() {
    let mut peer = Peer::new();
    peer.feed(&upload(1, b"a", None, block(0, true), &[0; 16]));
    peer.pass(Duration::from_secs(300));
    assert_eq!(peer.endpoint.next_timeout(), None, "nothing is kept");
    let sent = peer.feed(&upload(2, b"a", None, block(1, false), &[0; 16]));
    assert_eq!(sent[0].code, Code::REQUEST_ENTITY_INCOMPLETE);
}

fn get_block(id: u16, number: u32) -> Vec<u8> {
    let mut options = Options::new();
    options.push(OptionNumber::URI_PATH, b"a");
    options.push_uint(OptionNumber::BLOCK2, block(number, false).to_uint());
    header(Kind::Confirmable, Method::Get.code(), id, b"tk").encode(options.iter(), &[])
}

// RFC 7959 2.4
#[test]
fn any_block_of_a_resource_can_be_asked_for_alone() {
    let mut peer = Peer::new();
    peer.feed(&get_block(1, 2));
    let (id, _) = peer.reported();
    let body = Response::content(ContentFormat::TEXT, (0..40).collect());
    peer.endpoint.respond(NOW, id, body.clone()).unwrap();
    let sent = peer.sent();
    assert_eq!(sent[0].payload, (32..40).collect::<Vec<u8>>());
    peer.feed(&get_block(2, 3));
    let (id, _) = peer.reported();
    peer.endpoint.respond(NOW, id, body).unwrap();
    assert_eq!(peer.sent()[0].code, Code::BAD_REQUEST, "behind the end");
}

fn served(id: u16, token: &[u8], etag: &[u8], block: Block, payload: &[u8]) -> Vec<u8> {
    let mut options = Options::new();
    options.push(OptionNumber::ETAG, etag);
    options.push_uint(OptionNumber::BLOCK2, block.to_uint());
    header(Kind::Acknowledgement, Code::CONTENT, id, token).encode(options.iter(), payload)
}

// RFC 7959 2.4
#[test]
fn a_body_that_changes_under_way_is_fetched_again() {
    let mut peer = Peer::new();
    peer.endpoint
        .request(peer.now, Request::get("/a"), Reliability::Confirmable)
        .unwrap();
    let first = peer.sent().remove(0);
    let second = peer
        .feed(&served(
            first.id,
            &first.token,
            b"1",
            block(0, true),
            &[1; 16],
        ))
        .remove(0);
    assert_eq!(
        second.options.uint(OptionNumber::BLOCK2),
        Some(block(1, false).to_uint())
    );
    let third = peer
        .feed(&served(
            second.id,
            &second.token,
            b"2",
            block(1, false),
            &[2; 4],
        ))
        .remove(0);
    assert_eq!(third.options.first(OptionNumber::BLOCK2), None);
    let fourth = peer
        .feed(&served(
            third.id,
            &third.token,
            b"2",
            block(0, true),
            &[2; 16],
        ))
        .remove(0);
    peer.feed(&served(
        fourth.id,
        &fourth.token,
        b"2",
        block(1, false),
        &[2; 4],
    ));
    let Some(Event::Response { response, .. }) = peer.events().pop() else {
        panic!("no response");
    };
    assert_eq!(response.payload, [2; 20]);
}

#[test]
fn a_body_that_never_stops_changing_ends_the_request() {
    let mut peer = Peer::new();
    peer.endpoint
        .request(peer.now, Request::get("/a"), Reliability::Confirmable)
        .unwrap();
    let mut sent = peer.sent();
    for round in 0..20u8 {
        let Some(asked) = sent.pop() else { break };
        let number = u32::from(asked.options.uint(OptionNumber::BLOCK2).is_some());
        sent = peer.feed(&served(
            asked.id,
            &asked.token,
            &[round],
            block(number, true),
            &[0; 16],
        ));
    }
    let events = peer.events();
    assert!(
        matches!(
            events[..],
            [Event::Failed {
                failure: Failure::Unacceptable,
                ..
            }]
        ),
        "{events:?}"
    );
}

#[test]
fn long_options_make_blocks_smaller_so_that_messages_stay_within_their_limit() {
    let path = format!("/{}", "x".repeat(255));
    let mut peer = Peer::new();
    let post = Request::post(&path, ContentFormat::OCTET_STREAM, vec![0; 3000]);
    peer.endpoint
        .request(peer.now, post, Reliability::Confirmable)
        .unwrap();
    let sent = peer.sent().remove(0);
    assert!(sent.raw.len() <= 1152, "{}", sent.raw.len());
    assert_eq!(sent.payload.len(), 512);

    peer.feed(&upload(1, b"a", None, block(0, false), &[0; 16]));
    let (id, _) = peer.reported();
    let body = Response::content(ContentFormat::OCTET_STREAM, vec![0; 1024]).with_location(&path);
    peer.endpoint.respond(peer.now, id, body).unwrap();
    let sent = peer.sent().remove(0);
    assert_eq!(sent.payload.len(), 512);
    assert!(sent.options.uint(OptionNumber::BLOCK2).is_some());
}

// RFC 8132 2, RFC 7959 2.7
#[test]
fn a_fetch_names_its_representation_by_its_body_however_large() {
    for length in [10, 3000] {
        let mut pair = Pair::new(Network::default(), 1);
        let now = pair.now;
        let bodies = [1u8, 2].map(|value| vec![value; length]);
        for body in &bodies {
            let fetch =
                Request::new(Method::Fetch, "/a").with_payload(ContentFormat::CBOR, body.clone());
            pair.ends[0]
                .request(now, fetch, Reliability::Confirmable)
                .unwrap();
        }
        let mut answers = Vec::new();
        pair.run(Duration::from_secs(100), |pair, _, event| {
            match event {
                Event::Request { id, request, .. } => {
                    assert_eq!(request.payload.len(), length);
                    let body = vec![request.payload[0]; 5000];
                    let now = pair.now;
                    let response = Response::content(ContentFormat::CBOR, body);
                    pair.ends[1].respond(now, id, response).unwrap();
                }
                Event::Response { response, .. } => answers.push(response.payload),
                other => panic!("{other:?}"),
            }
            false
        });
        assert!(answers == [vec![1; 5000], vec![2; 5000]], "{length}");
    }
}
