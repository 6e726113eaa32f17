//! Responses, whole.

use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use cause::Cause;

use crate::{Code, ContentFormat, OptionNumber, Options};

/// A response, the same for who sends and who receives it.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// The code.
    pub code: Code,
    /// All options but Observe and the block options.
    pub options: Options,
    /// The whole payload.
    pub payload: Vec<u8>,
}

impl Response {
    /// A response without options and payload.
    pub const fn new(code: Code) -> Self {
        Self {
            code,
            options: Options::new(),
            payload: Vec::new(),
        }
    }

    /// A 2.05 response.
    pub fn content(format: ContentFormat, payload: Vec<u8>) -> Self {
        Self::new(Code::CONTENT).with_payload(format, payload)
    }

    /// An error response with a diagnostic payload, which has no Content-Format (RFC 7252 5.5.2).
    pub fn diagnostic(code: Code, text: &str) -> Self {
        Self {
            code,
            options: Options::new(),
            payload: text.as_bytes().to_vec(),
        }
    }

    /// Asks the client to come back later: 4.29 (RFC 8516) or 5.03 (RFC 7252 5.9.3.4) with Max-Age.
    ///
    /// `after` is rounded up to whole seconds.
    pub fn retry_later(code: Code, after: Duration) -> Self {
        let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
        Self::new(code).with_max_age(u32::try_from(seconds).unwrap_or(u32::MAX))
    }

    /// Sets payload and Content-Format.
    #[must_use]
    pub fn with_payload(mut self, format: ContentFormat, payload: Vec<u8>) -> Self {
        self.options
            .set_uint(OptionNumber::CONTENT_FORMAT, u32::from(format.0));
        self.payload = payload;
        self
    }

    /// Sets Max-Age in seconds.
    #[must_use]
    pub fn with_max_age(mut self, seconds: u32) -> Self {
        self.options.set_uint(OptionNumber::MAX_AGE, seconds);
        self
    }

    /// Sets the ETag, of one to eight octets.
    #[must_use]
    pub fn with_etag(mut self, etag: &[u8]) -> Self {
        self.options.remove(OptionNumber::ETAG);
        self.options.push(OptionNumber::ETAG, etag);
        self
    }

    /// Adds a Location-Path for each segment of `/a/b`.
    #[must_use]
    pub fn with_location(mut self, path: &str) -> Self {
        for segment in path.split('/').filter(|segment| !segment.is_empty()) {
            self.options
                .push(OptionNumber::LOCATION_PATH, segment.as_bytes());
        }
        self
    }

    /// The Content-Format of the payload.
    pub fn content_format(&self) -> Option<ContentFormat> {
        self.options.format(OptionNumber::CONTENT_FORMAT)
    }

    /// Max-Age, if given: how long the content is fresh, or how long to wait after 4.29 and 5.03.
    pub fn max_age(&self) -> Option<Duration> {
        self.options
            .uint(OptionNumber::MAX_AGE)
            .map(|seconds| Duration::from_secs(u64::from(seconds)))
    }

    /// The first ETag.
    pub fn etag(&self) -> Option<&[u8]> {
        self.options.first(OptionNumber::ETAG)
    }

    /// Whether the code is 2.xx.
    pub const fn is_success(&self) -> bool {
        self.code.is_success()
    }
}

/// The error response for a cause: its code, and its text as diagnostic payload.
impl From<Cause> for Response {
    fn from(cause: Cause) -> Self {
        Self::diagnostic(Code::from_byte(cause.coap()), cause.text())
    }
}

/// Prints no value: the payload may hold identifiers.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("code", &self.code)
            .field("options", &self.options)
            .field("payload_bytes", &self.payload.len())
            .finish()
    }
}

impl Options {
    /// The content format in an option of this number.
    pub(crate) fn format(&self, number: OptionNumber) -> Option<ContentFormat> {
        let value = self.uint(number)?;
        u16::try_from(value).ok().map(ContentFormat)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_an_error_response() {
        for cause in Cause::ALL {
            let response = Response::from(*cause);
            assert!(matches!(response.code.class(), 4 | 5), "{}", cause.name());
            assert!(!response.payload.is_empty());
        }
    }
}
