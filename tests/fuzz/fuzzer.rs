//! A target under libFuzzer: the one that `FUZZ_TARGET` names. Built and run by run.sh.
#![no_main]

mod targets;

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;

static CHOSEN: OnceLock<targets::Check> = OnceLock::new();

fuzz_target!(
    init: {
        let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
        let known = targets::ALL.iter().find(|(known, _)| *known == name);
        let (_, check) = known.unwrap_or_else(|| panic!("FUZZ_TARGET={name} is no target"));
        let _ = CHOSEN.set(*check);
    },
    |bytes: &[u8]| CHOSEN.get().expect("it was chosen before")(bytes)
);
