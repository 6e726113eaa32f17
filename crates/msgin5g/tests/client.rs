//! The client against the answers of a server.

use cause::Cause;
use identifiers::UeServiceId;
use msgin5g::client::{Answer, AnswerError, Client, Pushed, Refusal, Registered};
use msgin5g::messages::{
    DeregistrationAnswer, MessageResponse, MessageStatus, RegistrationAnswer, RegistrationOutcome,
    ReportStatus, Request, failure_body,
};
use msgin5g::values::{Endpoint, MessageId, Recipient, ServiceIdentifier};
use msgin5g::{CONTENT_FORMAT_JSON, DecodeError, Timestamp, code};

const JSON: Option<u16> = Some(CONTENT_FORMAT_JSON);

fn service_id(name: &str) -> UeServiceId {
    UeServiceId::parse(&format!("{name}@msgin5g.berth.test")).expect("UE Service ID")
}

fn client(name: &str) -> Client {
    Client::new(ServiceIdentifier::default(), service_id(name))
}

fn read(body: &[u8]) -> Request {
    Request::decode(&ServiceIdentifier::default(), JSON, body).expect("a request")
}

fn answer(code: u8, body: &[u8]) -> Answer<'_> {
    Answer {
        code,
        content_format: JSON,
        body,
    }
}

fn message_id() -> MessageId {
    MessageId::generate(1_767_323_045_000, [7; 10])
}

// TS 24.538 6.3.1.1.1 b), c)
#[test]
fn registration_is_a_post_of_json() {
    let post = client("a").register(None, None);
    assert_eq!(post.uri_path, "msgin5g");
    assert_eq!(post.content_format, 50);
    assert!(
        matches!(read(&post.body), Request::Registration(r) if r.ue_service_id == service_id("a"))
    );
    assert!(matches!(
        read(&client("a").deregister().body),
        Request::Deregistration(_)
    ));
}

#[test]
fn answers_to_a_registration_are_told_apart() {
    let expires = Timestamp::parse("2026-01-03T00:00:00Z");
    let success = |name| {
        RegistrationAnswer {
            ue_service_id: service_id(name),
            outcome: RegistrationOutcome::Success { expires },
        }
        .encode()
    };
    let a = client("a");
    for (code, new) in [(code::CREATED, true), (code::CHANGED, false)] {
        assert_eq!(
            a.read_registration(answer(code, &success("a"))),
            Ok(Registered { new, expires })
        );
    }
    assert_eq!(
        a.read_registration(answer(code::CREATED, &success("b"))),
        Err(AnswerError::OtherRequest)
    );
    assert_eq!(
        a.read_registration(answer(0x45, &success("a"))),
        Err(AnswerError::Code(0x45))
    );
    assert_eq!(
        a.read_registration(answer(code::CREATED, b"")),
        Err(AnswerError::Body(DecodeError::NotJson))
    );
}

#[test]
fn refusal_keeps_code_and_cause() {
    let a = client("a");
    let cause = Cause::UeServiceIdNotAssociated;
    let refused = RegistrationAnswer {
        ue_service_id: service_id("a"),
        outcome: RegistrationOutcome::Failure(Some(cause.into())),
    }
    .encode();
    for (code, body) in [
        (0x83, refused.clone()),
        (code::CHANGED, refused),
        (0x83, failure_body(cause)),
    ] {
        let error = a
            .read_registration(answer(code, &body))
            .expect_err("refused");
        assert_eq!(
            error,
            AnswerError::Refused(Refusal {
                code,
                cause: Some(cause.into())
            })
        );
        assert_eq!(error.cause(), cause);
    }
    // A refusal need not have a body.
    let error = a.read_registration(answer(0xa3, b"")).expect_err("refused");
    assert_eq!(
        error,
        AnswerError::Refused(Refusal {
            code: 0xa3,
            cause: None
        })
    );
}

#[test]
fn answers_to_a_deregistration_are_read() {
    let body = DeregistrationAnswer {
        ue_service_id: service_id("a"),
        outcome: Ok(()),
    }
    .encode();
    assert_eq!(
        client("a").read_deregistration(answer(code::CHANGED, &body)),
        Ok(())
    );
    assert_eq!(
        client("b").read_deregistration(answer(code::CHANGED, &body)),
        Err(AnswerError::OtherRequest)
    );
}

#[test]
fn message_travels_from_client_to_client_and_is_reported() {
    let (a, b) = (client("a"), client("b"));
    let mut message = a.message(Recipient::Ue(service_id("b")), message_id());
    message.delivery_status_required = true;

    let post = a.send(&message);
    let pushed = b.receive(JSON, &post.body).expect("a message");
    let Pushed::Message(received) = pushed else {
        panic!("{pushed:?}");
    };
    assert_eq!(received, message);

    let report = b
        .report(&received, ReportStatus::Delivered)
        .expect("a report");
    let pushed = a.receive(JSON, &report.body).expect("a report");
    let Pushed::DeliveryReport(report) = pushed else {
        panic!("{pushed:?}");
    };
    assert_eq!(report.originator, Endpoint::Ue(service_id("b")));
    assert_eq!(report.message_id, message.message_id);

    message.delivery_status_required = false;
    assert_eq!(b.report(&message, ReportStatus::Delivered), None);
}

#[test]
fn client_refuses_what_is_not_for_it() {
    let message = client("a").message(Recipient::Ue(service_id("b")), message_id());
    let post = client("a").send(&message);
    assert!(matches!(
        client("c").receive(JSON, &post.body),
        Err(DecodeError::Incorrect(_))
    ));
    assert!(matches!(
        client("a").receive(JSON, &client("a").register(None, None).body),
        Err(DecodeError::MessageType(_))
    ));
}

#[test]
fn answers_to_a_message_are_told_apart() {
    let a = client("a");
    let body = |status| {
        MessageResponse {
            message_id: message_id(),
            status,
        }
        .encode(&ServiceIdentifier::default())
    };
    let read = |code, body: &[u8]| a.read_message_response(&message_id(), answer(code, body));

    assert_eq!(read(code::CHANGED, b""), Ok(MessageStatus::Accepted));
    for status in [MessageStatus::Accepted, MessageStatus::Stored] {
        assert_eq!(read(code::CHANGED, &body(status.clone())), Ok(status));
    }
    let failed = body(MessageStatus::Failed(Some(Cause::UnknownRecipient.into())));
    for code in [code::CHANGED, 0x84] {
        let error = read(code, &failed).expect_err("refused");
        assert_eq!(error.cause(), Cause::UnknownRecipient);
    }
    let other = MessageId::parse("other").expect("message ID");
    assert_eq!(
        a.read_message_response(
            &other,
            answer(code::CHANGED, &body(MessageStatus::Accepted))
        ),
        Err(AnswerError::OtherRequest)
    );
}
