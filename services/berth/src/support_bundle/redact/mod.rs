//! Masks what must not leave the installation. A second net: the functions already write identifiers in redacted form
//! and keys not at all.

mod named;
mod structure;

use std::borrow::Cow;

use identifiers::{DeviceId, Gpsi, Suci, Supi};
use regex::bytes::{Captures, Regex, RegexBuilder};

use self::named::Names;

/// Patterns, compiled once.
pub(super) struct Redactor {
    /// What can stand behind a name that calls it a secret, and must be seen first.
    first: Vec<(Regex, Mask)>,
    names: Names,
    rules: Vec<(Regex, Mask)>,
}

type Mask = fn(&Captures<'_>) -> String;

impl Redactor {
    pub(super) fn new() -> Result<Self, regex::Error> {
        let first: [(&str, Mask); 4] = [
            // A PEM block, also one that is cut off or written as a JSON string.
            (
                r"-----BEGIN [A-Z0-9 ]+-----[A-Za-z0-9+/=\s\\]*(-----END [A-Z0-9 ]+-----)?",
                |_| MASKED.to_owned(),
            ),
            // User and password of a URL.
            (r"://[^\s\x22<>`]+@(?:sha256:)?", |found| {
                without_user(&text(found, 0))
            }),
            // Cookies of a browser; and passwords in the access list of a store server.
            (
                r"(?i)(\bcookie\\*\x22?:\s*\\*\x22?)[^\r\n\x22\\]+",
                |found| format!("{}{MASKED}", text(found, 1)),
            ),
            (
                r"(?i)\b((?:on|off|reset|resetpass|nopass)\s+)[><#!]\S+(?:\s+[><#!]\S+)*",
                |found| format!("{}{MASKED}", text(found, 1)),
            ),
        ];
        let rules: [(&str, Mask); 11] = [
            (r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]{8,}", |found| {
                format!("{} {MASKED}", text(found, 1))
            }),
            (r"\bimsi-[0-9]{5,15}", |found| {
                Supi::parse(&text(found, 0)).map_or_else(hidden, |supi| supi.redacted().to_string())
            }),
            (r"\bmsisdn-[0-9]{5,15}", |found| {
                Gpsi::parse(&text(found, 0)).map_or_else(hidden, |gpsi| gpsi.redacted().to_string())
            }),
            (r"\bsuci-[0-9A-Za-z.-]+", |found| {
                Suci::parse(&text(found, 0)).map_or_else(hidden, |suci| suci.redacted().to_string())
            }),
            (r"\bdev_[a-z2-7]{16,}", |found| {
                DeviceId::parse(&text(found, 0)).map_or_else(hidden, |id| id.redacted().to_string())
            }),
            (
                r"\b(sub|crd|pkg|own|ord)_[0-9A-Za-z]{22}([0-9A-Za-z]{4})",
                |found| format!("{}_…{}", text(found, 1), text(found, 2)),
            ),
            // NAI, UE Service ID, A-KID, external identifier, electronic mail: the domain stays.
            (
                r"[A-Za-z0-9._~+/=-]*[A-Za-z0-9_~+/=-]@([A-Za-z][A-Za-z0-9-]*(?:\.[A-Za-z0-9-]+)+)",
                |found| format!("…@{}", text(found, 1)),
            ),
            // A SUPI or a number as bare digits; times have 10, 13, 16 or 19. A shorter one has a name or a plus.
            (
                r#"(?i)((?:msisdn|imsi|supi|gpsi|msin|imei(?:sv)?|iccid|phone(?:_?number)?)[\\"']*\s*[=:\s]\s*[\\"']*)\+?[0-9]{5,}"#,
                |found| format!("{}{MASKED}", text(found, 1)),
            ),
            (r"\+[0-9]{8,15}\b|\b[0-9]{14,15}\b", |_| MASKED.to_owned()),
            // Octets as a list of numbers, or as groups of digits.
            (
                r"\b[0-9A-Fa-f]{8}(?:[:\s-][0-9A-Fa-f]{8}){3,}|\b[0-9A-Fa-f]{4}(?: [0-9A-Fa-f]{4}){7,}|\b[0-9]{1,3}(?:\s*,\s*[0-9]{1,3}){15,}|\b[0-9A-Fa-f]{2}(?:[:\s-][0-9A-Fa-f]{2}){15,}|[!-\[\]-~]{0,14}(?:\\+x[0-9A-Fa-f]{2}(?:[!-\[\]-~]|\\+[nrt0'\x22\\]){0,14}){3,}",
                |_| MASKED.to_owned(),
            ),
            // Whatever else looks like a key. What begins such a run tells trace ids and digests of images apart; the
            // names of RPCs stay too.
            (
                r#"berth\.[a-z0-9_]+\.v[0-9]+\.[A-Za-z]+/[A-Za-z0-9]+|((?:trace_?id|span_?id|traceparent|sha256|uid)(?:\\?"?\s*[=:]\s*\\?"?)(?:00-)?)?([A-Za-z0-9+/_-]{20,}={0,2})"#,
                |found| match (found.get(1), found.get(2)) {
                    (None, Some(_)) => mask_keys(&text(found, 2)),
                    _ => text(found, 0).into_owned(),
                },
            ),
        ];
        Ok(Self {
            first: compiled(&first)?,
            names: Names::new()?,
            rules: compiled(&rules)?,
        })
    }

    /// The text without identifiers and keys. What is no UTF-8 is replaced first.
    pub(super) fn redact(&self, octets: &[u8]) -> String {
        let mut octets = String::from_utf8_lossy(octets).into_owned().into_bytes();
        apply(&self.first, &mut octets);
        octets = self.names.mask(&octets);
        apply(&self.rules, &mut octets);
        String::from_utf8_lossy(&octets).into_owned()
    }
}

fn compiled(rules: &[(&str, Mask)]) -> Result<Vec<(Regex, Mask)>, regex::Error> {
    let rules = rules.iter().map(|(pattern, mask)| {
        let regex = RegexBuilder::new(pattern).unicode(false).build()?;
        Ok((regex, *mask))
    });
    rules.collect()
}

fn apply(rules: &[(Regex, Mask)], octets: &mut Vec<u8>) {
    for (pattern, mask) in rules {
        let masked = pattern.replace_all(octets, |found: &Captures<'_>| mask(found).into_bytes());
        if let Cow::Owned(masked) = masked {
            *octets = masked;
        }
    }
}

/// A part of what was found.
fn text<'a>(found: &'a Captures<'_>, part: usize) -> Cow<'a, str> {
    String::from_utf8_lossy(found.get(part).map_or(b"", |part| part.as_bytes()))
}

/// Masks up to the last `@` that ends user and password. A digest follows the name of an image so, too.
fn without_user(url: &str) -> String {
    let mut marks = url.match_indices('@').map(|(at, _)| &url[at..]);
    match marks.rfind(|rest| !rest.starts_with("@sha256:")) {
        Some(rest) => format!("://{MASKED}{rest}"),
        None => url.to_owned(),
    }
}

fn hidden<E>(_: E) -> String {
    MASKED.to_owned()
}

/// Masks a run of characters that can stand in base64, if it looks drawn at random: as a whole, or in one of its words.
fn mask_keys(run: &str) -> String {
    if looks_like_base64(run) {
        return MASKED.to_owned();
    }
    let mut masked = String::new();
    for word in run.split_inclusive(['-', '_', '/', '+']) {
        let letters = word.trim_end_matches(['-', '_', '/', '+', '=']);
        if looks_like_code(letters) {
            masked.push_str(MASKED);
            masked.push_str(&word[letters.len()..]);
        } else {
            masked.push_str(word);
        }
    }
    masked
}

/// Capitals, small letters and digits change places more often than in names; and nothing but base64 is padded.
fn looks_like_base64(run: &str) -> bool {
    let class = |octet: u8| match octet {
        b'A'..=b'Z' => 0,
        b'a'..=b'z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    };
    let classes: Vec<u8> = run.bytes().map(class).collect();
    let has = |wanted: u8| classes.contains(&wanted);
    if !has(0) || !has(1) {
        return false;
    }
    let changes = classes.windows(2).filter(|pair| pair[0] != pair[1]).count();
    let often = if has(2) {
        changes * 6 > classes.len()
    } else {
        changes * 5 > classes.len() * 2
    };
    often || run.ends_with('=')
}

/// Hexadecimal digits, base32 and the like: letters and digits without end.
fn looks_like_code(word: &str) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let capital = |octet: u8| octet.is_ascii_uppercase() || octet.is_ascii_digit();
    word.len() >= 20 && digits < word.len() && (digits >= 2 || word.bytes().all(capital))
}

const MASKED: &str = "[masked]";

#[cfg(test)]
mod tests;
