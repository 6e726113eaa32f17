//! Causes as gRPC statuses, and back.
//!
//! A refusal carries `google.rpc.ErrorInfo` with the cause's name as reason, so that the caller
//! sees the same cause whatever lay between. TS 29.500 5.2.7 has the same idea for HTTP.

use cause::Cause;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// `domain` of every `ErrorInfo` made here.
pub const ERROR_DOMAIN: &str = "berth.dev";

/// The status that refuses a request for this cause. Its message is the cause's public sentence.
pub fn refuse(cause: Cause) -> Status {
    let details = ErrorDetails::with_error_info(
        cause.name(),
        ERROR_DOMAIN,
        [("retryable".to_owned(), cause.retryable().to_string())],
    );
    Status::with_error_details(
        Code::from_i32(i32::from(cause.grpc())),
        cause.text(),
        details,
    )
}

/// The cause that a status names, or the nearest one when it comes from a transport or a stranger.
pub fn cause_of(status: &Status) -> Cause {
    let named = status
        .get_details_error_info()
        .filter(|info| info.domain == ERROR_DOMAIN);
    if let Some(cause) = named.and_then(|info| Cause::from_name(&info.reason)) {
        return cause;
    }
    match status.code() {
        Code::DeadlineExceeded | Code::Cancelled => Cause::DeadlineExceeded,
        Code::NotFound => Cause::NotFound,
        Code::AlreadyExists => Cause::AlreadyExists,
        Code::PermissionDenied => Cause::NotAuthorized,
        Code::Unauthenticated => Cause::Unauthenticated,
        Code::ResourceExhausted => Cause::Overloaded,
        Code::InvalidArgument | Code::OutOfRange => Cause::MalformedMessage,
        Code::FailedPrecondition | Code::Aborted => Cause::Conflict,
        Code::Unimplemented => Cause::Unsupported,
        Code::Unavailable => Cause::UpstreamFailure,
        Code::Ok | Code::Unknown | Code::Internal | Code::DataLoss => Cause::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_survives_the_wire() {
        for cause in Cause::ALL {
            let header = refuse(*cause).into_http::<()>().into_parts().0.headers;
            let received =
                Status::from_header_map(&header).expect("a status stands in its headers");
            assert_eq!(cause_of(&received), *cause);
        }
    }

    #[test]
    fn the_proto_enum_names_every_cause() {
        use crate::pb::common;
        for cause in Cause::ALL {
            let named = common::Cause::try_from(i32::from(cause.number()))
                .expect("a proto value for each cause");
            assert_eq!(named.as_str_name(), format!("CAUSE_{}", cause.name()));
        }
    }

    #[test]
    fn foreign_statuses_have_a_nearest_cause() {
        assert_eq!(
            cause_of(&Status::unavailable("connection refused")),
            Cause::UpstreamFailure
        );
        assert_eq!(
            cause_of(&Status::deadline_exceeded("late")),
            Cause::DeadlineExceeded
        );
        let foreign = Status::with_error_details(
            Code::NotFound,
            "",
            ErrorDetails::with_error_info(
                "UNKNOWN_A_KID",
                "elsewhere.example",
                [(String::new(), String::new())],
            ),
        );
        assert_eq!(cause_of(&foreign), Cause::NotFound);
    }
}
