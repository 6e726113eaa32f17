//! Limits: what a peer can make an endpoint hold and do.

use std::sync::Arc;
use std::time::Duration;

use coap::{
    Code, ContentFormat, Endpoint, Event, Kind, Method, OptionNumber, Parameters, Reliability,
    Request, Response, Resting,
};

use crate::peer::{Peer, request};

// RFC 7252 5.9.3.4, RFC 8516
#[test]
fn overload_answers_tell_when_to_come_back() {
    let busy = Response::retry_later(Code::TOO_MANY_REQUESTS, Duration::from_millis(1500));
    assert_eq!(busy.max_age(), Some(Duration::from_secs(2)));
    let down = Response::retry_later(Code::SERVICE_UNAVAILABLE, Duration::from_secs(30));
    assert_eq!(down.options.first(OptionNumber::MAX_AGE), Some(&[30][..]));
}

#[test]
fn more_requests_than_are_handled_at_a_time_are_5_03() {
    let mut peer = Peer::new();
    for id in 0..8 {
        assert!(
            peer.feed(&request(Kind::Confirmable, Method::Get, id, &[]))
                .is_empty()
        );
    }
    let sent = peer.feed(&request(Kind::Confirmable, Method::Get, 8, &[]));
    assert_eq!(sent[0].code, Code::SERVICE_UNAVAILABLE);
    assert!(sent[0].options.uint(OptionNumber::MAX_AGE).is_some());
    assert_eq!(peer.events().len(), 8);
}

#[test]
fn an_answer_that_must_ride_on_the_acknowledgement_does() {
    let mut peer = Peer::new();
    let post = request(Kind::Confirmable, Method::Post, 4, &[]);
    peer.feed(&post);
    let (id, _) = peer.reported();
    peer.endpoint.require_piggyback(id).unwrap();
    assert!(
        peer.pass(Duration::from_secs(5)).is_empty(),
        "no acknowledgement ahead"
    );
    assert!(peer.feed(&post).is_empty());
    peer.endpoint
        .respond(peer.now, id, Response::new(Code::CREATED))
        .unwrap();
    let sent = peer.sent();
    assert_eq!(
        (sent[0].kind, sent[0].id, &sent[0].token[..]),
        (Kind::Acknowledgement, 4, &b"tk"[..])
    );
}

#[test]
fn a_request_is_answered_once() {
    let mut peer = Peer::new();
    peer.feed(&request(Kind::Confirmable, Method::Get, 4, &[]));
    let (id, _) = peer.reported();
    assert!(
        peer.endpoint
            .respond(peer.now, id, Response::new(Code::CONTENT))
            .is_ok()
    );
    assert!(
        peer.endpoint
            .respond(peer.now, id, Response::new(Code::CONTENT))
            .is_err()
    );
    assert_eq!(peer.sent().len(), 1);
}

#[test]
fn an_endpoint_without_traffic_has_no_timer_and_is_quiet() {
    let mut peer = Peer::new();
    for id in 0..200 {
        peer.feed(&request(Kind::Confirmable, Method::Get, id, &[]));
        let (request, _) = peer.reported();
        let body = Response::content(ContentFormat::TEXT, vec![0; 3000]);
        peer.endpoint.respond(peer.now, request, body).unwrap();
        peer.sent();
    }
    peer.pass(Duration::from_secs(248));
    assert_eq!(peer.endpoint.next_timeout(), None);
    assert!(peer.endpoint.is_quiet());
}

#[test]
fn an_endpoint_can_rest_when_it_remembers_nothing_and_goes_on_where_it_was() {
    let mut peer = Peer::new();
    assert!(peer.endpoint.can_rest());
    let get = Request::get("/a");
    let how = Reliability::NonConfirmable;
    peer.endpoint.request(peer.now, get.clone(), how).unwrap();
    let before = peer.sent().remove(0);
    peer.feed(&request(Kind::Confirmable, Method::Get, 4, &[]));
    let (id, _) = peer.events().into_iter().find_map(asked).unwrap();
    peer.endpoint
        .respond(peer.now, id, Response::new(Code::CONTENT))
        .unwrap();
    peer.sent();
    assert!(!peer.endpoint.can_rest());
    peer.pass(Duration::from_secs(248));
    peer.events();
    peer.endpoint.take_stats();
    assert!(peer.endpoint.can_rest());
    let parameters = Arc::new(Parameters::default());
    let fresh = Endpoint::new(Arc::clone(&parameters), 0);
    peer.endpoint = std::mem::replace(&mut peer.endpoint, fresh)
        .rest()
        .wake(parameters);
    peer.endpoint.request(peer.now, get, how).unwrap();
    let after = peer.sent().remove(0);
    assert_eq!(after.id, before.id.wrapping_add(1));
    assert_ne!(after.token, before.token);
}

fn asked(event: Event) -> Option<(coap::RequestId, Request)> {
    match event {
        Event::Request { id, request, .. } => Some((id, request)),
        _ => None,
    }
}

#[test]
fn a_resting_endpoint_is_small() {
    assert!(size_of::<Resting>() <= 64, "{}", size_of::<Resting>());
    assert!(size_of::<Endpoint>() <= 512, "{}", size_of::<Endpoint>());
}

#[test]
fn counts_tell_requests_from_duplicates() {
    let mut peer = Peer::new();
    let get = request(Kind::Confirmable, Method::Get, 4, &[]);
    peer.feed(&get);
    peer.feed(&get);
    peer.feed(&[0xff]);
    let stats = peer.endpoint.take_stats();
    assert_eq!(
        (stats.requests, stats.duplicates, stats.rejected),
        (1, 1, 1)
    );
    assert_eq!(peer.endpoint.take_stats().requests, 0);
    assert!(matches!(peer.events()[..], [Event::Request { .. }]));
}
