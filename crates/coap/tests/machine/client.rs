//! Our own requests, seen from the other side.

use std::time::Duration;

use coap::{
    Code, ContentFormat, Event, Failure, Kind, Method, OptionNumber, Options, Reliability, Request,
    RequestError,
};

use crate::peer::{Peer, Sent, empty, header};

fn get(peer: &mut Peer) -> Sent {
    peer.endpoint
        .request(peer.now, Request::get("/a"), Reliability::Confirmable)
        .expect("few requests are open");
    peer.sent().remove(0)
}

fn response(kind: Kind, id: u16, token: &[u8]) -> Vec<u8> {
    header(kind, Code::CONTENT, id, token).encode([], b"x")
}

// RFC 7252 4.2 and 4.8
#[test]
fn a_request_is_repeated_four_times_with_doubled_waits_and_given_up() {
    let mut waits = Vec::new();
    for seed in 0..40 {
        let mut peer = Peer::new();
        // another start of the random sequence
        for _ in 0..seed {
            let id = peer
                .endpoint
                .request(peer.now, Request::get("/a"), Reliability::Confirmable)
                .unwrap();
            peer.endpoint.cancel(peer.now, id);
        }
        peer.sent();
        let start = peer.now;
        let first = get(&mut peer);
        let left = peer.pass(Duration::from_secs(300));
        assert_eq!(left.len(), 4);
        assert!(left.iter().all(|(_, sent)| sent.raw == first.raw));
        let wait = left[0].0 - start;
        assert!(
            wait >= Duration::from_secs(2) && wait <= Duration::from_secs(3),
            "{wait:?}"
        );
        for (index, (at, _)) in left.iter().enumerate() {
            let factor = (1 << (index + 1)) - 1;
            assert_eq!(*at - start, wait * factor);
        }
        waits.push(wait);
        let events = peer.events();
        assert!(matches!(
            events[..],
            [Event::Failed {
                failure: Failure::TimedOut,
                ..
            }]
        ));
    }
    waits.sort();
    waits.dedup();
    assert!(waits.len() > 30, "the wait is not random");
}

// RFC 7252 4.7
#[test]
fn one_request_is_open_at_a_time() {
    let mut peer = Peer::new();
    let first = get(&mut peer);
    for _ in 0..3 {
        peer.endpoint
            .request(peer.now, Request::get("/b"), Reliability::Confirmable)
            .unwrap();
    }
    assert!(peer.sent().is_empty());
    let next = peer.feed(&response(Kind::Acknowledgement, first.id, &first.token));
    assert_eq!(next.len(), 1);
    assert_ne!(next[0].id, first.id);
    assert_ne!(next[0].token, first.token);
    // an acknowledgement frees the place as well
    assert_eq!(
        peer.feed(&empty(Kind::Acknowledgement, next[0].id)).len(),
        1
    );
}

// RFC 7252 5.3.2
#[test]
fn a_response_with_another_token_is_not_taken() {
    let mut peer = Peer::new();
    let sent = get(&mut peer);
    assert!(
        peer.feed(&response(Kind::Acknowledgement, sent.id, b"other"))
            .is_empty()
    );
    assert!(peer.events().is_empty());
    let rejected = peer.feed(&response(Kind::Confirmable, 900, b"other"));
    assert_eq!((rejected[0].kind, rejected[0].id), (Kind::Reset, 900));
    peer.feed(&response(Kind::Acknowledgement, sent.id, &sent.token));
    assert!(matches!(peer.events()[..], [Event::Response { .. }]));
}

// RFC 7252 5.2.2
#[test]
fn a_separate_response_is_acknowledged_and_so_is_its_duplicate() {
    let mut peer = Peer::new();
    let sent = get(&mut peer);
    peer.feed(&empty(Kind::Acknowledgement, sent.id));
    assert!(
        peer.pass(Duration::from_secs(50)).is_empty(),
        "acknowledged, not repeated"
    );
    let separate = response(Kind::Confirmable, 33, &sent.token);
    for _ in 0..2 {
        let acknowledged = peer.feed(&separate);
        assert_eq!(
            (
                acknowledged[0].kind,
                acknowledged[0].id,
                acknowledged[0].code
            ),
            (Kind::Acknowledgement, 33, Code::EMPTY)
        );
    }
    assert!(matches!(peer.events()[..], [Event::Response { .. }]));
}

// RFC 7252 5.2.2
#[test]
fn a_separate_response_ahead_of_its_acknowledgement_is_taken() {
    let mut peer = Peer::new();
    let sent = get(&mut peer);
    peer.feed(&response(Kind::Confirmable, 33, &sent.token));
    assert!(matches!(peer.events()[..], [Event::Response { .. }]));
    assert!(peer.feed(&empty(Kind::Acknowledgement, sent.id)).is_empty());
    assert!(peer.pass(Duration::from_secs(300)).is_empty());
}

#[test]
fn a_separate_response_that_never_comes_ends_the_request() {
    let mut peer = Peer::new();
    let sent = get(&mut peer);
    peer.feed(&empty(Kind::Acknowledgement, sent.id));
    peer.pass(Duration::from_secs(93));
    assert!(matches!(
        peer.events()[..],
        [Event::Failed {
            failure: Failure::TimedOut,
            ..
        }]
    ));
}

// RFC 7252 4.2
#[test]
fn a_reset_ends_the_request() {
    let mut peer = Peer::new();
    let sent = get(&mut peer);
    peer.feed(&empty(Kind::Reset, sent.id));
    assert!(matches!(
        peer.events()[..],
        [Event::Failed {
            failure: Failure::Reset,
            ..
        }]
    ));
    let id = peer
        .endpoint
        .request(peer.now, Request::get("/a"), Reliability::NonConfirmable)
        .unwrap();
    let sent = peer.sent().remove(0);
    peer.feed(&empty(Kind::Reset, sent.id));
    assert!(matches!(peer.events()[..], [Event::Failed { id: failed, .. }] if failed == id));
}

// RFC 7252 5.4.1
#[test]
fn a_response_with_an_unknown_critical_option_is_rejected() {
    let mut peer = Peer::new();
    let sent = get(&mut peer);
    let mut options = Options::new();
    options.push(OptionNumber(13), b"x");
    let strange =
        |kind, id| header(kind, Code::CONTENT, id, &sent.token).encode(options.iter(), &[]);
    let rejected = peer.feed(&strange(Kind::Confirmable, 12));
    assert_eq!(rejected[0].kind, Kind::Reset);
    assert!(matches!(
        peer.events()[..],
        [Event::Failed {
            failure: Failure::Unacceptable,
            ..
        }]
    ));
}

// RFC 7252 5.2.3
#[test]
fn a_non_confirmable_request_is_sent_once_and_ends_in_time() {
    let mut peer = Peer::new();
    peer.endpoint
        .request(peer.now, Request::get("/a"), Reliability::NonConfirmable)
        .unwrap();
    let sent = peer.sent();
    assert_eq!((sent.len(), sent[0].kind), (1, Kind::NonConfirmable));
    assert!(peer.pass(Duration::from_secs(93)).is_empty());
    assert!(matches!(
        peer.events()[..],
        [Event::Failed {
            failure: Failure::TimedOut,
            ..
        }]
    ));
}

#[test]
fn a_request_given_up_leaves_nothing_behind() {
    let mut peer = Peer::new();
    let id = peer
        .endpoint
        .request(peer.now, Request::get("/a"), Reliability::Confirmable)
        .unwrap();
    let sent = peer.sent().remove(0);
    peer.endpoint.cancel(peer.now, id);
    assert!(peer.endpoint.is_quiet());
    peer.feed(&response(Kind::Acknowledgement, sent.id, &sent.token));
    assert!(peer.events().is_empty());
}

#[test]
fn the_path_of_a_request_is_read_from_options_or_from_a_whole_uri() {
    assert_eq!(Request::get("/a/b/").path(), "/a/b");
    assert_eq!(Request::get("").path(), "/");
    let mut whole = Request::new(Method::Post, "");
    let uri = b"coaps://server.test:5684/msgin5g?x";
    whole.options.push(OptionNumber::URI_PATH, uri);
    assert_eq!(whole.path(), "/msgin5g");
}

#[test]
fn too_many_or_too_large_requests_are_refused_to_the_caller() {
    let mut peer = Peer::new();
    for _ in 0..32 {
        get_quietly(&mut peer).unwrap();
    }
    assert_eq!(get_quietly(&mut peer), Err(RequestError::TooManyRequests));
    let mut peer = Peer::with(coap::Parameters {
        block_size: coap::BlockSize::MIN,
        ..coap::Parameters::default()
    });
    let post = Request::post("/a", ContentFormat::JSON, vec![0; (16 << 20) + 1]);
    let refused = peer
        .endpoint
        .request(peer.now, post, Reliability::Confirmable);
    assert_eq!(refused, Err(RequestError::BodyTooLarge));
}

fn get_quietly(peer: &mut Peer) -> Result<coap::ExchangeId, RequestError> {
    let get = Request::get("/a");
    peer.endpoint
        .request(peer.now, get, Reliability::Confirmable)
}
