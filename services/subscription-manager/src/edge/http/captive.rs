//! The captive-portal API. RFC 8908.

use bytes::Bytes;
use cause::Cause;
use http::{Response, StatusCode, header};
use http_body_util::Full;
use serde_json::json;

use crate::context::Settings;

/// The answer for a device with a limited session: the link leads its browser to the portal, once.
///
/// RFC 8908 5: seconds and octets remaining are for networks that have let the client out; this one has not.
pub(super) fn captive(settings: &Settings, link_code: &str) -> Response<Full<Bytes>> {
    let body = json!({
        "captive": true,
        "user-portal-url": format!("{}/?c={link_code}", settings.portal_url),
        "venue-info-url": format!("{}/help", settings.portal_url),
        "can-extend-session": false,
    });
    answer(StatusCode::OK, "application/captive+json", &body)
}

/// A refusal that software reads. RFC 9457.
pub(super) fn problem(cause: Cause) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(cause.http()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = json!({ "status": status.as_u16(), "title": cause.text(), "cause": cause.name() });
    answer(status, "application/problem+json", &body)
}

fn answer(
    status: StatusCode,
    content_type: &'static str,
    body: &serde_json::Value,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static(content_type),
    );
    headers.insert(
        header::CACHE_CONTROL,
        header::HeaderValue::from_static("private, no-store"),
    );
    response
}
