//! What stands behind a name that calls it a secret.

use regex::bytes::{Regex, RegexBuilder};

use super::MASKED;

/// How a name ends that calls its value a secret. `…_file`, `…Name` and `…Ref` name other things.
const SECRET: &str = r"(?:passw(?:or)?d|passphrase|\bpass|[_-]pass|pwd|requirepass|(?:master|primary)auth|[_-]auth|authorization|secret|token|psk|k_?akma|k_?af|opc|(?:order|link)_?code|(?:api|access|private|secret)[_-]?key)[0-9]*";
/// Between a name and its value: in JSON, TOML, YAML, a shell, as Rust prints it, escaped or not. The value itself
/// begins with its quotation mark, if it has one.
const IS: &str = r#"[\\"']*[ \t]*[=:]+>?[ \t]*(?:[|>][+-]?[ \t]*(?:\r?\n|\\+n)[ \t]*)?(?:Some\(|[(\[])*[ \t]*(?:(?:bearer|basic)[ \t]+)?"#;
/// Between two words of a command: a blank, or what stands between the elements of a list.
const NEXT: &str = r#"[\\"']*(?:[ \t]+|[ \t]*,(?:\s|\\+n)*|(?:\r?\n|\\+n)[ \t]*-[ \t]+)"#;

/// Names of secrets, compiled once.
pub(super) struct Names {
    /// Up to the place where a secret begins.
    before: Regex,
    secret: Regex,
    option: Regex,
}

impl Names {
    pub(super) fn new() -> Result<Self, regex::Error> {
        let option = format!(r"(?:requirepass|(?:master|primary)auth|--[a-z0-9_-]*{SECRET})");
        // As Kubernetes writes an environment variable: name and value in two fields.
        let pair = format!(
            r#"\bname[\\"']*\s*[=:]\s*[\\"']*[a-z0-9_.-]*{SECRET}[\\"']*(?:[\s,]|\\+n)*[\\"']*value{IS}"#
        );
        let before = format!(r"{pair}|(?:{option}|auth-pass[ \t]+\S+){NEXT}|{SECRET}{IS}");
        Ok(Self {
            before: compiled(&before)?,
            secret: compiled(&format!("{SECRET}$"))?,
            option: compiled(&format!("^{option}$"))?,
        })
    }

    /// Whether a field, a setting or a variable of this name holds a secret.
    pub(super) fn is_secret(&self, name: &str) -> bool {
        self.secret.is_match(name.as_bytes())
    }

    /// Whether the next word of a command is a secret.
    pub(super) fn is_option(&self, word: &str) -> bool {
        self.option.is_match(word.as_bytes())
    }

    /// The text without the values of such names.
    pub(super) fn mask(&self, text: &[u8]) -> Vec<u8> {
        let mut masked = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some(found) = self.before.find(rest) {
            let (before, after) = rest.split_at(found.end());
            let (mark, length) = value(after);
            let (mark, after) = after.split_at(mark);
            let (value, after) = after.split_at(length);
            masked.extend_from_slice(before);
            masked.extend_from_slice(mark);
            masked.extend_from_slice(if tells_nothing(value) {
                value
            } else {
                MASKED.as_bytes()
            });
            rest = after;
        }
        masked.extend_from_slice(rest);
        masked
    }
}

/// Lengths of a value's quotation mark, if it has one, and of the value. `text` begins with it.
fn value(text: &[u8]) -> (usize, usize) {
    let escapes = text.iter().take_while(|octet| **octet == b'\\').count();
    match text.get(escapes) {
        Some(mark @ (b'"' | b'\'' | b'`')) => {
            if escapes == 0 && text.starts_with(&[*mark; 3]) {
                let end = text[3..].windows(3).position(|three| three == [*mark; 3]);
                return (3, end.unwrap_or(text.len() - 3));
            }
            let begin = escapes + 1;
            (begin, quoted(&text[begin..], *mark, escapes))
        }
        _ => (0, word(text)),
    }
}

/// How far a quoted value goes whose marks have so many escapes before them: one inside of it has more, by its own
/// escape and those of this one's, and each backslash inside is doubled as often. In YAML a single one is doubled.
fn quoted(text: &[u8], mark: u8, escapes: usize) -> usize {
    let mut run = 0;
    let mut octets = text.iter().enumerate().peekable();
    while let Some((at, octet)) = octets.next() {
        match *octet {
            b'\\' => run += 1,
            b'\n' => return at,
            octet if octet == mark && (run < escapes || run % (2 * (escapes + 1)) == escapes) => {
                let is_doubled = mark == b'\'' && escapes == 0;
                if !is_doubled || octets.next_if(|(_, next)| **next == mark).is_none() {
                    return at - run.min(escapes);
                }
                run = 0;
            }
            _ => run = 0,
        }
    }
    text.len()
}

/// How far a value without quotation marks goes: to a blank, to a mark, or to the end of an escaped line.
fn word(text: &[u8]) -> usize {
    let ends = |at: usize| match text[at] {
        b'"' | b'`' => true,
        b'\\' => {
            let escaped = text[at..].iter().find(|octet| **octet != b'\\');
            matches!(escaped, Some(b'n' | b'r' | b't' | b'"'))
        }
        octet => octet.is_ascii_whitespace(),
    };
    (0..text.len()).find(|at| ends(*at)).unwrap_or(text.len())
}

/// Whether it is no secret, or none any more.
fn tells_nothing(value: &[u8]) -> bool {
    const WORDS: [&str; 6] = ["", "true", "false", "null", "None", MASKED];
    let ends = |octet: &u8| !b",;{}()".contains(octet);
    let length = value.iter().rposition(ends).map_or(0, |last| last + 1);
    WORDS.iter().any(|word| word.as_bytes() == &value[..length])
}

fn compiled(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern)
        .case_insensitive(true)
        .unicode(false)
        .build()
}
