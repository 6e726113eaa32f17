//! gRPC over HTTP/2 headers: timeout and status. Source: gRPC over HTTP2, protocol specification.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::Frame;
use tonic::{Code, Status};

/// A request that cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MalformedTimeout;

/// The timeout that the caller gives, if any.
pub(crate) fn timeout(headers: &HeaderMap) -> Result<Option<Duration>, MalformedTimeout> {
    let Some(value) = headers.get(TIMEOUT) else {
        return Ok(None);
    };
    let text = value.to_str().map_err(|_| MalformedTimeout)?;
    let (digits, unit) = text
        .split_at_checked(text.len().saturating_sub(1))
        .ok_or(MalformedTimeout)?;
    if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(MalformedTimeout);
    }
    let count = digits.parse::<u64>().map_err(|_| MalformedTimeout)?;
    let timeout = match unit {
        "H" => Duration::from_secs(count * 3600),
        "M" => Duration::from_secs(count * 60),
        "S" => Duration::from_secs(count),
        "m" => Duration::from_millis(count),
        "u" => Duration::from_micros(count),
        "n" => Duration::from_nanos(count),
        _ => return Err(MalformedTimeout),
    };
    Ok(Some(timeout))
}

/// Writes a timeout, in the finest unit whose count fits eight digits.
pub(crate) fn set_timeout(headers: &mut HeaderMap, timeout: Duration) {
    let units = [
        (timeout.as_micros(), 'u'),
        (timeout.as_millis(), 'm'),
        (u128::from(timeout.as_secs()), 'S'),
    ];
    let fits = units.into_iter().find(|(count, _)| *count < 100_000_000);
    let (count, unit) = fits.unwrap_or((99_999_999, 'S'));
    if let Ok(value) = HeaderValue::try_from(format!("{count}{unit}")) {
        headers.insert(TIMEOUT, value);
    }
}

/// The status that headers or trailers carry.
pub(crate) fn code(headers: &HeaderMap) -> Option<Code> {
    headers
        .get(STATUS)
        .map(|value| Code::from_bytes(value.as_bytes()))
}

/// The status with which a frame ends its body: that of the trailers, or of the error.
pub(crate) fn code_of_frame(frame: &Result<Frame<Bytes>, Status>) -> Option<Code> {
    match frame {
        Ok(frame) => frame
            .trailers_ref()
            .map(|trailers| code(trailers).unwrap_or(Code::Unknown)),
        Err(status) => Some(status.code()),
    }
}

/// The frame that ends a body with a status.
pub(crate) fn trailers(status: &Status) -> Frame<Bytes> {
    let mut trailers = HeaderMap::new();
    // Only metadata that is not valid HTTP could fail, and a refusal carries none.
    let _ = status.add_header(&mut trailers);
    Frame::trailers(trailers)
}

const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const STATUS: HeaderName = HeaderName::from_static("grpc-status");

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &str) -> Result<Option<Duration>, MalformedTimeout> {
        timeout(&HeaderMap::from_iter([(
            TIMEOUT,
            HeaderValue::from_str(value).unwrap(),
        )]))
    }

    #[test]
    fn timeouts_are_read_in_every_unit() {
        assert_eq!(timeout(&HeaderMap::new()), Ok(None));
        assert_eq!(parse("2H"), Ok(Some(Duration::from_secs(7200))));
        assert_eq!(parse("3M"), Ok(Some(Duration::from_secs(180))));
        assert_eq!(
            parse("99999999S"),
            Ok(Some(Duration::from_secs(99_999_999)))
        );
        assert_eq!(parse("5m"), Ok(Some(Duration::from_millis(5))));
        assert_eq!(parse("6u"), Ok(Some(Duration::from_micros(6))));
        assert_eq!(parse("7n"), Ok(Some(Duration::from_nanos(7))));
    }

    #[test]
    fn malformed_timeouts_are_refused() {
        for value in [
            "",
            "S",
            "5",
            "-5S",
            "+5S",
            "5s",
            "123456789S",
            "5 S",
            "5SS",
            "5é",
        ] {
            assert_eq!(parse(value), Err(MalformedTimeout), "{value}");
        }
    }

    #[test]
    fn a_written_timeout_reads_the_same() {
        for wanted in [0, 1, 99_999_999, 100_000_000, 5_000_000_000] {
            let wanted = Duration::from_micros(wanted);
            let mut headers = HeaderMap::new();
            set_timeout(&mut headers, wanted);
            assert_eq!(timeout(&headers), Ok(Some(wanted)));
        }
    }
}
