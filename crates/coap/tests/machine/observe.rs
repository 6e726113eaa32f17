//! Observation in both roles.

use std::time::Duration;

use coap::{
    Code, ContentFormat, EndReason, Event, Kind, Method, ObservationId, OptionNumber, Reliability,
    Request, Response, Unknown,
};

use crate::pair::{Network, Pair, seeds};
use crate::peer::{Peer, Sent, empty, header, request};

const CON: Kind = Kind::Confirmable;

fn text(body: &str) -> Response {
    Response::content(ContentFormat::TEXT, body.as_bytes().to_vec())
}

fn sequence(sent: &Sent) -> Option<u32> {
    sent.options.uint(OptionNumber::OBSERVE)
}

/// A client registers; the observation and the answer.
fn register(peer: &mut Peer, id: u16) -> (ObservationId, Sent) {
    peer.feed(&request(
        CON,
        Method::Get,
        id,
        &[(OptionNumber::OBSERVE, &[])],
    ));
    let Some(Event::Request {
        id, observe: true, ..
    }) = peer.events().pop()
    else {
        panic!("no registration");
    };
    let now = peer.now;
    let granted = peer
        .endpoint
        .respond_and_observe(now, id, text("0"))
        .expect("the request is open");
    (
        granted.expect("the observation is granted"),
        peer.sent().remove(0),
    )
}

fn notify(peer: &mut Peer, id: ObservationId, body: &str, how: Reliability) -> Vec<Sent> {
    peer.endpoint
        .notify(peer.now, id, text(body), how)
        .expect("the observation is there");
    peer.sent()
}

// RFC 7641 3.1, 3.2 and 4.4
#[test]
fn notifications_carry_the_token_and_a_growing_number() {
    let mut peer = Peer::new();
    let (id, answer) = register(&mut peer, 1);
    let mut last = sequence(&answer).unwrap();
    for _ in 0..5 {
        let sent = notify(&mut peer, id, "x", Reliability::Confirmable).remove(0);
        assert_eq!(
            (sent.kind, sent.code, &sent.token[..]),
            (CON, Code::CONTENT, &b"tk"[..])
        );
        let number = sequence(&sent).unwrap();
        assert!(number > last);
        last = number;
        peer.feed(&empty(Kind::Acknowledgement, sent.id));
    }
}

// RFC 7641 4.5.2
#[test]
fn only_the_newest_representation_follows_an_unacknowledged_one() {
    let mut peer = Peer::new();
    let (id, _) = register(&mut peer, 1);
    let first = notify(&mut peer, id, "1", Reliability::Confirmable).remove(0);
    assert!(notify(&mut peer, id, "2", Reliability::Confirmable).is_empty());
    assert!(notify(&mut peer, id, "3", Reliability::Confirmable).is_empty());
    let next = peer.feed(&empty(Kind::Acknowledgement, first.id)).remove(0);
    assert_eq!(next.payload, b"3");
    // the repetition carries what is newest, under a new message id
    assert!(notify(&mut peer, id, "4", Reliability::Confirmable).is_empty());
    let repeated = peer.pass(Duration::from_secs(3));
    assert_eq!(repeated[0].1.payload, b"4");
    assert_ne!(repeated[0].1.id, next.id);
    assert!(sequence(&repeated[0].1) > sequence(&next));
}

// RFC 7641 3.6
#[test]
fn a_reset_ends_the_observation_whatever_it_answers() {
    for how in [Reliability::Confirmable, Reliability::NonConfirmable] {
        let mut peer = Peer::new();
        let (id, _) = register(&mut peer, 1);
        let sent = notify(&mut peer, id, "1", how).remove(0);
        peer.feed(&empty(Kind::Reset, sent.id));
        let events = peer.events();
        let [Event::ObservationEnded { id: ended, reason }] = events[..] else {
            panic!("{events:?}");
        };
        assert_eq!((ended, reason), (id, EndReason::Reset));
        let over = peer.endpoint.notify(peer.now, id, text("2"), how);
        assert_eq!(over, Err(Unknown));
        assert!(peer.pass(Duration::from_secs(100)).is_empty());
    }
}

// RFC 7641 4.5
#[test]
fn a_notification_that_is_not_acknowledged_ends_the_observation() {
    let mut peer = Peer::new();
    let (id, _) = register(&mut peer, 1);
    notify(&mut peer, id, "1", Reliability::Confirmable);
    assert_eq!(peer.pass(Duration::from_secs(100)).len(), 4);
    let events = peer.events();
    assert!(
        matches!(
            events[..],
            [Event::ObservationEnded {
                reason: EndReason::TimedOut,
                ..
            }]
        ),
        "{events:?}"
    );
}

// RFC 7641 3.6
#[test]
fn a_get_with_observe_1_ends_the_observation() {
    let mut peer = Peer::new();
    let (id, _) = register(&mut peer, 1);
    peer.feed(&request(
        CON,
        Method::Get,
        2,
        &[(OptionNumber::OBSERVE, &[1])],
    ));
    let events = peer.events();
    let [
        Event::ObservationEnded {
            id: ended,
            reason: EndReason::Cancelled,
        },
        Event::Request { observe: false, .. },
    ] = &events[..]
    else {
        panic!("{events:?}");
    };
    assert_eq!(*ended, id);
}

// RFC 7641 4.1
#[test]
fn a_second_registration_with_the_token_replaces_the_first() {
    let mut peer = Peer::new();
    let (first, _) = register(&mut peer, 1);
    let (second, _) = register(&mut peer, 2);
    assert_ne!(first, second);
    let events = peer.events();
    let [
        Event::ObservationEnded {
            id,
            reason: EndReason::Replaced,
        },
    ] = events[..]
    else {
        panic!("{events:?}");
    };
    assert_eq!(id, first);
}

// RFC 7641 4.2
#[test]
fn an_error_is_the_last_notification_and_has_no_number() {
    let mut peer = Peer::new();
    let (id, _) = register(&mut peer, 1);
    let gone = Response::new(Code::NOT_FOUND);
    peer.endpoint
        .notify(peer.now, id, gone, Reliability::Confirmable)
        .unwrap();
    let sent = peer.sent().remove(0);
    assert_eq!((sent.code, sequence(&sent)), (Code::NOT_FOUND, None));
    let after = peer
        .endpoint
        .notify(peer.now, id, text("x"), Reliability::Confirmable);
    assert_eq!(after, Err(Unknown));
    assert_eq!(
        peer.pass(Duration::from_secs(100)).len(),
        4,
        "still repeated"
    );
}

// RFC 7641 4.1
#[test]
fn an_error_or_too_many_observations_grant_none() {
    let mut peer = Peer::new();
    peer.feed(&request(
        CON,
        Method::Get,
        1,
        &[(OptionNumber::OBSERVE, &[])],
    ));
    let Some(Event::Request { id, .. }) = peer.events().pop() else {
        panic!("no request");
    };
    let refused = peer
        .endpoint
        .respond_and_observe(peer.now, id, Response::new(Code::NOT_FOUND));
    assert_eq!(refused, Ok(None));
    assert_eq!(sequence(&peer.sent()[0]), None);
    let mut granted = 0;
    for number in 0..20u8 {
        let mut options = coap::Options::new();
        options.push(OptionNumber::OBSERVE, &[]);
        let get = header(CON, Method::Get.code(), 100 + u16::from(number), &[number]);
        peer.feed(&get.encode(options.iter(), &[]));
        let (id, _) = peer.reported();
        let outcome = peer
            .endpoint
            .respond_and_observe(peer.now, id, text("x"))
            .unwrap();
        granted += usize::from(outcome.is_some());
        peer.sent();
    }
    assert_eq!(granted, 8);
}

// RFC 7641 4.5
#[test]
fn a_notification_is_confirmable_once_in_24_hours() {
    let mut peer = Peer::new();
    let (id, _) = register(&mut peer, 1);
    let kinds = |sent: Vec<Sent>| sent.into_iter().map(|s| s.kind).collect::<Vec<_>>();
    assert_eq!(
        kinds(notify(&mut peer, id, "1", Reliability::NonConfirmable)),
        [Kind::NonConfirmable]
    );
    peer.pass(Duration::from_secs(24 * 3600));
    assert_eq!(
        kinds(notify(&mut peer, id, "2", Reliability::NonConfirmable)),
        [CON]
    );
}

// RFC 7252 4.7, RFC 7641 4.5.1
#[test]
fn notifications_and_requests_share_one_place() {
    let mut peer = Peer::new();
    let (id, _) = register(&mut peer, 1);
    let notification = notify(&mut peer, id, "1", Reliability::Confirmable).remove(0);
    peer.endpoint
        .request(peer.now, Request::get("/b"), Reliability::Confirmable)
        .unwrap();
    assert!(peer.sent().is_empty());
    let sent = peer.feed(&empty(Kind::Acknowledgement, notification.id));
    assert_eq!(sent[0].code, Method::Get.code());
}

/// A device observes; the server answers with the token.
fn observing() -> (Peer, coap::ExchangeId, Sent) {
    let mut peer = Peer::new();
    let id = peer
        .endpoint
        .observe(peer.now, Request::get("/a"))
        .expect("few requests are open");
    let sent = peer.sent().remove(0);
    assert_eq!(sequence(&sent), Some(0));
    let answer = with_number(Kind::Acknowledgement, sent.id, &sent.token, 10);
    peer.feed(&answer);
    let events = peer.events();
    assert!(
        matches!(
            events[..],
            [Event::Response {
                observing: true,
                ..
            }]
        ),
        "{events:?}"
    );
    (peer, id, sent)
}

fn with_number(kind: Kind, id: u16, token: &[u8], number: u32) -> Vec<u8> {
    let mut options = coap::Options::new();
    options.push_uint(OptionNumber::OBSERVE, number);
    header(kind, Code::CONTENT, id, token).encode(options.iter(), &[number.to_be_bytes()[3]])
}

// RFC 7641 3.4
#[test]
fn only_newer_notifications_are_reported() {
    let (mut peer, _, sent) = observing();
    let mut reported = Vec::new();
    for (id, number) in [(1, 11), (2, 13), (3, 12), (4, 13), (5, 14), (6, 9)] {
        let acknowledged = peer.feed(&with_number(CON, id, &sent.token, number));
        assert_eq!(acknowledged[0].kind, Kind::Acknowledgement);
        reported.extend(peer.events());
    }
    let numbers: Vec<u8> = reported
        .iter()
        .map(|event| match event {
            Event::Notification {
                response,
                ended: false,
                ..
            } => response.payload[0],
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(numbers, [11, 13, 14]);
    peer.pass(Duration::from_secs(129));
    peer.feed(&with_number(CON, 9, &sent.token, 2));
    assert_eq!(peer.events().len(), 1, "after 128 s any number is new");
}

// RFC 7641 3.6
#[test]
fn a_device_cancels_with_the_token_of_its_registration() {
    let (mut peer, id, registration) = observing();
    peer.endpoint.cancel(peer.now, id);
    let sent = peer.sent().remove(0);
    assert_eq!(
        (sequence(&sent), &sent.token),
        (Some(1), &registration.token)
    );
    peer.feed(&with_number(CON, 50, &registration.token, 11));
    peer.feed(&header(Kind::Acknowledgement, Code::CONTENT, sent.id, &sent.token).encode_empty());
    assert!(peer.events().is_empty());
    assert!(peer.endpoint.is_quiet());
    let stray = peer.feed(&with_number(CON, 51, &registration.token, 12));
    assert_eq!(stray[0].kind, Kind::Reset);
    let stray = peer.feed(&with_number(
        Kind::NonConfirmable,
        52,
        &registration.token,
        13,
    ));
    assert_eq!(stray[0].kind, Kind::Reset);
}

// RFC 7641 4.2
#[test]
fn an_error_notification_ends_the_observation_of_a_device() {
    let (mut peer, _, sent) = observing();
    peer.feed(&header(CON, Code::NOT_FOUND, 3, &sent.token).encode_empty());
    let events = peer.events();
    assert!(
        matches!(events[..], [Event::Notification { ended: true, .. }]),
        "{events:?}"
    );
    assert!(peer.endpoint.is_quiet());
}

// RFC 7641 1.3: eventual consistency; RFC 7959 2.6
#[test]
fn a_device_ends_with_the_newest_large_representation_on_a_bad_network() {
    let network = Network {
        loss: 10,
        duplication: 10,
        jitter: Duration::from_millis(700),
    };
    for seed in seeds() {
        let mut pair = Pair::new(network, seed);
        let now = pair.now;
        pair.ends[0].observe(now, Request::get("/profile")).unwrap();
        let body = |version: u8| vec![version; 3000];
        let mut observation = None;
        let mut newest = None;
        let mut over = false;
        for version in 0..6u8 {
            if let Some(id) = observation {
                let now = pair.now;
                let response = Response::content(ContentFormat::CBOR, body(version));
                // the observation may have ended on this network
                over |= pair.ends[1]
                    .notify(now, id, response, Reliability::Confirmable)
                    .is_err();
            }
            let span = Duration::from_secs(if version == 5 { 2000 } else { 3 });
            pair.run(span, |pair, _, event| {
                match event {
                    Event::Request { id, .. } => {
                        let now = pair.now;
                        let response = Response::content(ContentFormat::CBOR, body(version));
                        let granted = pair.ends[1].respond_and_observe(now, id, response);
                        observation = granted.unwrap().or(observation);
                    }
                    Event::Response { response, .. } | Event::Notification { response, .. } => {
                        assert_eq!(response.payload.len(), 3000, "seed {seed}");
                        let whole = response.payload.iter().all(|b| *b == response.payload[0]);
                        assert!(
                            whole,
                            "seed {seed}: blocks of two representations were mixed"
                        );
                        newest = Some(response.payload[0]);
                    }
                    Event::Failed { .. } | Event::ObservationEnded { .. } => over = true,
                }
                false
            });
        }
        assert!(over || newest == Some(5), "seed {seed}: {newest:?}");
    }
}
