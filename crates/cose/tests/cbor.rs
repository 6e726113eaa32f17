//! The decoder refuses what the encoder would not emit (RFC 8949 4.2.1).

use cose::cbor::{self, CborError, DecodeError, Item, SchemaError};
use cose::fuzz::fuzz_cbor;

#[test]
fn every_negative_vector_is_refused() {
    let vectors = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../vectors/cbor-negative.json"
    ));
    let vectors: serde_json::Value = serde_json::from_str(vectors).unwrap();
    let expected = [
        ("18 17 integer not shortest", CborError::NotShortest),
        ("5f indefinite string", CborError::Indefinite),
        ("bf indefinite map", CborError::Indefinite),
        ("keys unsorted", CborError::LabelOrder),
        ("key repeated", CborError::LabelOrder),
        ("text key", CborError::LabelNotInteger),
        ("float", CborError::UnusedKind),
        ("tag", CborError::UnusedKind),
        ("undefined", CborError::UnusedKind),
        ("simple in two octets", CborError::UnusedKind),
        ("trailing byte", CborError::TrailingOctets),
        ("truncated", CborError::Truncated),
        ("bad UTF-8", CborError::Utf8),
        ("length-first order (RFC 7049)", CborError::LabelOrder),
        ("deeper than 16", CborError::Nesting),
    ];
    let cases = vectors["cases"].as_array().unwrap();
    assert_eq!(cases.len(), expected.len());
    for (case, (name, error)) in cases.iter().zip(expected) {
        assert_eq!(case["name"], name);
        let input = hex::decode(case["input"].as_str().unwrap()).unwrap();
        assert_eq!(Item::decode(&input).err(), Some(error), "{name}");
    }
}

#[test]
fn nesting_of_sixteen_is_accepted() {
    let mut input = [0x81; 17];
    input[16] = 0;
    assert!(Item::decode(&input).is_ok());
}

#[test]
fn integers_take_their_shortest_head() {
    let cases: [(u64, &str); 9] = [
        (0, "00"),
        (23, "17"),
        (24, "1818"),
        (255, "18ff"),
        (256, "190100"),
        (65_535, "19ffff"),
        (65_536, "1a00010000"),
        (4_294_967_296, "1b0000000100000000"),
        (u64::MAX, "1bffffffffffffffff"),
    ];
    for (value, octets) in cases {
        assert_eq!(hex::encode(cbor::uint(value).as_slice()), octets);
        let octets = hex::decode(octets).unwrap();
        assert_eq!(Item::decode(&octets).unwrap().uint(), Ok(value));
    }
    for value in [0, -1, -24, -25, -70_001, i64::MIN, i64::MAX] {
        let octets = cbor::int(value).into_vec();
        assert_eq!(Item::decode(&octets).unwrap().int(), Ok(value));
    }
}

#[test]
fn labels_are_sorted_by_their_encoding() {
    let octets = cbor::map()
        .with(-70_001, cbor::uint(5_u64))
        .with(33, cbor::uint(3_u64))
        .with(-1, cbor::uint(4_u64))
        .with(16, cbor::uint(2_u64))
        .with(1, cbor::uint(1_u64))
        .build()
        .into_vec();
    assert_eq!(
        hex::encode(&octets),
        "a5010110021821032004 3a0001117005".replace(' ', "")
    );
    assert!(Item::decode(&octets).is_ok());
}

#[test]
fn a_label_given_twice_keeps_the_later_value() {
    let map = cbor::map()
        .with(1, cbor::uint(1_u64))
        .with(1, cbor::uint(2_u64))
        .build();
    assert_eq!(map.as_slice(), [0xa1, 1, 2]);
}

#[test]
fn removing_and_inserting_a_label_is_exact() {
    let with = hex::decode("a40102070308f609810a").unwrap();
    let without = cbor::without(&with, 7).unwrap().into_vec();
    assert_eq!(hex::encode(&without), "a3010208f609810a");
    assert_eq!(
        cbor::with(&without, 7, cbor::uint(3_u64))
            .unwrap()
            .as_slice(),
        with
    );
    assert_eq!(cbor::without(&without, 7).unwrap().as_slice(), without);
    assert_eq!(
        cbor::with(&with, 7, cbor::uint(3_u64)).err(),
        Some(DecodeError::Schema(SchemaError::Incorrect(7)))
    );
}

#[test]
fn unknown_and_missing_labels_are_named() {
    let octets = cbor::map()
        .with(1, cbor::uint(1_u64))
        .with(3, cbor::text("x"))
        .build()
        .into_vec();
    let item = Item::decode(&octets).unwrap();
    assert_eq!(item.map(&[1]).err(), Some(SchemaError::Unknown(3)));
    let map = item.map(&[1, 2, 3]).unwrap();
    assert_eq!(map.required(2, Item::uint), Err(SchemaError::Missing(2)));
    assert_eq!(map.required(3, Item::uint), Err(SchemaError::Incorrect(3)));
    assert_eq!(map.optional(2, Item::uint), Ok(None));
}

#[test]
fn every_prefix_is_refused() {
    let whole = cbor::map()
        .with(1, cbor::array([cbor::bytes(&[7; 300]), cbor::null()]))
        .with(-5, cbor::text("prefix"))
        .with(1000, cbor::int(-1000))
        .build()
        .into_vec();
    for length in 0..whole.len() {
        let prefix = &whole[..length];
        assert_eq!(Item::decode(prefix).err(), Some(CborError::Truncated));
        fuzz_cbor(prefix);
    }
    fuzz_cbor(&whole);
}

#[test]
fn huge_counts_are_refused_without_memory() {
    for input in [
        "9bffffffffffffffff",
        "bbffffffffffffffff",
        "5bffffffffffffffff",
    ] {
        let input = hex::decode(input).unwrap();
        assert_eq!(Item::decode(&input).err(), Some(CborError::Truncated));
    }
}

#[test]
fn whatever_decodes_encodes_to_the_same_octets() {
    let mut random = SplitMix64(0x0b57_ac1e);
    println!("seed {:#x}", random.0);
    for _ in 0..20_000 {
        let length = (random.next() % 24) as usize;
        let input: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
        fuzz_cbor(&input);
    }
}

struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
