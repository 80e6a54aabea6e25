//! libFuzzer over the functions of `telemetry_host::fuzzing`: `fuzz/run TARGET [SECONDS]`.

#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;

/// The function that `FUZZ` names.
fn chosen() -> fn(&[u8]) {
    static CHOSEN: OnceLock<fn(&[u8])> = OnceLock::new();
    *CHOSEN.get_or_init(|| {
        let name = std::env::var("FUZZ").expect("FUZZ names a target");
        let known = telemetry_host::fuzzing::TARGETS;
        let found = known.iter().find(|(known, _)| *known == name);
        found.unwrap_or_else(|| panic!("no target `{name}`; there are {:?}", known.map(|(name, _)| name))).1
    })
}

fuzz_target!(|bytes: &[u8]| chosen()(bytes));
