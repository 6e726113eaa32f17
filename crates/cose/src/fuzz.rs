//! Entry points for fuzzing: each takes any octets and must never panic.

use crate::cbor::{self, Item};
use crate::object_type::ObjectType;
use crate::signed_object::SignedObject;
use crate::{VerificationKey, spki};

/// Decodes CBOR; what decodes must encode to the same octets.
///
/// # Panics
/// If the decoder accepted octets that the encoder would not emit, which is what is searched for.
pub fn fuzz_cbor(data: &[u8]) {
    if let Ok(item) = Item::decode(data) {
        assert_eq!(again(item).as_slice(), data, "decoder is not strict");
        let _ = cbor::without(data, 1);
        let _ = cbor::with(data, 1, cbor::null());
    }
}

/// Decodes and verifies a signed object of each type.
pub fn fuzz_signed_object(data: &[u8]) {
    for object_type in ObjectType::ALL {
        if let Ok(object) = SignedObject::decode(data, object_type)
            && let Ok(key) = object.carried_key()
        {
            let _ = object.verify(&key);
            let _ = object.verify_detached(&key, data);
        }
    }
}

/// Reads a SubjectPublicKeyInfo and verifies a signature under it.
pub fn fuzz_spki(data: &[u8]) {
    let _ = spki::p256_point(data);
    if let Ok(key) = VerificationKey::from_spki(data) {
        let _ = key.verifies(data, data);
        let _ = key.verifies_der(data, data);
    }
}

/// Encodes a decoded item from its values.
fn again(item: Item<'_>) -> cbor::Encoded {
    if let Ok(value) = item.uint() {
        cbor::uint(value)
    } else if let Ok(value) = item.int() {
        cbor::int(value)
    } else if let Ok(content) = item.bytes() {
        cbor::bytes(content)
    } else if let Ok(content) = item.text() {
        cbor::text(content)
    } else if let Ok(items) = item.array() {
        items.into_iter().map(again).collect()
    } else if let Ok(map) = item.open_map() {
        map.entries()
            .fold(cbor::map(), |builder, (label, value)| {
                builder.with(label, again(value))
            })
            .build()
    } else if item.is_null() {
        cbor::null()
    } else {
        // A negative integer beyond 64 bits with sign: representable, read by nobody.
        item.into()
    }
}
