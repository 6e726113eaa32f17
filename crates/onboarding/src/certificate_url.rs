//! Certificate URLs: what may be fetched at all.
//!
//! The URL comes from a device that nobody has authenticated yet, so the parser takes a narrow form
//! and repairs nothing but a missing scheme and the case of the host. What it accepts means the same
//! to every other URL parser; whatever might not (user info, IP literals in any notation, dot
//! segments, backslashes, empty segments, encoded separators) is refused.

use alloc::format;
use alloc::string::{String, ToString as _};
use cause::Cause;
use core::fmt;

/// Longest URL in octets, its scheme included.
pub const MAX_URL_OCTETS: usize = 512;

/// A URL that a certificate may be fetched from, if its prefix is registered.
#[derive(Clone, PartialEq, Eq)]
pub struct CertificateUrl {
    location: Location,
}

impl CertificateUrl {
    /// Reads the URL of a Start.
    ///
    /// Without a scheme, as in `host/DeviceID=…`, `https://` is meant. Ports other than 443 must be
    /// among `ports`.
    ///
    /// # Errors
    /// [`CertificateUrlError`].
    pub fn parse(text: &str, ports: &[u16]) -> Result<Self, CertificateUrlError> {
        Ok(Self {
            location: Location::parse(text, ports)?,
        })
    }

    /// The host, a domain name in lower case.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.location.host
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.location.port
    }

    /// Path and query, for the request line.
    #[must_use]
    pub fn path_and_query(&self) -> String {
        self.location.path_and_query()
    }

    /// The whole URL in its one form; this and never the received text is fetched and cached.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.location.to_text()
    }

    /// The manufacturer's name of the device: the value of `DeviceID=` in a path segment or a query
    /// parameter, 4 to 64 letters, digits and hyphens.
    ///
    /// # Errors
    /// [`CertificateUrlError::DeviceId`] if there is none, more than one, or another form of one.
    pub fn device_serial(&self) -> Result<DeviceSerial, CertificateUrlError> {
        let query = self.location.query.as_deref().unwrap_or_default();
        let mut values = self
            .location
            .path
            .split('/')
            .chain(query.split('&'))
            .filter_map(|part| part.strip_prefix("DeviceID="));
        let value = values.next().ok_or(CertificateUrlError::DeviceId)?;
        if values.next().is_some() {
            return Err(CertificateUrlError::DeviceId);
        }
        DeviceSerial::parse(value)
    }
}

impl fmt::Debug for CertificateUrl {
    /// Shows the host only: the rest names a device.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "CertificateUrl(https://{}:{}/…)",
            self.location.host, self.location.port
        )
    }
}

/// A registered prefix of certificate URLs of one manufacturer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlPrefix {
    location: Location,
}

impl UrlPrefix {
    /// Reads a prefix of the registry.
    ///
    /// Its last path segment or its query may end in `=`: then it matches the beginning of that
    /// segment or query. In every other case segments match whole.
    ///
    /// # Errors
    /// [`CertificateUrlError`].
    pub fn parse(text: &str, ports: &[u16]) -> Result<Self, CertificateUrlError> {
        Ok(Self {
            location: Location::parse(text, ports)?,
        })
    }

    /// Whether `url` lies under this prefix, by host, port, path segments and query.
    #[must_use]
    pub fn matches(&self, url: &CertificateUrl) -> bool {
        let (prefix, url) = (&self.location, &url.location);
        if prefix.host != url.host || prefix.port != url.port {
            return false;
        }
        match (&prefix.query, &url.query) {
            (None, _) => path_lies_under(&prefix.path, &url.path),
            (Some(prefix_query), Some(query)) => {
                prefix.path == url.path
                    && (query == prefix_query
                        || prefix_query.ends_with('=') && query.starts_with(prefix_query))
            }
            (Some(_), None) => false,
        }
    }

    /// The prefix as a URL.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.location.to_text()
    }
}

/// The name that a manufacturer gave to a device; it stands in the URL, in the certificate's subject
/// and on the label.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeviceSerial(String);

impl DeviceSerial {
    /// Reads a serial: 4 to 64 letters, digits and hyphens.
    ///
    /// # Errors
    /// [`CertificateUrlError::DeviceId`].
    pub fn parse(text: &str) -> Result<Self, CertificateUrlError> {
        let allowed = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-';
        if (4..=64).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_string()))
        } else {
            Err(CertificateUrlError::DeviceId)
        }
    }

    /// The serial.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DeviceSerial {
    /// Shows the last two characters only.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tail = self.0.get(self.0.len() - 2..).unwrap_or_default();
        write!(formatter, "DeviceSerial(…{tail})")
    }
}

/// A certificate URL is refused; nothing is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateUrlError {
    /// Longer than [`MAX_URL_OCTETS`].
    #[error("certificate url is too long")]
    Length,
    /// A character that is not printable ASCII or has no place in a URL.
    #[error("certificate url has a character that it must not have")]
    Character,
    /// A scheme other than https.
    #[error("certificate url is not https")]
    Scheme,
    /// User information before the host.
    #[error("certificate url has user information")]
    UserInformation,
    /// The host is an IP address in some notation, or no name at all.
    #[error("host of the certificate url is not a domain name")]
    Host,
    /// The port is malformed or not allowed.
    #[error("port of the certificate url is not allowed")]
    Port,
    /// A path that servers and proxies may understand differently.
    #[error("path of the certificate url is ambiguous")]
    Path,
    /// A fragment.
    #[error("certificate url has a fragment")]
    Fragment,
    /// No device id, or not exactly one of the known form.
    #[error("certificate url does not name one device")]
    DeviceId,
}

impl CertificateUrlError {
    /// The cause to answer the device.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::DeviceId => Cause::DeviceIdentityMismatch,
            _ => Cause::UnknownManufacturer,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Location {
    host: String,
    port: u16,
    path: String,
    query: Option<String>,
}

impl Location {
    fn parse(text: &str, ports: &[u16]) -> Result<Self, CertificateUrlError> {
        if text.contains('#') {
            return Err(CertificateUrlError::Fragment);
        }
        if !text.bytes().all(is_url_octet) {
            return Err(CertificateUrlError::Character);
        }
        let rest = strip_scheme(text)?;
        if SCHEME.len() + rest.len() > MAX_URL_OCTETS {
            return Err(CertificateUrlError::Length);
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        if authority.contains('@') {
            return Err(CertificateUrlError::UserInformation);
        }
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => (host, parse_port(port)?),
            None => (authority, HTTPS_PORT),
        };
        let host = parse_host(host)?;
        if port != HTTPS_PORT && !ports.contains(&port) {
            return Err(CertificateUrlError::Port);
        }
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        check_path(path)?;
        check_escapes(query.unwrap_or_default(), |_| true)?;
        Ok(Self {
            host,
            port,
            path: if path.is_empty() { "/" } else { path }.to_string(),
            query: query.map(|query| query.to_string()),
        })
    }

    fn path_and_query(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }

    fn to_text(&self) -> String {
        let host = &self.host;
        let target = self.path_and_query();
        match self.port {
            HTTPS_PORT => format!("{SCHEME}{host}{target}"),
            port => format!("{SCHEME}{host}:{port}{target}"),
        }
    }
}

/// The URL after its scheme; what stands before `://` is a scheme only if it looks like one.
fn strip_scheme(text: &str) -> Result<&str, CertificateUrlError> {
    match text.split_once("://") {
        Some((scheme, rest)) if !scheme.contains(['/', '?']) => {
            if scheme.eq_ignore_ascii_case("https") {
                Ok(rest)
            } else {
                Err(CertificateUrlError::Scheme)
            }
        }
        _ => Ok(text),
    }
}

fn parse_host(host: &str) -> Result<String, CertificateUrlError> {
    let host = host.to_ascii_lowercase();
    let last = host.rsplit('.').next().unwrap_or_default();
    if host.len() > 253 || !host.split('.').all(is_label) || is_number(last) {
        return Err(CertificateUrlError::Host);
    }
    Ok(host)
}

/// A label of a host name (RFC 1123 2.1).
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
}

/// Whether URL parsers take a host that ends in this label for an IPv4 address: 127.1, 0x7f.1.
fn is_number(label: &str) -> bool {
    let hexadecimal = label.strip_prefix("0x");
    label.bytes().all(|octet| octet.is_ascii_digit())
        || hexadecimal.is_some_and(|digits| digits.bytes().all(|octet| octet.is_ascii_hexdigit()))
}

fn parse_port(port: &str) -> Result<u16, CertificateUrlError> {
    let canonical = !port.is_empty()
        && !port.starts_with('0')
        && port.bytes().all(|octet| octet.is_ascii_digit());
    if !canonical {
        return Err(CertificateUrlError::Port);
    }
    port.parse().map_err(|_| CertificateUrlError::Port)
}

fn check_path(path: &str) -> Result<(), CertificateUrlError> {
    let segments = path.strip_prefix('/').unwrap_or_default();
    let mut segments = segments.split('/').peekable();
    while let Some(segment) = segments.next() {
        let empty_inside = segment.is_empty() && segments.peek().is_some();
        if empty_inside || matches!(segment, "." | "..") {
            return Err(CertificateUrlError::Path);
        }
        // An encoded dot, slash, backslash, percent sign or control character is a trap for
        // whoever decodes once more.
        check_escapes(segment, |octet| {
            !octet.is_ascii_control() && !matches!(octet, b'.' | b'/' | b'\\' | b'%')
        })?;
    }
    Ok(())
}

/// Checks that each percent sign begins an escape, and each escaped octet is allowed.
fn check_escapes(text: &str, allowed: impl Fn(u8) -> bool) -> Result<(), CertificateUrlError> {
    for escape in text.split('%').skip(1) {
        let octet = escape
            .get(..2)
            .filter(|digits| digits.bytes().all(|octet| octet.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())
            .ok_or(CertificateUrlError::Path)?;
        if !allowed(octet) {
            return Err(CertificateUrlError::Path);
        }
    }
    Ok(())
}

fn path_lies_under(prefix: &str, path: &str) -> bool {
    if prefix.ends_with(['/', '=']) {
        return path.starts_with(prefix);
    }
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Printable ASCII without the characters that RFC 3986 excludes.
fn is_url_octet(octet: u8) -> bool {
    octet.is_ascii_graphic()
        && !matches!(
            octet,
            b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' | b'[' | b']'
        )
}

const SCHEME: &str = "https://";
const HTTPS_PORT: u16 = 443;
