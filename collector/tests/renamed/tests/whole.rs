//! Whole programs, started as their users start them: what they recorded, and how they end.
#![forbid(unsafe_code)]
#![cfg(unix)]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Runs a program to its end, in a home of its own: its exit code and stderr, and what it recorded.
fn run(program: &str) -> (Option<i32>, String, Vec<Value>) {
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(program)
        .env_clear()
        .env("HOME", home.path())
        .env("XDG_STATE_HOME", home.path())
        .current_dir(home.path())
        .output()
        .unwrap();
    assert_eq!(output.stdout, b"");
    let errors = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), errors, recorded(home.path()))
}

/// The events in the file to which the tool delivers, wherever the system keeps state.
fn recorded(directory: &Path) -> Vec<Value> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(recorded(&path));
        } else if path.file_name().is_some_and(|it| it == "events.ndjson") {
            let text = std::fs::read_to_string(&path).unwrap();
            found.extend(text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()));
        }
    }
    found
}

/// Name and exit code, in the order of recording.
fn ends(events: &[Value]) -> Vec<(&str, Option<i64>)> {
    events.iter().map(|it| (it["name"].as_str().unwrap_or("-"), it["exit_code"].as_i64())).collect()
}

#[test]
fn a_tool_that_starts_by_the_macro_without_arguments_reads_the_file_beside_its_manifest() {
    let (code, errors, events) = run(env!("CARGO_BIN_EXE_started"));
    assert_eq!((code, &*errors), (Some(0), ""));
    let export = ("report/export", Some(4));
    assert_eq!(ends(&events), [("happened", None), export]);
}

#[test]
fn a_main_that_is_a_command_is_recorded_with_its_exit_code() {
    let (code, errors, events) = run(env!("CARGO_BIN_EXE_sync"));
    assert_eq!((code, &*errors), (Some(3), ""));
    let expected = [("happened", None), ("report/export", Some(0)), ("whole", Some(3))];
    assert_eq!(ends(&events), expected);
}

#[test]
fn a_main_on_a_runtime_records_what_runs_on_it() {
    let (code, errors, events) = run(env!("CARGO_BIN_EXE_tokio"));
    assert_eq!((code, &*errors), (Some(0), ""));
    let expected = [("by-hand", Some(4)), ("wait", Some(0)), ("later", Some(0))];
    assert_eq!(ends(&events), expected);
}
