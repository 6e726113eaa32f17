//! The codes of the protocols, under the names that their specifications give them.

/// gRPC status codes.
pub(crate) mod grpc {
    pub(crate) const UNKNOWN: u8 = 2;
    pub(crate) const INVALID_ARGUMENT: u8 = 3;
    pub(crate) const DEADLINE_EXCEEDED: u8 = 4;
    pub(crate) const NOT_FOUND: u8 = 5;
    pub(crate) const ALREADY_EXISTS: u8 = 6;
    pub(crate) const PERMISSION_DENIED: u8 = 7;
    pub(crate) const RESOURCE_EXHAUSTED: u8 = 8;
    pub(crate) const FAILED_PRECONDITION: u8 = 9;
    pub(crate) const ABORTED: u8 = 10;
    pub(crate) const UNIMPLEMENTED: u8 = 12;
    pub(crate) const INTERNAL: u8 = 13;
    pub(crate) const UNAVAILABLE: u8 = 14;
    pub(crate) const UNAUTHENTICATED: u8 = 16;
}

/// CoAP response codes: class in the upper three bits, detail in the lower five.
/// RFC 7252 5.9, RFC 8132 (4.09), RFC 8516 (4.29).
pub(crate) mod coap {
    pub(crate) const BAD_REQUEST: u8 = code(4, 0);
    pub(crate) const UNAUTHORIZED: u8 = code(4, 1);
    pub(crate) const FORBIDDEN: u8 = code(4, 3);
    pub(crate) const NOT_FOUND: u8 = code(4, 4);
    pub(crate) const CONFLICT: u8 = code(4, 9);
    pub(crate) const REQUEST_ENTITY_TOO_LARGE: u8 = code(4, 13);
    pub(crate) const UNSUPPORTED_CONTENT_FORMAT: u8 = code(4, 15);
    pub(crate) const TOO_MANY_REQUESTS: u8 = code(4, 29);
    pub(crate) const INTERNAL_SERVER_ERROR: u8 = code(5, 0);
    pub(crate) const NOT_IMPLEMENTED: u8 = code(5, 1);
    pub(crate) const SERVICE_UNAVAILABLE: u8 = code(5, 3);
    pub(crate) const GATEWAY_TIMEOUT: u8 = code(5, 4);

    const fn code(class: u8, detail: u8) -> u8 {
        class << 5 | detail
    }
}
