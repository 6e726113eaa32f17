//! libFuzzer over all decoders: `BERTH_FUZZ_TARGET` says which (`cargo xtask fuzz` sets it).

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use testkit::fuzz::{self, Target};

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("BERTH_FUZZ_TARGET").expect("BERTH_FUZZ_TARGET names a target");
    fuzz::find(&name).expect("cargo xtask fuzz lists the targets")
});

fuzz_target!(|data: &[u8]| (TARGET.run)(data));
