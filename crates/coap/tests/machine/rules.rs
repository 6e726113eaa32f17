//! The 23 black-box rules that a server on RFC 7252 and RFC 7959 is measured by.

use std::time::Duration;

use coap::{
    Code, ContentFormat, Kind, Method, OptionNumber, Options, Parameters, Request, Response,
};

use crate::peer::{Peer, empty, header, request};

const CON: Kind = Kind::Confirmable;
const NON: Kind = Kind::NonConfirmable;

fn answer(peer: &mut Peer, response: Response) -> Vec<crate::peer::Sent> {
    let (id, _) = peer.reported();
    peer.endpoint
        .respond(peer.now, id, response)
        .expect("the request is open");
    peer.sent()
}

// RFC 7252 5.2.1
#[test]
fn rule_01_a_quick_answer_rides_on_the_acknowledgement_with_id_and_token() {
    for length in 0..=8 {
        let mut peer = Peer::new();
        let token = &b"12345678"[..length];
        let get = header(CON, Method::Get.code(), 77, token).encode_empty();
        assert!(peer.feed(&get).is_empty());
        let sent = answer(
            &mut peer,
            Response::content(ContentFormat::TEXT, b"x".to_vec()),
        );
        let [sent] = &sent[..] else {
            panic!("{sent:?}")
        };
        assert_eq!(
            (sent.kind, sent.code, sent.id),
            (Kind::Acknowledgement, Code::CONTENT, 77)
        );
        assert_eq!(sent.token, token);
    }
}

// RFC 7252 5.2.2
#[test]
fn rule_02_a_slow_answer_comes_separately_and_is_repeated_until_acknowledged() {
    let mut peer = Peer::new();
    peer.feed(&request(CON, Method::Get, 5, &[]));
    let (id, _) = peer.reported();
    let start = peer.now;
    let left = peer.pass(Duration::from_secs(10));
    let [(at, ack)] = &left[..] else {
        panic!("{left:?}")
    };
    assert_eq!(
        (ack.kind, ack.code, ack.id),
        (Kind::Acknowledgement, Code::EMPTY, 5)
    );
    assert_eq!(*at - start, Duration::from_secs(2));
    // a duplicate is acknowledged again, not handled
    assert_eq!(
        peer.feed(&request(CON, Method::Get, 5, &[]))[0].raw,
        ack.raw
    );
    assert!(peer.events().is_empty());
    peer.endpoint
        .respond(peer.now, id, Response::new(Code::CONTENT))
        .unwrap();
    let separate = peer.sent().remove(0);
    assert_eq!((separate.kind, separate.code), (CON, Code::CONTENT));
    assert_eq!(separate.token, b"tk");
    let again = peer.pass(Duration::from_secs(10));
    assert!(!again.is_empty() && again.iter().all(|(_, sent)| sent.raw == separate.raw));
    peer.feed(&empty(Kind::Acknowledgement, separate.id));
    assert!(peer.pass(Duration::from_secs(100)).is_empty());
    assert!(peer.endpoint.is_quiet());
}

// RFC 7252 4.5
#[test]
fn rule_03_a_doubled_confirmable_request_is_executed_once_and_answered_with_the_same_bytes() {
    let mut peer = Peer::new();
    let post = request(CON, Method::Post, 6, &[]);
    peer.feed(&post);
    assert!(
        peer.feed(&post).is_empty(),
        "still in the hands of the handler"
    );
    let first = answer(&mut peer, Response::new(Code::CHANGED));
    for wait in [0, 10, 200] {
        peer.pass(Duration::from_secs(wait));
        assert_eq!(peer.feed(&post)[0].raw, first[0].raw);
        assert!(peer.events().is_empty());
    }
    // EXCHANGE_LIFETIME has passed: the message id names another message now
    peer.pass(Duration::from_secs(40));
    peer.feed(&post);
    peer.reported();
}

// RFC 7252 4.5
#[test]
fn rule_04_a_doubled_non_confirmable_request_is_executed_once() {
    let mut peer = Peer::new();
    let post = request(NON, Method::Post, 6, &[]);
    peer.feed(&post);
    peer.feed(&post);
    answer(&mut peer, Response::new(Code::CHANGED));
    assert!(peer.feed(&post).is_empty());
    assert!(peer.events().is_empty());
}

// RFC 7252 5.2.3
#[test]
fn rule_05_a_non_confirmable_request_gets_a_non_confirmable_answer() {
    let mut peer = Peer::new();
    peer.feed(&request(NON, Method::Get, 6, &[]));
    let sent = answer(&mut peer, Response::new(Code::CONTENT));
    assert_eq!((sent[0].kind, &sent[0].token[..]), (NON, b"tk".as_slice()));
    assert!(peer.pass(Duration::from_secs(300)).is_empty());
}

// RFC 7252 4.3
#[test]
fn rule_06_a_ping_is_answered_by_a_reset() {
    let mut peer = Peer::new();
    let sent = peer.feed(&empty(CON, 9));
    assert_eq!(
        (sent[0].kind, sent[0].id, sent[0].code),
        (Kind::Reset, 9, Code::EMPTY)
    );
    assert!(peer.feed(&empty(NON, 10)).is_empty());
}

// RFC 7252 4.2
#[test]
fn rule_07_acknowledgements_and_resets_of_nothing_are_ignored() {
    let mut peer = Peer::new();
    for kind in [Kind::Acknowledgement, Kind::Reset] {
        assert!(peer.feed(&empty(kind, 9)).is_empty());
        assert!(
            peer.feed(&header(kind, Code::CONTENT, 9, b"tk").encode_empty())
                .is_empty()
        );
    }
    assert!(peer.events().is_empty());
}

// RFC 7252 5.4.1
#[test]
fn rule_08_an_unknown_critical_option_in_a_confirmable_request_is_4_02() {
    for number in [1, 5, 9, 13, 2049] {
        let mut peer = Peer::new();
        let sent = peer.feed(&request(
            CON,
            Method::Get,
            6,
            &[(OptionNumber(number), b"x")],
        ));
        assert_eq!(
            (sent[0].kind, sent[0].code),
            (Kind::Acknowledgement, Code::BAD_OPTION)
        );
        assert_eq!(sent[0].token, b"tk");
        assert!(peer.events().is_empty());
    }
}

// RFC 7252 5.4.1
#[test]
fn rule_09_an_unknown_critical_option_in_a_non_confirmable_request_rejects_it() {
    let mut peer = Peer::new();
    assert!(
        peer.feed(&request(NON, Method::Get, 6, &[(OptionNumber(13), b"x")]))
            .is_empty()
    );
    assert!(peer.events().is_empty());
}

// RFC 7252 5.4.1 and 5.4.3
#[test]
fn rule_10_an_unknown_or_ill_formed_elective_option_is_ignored() {
    let mut peer = Peer::new();
    let options: [(OptionNumber, &[u8]); 2] = [
        (OptionNumber(2050), b"x"),
        (OptionNumber::CONTENT_FORMAT, b"long"),
    ];
    peer.feed(&request(CON, Method::Get, 6, &options));
    let (_, seen) = peer.reported();
    assert_eq!(seen, Request::get("/a"));
}

// RFC 7252 5.4.3 and 5.4.5
#[test]
fn rule_11_a_critical_option_repeated_or_ill_formed_is_4_02() {
    let host: (OptionNumber, &[u8]) = (OptionNumber::URI_HOST, b"x");
    let accept: (OptionNumber, &[u8]) = (OptionNumber::ACCEPT, &[50]);
    let cases: [&[(OptionNumber, &[u8])]; 5] = [
        &[host, host],
        &[accept, accept],
        &[(OptionNumber::ACCEPT, &[1, 2, 3])],
        &[(OptionNumber::URI_PATH, &[0xff, 0xfe])],
        &[(OptionNumber::URI_HOST, b"")],
    ];
    for options in cases {
        let sent = Peer::new().feed(&request(CON, Method::Get, 6, options));
        assert_eq!(sent[0].code, Code::BAD_OPTION, "{options:?}");
    }
}

// RFC 7252 3
#[test]
fn rule_12_another_version_is_ignored_in_silence() {
    for version in [0, 2, 3] {
        let mut datagram = request(CON, Method::Get, 6, &[]);
        datagram[0] = version << 6 | datagram[0] & 0x3f;
        let mut peer = Peer::new();
        assert!(peer.feed(&datagram).is_empty());
        assert!(peer.events().is_empty());
    }
}

/// A confirmable datagram that is no message is rejected, a non-confirmable one ignored.
fn assert_rejected(tail: &[u8], first: u8) {
    let mut peer = Peer::new();
    let mut datagram = vec![first, 1, 0, 9];
    datagram.extend_from_slice(tail);
    let sent = peer.feed(&datagram);
    assert_eq!(
        (sent[0].kind, sent[0].id, sent[0].code),
        (Kind::Reset, 9, Code::EMPTY)
    );
    datagram[0] |= 0x10;
    assert!(peer.feed(&datagram).is_empty());
    assert!(peer.events().is_empty());
}

// RFC 7252 3
#[test]
fn rule_13_token_lengths_of_9_to_15_are_rejected() {
    for length in 9..=15 {
        assert_rejected(&[0; 20], 0x40 | length);
    }
}

// RFC 7252 3
#[test]
fn rule_14_a_payload_marker_without_payload_is_rejected() {
    assert_rejected(&[0xff], 0x40);
    assert_rejected(&[0xb1, b'a', 0xff], 0x40);
}

// RFC 7252 3.1
#[test]
fn rule_15_reserved_nibbles_and_truncated_options_are_rejected() {
    assert_rejected(&[0xf1, 0], 0x40);
    assert_rejected(&[0x1f, 0], 0x40);
    assert_rejected(&[0xb5, b'a'], 0x40);
    assert_rejected(&[0xd1], 0x40);
}

// RFC 7252 5.8
#[test]
fn rule_16_an_unknown_method_is_4_05() {
    for detail in 8..=31 {
        let sent = Peer::new().feed(&header(CON, Code::from_byte(detail), 6, b"tk").encode_empty());
        assert_eq!(
            (sent[0].kind, sent[0].code),
            (Kind::Acknowledgement, Code::METHOD_NOT_ALLOWED)
        );
    }
}

// RFC 7252 4.2 and 12.1
#[test]
fn rule_17_a_code_of_a_reserved_class_is_rejected() {
    for class in [1, 3, 6, 7] {
        let code = Code::from_byte(class << 5 | 1);
        let mut peer = Peer::new();
        assert_eq!(
            peer.feed(&header(CON, code, 6, b"tk").encode_empty())[0].kind,
            Kind::Reset
        );
        assert!(
            peer.feed(&header(NON, code, 7, b"tk").encode_empty())
                .is_empty()
        );
    }
}

// RFC 7252 4.2
#[test]
fn rule_18_a_request_code_inside_an_acknowledgement_is_ignored() {
    let mut peer = Peer::new();
    assert!(
        peer.feed(&request(Kind::Acknowledgement, Method::Get, 6, &[]))
            .is_empty()
    );
    assert!(
        peer.feed(&request(Kind::Reset, Method::Get, 6, &[]))
            .is_empty()
    );
    assert!(peer.events().is_empty());
}

fn block1(id: u16, value: u8, payload: &[u8]) -> Vec<u8> {
    let mut options = Options::new();
    options.push(OptionNumber::URI_PATH, b"a");
    options.push(OptionNumber::BLOCK1, &[value]);
    header(CON, Method::Post.code(), id, b"tk").encode(options.iter(), payload)
}

// RFC 7959 2.9.2
#[test]
fn rule_19_a_block_without_those_before_it_is_4_08() {
    let mut peer = Peer::new();
    assert_eq!(
        peer.feed(&block1(1, 0x18, &[0; 16]))[0].code,
        Code::REQUEST_ENTITY_INCOMPLETE
    );
    assert_eq!(
        peer.feed(&block1(2, 0x08, &[0; 16]))[0].code,
        Code::CONTINUE
    );
    assert_eq!(
        peer.feed(&block1(3, 0x28, &[0; 16]))[0].code,
        Code::REQUEST_ENTITY_INCOMPLETE
    );
    assert!(peer.events().is_empty());
}

// RFC 7959 2.5 and 2.9
#[test]
fn rule_20_blocks_of_a_request_are_put_together_up_to_the_limit() {
    let mut peer = Peer::with(Parameters {
        max_body: 40,
        ..Parameters::default()
    });
    let sent = peer.feed(&block1(1, 0x08, &[1; 16]));
    assert_eq!(
        (sent[0].code, sent[0].options.uint(OptionNumber::BLOCK1)),
        (Code::CONTINUE, Some(0x08))
    );
    assert_eq!(
        peer.feed(&block1(2, 0x18, &[2; 16]))[0].code,
        Code::CONTINUE
    );
    peer.feed(&block1(3, 0x20, &[3; 5]));
    let (id, request) = peer.reported();
    assert_eq!(
        request.payload,
        [vec![1; 16], vec![2; 16], vec![3; 5]].concat()
    );
    peer.endpoint
        .respond(peer.now, id, Response::new(Code::CHANGED))
        .unwrap();
    let sent = peer.sent();
    assert_eq!(
        (sent[0].code, sent[0].options.uint(OptionNumber::BLOCK1)),
        (Code::CHANGED, Some(0x20))
    );

    for (id, value) in [(4, 0x08), (5, 0x18)] {
        assert_eq!(
            peer.feed(&block1(id, value, &[0; 16]))[0].code,
            Code::CONTINUE
        );
    }
    let sent = peer.feed(&block1(6, 0x20, &[0; 16]));
    assert_eq!(sent[0].code, Code::REQUEST_ENTITY_TOO_LARGE);
    assert_eq!(sent[0].options.uint(OptionNumber::SIZE1), Some(40));
    assert!(peer.events().is_empty());
}

// RFC 7959 2.4
#[test]
fn rule_21_a_client_may_choose_the_block_size_of_the_answer_early() {
    let mut peer = Peer::new();
    // block 0 of 64 octets
    peer.feed(&request(
        CON,
        Method::Get,
        1,
        &[(OptionNumber::BLOCK2, &[0x02])],
    ));
    let body: Vec<u8> = (0..150).collect();
    let sent = answer(
        &mut peer,
        Response::content(ContentFormat::OCTET_STREAM, body.clone()),
    );
    assert_eq!(sent[0].options.uint(OptionNumber::BLOCK2), Some(0x0a));
    assert_eq!(sent[0].options.uint(OptionNumber::SIZE2), Some(150));
    let etag = sent[0].options.first(OptionNumber::ETAG).unwrap().to_vec();
    let mut whole = sent[0].payload.clone();
    for (id, wanted, given) in [(2, 0x12, 0x1a), (3, 0x22, 0x22)] {
        let sent = peer.feed(&request(
            CON,
            Method::Get,
            id,
            &[(OptionNumber::BLOCK2, &[wanted])],
        ));
        assert_eq!(sent[0].options.uint(OptionNumber::BLOCK2), Some(given));
        assert_eq!(sent[0].options.first(OptionNumber::ETAG), Some(&etag[..]));
        whole.extend_from_slice(&sent[0].payload);
    }
    assert_eq!(whole, body);
    assert!(peer.events().is_empty(), "the handler ran once");
}

// RFC 7252 5.10.4
#[test]
fn rule_22_an_accepted_format_that_is_not_offered_is_4_06() {
    let offered = [ContentFormat::JSON, ContentFormat::CBOR];
    let json = Request::get("/a").with_accept(ContentFormat::JSON);
    assert_eq!(json.negotiate(&offered), Ok(ContentFormat::JSON));
    assert_eq!(
        Request::get("/a").negotiate(&offered),
        Ok(ContentFormat::JSON)
    );
    let text = Request::get("/a").with_accept(ContentFormat::TEXT);
    assert_eq!(
        text.negotiate(&offered).unwrap_err().code,
        Code::NOT_ACCEPTABLE
    );
    let posted = Request::post("/a", ContentFormat::TEXT, vec![1]);
    assert_eq!(
        posted.require_format(&offered).unwrap_err().code,
        Code::UNSUPPORTED_CONTENT_FORMAT
    );
}

// RFC 7252 5.7.2 and 5.10.2
#[test]
fn rule_23_a_request_to_a_proxy_is_5_05() {
    for (number, value) in [
        (OptionNumber::PROXY_URI, &b"coap://x/"[..]),
        (OptionNumber::PROXY_SCHEME, b"http"),
    ] {
        let sent = Peer::new().feed(&request(CON, Method::Get, 6, &[(number, value)]));
        assert_eq!(sent[0].code, Code::PROXYING_NOT_SUPPORTED);
    }
}
