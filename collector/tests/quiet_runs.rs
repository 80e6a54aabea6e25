//! What an undecided and a denied run do to the system: next to nothing.
//!
//! This test program runs itself again under `strace`, and looks at the calls between two marks that
//! the thread under test makes.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::Command;
use telemetry::consent::{
    Author, Gate, Harness, Inputs, May, Place, Stored, SystemWait, allow, at_start, deny, machine_policy,
};
use telemetry::event::Timestamp;

#[path = "probe/needs.rs"]
mod needs;

const ROLE: &str = "TELEMETRY_QUIET_TEST_PLACE";
const BEGIN: &str = "/telemetry-test-begin";
const END: &str = "/telemetry-test-end";

fn gate(place: &Place) -> Gate {
    Gate::open(place.clone(), Timestamp::now(), |stored: &dyn Fn() -> Stored| {
        let author = Author {
            tool_name: "greet",
            enabled: true,
            force: false,
            policy: 1,
            destination: "https://here.example",
            debug_sends: true,
            tests_count: false,
        };
        at_start(&Inputs {
            author: &author,
            debug_build: cfg!(debug_assertions),
            environment: &|name| std::env::var_os(name),
            machine: &|| machine_policy("com.example.greet"),
            harness: &Harness::detect,
            stored,
        })
    })
}

/// The run under the microscope. By itself: with nothing stored nothing may be done.
#[test]
fn what_a_run_does() {
    let Some(place) = std::env::var_os(ROLE) else {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(gate(&Place::new(directory.path())).first().may, May::Off);
        return;
    };
    let place = Place::new(place);
    assert!(!Path::new(BEGIN).exists());
    let gate = gate(&place);
    for _ in 0..100 {
        std::hint::black_box(gate.may(Timestamp::now()));
        std::hint::black_box(gate.look());
    }
    assert!(!Path::new(END).exists());
    println!("MAY {:?}", gate.known());
}

/// The calls of a run with these variables, or `None` where nothing can be traced.
fn calls(place: &Place, variables: &[(&str, &str)]) -> Option<Vec<String>> {
    if !needs::strace("what a quiet run does to the system") {
        return None;
    }
    let log = tempfile::NamedTempFile::new().unwrap();
    let output = Command::new("strace")
        .args(["-f", "-o"])
        .arg(log.path())
        .arg(std::env::current_exe().unwrap())
        // On one thread, so that no other thread's call cuts a line of the trace in two.
        .args(["--exact", "what_a_run_does", "--nocapture", "--test-threads=1"])
        .env(ROLE, place.directory())
        .env("TELEMETRY_IN_TESTS", "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let log = std::fs::read_to_string(log.path()).unwrap();
    let mut lines = log.lines().skip_while(|line| !line.contains(BEGIN));
    let thread = lines.next().and_then(|line| line.split_whitespace().next()).unwrap().to_owned();
    let calls = lines
        .take_while(|line| !line.contains(END))
        .filter_map(|line| line.strip_prefix(&thread))
        .map(|line| line.trim().to_owned())
        .collect();
    Some(calls)
}

fn room() -> (tempfile::TempDir, Place) {
    let directory = tempfile::tempdir().unwrap();
    let place = Place::new(directory.path().join("greet"));
    (directory, place)
}

fn opens<'a>(calls: &'a [String], of: &str) -> Vec<&'a String> {
    calls.iter().filter(|call| call.starts_with("open") && call.contains(of)).collect()
}

/// Nothing is made, written, mapped or started, and nobody is talked to.
fn assert_harmless(calls: &[String]) {
    for call in calls {
        // The standard library's debug builds look at a descriptor before they close it.
        let name = if call.contains("F_GETFD") { "close" } else { call.split('(').next().unwrap() };
        let harmless =
            ["openat", "statx", "fstat", "newfstatat", "lseek", "read", "close", "getrandom", "geteuid"];
        assert!(harmless.contains(&name), "{call} in {calls:#?}");
        for writing in ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND"] {
            assert!(!call.contains(writing), "{call}");
        }
    }
}

#[test]
fn an_undecided_run_opens_the_consent_file_once_and_does_nothing_else() {
    let (directory, place) = room();
    let Some(calls) = calls(&place, &[]) else { return };
    assert_harmless(&calls);
    assert_eq!(opens(&calls, "/greet/consent").len(), 1, "{calls:#?}");
    assert_eq!(opens(&calls, "").len(), 1, "{calls:#?}");
    assert_eq!(calls.len(), 1, "{calls:#?}");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_denied_run_reads_the_consent_file_and_does_nothing_else() {
    let (_directory, place) = room();
    deny(&place, 1, Timestamp::default(), &SystemWait::default()).unwrap();
    let Some(calls) = calls(&place, &[]) else { return };
    assert_harmless(&calls);
    assert_eq!(opens(&calls, "").len(), 1, "{calls:#?}");
    assert_eq!(opens(&calls, "/greet/consent").len(), 1, "{calls:#?}");
}

#[test]
fn a_run_whose_environment_says_no_opens_nothing_at_all() {
    let (_directory, place) = room();
    allow(&place, true, 1, "https://here.example", Timestamp::default()).unwrap();
    for variable in [("DO_NOT_TRACK", "1"), ("GREET_TELEMETRY", "off"), ("TELEMETRY_ENABLED", "maybe")] {
        let Some(calls) = calls(&place, &[variable]) else { return };
        assert_eq!(calls, Vec::<String>::new(), "{variable:?}");
    }
}

#[test]
fn a_granted_run_reads_the_consent_file_and_looks_for_the_machines_policy() {
    let (_directory, place) = room();
    allow(&place, true, 1, "https://here.example", Timestamp::default()).unwrap();
    let Some(calls) = calls(&place, &[]) else { return };
    assert_eq!(opens(&calls, "/greet/consent").len(), 1, "{calls:#?}");
    // Where its directory is missing that is all there is to see.
    let asked = match std::path::Path::new("/etc/cli-telemetry").exists() {
        true => "/etc/cli-telemetry/com.example.greet.policy\"",
        false => "/etc/cli-telemetry\"",
    };
    assert!(calls.iter().any(|call| call.contains(asked)), "{calls:#?}");
    // The looks of its recorder.
    let looks = calls.iter().filter(|call| call.starts_with("statx") && call.contains("/greet/consent"));
    assert!(looks.count() >= 100, "{calls:#?}");
}
