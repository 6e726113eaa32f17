//! AKMA at both ends: names, identities and the life of a context.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod a_kid;
mod context;
mod psk_identity;
mod random_life;

use serde_json::Value;

fn vectors(name: &str) -> Value {
    let path = format!("{}/../../vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn array<const N: usize>(object: &Value, name: &str) -> [u8; N] {
    let octets = hex::decode(object[name].as_str().unwrap()).unwrap();
    octets.try_into().unwrap()
}
