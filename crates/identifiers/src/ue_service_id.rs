//! The MSGin5G identity of a UE.

use crate::{Fault, ParseIdentifierError, redaction, syntax};
use alloc::{format, string::String};
use core::{fmt, ops::Range};

/// A UE Service ID: names a UE in the MSGin5G service. TS 23.554 5.3.
///
/// Either `local@domain` or a URI, at most 255 octets of ASCII. The domain selects the home server
/// and is compared without case: it is held in lower case, and so is the scheme of a URI. Everything
/// else is compared as it is.
///
/// `Choice:` TS 23.554 and TS 24.538 do not say what the text looks like; this is what a VAL user ID
/// may be (TS 23.434 7.2).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UeServiceId(String);

const MAX_LEN: usize = 255;

impl UeServiceId {
    /// Reads `local@domain` or a URI.
    ///
    /// # Errors
    /// [`ParseIdentifierError`] if the text is neither, longer than 255 octets, or not ASCII.
    pub fn parse(text: &str) -> Result<Self, ParseIdentifierError> {
        parse(text).map_err(|fault| ParseIdentifierError::new("ue_service_id", fault))
    }

    /// The text, with domain and scheme in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The domain, which selects the home server; `None` for a URI that has none.
    #[must_use]
    pub fn domain(&self) -> Option<&str> {
        let range = match self.0.split_once(':') {
            Some(_) => uri_host(&self.0)?,
            None => self.0.find('@')?.saturating_add(1)..self.0.len(),
        };
        self.0.get(range)
    }

    fn fmt_redacted(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((scheme, rest)) = self.0.split_once(':') {
            write!(f, "{scheme}:")?;
            return redaction::tail(f, rest, 4);
        }
        let (local, domain) = self.0.split_once('@').unwrap_or_default();
        redaction::tail(f, local, 4)?;
        write!(f, "@{domain}")
    }
}

redacted!(UeServiceId);

fn parse(text: &str) -> Result<UeServiceId, Fault> {
    if text.len() > MAX_LEN {
        return Err(Fault::Length);
    }
    // A colon may not stand in `local@domain`, and stands in every URI.
    let Some((scheme, rest)) = text.split_once(':') else {
        let (local, domain) = text.split_once('@').ok_or(Fault::Form)?;
        syntax::username(local)?;
        syntax::domain(domain)?;
        return Ok(UeServiceId(format!(
            "{local}@{}",
            domain.to_ascii_lowercase()
        )));
    };
    check_scheme(scheme)?;
    check_uri_characters(rest)?;
    let mut text = format!("{}:{rest}", scheme.to_ascii_lowercase());
    if let Some(host) = uri_host(&text)
        && let Some(host) = text.get_mut(host)
    {
        host.make_ascii_lowercase();
    }
    Ok(UeServiceId(text))
}

/// RFC 3986 3.1.
fn check_scheme(scheme: &str) -> Result<(), Fault> {
    if !scheme.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return Err(Fault::Form);
    }
    if !scheme
        .bytes()
        .all(|octet| octet.is_ascii_alphanumeric() || b"+-.".contains(&octet))
    {
        return Err(Fault::Character);
    }
    Ok(())
}

/// Unreserved and reserved characters and whole percent-encodings. RFC 3986 2.
fn check_uri_characters(rest: &str) -> Result<(), Fault> {
    const SPECIALS: &[u8] = b"-._~:/?#[]@!$&'()*+,;=";
    if rest.is_empty() {
        return Err(Fault::Length);
    }
    let mut octets = rest.bytes();
    while let Some(octet) = octets.next() {
        let allowed = match octet {
            b'%' => [octets.next(), octets.next()]
                .iter()
                .all(|digit| digit.is_some_and(|digit| digit.is_ascii_hexdigit())),
            _ => octet.is_ascii_alphanumeric() || SPECIALS.contains(&octet),
        };
        if !allowed {
            return Err(Fault::Character);
        }
    }
    Ok(())
}

/// Where the host stands in a URI: in its authority (RFC 3986 3.2), or behind the `@` of a URI like
/// `sip:user@host;parameters` (RFC 3261 19.1.1). `None` if it has no host.
fn uri_host(uri: &str) -> Option<Range<usize>> {
    let start = uri.find(':')?.checked_add(1)?;
    let rest = uri.get(start..)?;
    let (start, rest) = match rest.strip_prefix("//") {
        Some(authority) => (
            start.checked_add(2)?,
            authority.split(['/', '?', '#']).next()?,
        ),
        None => {
            let at = rest.split(['?', '#']).next()?.rfind('@')?;
            let host = rest.get(at.checked_add(1)?..)?;
            (
                start.checked_add(at)?.checked_add(1)?,
                host.split([';', '?', '#', '/']).next()?,
            )
        }
    };
    let user = rest.rfind('@').map_or(0, |at| at.saturating_add(1));
    let host = rest.get(user..)?;
    let end = match host.strip_prefix('[') {
        Some(literal) => literal.find(']')?.checked_add(2)?,
        None => host.find(':').unwrap_or(host.len()),
    };
    let start = start.checked_add(user)?;
    (end > 0).then_some(start..start.checked_add(end)?)
}
