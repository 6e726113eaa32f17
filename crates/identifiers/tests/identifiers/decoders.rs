//! Every reader of text: truncated and mutated input.

use identifiers::fuzz;
use std::hash::{BuildHasher, Hasher, RandomState};

const TARGETS: &[fn(&[u8])] = &[
    fuzz::fuzz_supi,
    fuzz::fuzz_suci,
    fuzz::fuzz_gpsi,
    fuzz::fuzz_a_kid,
    fuzz::fuzz_ue_service_id,
    fuzz::fuzz_serving_network_name,
    fuzz::fuzz_fqdn,
    fuzz::fuzz_network_codes,
    fuzz::fuzz_own_identifiers,
    fuzz::fuzz_link_identifiers,
];

const CORPUS: &[&str] = &[
    "imsi-001010000000001",
    "nai-sensor42@factory.example.com",
    "suci-0-001-01-0-0-0-0000000001",
    "suci-0-274-012-678-1-27-b2e92f836055a255837debf850b528997ce0201cb82adfe4be1f587d07d8457dcb02352410cddd9e730ef3fa87",
    "suci-1-my-factory-7.example.com-0-0-0-line-1-0-0-robot",
    "suci-1-3gpp.com-678-2-255-03ab",
    "msisdn-491234567890",
    "extid-meter0042@utility.example.com",
    "0.pHY_9qVCfFj6UfYuA2wqozyINDzdpfF9uGzxq3tWYbY@5gc.mnc001.mcc001.3gppnetwork.org",
    "42a4763ff6a5427c58fa51f62e036c2aa33c88343cdda5f17db86cf1ab7b5661b6@x.example",
    "ue-abcdefgh@msgin5g.berth.test",
    "sip:Alice@Example.com:5060;transport=udp",
    "coaps://u@[2001:DB8::1]:5684/a?b#c",
    "urn:uuid:f81d4fae%20",
    "5G:mnc001.mcc001.3gppnetwork.org",
    "5G:mnc001.mcc001.3gppnetwork.org:000007ED9D5",
    "msgin5g.berth.test",
    "00101",
    "000007ED9D5",
    "dev_otd33q6vyfeddciqlka2ekk32fqxt5eu",
    "crd_01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "vector-operator",
    "-_v7-_v7-_v7-_v7-_v7-w",
    "00:00:5e:00:53:af",
    "\u{1}\u{0}\u{0}\u{0}\u{7}",
];

fn run(data: &[u8]) {
    for target in TARGETS {
        target(data);
    }
}

#[test]
fn no_prefix_of_an_identifier_makes_a_reader_panic() {
    for text in CORPUS {
        for end in 0..=text.len() {
            run(&text.as_bytes()[..end]);
        }
    }
}

#[test]
fn no_mutation_of_an_identifier_makes_a_reader_panic() {
    let seed = RandomState::new().build_hasher().finish() | 1;
    println!("seed {seed}");
    let mut state = seed;
    // xorshift64
    let mut next = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % bound.max(1) as u64).unwrap_or_default()
    };
    for _ in 0..20_000 {
        let mut data = CORPUS[next(CORPUS.len())].as_bytes().to_vec();
        for _ in 0..=next(4) {
            let other = CORPUS[next(CORPUS.len())].as_bytes();
            let at = next(data.len());
            match next(5) {
                0 if !data.is_empty() => data[at] ^= 1 << next(8),
                1 => data.truncate(at),
                2 => data.insert(at, b"-.:@%[]/0aA\xc3"[next(12)]),
                3 => data.extend_from_slice(&other[next(other.len())..]),
                _ => drop(data.splice(at.min(data.len()).., other.iter().copied())),
            }
        }
        run(&data);
    }
}
