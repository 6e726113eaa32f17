//! Reading of the vector files.

use identifiers::{ServingNetworkName, Supi};
use serde_json::Value;

/// One vector file of the project.
pub(crate) fn vectors(name: &str) -> Value {
    let path = format!("{}/../../vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect(&path);
    serde_json::from_str(&text).expect(&path)
}

pub(crate) fn text<'a>(object: &'a Value, name: &str) -> &'a str {
    object[name].as_str().unwrap_or_else(|| panic!("no {name}"))
}

pub(crate) fn octets(object: &Value, name: &str) -> Vec<u8> {
    hex::decode(text(object, name)).unwrap_or_else(|_| panic!("{name} is not hexadecimal"))
}

pub(crate) fn array<const N: usize>(object: &Value, name: &str) -> [u8; N] {
    octets(object, name)
        .try_into()
        .unwrap_or_else(|_| panic!("{name} has not {N} octets"))
}

pub(crate) fn snn(object: &Value, name: &str) -> ServingNetworkName {
    ServingNetworkName::parse(text(object, name)).unwrap()
}

pub(crate) fn supi(object: &Value) -> Supi {
    Supi::parse(text(object, "supi")).unwrap()
}
