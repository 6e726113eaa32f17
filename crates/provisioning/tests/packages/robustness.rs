//! No input panics.

use crate::objects::full_profile;
use crate::support::{octets, run, vectors};
use provisioning::fuzz::{fuzz_open_package, fuzz_payloads, fuzz_signed};
use provisioning::{Profile, open_package};

#[test]
fn every_prefix_is_refused_without_a_panic() {
    let run = run("s1-bound-n1");
    let package = run.sealed();
    for length in 0..package.len() {
        let prefix = &package[..length];
        assert!(open_package(prefix, &run.context()).is_err());
        fuzz_open_package(prefix);
    }
    fuzz_open_package(&package);
    fuzz_open_package(&run.keyset);
    let commit = octets(&vectors("owa-and-package.json")["commit_of_first_case_package"]);
    for object in [&run.keyset, &octets(&run.value["receipt"]), &commit] {
        for length in 0..=object.len() {
            fuzz_signed(&object[..length]);
        }
    }
    let whole = octets(&run.value["package"]["plaintext"]);
    for payload in [&run.header, &run.profile, &full_profile().encode(), &whole] {
        for length in 0..=payload.len() {
            fuzz_payloads(&payload[..length]);
        }
        for length in 0..payload.len() {
            assert!(Profile::decode(&payload[..length]).is_err());
        }
    }
}

#[test]
fn every_changed_octet_of_a_payload_decodes_to_itself_or_not_at_all() {
    let run = run("s1-bound-n1");
    let seed = 0x0b57_ac1e_u64;
    println!("seed {seed:#x}");
    let mut random = seed;
    for payload in [&run.header, &full_profile().encode()] {
        for index in 0..payload.len() {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let mut changed = payload.clone();
            changed[index] ^= 1 << (random >> 61);
            fuzz_payloads(&changed);
        }
    }
}
