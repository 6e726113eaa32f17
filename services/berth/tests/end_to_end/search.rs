//! Searching octets for secrets in whatever form they might have been written.

use std::collections::HashMap;
use std::path::Path;

use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};

/// Every needle begins with at least this many octets that are looked up at once.
const HEAD: usize = 8;

/// Needles by the octets that they begin with.
#[derive(Default)]
pub(crate) struct Search {
    needles: HashMap<[u8; HEAD], Vec<(String, Vec<u8>)>>,
    count: usize,
}

impl Search {
    /// Looks for octets in each form: raw, hexadecimal, base64, as Rust prints them.
    pub(crate) fn secret(&mut self, name: &str, octets: &[u8]) {
        assert!(octets.len() >= 10, "{name} is too short to be found by it");
        for (form, needle) in forms(octets) {
            self.add(format!("{name}, {form}"), needle);
        }
    }

    /// Looks for a text as it is.
    pub(crate) fn text(&mut self, name: &str, text: &str) {
        self.add(name.to_owned(), text.as_bytes().to_vec());
    }

    fn add(&mut self, name: String, needle: Vec<u8>) {
        let head = needle
            .first_chunk()
            .expect("a needle is longer than its head");
        self.needles.entry(*head).or_default().push((name, needle));
        self.count += 1;
    }

    /// How many needles there are.
    pub(crate) const fn len(&self) -> usize {
        self.count
    }

    /// The names of what is found.
    pub(crate) fn found(&self, hay: &[u8]) -> Vec<&str> {
        // Most positions are left after a look at two octets.
        let mut begins = vec![false; 1 << 16];
        for head in self.needles.keys() {
            begins[usize::from(u16::from_be_bytes([head[0], head[1]]))] = true;
        }
        let mut found = Vec::new();
        for at in 0..hay.len().saturating_sub(HEAD - 1) {
            if !begins[usize::from(u16::from_be_bytes([hay[at], hay[at + 1]]))] {
                continue;
            }
            let Some(head) = hay[at..].first_chunk::<HEAD>() else {
                break;
            };
            for (name, needle) in self.needles.get(head).into_iter().flatten() {
                if hay[at..].starts_with(needle) && !found.contains(&name.as_str()) {
                    found.push(name.as_str());
                }
            }
        }
        found
    }
}

/// Whether a text stands in octets.
pub(crate) fn contains(hay: &[u8], text: &str) -> bool {
    let mut search = Search::default();
    search.text("it", text);
    !search.found(hay).is_empty()
}

fn forms(octets: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let debug = format!("{octets:?}");
    let mut forms = vec![
        ("raw", octets.to_vec()),
        ("hex", HEXLOWER.encode(octets).into_bytes()),
        ("HEX", HEXUPPER.encode(octets).into_bytes()),
        ("list", debug.as_bytes()[1..debug.len() - 1].to_vec()),
        ("escaped", octets.escape_ascii().to_string().into_bytes()),
    ];
    // Alone, or inside a longer string, where it begins at any of three places of a group.
    for before in 0..3 {
        let shifted = [&[0; 2][..before], octets].concat();
        let whole = shifted.len() * 8 / 6;
        for (form, encoding) in [("base64", BASE64_NOPAD), ("base64url", BASE64URL_NOPAD)] {
            let text = encoding.encode(&shifted);
            forms.push((
                form,
                text.as_bytes()[(before * 8).div_ceil(6)..whole].to_vec(),
            ));
        }
    }
    forms
}

/// Every file under a folder but those in the named parts of it, with its name.
pub(crate) fn files(folder: &Path, without: &[&str]) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap();
            if without.iter().any(|part| name.starts_with(part)) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.is_file() {
                files.push((name.display().to_string(), std::fs::read(&path).unwrap()));
            }
        }
    }
    files
}

#[test]
fn each_form_is_found_and_nothing_else() {
    let secret: [u8; 32] = nf_runtime::random::Random::seeded(1).array();
    let mut search = Search::default();
    search.secret("a key", &secret);
    let alone = BASE64_NOPAD.encode(&secret);
    let inside = data_encoding::BASE64.encode(&[b"before", &secret[..], b"after"].concat());
    let texts = [
        HEXLOWER.encode(&secret),
        HEXUPPER.encode(&secret),
        format!("{secret:?}"),
        format!("b\"{}\"", secret.escape_ascii()),
        alone,
        inside,
    ];
    for text in texts {
        let hay = format!("key={text};");
        assert!(!search.found(hay.as_bytes()).is_empty(), "{hay}");
    }
    assert_eq!(search.found(&[b"x", &secret[..]].concat()), ["a key, raw"]);
    assert!(search.found(&[0; 4_096]).is_empty());
    assert!(search.found(&secret[..31]).is_empty());
    assert_eq!(search.len(), 11);
}
