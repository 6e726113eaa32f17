//! Inputs from the files under `vectors/`.

use std::fs;
use std::path::{Path, PathBuf};

use cose::cbor;
use serde_json::Value;

/// CBOR, accepted and refused.
pub(crate) fn cbor() -> Vec<Vec<u8>> {
    [onboarding(), octets("cbor-negative.json", &["input"])].concat()
}

/// Signed objects of several types.
pub(crate) fn signed_objects() -> Vec<Vec<u8>> {
    let labels = [
        "proof",
        "owa_net_signed",
        "sealed",
        "receipt",
        "commit_of_first_case_package",
    ];
    [
        octets("owa-and-package.json", &labels),
        octets("identities.json", &["keyset"]),
    ]
    .concat()
}

/// Public keys.
pub(crate) fn keys() -> Vec<Vec<u8>> {
    octets("identities.json", &["device_spki"])
}

/// Device, root and operator certificates.
pub(crate) fn certificates() -> Vec<Vec<u8>> {
    let labels = [
        "device_certificate",
        "manufacturer_root",
        "operator_root_certificate",
        "operator_net_signer_certificate",
    ];
    octets("identities.json", &labels)
}

/// Bodies and frames of one-way authentication.
pub(crate) fn onboarding() -> Vec<Vec<u8>> {
    let labels = [
        "start_without_cookie",
        "retry",
        "start",
        "challenge",
        "proof",
        "proof_payload",
        "session_params",
        "accept",
        "reject",
    ];
    [
        octets("owa-and-package.json", &labels),
        octets("owa-negative.json", &["input"]),
    ]
    .concat()
}

/// Start, Challenge, Proof and certificate of each run, as one array.
pub(crate) fn transcripts() -> Vec<Vec<u8>> {
    let certificate = octets("identities.json", &["device_certificate"]).concat();
    let file = read("owa-and-package.json");
    let runs = file["cases"].as_array().into_iter().flatten();
    runs.map(|run| {
        let body = |label: &str| cbor::bytes(&decode(&run[label]).unwrap_or_default());
        cbor::array([
            body("start"),
            body("challenge"),
            body("proof"),
            cbor::bytes(&certificate),
        ])
        .into_vec()
    })
    .collect()
}

/// Packages and their parts, accepted and refused.
pub(crate) fn packages() -> Vec<Vec<u8>> {
    let labels = ["header", "plaintext", "sealed"];
    let parts = [
        octets("owa-and-package.json", &labels),
        octets("identities.json", &["keyset_payload"]),
    ];
    [parts.concat(), octets("package-negative.json", &["input"])].concat()
}

/// Scheme outputs behind a selector and a key identifier; MSINs.
pub(crate) fn concealed() -> Vec<Vec<u8>> {
    let outputs = octets("suci.json", &["scheme_output"]);
    let selected = outputs
        .iter()
        .flat_map(|output| [(0, 1), (1, 2)].map(|head| [&[head.0, head.1], &output[..]].concat()));
    selected
        .chain(octets("suci.json", &["scheme_input"]))
        .collect()
}

/// RAND before AUTN and before AUTS; SQN, AMF and RAND.
pub(crate) fn challenges() -> Vec<Vec<u8>> {
    let file = read("milenage.json");
    let sets = file["sets"].as_array().into_iter().flatten();
    let join = |set: &Value, labels: &[&str]| {
        labels
            .iter()
            .flat_map(|label| decode(&set[label]).unwrap_or_default())
            .collect()
    };
    let made = sets.flat_map(|set| {
        [
            &["rand", "autn"][..],
            &["rand", "sqn", "mac_s"],
            &["sqn", "amf", "rand"],
        ]
        .map(|labels| join(set, labels))
    });
    made.chain(octets("milenage.json", &["autn"])).collect()
}

/// MSGin5G bodies under both spellings, accepted and refused.
pub(crate) fn messages() -> Vec<Vec<u8>> {
    let folder = folder().join("msgin5g");
    let mut names: Vec<_> = fs::read_dir(&folder)
        .expect("the golden files are there")
        .map(|entry| entry.expect("a folder can be listed").path())
        .collect();
    names.sort();
    let mut found = Vec::new();
    for name in names {
        let file = parse(&name);
        let bodies = file
            .as_array()
            .into_iter()
            .flatten()
            .map(|case| &case["body"]);
        for body in bodies
            .chain([&file["literal"], &file["camelCase"]])
            .filter(|body| body.is_object())
        {
            found.push(body.to_string().into_bytes());
        }
    }
    found
}

/// All hexadecimal values under one of the labels, at any depth below it.
pub(crate) fn octets(file: &str, labels: &[&str]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    collect(&read(file), labels, false, &mut found);
    assert!(!found.is_empty(), "{file} has none of {labels:?}");
    found
}

fn collect(value: &Value, labels: &[&str], is_wanted: bool, found: &mut Vec<Vec<u8>>) {
    match value {
        Value::Object(map) => {
            for (label, value) in map {
                collect(
                    value,
                    labels,
                    is_wanted || labels.contains(&label.as_str()),
                    found,
                );
            }
        }
        Value::Array(items) => items
            .iter()
            .for_each(|item| collect(item, labels, is_wanted, found)),
        leaf if is_wanted => found.extend(decode(leaf)),
        _ => {}
    }
}

fn decode(value: &Value) -> Option<Vec<u8>> {
    hex::decode(value.as_str()?).ok()
}

fn read(file: &str) -> Value {
    parse(&folder().join(file))
}

fn parse(path: &Path) -> Value {
    let text = fs::read_to_string(path).expect("the vectors are part of the checkout");
    serde_json::from_str(&text).expect("the vectors are JSON")
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors")
}
