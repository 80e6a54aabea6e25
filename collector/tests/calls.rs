//! What a tool calls by itself on the handle.
#![cfg(target_os = "linux")]

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use telemetry::event::{Attribute, Ended};

#[path = "probe/home.rs"]
mod home;

use home::{Home, eventually, program};

/// Who sends, nobody asks: what is flushed stays where it is.
const NEVER: &str = "mode = \"never\"";

/// A run with a vendor at home, set up like this.
fn run(home: &Home, way: &str, delivery: &str) -> Command {
    let mut command = home.command(&program(), way);
    command.env("PROBE_VENDOR", home.path("vendor")).env("PROBE_DELIVERY", delivery);
    command
}

fn pending(home: &Home) -> u64 {
    let output = run(home, "status", NEVER).output().unwrap();
    let status: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    status["pending_events"].as_u64().unwrap()
}

/// The calls that a run makes to write and to sync, each with the path of its file.
fn traced(home: &Home, way: &str, test: &str) -> Option<Vec<(String, String)>> {
    let log = home.path("trace");
    let mut traced = Command::new("strace");
    traced.args(["-qq", "-f", "-y", "-e", "trace=write,pwrite64,fsync,fdatasync", "-o"]).arg(&log);
    traced.arg(program()).arg(way).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    traced.env("PROBE", home.0.path()).env("PROBE_VENDOR", home.path("vendor"));
    let Ok(status) = traced.env("PROBE_DELIVERY", NEVER).stdin(Stdio::null()).status() else {
        assert!(std::env::var_os("OFFICIAL").is_none_or(|it| it != "required"), "strace is missing: {test}");
        eprintln!("skipped, there is no strace: {test}");
        return None;
    };
    assert!(status.success());
    let text = std::fs::read_to_string(&log).unwrap();
    // As in `1234 fdatasync(5</home/journal/x.open1>) = 0`.
    let call = |line: &str| {
        let (head, rest) = line.split_once('(')?;
        let (_, path) = rest.split_once('<')?;
        let name = head.rsplit(' ').next()?.to_owned();
        Some((name, path.split_once('>')?.0.to_owned()))
    };
    Some(text.lines().filter_map(call).collect())
}

#[test]
fn a_durable_flush_syncs_the_events_and_then_the_directory_that_names_them() {
    let test = "a_durable_flush_syncs_the_events_and_then_the_directory_that_names_them";
    let home = Home::new();
    let Some(calls) = traced(&home, "durable", test) else { return };
    let journal = home.path("journal");
    let is_segment = |path: &str| {
        let path = Path::new(path);
        path.parent() == Some(&journal) && path.extension().is_some_and(|it| it == "open1" || it == "seg1")
    };
    let last = |names: &[&str], of: &dyn Fn(&str) -> bool| {
        calls.iter().rposition(|(name, path)| names.contains(&name.as_str()) && of(path))
    };
    let written = last(&["write", "pwrite64"], &is_segment).expect("the event is written");
    let data = last(&["fdatasync", "fsync"], &is_segment).expect("the segment is synced");
    let directory = last(&["fsync"], &|path| Path::new(path) == journal).expect("the directory is synced");
    assert!(written < data && data < directory, "{calls:?}");
    assert_eq!(pending(&home), 1);
}

#[test]
fn a_flush_that_need_not_be_durable_waits_for_no_disk() {
    let home = Home::new();
    let Some(calls) = traced(&home, "volatile", "a_flush_that_need_not_be_durable_waits_for_no_disk") else {
        return;
    };
    let journal = home.path("journal");
    let syncs =
        calls.iter().filter(|(name, path)| name.contains("sync") && Path::new(path).starts_with(&journal));
    assert_eq!(syncs.count(), 0, "{calls:?}");
    assert_eq!(pending(&home), 1);
}

#[test]
fn what_is_discarded_is_gone_of_earlier_runs_too_and_recording_goes_on() {
    let home = Home::new();
    assert!(run(&home, "five", NEVER).status().unwrap().success());
    assert_eq!(pending(&home), 5);
    let output = run(&home, "discard", NEVER).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "7\n");
    assert_eq!(pending(&home), 1, "what came after it");
    assert!(run(&home, "flush", NEVER).status().unwrap().success());
    let vendor = std::fs::read_to_string(home.path("vendor")).unwrap();
    assert!(vendor.starts_with("kept ") && vendor.lines().count() == 1, "{vendor}");
}

#[test]
fn a_tool_that_closes_and_goes_on_has_its_events_sent_while_it_runs() {
    let home = Home::new();
    let mut command = run(&home, "close", "mode = \"detached\"\ninterval = \"0s\"");
    let mut tool = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let vendor = home.path("vendor");
    eventually("what it recorded is sent", || {
        std::fs::read_to_string(&vendor).is_ok_and(|text| text.starts_with("closed "))
    });
    assert_eq!(tool.try_wait().unwrap(), None, "it still runs");
    drop(tool.stdin.take());
    assert!(tool.wait().unwrap().success());
    let mut said = String::new();
    tool.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "");
}

#[test]
fn a_command_that_a_tool_measures_itself_is_recorded_with_what_extended_collection_allows() {
    for extended in [false, true] {
        let ((), events) = telemetry::capture(extended, || {
            let tool = telemetry::Tool::from_toml("1.0.0", "[tool]\nid = \"com.example.calls\"");
            let telemetry = telemetry::start(tool);
            telemetry.track_command_extended(
                "build",
                &["--all", "src"],
                Duration::from_millis(1500),
                7,
                Some("cannot read src"),
                &[Attribute::new("release", true)],
            );
        });
        assert_eq!(events.len(), 1);
        let event = &events[0];
        assert_eq!((&*event.kind, &*event.name), ("command.invocation", "build"));
        assert_eq!((event.duration, event.exit_code), (Some(Duration::from_millis(1500)), Some(7)));
        assert_eq!((event.ended, event.attributes.len()), (Some(Ended::Finished), 1));
        if extended {
            assert_eq!(event.args.join(" "), "--all src");
            assert_eq!(event.error.as_deref(), Some("cannot read src"));
        } else {
            assert_eq!((event.args.len(), event.error.as_deref()), (0, None));
        }
    }
}
