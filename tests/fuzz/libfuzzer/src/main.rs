//! One binary for all targets; `OSS_FUZZ_TARGET` names the one to run.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use oss_fuzz::Target;

static TARGET: LazyLock<&'static Target> = LazyLock::new(|| {
    let name = std::env::var("OSS_FUZZ_TARGET").unwrap_or_default();
    Target::named(&name).unwrap_or_else(|| panic!("OSS_FUZZ_TARGET={name:?} is none of them"))
});

fuzz_target!(|data: &[u8]| TARGET.run(data));
