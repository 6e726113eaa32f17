//! Masks what must not leave the installation. A second net: the functions already write identifiers in redacted form
//! and keys not at all.

use std::borrow::Cow;

use identifiers::{DeviceId, Gpsi, Suci, Supi};
use regex::bytes::{Captures, Regex, RegexBuilder};

/// Patterns, compiled once.
pub(super) struct Redactor {
    rules: Vec<(Regex, Mask)>,
}

type Mask = fn(&Captures<'_>) -> String;

impl Redactor {
    pub(super) fn new() -> Result<Self, regex::Error> {
        let rules: [(&str, Mask); 13] = [
            // A PEM block, also one that is cut off or written as a JSON string.
            (
                r"-----BEGIN [A-Z0-9 ]+-----[A-Za-z0-9+/=\s\\]*(-----END [A-Z0-9 ]+-----)?",
                |_| MASKED.to_owned(),
            ),
            // User and password of a URL.
            (r"://[^/\s@'\x22]+@", |_| format!("://{MASKED}@")),
            // What is called a secret. Names of files have other keys, `…_file`.
            (
                r#"(?i)\b((?:password|passwd|passphrase|token|psk|k_?akma|k_?af|opc|claim_secret|(?:order|link)_code|api_?key|authorization)\\?"?\s*[=:]\s*\\?"?(?:bearer\s+|basic\s+)?)([^\s"\\,;&}{\[\]]{6,})"#,
                |found| format!("{}{MASKED}", text(found, 1)),
            ),
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
            // A SUPI or a number as bare digits; times have 10, 13, 16 or 19.
            (r"\b[0-9]{14,15}\b", |_| MASKED.to_owned()),
            // Octets as a list of numbers, or as pairs of digits.
            (
                r"\b[0-9]{1,3}(?:\s*,\s*[0-9]{1,3}){15,}|\b[0-9A-Fa-f]{2}(?:[:\s-][0-9A-Fa-f]{2}){15,}|[!-\[\]-~]{0,14}(?:\\+x[0-9A-Fa-f]{2}(?:[!-\[\]-~]|\\+[nrt0'\x22\\]){0,14}){3,}",
                |_| MASKED.to_owned(),
            ),
            // Whatever else looks like a key. What begins such a run tells trace ids and digests of images apart.
            (
                r#"((?:trace_?id|span_?id|traceparent|sha256|uid)(?:\\?"?\s*[=:]\s*\\?"?)(?:00-)?)?([A-Za-z0-9+/_-]{20,}={0,2})"#,
                |found| match found.get(1) {
                    Some(_) => text(found, 0).into_owned(),
                    None => mask_keys(&text(found, 2)),
                },
            ),
        ];
        let rules = rules.map(|(pattern, mask)| {
            let regex = RegexBuilder::new(pattern).unicode(false).build()?;
            Ok::<_, regex::Error>((regex, mask))
        });
        Ok(Self {
            rules: rules.into_iter().collect::<Result<_, _>>()?,
        })
    }

    /// The text without identifiers and keys. What is no UTF-8 is replaced first.
    pub(super) fn redact(&self, octets: &[u8]) -> String {
        let mut octets = String::from_utf8_lossy(octets).into_owned().into_bytes();
        for (pattern, mask) in &self.rules {
            let masked =
                pattern.replace_all(&octets, |found: &Captures<'_>| mask(found).into_bytes());
            if let Cow::Owned(masked) = masked {
                octets = masked;
            }
        }
        String::from_utf8_lossy(&octets).into_owned()
    }
}

/// A part of what was found.
fn text<'a>(found: &'a Captures<'_>, part: usize) -> Cow<'a, str> {
    String::from_utf8_lossy(found.get(part).map_or(b"", |part| part.as_bytes()))
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
mod tests {
    use super::*;

    fn redact(text: &str) -> String {
        Redactor::new().unwrap().redact(text.as_bytes())
    }

    #[test]
    fn identifiers_are_shortened() {
        for (whole, short) in [
            ("supi=imsi-001010000000042.", "supi=imsi-00101…042."),
            ("msisdn-491234567890", "msisdn-49…890"),
            ("suci-0-001-01-0-0-0-0000000042", "suci-0-001-01-0-0-0-…"),
            ("dev_otd33q6vyfeddciqlka2ekk32fqxt5eu", "dev_…t5eu"),
            ("sub_01ARZ3NDEKTSV4RRFFQ69G5FAV", "sub_…5FAV"),
            (
                "\"ue-abcdefgh@msgin5g.berth.test\"",
                "\"…@msgin5g.berth.test\"",
            ),
            ("nai-sensor42@factory.example", "…@factory.example"),
            ("001010000000042", "[masked]"),
            (
                "redis://aanf:hunter2@store:6379/0",
                "redis://[masked]@store:6379/0",
            ),
        ] {
            assert_eq!(redact(whole), short);
        }
    }

    #[test]
    fn secrets_are_masked() {
        for (text, secret) in [
            ("password = \"hunter22\"", "hunter22"),
            ("{\"token\":\"eyJhbGciOi.abc.def\"}", "eyJhbGciOi.abc.def"),
            ("Authorization: Bearer abcdefgh", "abcdefgh"),
            (
                "order_code=ABCDEFGHIJKLMNOPQRSTUVWX27",
                "ABCDEFGHIJKLMNOPQRSTUVWX27",
            ),
            ("code=ABCDEFGHIJKLMNOPQRSTUVWXYZ", "ABCDEFGHIJKL"),
            ("?c=Zm9vYmFyYmF6cXV4MTIzNA", "Zm9vYmFyYmF6cXV4MTIzNA"),
            ("-----BEGIN PRIVATE KEY-----\nMIGH\nAgEA\n", "MIGH"),
            ("\"-----BEGIN X-----\\nMIIB\\n-----END X-----\\n\"", "MIIB"),
            (
                "k: 465b5ce8b199b49faa5f0a2ee238a6bc",
                "465b5ce8b199b49faa5f0a2ee238a6bc",
            ),
            ("46:5b:5c:e8:b1:99:b4:9f:aa:5f:0a:2e:e2:38:a6:bc", "5f:0a"),
            (
                "[70, 91, 92, 232, 177, 153, 180, 159, 170, 95, 10, 46, 226, 56, 166, 188]",
                "170, 95",
            ),
            (
                r#"b"F[\\\xe8\xb1\x99\xb4\x9f\xaa_\n.\xe28\xa6\xbc""#,
                r"_\n.",
            ),
        ] {
            let masked = redact(text);
            assert!(
                masked.contains(MASKED) && !masked.contains(secret),
                "{masked}"
            );
        }
    }

    #[test]
    fn a_random_key_is_masked_in_every_form() {
        use data_encoding::{BASE32_NOPAD, BASE64, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
        let redactor = Redactor::new().unwrap();
        for seed in 0..500 {
            let random = nf_runtime::random::Random::seeded(seed);
            for key in [&random.array::<16>()[..], &random.array::<32>()[..]] {
                for form in [
                    HEXLOWER.encode(key),
                    HEXUPPER.encode(key),
                    BASE32_NOPAD.encode(key),
                    BASE64.encode(key),
                    BASE64URL_NOPAD.encode(key),
                    format!("{key:?}"),
                    key.escape_ascii().to_string(),
                ] {
                    let masked = redactor.redact(format!("key=\"{form}\" next").as_bytes());
                    assert!(
                        masked.contains(MASKED) && !masked.contains(&form),
                        "seed {seed}: {form} gives {masked}"
                    );
                    assert!(masked.ends_with(" next"), "seed {seed}: {masked}");
                }
            }
        }
    }

    #[test]
    fn what_helps_to_understand_stays() {
        for text in [
            "berth-subscription-manager-7d9c8b6f5c-x2k9p",
            "/var/run/secrets/kubernetes.io/serviceaccount",
            "spiffe://berth.test/nf/configuration-management",
            "berth_store_operation_duration_seconds_bucket{le=\"0.001\"} 42",
            "{code=\"STORE_UNAVAILABLE\"} 3",
            "password_file = \"/etc/berth/store/password\"",
            "\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\"",
            "image@sha256:0f4d3f2a1b0c9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c4b3a2f1e0d9c8b7a6f5e4d",
            "10.98.0.2:6443 at 1763728000123 after 1763728000123456789 ns",
            "\"uid\": \"0c2f1f34-5d1a-4f0e-9a51-2f6f1f0b7a11\"",
            "CertificateFetcherServiceClient PodReadyToStartContainers",
            "storage.kubernetes.io/selected-node volume.beta.kubernetes.io/storage-provisioner",
        ] {
            assert_eq!(redact(text), text);
        }
    }
}
