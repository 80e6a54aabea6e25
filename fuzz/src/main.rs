//! libFuzzer over the functions of `telemetry_host::fuzzing` and `telemetry::fuzzing`:
//! `fuzz/run TARGET [SECONDS]`.

#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;

/// The function that `FUZZ` names.
fn chosen() -> fn(&[u8]) {
    static CHOSEN: OnceLock<fn(&[u8])> = OnceLock::new();
    *CHOSEN.get_or_init(|| {
        let name = std::env::var("FUZZ").expect("FUZZ names a target");
        let known = || telemetry_host::fuzzing::TARGETS.iter().chain(&telemetry::fuzzing::TARGETS);
        let names: Vec<_> = known().map(|(name, _)| *name).collect();
        known().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("no target `{name}`; there are {names:?}")).1
    })
}

fuzz_target!(|bytes: &[u8]| chosen()(bytes));
