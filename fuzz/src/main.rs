//! libFuzzer over the functions of `telemetry_host::fuzzing`, `telemetry::fuzzing` and `vendors`:
//! `fuzz/run TARGET [SECONDS]`.

#![no_main]

mod vendors;

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;

use vendors::Target;

#[cfg(feature = "host")]
const HOST: &[Target] = telemetry_host::fuzzing::TARGETS;
#[cfg(not(feature = "host"))]
const HOST: &[Target] = &[];

/// The function that `FUZZ` names.
fn chosen() -> fn(&[u8]) {
    static CHOSEN: OnceLock<fn(&[u8])> = OnceLock::new();
    *CHOSEN.get_or_init(|| {
        let name = std::env::var("FUZZ").expect("FUZZ names a target");
        let known = || HOST.iter().chain(&telemetry::fuzzing::TARGETS).chain(&vendors::TARGETS);
        let found = known().find(|(known, _)| *known == name);
        let names = || known().map(|(name, _)| *name).collect::<Vec<_>>();
        found.unwrap_or_else(|| panic!("no target `{name}` in this build; there are {:?}", names())).1
    })
}

fuzz_target!(|bytes: &[u8]| chosen()(bytes));
