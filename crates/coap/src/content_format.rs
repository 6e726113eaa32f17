//! Content formats.

/// A content format or accepted format, a number of the CoAP Content-Formats registry.
///
/// Source: RFC 7252 12.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ContentFormat(pub u16);

impl ContentFormat {
    /// `text/plain; charset=utf-8`.
    pub const TEXT: Self = Self(0);
    /// `application/link-format` (RFC 6690).
    pub const LINK_FORMAT: Self = Self(40);
    /// `application/octet-stream`.
    pub const OCTET_STREAM: Self = Self(42);
    /// `application/json`.
    pub const JSON: Self = Self(50);
    /// `application/cbor` (RFC 8949).
    pub const CBOR: Self = Self(60);
    /// `application/cose; cose-type="cose-sign1"` (RFC 9052).
    pub const COSE_SIGN1: Self = Self(18);
    /// `application/concise-problem-details+cbor` (RFC 9290).
    pub const CONCISE_PROBLEM_DETAILS: Self = Self(257);
}
