//! A request that is no message of its RPC.

use cause::Cause;
use http::Response;
use nf_api::status::refuse;
use tonic::body::Body;
use tonic::{Code, Status};

/// What tonic's codec says of octets that are not the message they should be. It calls that INTERNAL, as gRPC's
/// list of codes has it; here it is the caller's fault and has a cause.
const UNDECODABLE: &str = "failed to decode Protobuf message";

/// The answer, or MALFORMED_MESSAGE in its place.
///
/// Our own refusals carry details; a status without them is the codec's.
pub(super) fn refused(response: Response<Body>) -> Response<Body> {
    let undecodable = Status::from_header_map(response.headers()).is_some_and(|status| {
        status.code() == Code::Internal
            && status.details().is_empty()
            && status.message().starts_with(UNDECODABLE)
    });
    if undecodable {
        refuse(Cause::MalformedMessage).into_http()
    } else {
        response
    }
}
