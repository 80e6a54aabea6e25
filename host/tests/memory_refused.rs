//! A system that refuses executable memory, as hardened services and some containers are run: the
//! interpreter serves there.
#![cfg(all(target_os = "linux", feature = "pulley-compiler"))]
#![allow(unsafe_code)]

mod support;

use std::process::Command;

use support::{batch, context, grant, load};
use telemetry_guests::Guest;
use telemetry_host::types::Outcome;
use telemetry_host::{
    Backend, CompileFor, Component, Door, LoadError, LoadOptions, Recorder, Setup, Source, precompile,
};

/// Set for the process in which memory is refused; what it is to do.
const WHERE_REFUSED: &str = "TELEMETRY_TEST_MEMORY_REFUSED";
const CANNOT_REFUSE: &str = "this kernel cannot refuse executable memory (PR_SET_MDWE, Linux 6.3)";

/// From here on this process gains no executable memory; false where the kernel cannot do that.
fn refuse_executable_memory() -> bool {
    const PR_MDWE_REFUSE_EXEC_GAIN: libc::c_ulong = 1;
    // SAFETY: `prctl` with these arguments changes a flag of this process and touches no memory of it.
    unsafe { libc::prctl(libc::PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) == 0 }
}

/// Runs one test of this file again, in a process of its own in which memory is refused.
fn again(test: &str) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(WHERE_REFUSED, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    if said.contains(CANNOT_REFUSE) {
        eprintln!("skipped: {CANNOT_REFUSE}");
    } else {
        assert!(said.contains("refused, and delivered"), "{said}");
    }
}

fn is_refused() -> Option<bool> {
    std::env::var_os(WHERE_REFUSED)?;
    let refused = refuse_executable_memory();
    if !refused {
        println!("{CANNOT_REFUSE}");
    }
    Some(refused)
}

fn delivers(component: &Component) {
    let door = Door::Record(Recorder::default());
    let setup = Setup::new("{}", door).grant(grant("intake", "https://vendor.example", &[]));
    let mut backend = Backend::start(component, setup).unwrap();
    assert_eq!(backend.send(&batch(1), &context()), Ok(Outcome::Delivered));
    println!("refused, and delivered");
}

#[test]
fn a_component_is_compiled_for_the_interpreter() {
    match is_refused() {
        None => again("a_component_is_compiled_for_the_interpreter"),
        Some(false) => {}
        Some(true) => {
            let component = load(&Guest::default().component()).unwrap();
            assert!(component.is_interpreted());
            delivers(&component);
        }
    }
}

#[test]
fn what_was_compiled_for_the_interpreter_is_kept_and_not_compiled_again() {
    match is_refused() {
        None => again("what_was_compiled_for_the_interpreter_is_kept_and_not_compiled_again"),
        Some(false) => {}
        Some(true) => {
            let guest = Guest::default().component();
            let place = tempfile::tempdir().unwrap();
            let mut options = LoadOptions::default();
            options.cache = Some(place.path().join("code"));
            assert!(Component::load(Source::Bytes(&guest), &options).unwrap().is_interpreted());
            // Nothing can be compiled in no time.
            options.limits.compile_time = std::time::Duration::ZERO;
            let component = Component::load(Source::Bytes(&guest), &options).unwrap();
            assert!(component.is_interpreted());
            let other = Guest::with(|guest| guest.path = "/other".into());
            let compiled = Component::load(Source::Bytes(&other), &options);
            assert!(matches!(compiled, Err(LoadError::CompileTime(_))), "{compiled:?}");
            delivers(&component);
        }
    }
}

#[test]
fn of_a_precompiled_component_the_part_for_the_interpreter_is_taken() {
    let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let made = |target| {
        let guest = Guest::default().component();
        let artefact = precompile(Source::Bytes(&guest), &LoadOptions::default(), &target).unwrap();
        Source::Precompiled(artefact.leak())
    };
    match is_refused() {
        None => {
            let component = Component::load(made(CompileFor::Both(triple)), &LoadOptions::default()).unwrap();
            assert!(!component.is_interpreted(), "where memory is to be had, native code runs");
            again("of_a_precompiled_component_the_part_for_the_interpreter_is_taken");
        }
        Some(false) => {}
        Some(true) => {
            let native = Component::load(made(CompileFor::Native(triple.clone())), &LoadOptions::default());
            assert!(native.is_err(), "there is no other part");
            let component = Component::load(made(CompileFor::Both(triple)), &LoadOptions::default()).unwrap();
            assert!(component.is_interpreted());
            delivers(&component);
        }
    }
}
