//! Entry points for fuzzing: plain functions that must not panic, whatever the octets are.

use crate::CONTENT_FORMAT_JSON;
use crate::messages::{
    DeregistrationAnswer, MessageResponse, RegistrationAnswer, Request, failure_body,
};
use crate::time::{TimeOfDay, Timestamp};
use crate::values::ServiceIdentifier;

/// Reads octets as a request; whatever is accepted must be written and read back the same.
///
/// # Panics
/// If a request that was accepted does not read back.
pub fn fuzz_request(data: &[u8]) {
    let service = ServiceIdentifier::default();
    match Request::decode(&service, Some(CONTENT_FORMAT_JSON), data) {
        Ok(request) => {
            let again = Request::decode(
                &service,
                Some(CONTENT_FORMAT_JSON),
                &request.encode(&service),
            );
            assert_eq!(again, Ok(request));
        }
        Err(error) => drop(failure_body(error.cause())),
    }
}

/// Reads octets as each kind of answer; whatever is accepted must be written and read back the same.
///
/// # Panics
/// If an answer that was accepted does not read back.
pub fn fuzz_answer(data: &[u8]) {
    let format = Some(CONTENT_FORMAT_JSON);
    if let Ok(answer) = RegistrationAnswer::decode(format, data) {
        assert_eq!(
            RegistrationAnswer::decode(format, &answer.encode()),
            Ok(answer)
        );
    }
    if let Ok(answer) = DeregistrationAnswer::decode(format, data) {
        assert_eq!(
            DeregistrationAnswer::decode(format, &answer.encode()),
            Ok(answer)
        );
    }
    if let Ok(answer) = MessageResponse::decode(format, data) {
        let body = answer.encode(&ServiceIdentifier::default());
        assert_eq!(MessageResponse::decode(format, &body), Ok(answer));
    }
}

/// Reads octets as a time and as a time of day; whatever is accepted must read back the same.
///
/// # Panics
/// If a time that was accepted does not read back.
pub fn fuzz_time(data: &[u8]) {
    let Ok(text) = core::str::from_utf8(data) else {
        return;
    };
    if let Some(time) = Timestamp::parse(text) {
        assert_eq!(Timestamp::parse(&time.to_text()), Some(time));
    }
    if let Some(time) = TimeOfDay::parse(text) {
        assert_eq!(TimeOfDay::parse(&time.to_text()), Some(time));
    }
}
