//! The codec against the examples of RFC 7252, its format errors, truncation, and random messages.

use coap::{
    Code, Header, Kind, Message, MessageId, Method, OptionNumber, OptionRef, Options, ParseError,
    Token,
};
use proptest::prelude::*;

fn bytes(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter_map(|c| c.to_digit(16))
        .map(|digit| u8::try_from(digit).expect("a digit is small"))
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

fn header(kind: Kind, code: Code, id: u16, token: &[u8]) -> Header {
    Header {
        kind,
        code,
        message_id: MessageId(id),
        token: Token::new(token).expect("tokens of tests are short"),
    }
}

fn temperature() -> Options {
    let mut options = Options::new();
    options.push(OptionNumber::URI_PATH, b"temperature");
    options
}

// RFC 7252 appendix A, figure 16
#[test]
fn confirmable_get_with_piggybacked_response() {
    let request = bytes("40 01 7d 34 bb 74 65 6d 70 65 72 61 74 75 72 65");
    let made = header(Kind::Confirmable, Method::Get.code(), 0x7d34, &[]);
    assert_eq!(made.encode(temperature().iter(), &[]), request);
    let response = bytes("60 45 7d 34 ff 32 32 2e 33 20 43");
    let made = header(Kind::Acknowledgement, Code::CONTENT, 0x7d34, &[]);
    assert_eq!(made.encode([], b"22.3 C"), response);
    let read = Message::parse(&response).unwrap();
    assert_eq!((read.header, read.payload), (made, b"22.3 C".as_slice()));
}

// RFC 7252 appendix A, figure 17
#[test]
fn confirmable_get_with_token() {
    let request = bytes("41 01 7d 35 20 bb 74 65 6d 70 65 72 61 74 75 72 65");
    let made = header(Kind::Confirmable, Method::Get.code(), 0x7d35, &[0x20]);
    assert_eq!(made.encode(temperature().iter(), &[]), request);
    let read = Message::parse(&request).unwrap();
    assert_eq!(read.header.token.as_bytes(), [0x20]);
    let options: Vec<_> = read.options.collect();
    let path = OptionRef {
        number: OptionNumber::URI_PATH,
        value: b"temperature",
    };
    assert_eq!(options, [path]);
}

// RFC 7252 5.10.1: the path in several options, a query behind it
#[test]
fn options_leave_in_the_order_of_their_numbers() {
    let mut options = Options::new();
    options.push(OptionNumber::URI_QUERY, b"x=1");
    options.push(OptionNumber::URI_PATH, b"a");
    options.push_uint(OptionNumber::CONTENT_FORMAT, 50);
    options.push(OptionNumber::URI_PATH, b"b");
    let message =
        header(Kind::NonConfirmable, Method::Post.code(), 1, &[]).encode(options.iter(), b"!");
    assert_eq!(
        message,
        bytes("50 02 00 01 b1 61 01 62 11 32 33 78 3d 31 ff 21")
    );
}

// RFC 7252 3.1
#[test]
fn extended_deltas_and_lengths_come_back() {
    for length in [0, 12, 13, 268, 269, 1034] {
        for number in [12, 13, 268, 269, 2053, 65_535] {
            let mut options = Options::new();
            options.push(OptionNumber(number), &vec![7; length]);
            let encoded =
                header(Kind::Confirmable, Method::Get.code(), 9, &[]).encode(options.iter(), &[]);
            let read: Options = Message::parse(&encoded).unwrap().options.collect();
            assert_eq!(read, options, "number {number}, length {length}");
        }
    }
}

// RFC 7252 3 and 4.1
#[test]
fn each_format_error_is_told_apart() {
    for (text, error) in [
        ("", ParseError::TooShort),
        ("40 01 00", ParseError::TooShort),
        ("00 01 00 01", ParseError::Version),
        ("80 01 00 01", ParseError::Version),
        (
            "49 01 00 01 00 00 00 00 00 00 00 00 00",
            ParseError::TokenLength,
        ),
        ("4f 01 00 01", ParseError::TokenLength),
        ("42 01 00 01 aa", ParseError::TruncatedToken),
        ("41 00 00 01 aa", ParseError::EmptyWithContent),
        ("40 00 00 01 ff 00", ParseError::EmptyWithContent),
        ("40 01 00 01 ff", ParseError::MarkerWithoutPayload),
        ("40 01 00 01 f0", ParseError::ReservedNibble),
        ("40 01 00 01 0f", ParseError::ReservedNibble),
        ("40 01 00 01 b4 61", ParseError::TruncatedOption),
        ("40 01 00 01 d0", ParseError::TruncatedOption),
        ("40 01 00 01 0e 00", ParseError::TruncatedOption),
        ("40 01 00 01 e0 ff ff", ParseError::OptionNumber),
    ] {
        assert_eq!(Message::parse(&bytes(text)), Err(error), "{text}");
    }
}

#[test]
fn no_prefix_of_a_message_makes_the_reader_fail_otherwise() {
    let whole = bytes(
        "44 02 12 34 01 02 03 04 bb 74 65 6d 70 65 72 61 74 75 72 65 11 32 d1 0a 06 ff 7b 7d",
    );
    assert!(Message::parse(&whole).is_ok());
    for length in 0..whole.len() {
        coap::fuzz::fuzz_message(&whole[..length]);
        coap::fuzz::fuzz_endpoint(&whole[..length]);
    }
}

fn any_header() -> impl Strategy<Value = Header> {
    let kind = prop_oneof![
        Just(Kind::Confirmable),
        Just(Kind::NonConfirmable),
        Just(Kind::Acknowledgement),
        Just(Kind::Reset)
    ];
    let token = proptest::collection::vec(any::<u8>(), 0..=8);
    (kind, 1..=255u8, any::<u16>(), token)
        .prop_map(|(kind, code, id, token)| header(kind, Code::from_byte(code), id, &token))
}

/// Messages that an endpoint has to think about, packed for the fuzz entry point.
fn any_steps() -> impl Strategy<Value = Vec<u8>> {
    let kind = prop_oneof![
        Just(Kind::Confirmable),
        Just(Kind::NonConfirmable),
        Just(Kind::Acknowledgement),
        Just(Kind::Reset)
    ];
    let code = prop_oneof![
        0..9u8,
        Just(0x45),
        Just(0x44),
        Just(0x5f),
        Just(0x84),
        Just(0x88),
        Just(0x8d),
        any::<u8>()
    ];
    let number = prop_oneof![
        Just(4u16),
        Just(6),
        Just(11),
        Just(12),
        Just(14),
        Just(17),
        Just(23),
        Just(27),
        Just(28),
        Just(60),
        Just(292),
        any::<u16>()
    ];
    let option = (number, proptest::collection::vec(any::<u8>(), 0..3));
    let options = proptest::collection::vec(option, 0..4);
    let payload = prop_oneof![Just(0usize), Just(5), Just(16), Just(32), Just(64)];
    let step = (any::<u8>(), kind, code, 0..20u16, 0..3u8, options, payload);
    proptest::collection::vec(step, 1..40).prop_map(|steps| {
        let mut data = Vec::new();
        for (action, kind, code, id, token, options, payload) in steps {
            let code = Code::from_byte(code);
            let mut list = Options::new();
            let mut token = vec![token];
            let mut body = vec![7; payload];
            if code.is_empty() {
                token.clear();
                body.clear();
            } else {
                for (number, value) in &options {
                    list.push(OptionNumber(*number), value);
                }
            }
            let datagram = header(kind, code, id, &token).encode(list.iter(), &body);
            data.push(action);
            data.push(u8::try_from(datagram.len()).expect("messages of this test are short"));
            data.extend_from_slice(&datagram);
        }
        data
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_sequence_of_messages_makes_an_endpoint_panic_or_restless(data in any_steps()) {
        coap::fuzz::fuzz_endpoint(&data);
    }

    #[test]
    fn every_message_comes_back(
        header in any_header(),
        options in proptest::collection::vec((any::<u16>(), proptest::collection::vec(any::<u8>(), 0..300)), 0..6),
        payload in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        let mut list = Options::new();
        for (number, value) in &options {
            list.push(OptionNumber(*number), value);
        }
        let encoded = header.encode(list.iter(), &payload);
        let read = Message::parse(&encoded).unwrap();
        prop_assert_eq!(read.header, header);
        prop_assert_eq!(read.payload, &payload[..]);
        prop_assert_eq!(read.options.collect::<Options>(), list);
        prop_assert_eq!(read.encode(), encoded);
    }

    #[test]
    fn no_datagram_makes_codec_or_endpoint_panic(data in proptest::collection::vec(any::<u8>(), 0..400)) {
        coap::fuzz::fuzz_message(&data);
        coap::fuzz::fuzz_endpoint(&data);
    }

    #[test]
    fn integers_come_back_in_their_shortest_form(value in any::<u32>()) {
        let mut options = Options::new();
        options.push_uint(OptionNumber::SIZE1, value);
        prop_assert_eq!(options.uint(OptionNumber::SIZE1), Some(value));
        prop_assert!(options.first(OptionNumber::SIZE1).unwrap().first() != Some(&0));
    }
}
