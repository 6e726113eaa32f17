//! Golden files of every message: literal names, camelCase names and other accepted forms are one message.

use cause::Cause;
use identifiers::{Gpsi, UeServiceId};
use msgin5g::messages::{
    DeliveryReport, DeregistrationAnswer, DeregistrationRequest, Message, MessageResponse,
    MessageStatus, RegistrationAnswer, RegistrationOutcome, RegistrationRequest, ReportStatus,
    Request,
};
use msgin5g::profile::{
    ClientPort, ClientProfile, CommunicationAvailability, Periodicity, ScheduledTime,
    TriggeringInformation,
};
use msgin5g::values::{
    ApplicationId, AsServiceId, BroadcastAreaId, Endpoint, FailureCause, FailureText,
    GroupServiceId, MessageId, MessagingTopic, Priority, Recipient, Segment, SegmentationSetId,
    ServiceIdentifier, StoreAndForward, TriggerProtocol,
};
use msgin5g::{CONTENT_FORMAT_JSON, DecodeError, Payload, TimeOfDay, Timestamp};
use serde_json::Value;
use std::fmt::Debug;
use std::time::Duration;

const JSON: Option<u16> = Some(CONTENT_FORMAT_JSON);
const DIR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors/msgin5g");

fn vector(name: &str) -> Value {
    let text = std::fs::read_to_string(format!("{DIR}/{name}.json")).expect("golden file");
    serde_json::from_str(&text).expect("JSON")
}

/// Checks that each form in the file reads as `expected`, that `expected` is written in the literal form, and that no
/// prefix of a form is read.
fn check<T: Debug + PartialEq>(
    name: &str,
    expected: &T,
    encode: impl Fn(&T) -> Vec<u8>,
    decode: impl Fn(&[u8]) -> Result<T, DecodeError>,
) {
    let file = vector(name);
    let mut forms = vec![&file["literal"], &file["camelCase"]];
    if let Some(accepted) = file["accepted"].as_array() {
        forms.extend(accepted);
    }
    for form in forms {
        let body = form.to_string().into_bytes();
        assert_eq!(decode(&body).as_ref(), Ok(expected), "{name}: {form}");
        for end in 0..body.len() {
            assert_eq!(
                decode(&body[..end]),
                Err(DecodeError::NotJson),
                "{name}: {end}"
            );
        }
    }
    let written: Value = serde_json::from_slice(&encode(expected)).expect("JSON");
    assert_eq!(written, file["literal"], "{name}");
}

fn check_request(name: &str, expected: &Request) {
    let service = ServiceIdentifier::default();
    check(
        name,
        expected,
        |request| request.encode(&service),
        |body| Request::decode(&service, JSON, body),
    );
}

fn ue() -> UeServiceId {
    UeServiceId::parse("ue-7k2m4qxa@msgin5g.berth.test").expect("UE Service ID")
}

fn other_ue() -> UeServiceId {
    UeServiceId::parse("ue-b3n6t5wd@msgin5g.berth.test").expect("UE Service ID")
}

fn time(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("time")
}

fn uuid() -> MessageId {
    MessageId::parse("017f22e2-79b0-7cc3-98c4-dc0c0c07398f").expect("message ID")
}

fn octets() -> Option<Payload> {
    Some(Payload::octets(vec![0, 1, 2, 255]).expect("payload"))
}

fn application_server() -> AsServiceId {
    AsServiceId::parse("meters@as.berth.test").expect("AS Service ID")
}

fn registration(profile: Option<ClientProfile>, requested: Option<Timestamp>) -> Request {
    Request::Registration(Box::new(RegistrationRequest {
        ue_service_id: ue(),
        profile,
        requested_expiration: requested,
    }))
}

// TS 24.538 6.3.1.1.1 d)
#[test]
fn registration_with_whole_profile() {
    let profile = ClientProfile {
        triggering: Some(TriggeringInformation {
            ue_id: Gpsi::parse("msisdn-491700000001").expect("GPSI"),
            ports: vec![
                ClientPort {
                    port: 49152,
                    protocol: None,
                },
                ClientPort {
                    port: 5683,
                    protocol: Some(TriggerProtocol::parse("SMS").expect("protocol")),
                },
            ],
        }),
        availability: Some(CommunicationAvailability {
            scheduled: ScheduledTime::At(time("2026-01-02T03:04:05Z")),
            duration: Duration::from_secs(60),
            periodic: Some(Periodicity {
                indicator: true,
                interval: Duration::from_secs(3600),
            }),
            data_size: Some(4096),
            store_and_forward_declined: true,
        }),
        segment_size: Some(1024),
    };
    check_request(
        "reg",
        &registration(Some(profile), Some(time("2026-01-03T00:00:00Z"))),
    );
}

#[test]
fn registration_without_profile() {
    check_request("reg-least", &registration(None, None));
}

#[test]
fn registration_with_weekly_schedule() {
    let profile = ClientProfile {
        triggering: Some(TriggeringInformation {
            ue_id: Gpsi::parse("extid-meter7@berth.test").expect("GPSI"),
            ports: vec![ClientPort {
                port: 49152,
                protocol: None,
            }],
        }),
        availability: Some(CommunicationAvailability {
            scheduled: ScheduledTime::Weekly {
                days: vec![1, 5],
                start: TimeOfDay::parse("06:30:00Z"),
                end: TimeOfDay::parse("07:00:00Z"),
            },
            duration: Duration::from_secs(1800),
            periodic: None,
            data_size: None,
            store_and_forward_declined: false,
        }),
        segment_size: None,
    };
    check_request("reg-weekly", &registration(Some(profile), None));
}

// TS 24.538 6.3.1.2.1 b) 2)
#[test]
fn registration_answers() {
    for (name, outcome) in [
        (
            "reg-answer",
            RegistrationOutcome::Success {
                expires: Some(time("2026-01-03T00:00:00Z")),
            },
        ),
        (
            "reg-answer-failure",
            RegistrationOutcome::Failure(Some(Cause::UeServiceIdNotAssociated.into())),
        ),
    ] {
        let answer = RegistrationAnswer {
            ue_service_id: ue(),
            outcome,
        };
        check(name, &answer, RegistrationAnswer::encode, |body| {
            RegistrationAnswer::decode(JSON, body)
        });
    }
}

// TS 24.538 6.3.1.1.2 d)
#[test]
fn deregistration() {
    check_request(
        "dereg",
        &Request::Deregistration(DeregistrationRequest {
            ue_service_id: ue(),
        }),
    );
}

// TS 24.538 6.3.1.2.2 b) 3)
#[test]
fn deregistration_answers() {
    for (name, outcome) in [
        ("dereg-answer", Ok(())),
        (
            "dereg-answer-failure",
            Err(Some(Cause::AssociationUnavailable.into())),
        ),
    ] {
        let answer = DeregistrationAnswer {
            ue_service_id: ue(),
            outcome,
        };
        check(name, &answer, DeregistrationAnswer::encode, |body| {
            DeregistrationAnswer::decode(JSON, body)
        });
    }
}

// TS 23.554 8.3.2
#[test]
fn messages() {
    let base = |recipient| Message::new(Endpoint::Ue(ue()), recipient, uuid());
    let check_message = |name, message| check_request(name, &Request::Message(Box::new(message)));

    check_message(
        "msg",
        Message {
            application_id: Some(ApplicationId::parse("meter").expect("application ID")),
            delivery_status_required: true,
            payload: octets(),
            priority: Some(Priority::High),
            store_and_forward: StoreAndForward::Requested {
                expires: Some(time("2026-01-02T04:00:00Z")),
            },
            ..base(Recipient::Ue(other_ue()))
        },
    );
    check_message(
        "msg-text",
        Message {
            payload: Some(Payload::text("21.5 °C").expect("payload")),
            store_and_forward: StoreAndForward::Declined,
            ..base(Recipient::Ue(other_ue()))
        },
    );
    check_message(
        "msg-from-as",
        Message {
            originator: Endpoint::As(application_server()),
            message_id: MessageId::parse("1").expect("message ID"),
            payload: Some(Payload::octets(Vec::new()).expect("payload")),
            ..base(Recipient::Ue(ue()))
        },
    );
    for (name, recipient) in [
        (
            "msg-to-group",
            Recipient::Group(GroupServiceId::parse("meters@group.berth.test").expect("group")),
        ),
        (
            "msg-to-area",
            Recipient::BroadcastArea(BroadcastAreaId::parse("ward-7").expect("area")),
        ),
        (
            "msg-to-topic",
            Recipient::Topic(MessagingTopic::parse("ward/7/alarm").expect("topic")),
        ),
    ] {
        check_message(name, base(recipient));
    }
}

// TS 23.554 8.5
#[test]
fn segments() {
    for (name, number, total, last) in [
        ("msg-segment", 1, Some(2), false),
        ("msg-segment-last", 2, None, true),
    ] {
        let message = Message {
            payload: octets(),
            segment: Some(Segment {
                set: SegmentationSetId::parse("set-1").expect("set"),
                number,
                total,
                last,
            }),
            ..Message::new(
                Endpoint::Ue(ue()),
                Recipient::As(application_server()),
                uuid(),
            )
        };
        check_request(name, &Request::Message(Box::new(message)));
    }
}

// TS 23.554 8.3.3
#[test]
fn message_responses() {
    for (name, status) in [
        ("msgresp-accepted", MessageStatus::Accepted),
        ("msgresp-stored", MessageStatus::Stored),
        (
            "msgresp-failed",
            MessageStatus::Failed(Some(Cause::NotRegistered.into())),
        ),
    ] {
        let response = MessageResponse {
            message_id: uuid(),
            status,
        };
        check_request(name, &Request::MessageResponse(response.clone()));
        check(
            name,
            &response,
            |response| response.encode(&ServiceIdentifier::default()),
            |body| MessageResponse::decode(JSON, body),
        );
    }
}

// TS 23.554 8.3.4
#[test]
fn delivery_reports() {
    let words = FailureText::parse("no space left").expect("text");
    for (name, status) in [
        ("imdn", ReportStatus::Delivered),
        (
            "imdn-failed",
            ReportStatus::Failed(Some(FailureCause::Other(words))),
        ),
    ] {
        check_request(
            name,
            &Request::DeliveryReport(DeliveryReport {
                originator: Endpoint::Ue(other_ue()),
                recipient: Endpoint::Ue(ue()),
                message_id: uuid(),
                status,
            }),
        );
    }
}

#[test]
fn wrong_requests_are_refused_with_their_cause() {
    let file = vector("refused");
    let cases = file.as_array().expect("a list");
    assert!(!cases.is_empty());
    for case in cases {
        let body = case["body"].to_string();
        let error = Request::decode(&ServiceIdentifier::default(), JSON, body.as_bytes())
            .expect_err(&case["why"].to_string());
        assert_eq!(
            case["cause"].as_str(),
            Some(error.cause().name()),
            "{}: {error}",
            case["why"]
        );
    }
}

#[test]
fn another_content_format_is_refused_with_4_15() {
    let body = vector("reg-least")["literal"].to_string();
    for format in [None, Some(0), Some(60)] {
        let error = Request::decode(&ServiceIdentifier::default(), format, body.as_bytes())
            .expect_err("content format");
        assert_eq!(error.cause().coap(), 0x8f);
    }
}

#[test]
fn configured_service_identifier_is_the_one_recognised() {
    let service = ServiceIdentifier::parse("urn:example:messages").expect("identifier");
    let request = registration(None, None);
    let body = request.encode(&service);
    assert_eq!(Request::decode(&service, JSON, &body), Ok(request));
    assert_eq!(
        Request::decode(&ServiceIdentifier::default(), JSON, &body),
        Err(DecodeError::OtherService)
    );
}

#[test]
fn longest_values_stay_below_the_body_limit() {
    let quotes = "\"".repeat(255);
    let message = Message {
        originator: Endpoint::As(AsServiceId::parse(&quotes).expect("AS")),
        application_id: Some(ApplicationId::parse(&quotes).expect("application")),
        delivery_status_required: true,
        payload: Some(Payload::text(&"\"".repeat(2048)).expect("payload")),
        priority: Some(Priority::Middle),
        segment: Some(Segment {
            set: SegmentationSetId::parse(&"\"".repeat(64)).expect("set"),
            number: 1024,
            total: Some(1024),
            last: true,
        }),
        store_and_forward: StoreAndForward::Requested {
            expires: Some(Timestamp::from_unix_seconds(u64::MAX)),
        },
        ..Message::new(
            Endpoint::Ue(ue()),
            Recipient::Topic(MessagingTopic::parse(&quotes).expect("topic")),
            MessageId::parse(&"\"".repeat(64)).expect("message ID"),
        )
    };
    let service = ServiceIdentifier::parse(&quotes).expect("identifier");
    let request = Request::Message(Box::new(message));
    let body = request.encode(&service);
    assert!(body.len() <= msgin5g::MAX_BODY_BYTES, "{}", body.len());
    assert_eq!(Request::decode(&service, JSON, &body), Ok(request));
}

/// Changes octets of every golden file at random and hands them to the fuzz entry points.
#[test]
fn mutated_bodies_never_panic() {
    let seed = 0x6d73_6769_6e35_6701_u64;
    println!("seed {seed:#x}");
    let mut state = seed;
    let mut next = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(below.max(1)).expect("small")).expect("small")
    };
    for entry in std::fs::read_dir(DIR).expect("vectors") {
        let text = std::fs::read_to_string(entry.expect("entry").path()).expect("golden file");
        let file: Value = serde_json::from_str(&text).expect("JSON");
        let Some(literal) = file.get("literal") else {
            continue;
        };
        let original = literal.to_string().into_bytes();
        for _ in 0..500 {
            let mut body = original.clone();
            for _ in 0..=next(3) {
                let at = next(body.len());
                match next(3) {
                    0 => body[at] = u8::try_from(next(256)).expect("an octet"),
                    1 => drop(body.remove(at)),
                    _ => body.insert(at, b"{}[]\",:0 "[next(9)]),
                }
            }
            msgin5g::fuzz::fuzz_request(&body);
            msgin5g::fuzz::fuzz_answer(&body);
            msgin5g::fuzz::fuzz_time(&body);
        }
    }
}
