//! What a whole run of a real tool does to the system while its user is undecided, has said no, or has
//! said no and has everything erased: next to nothing.
#![cfg(target_os = "linux")]

use std::process::{Command, Stdio};

use telemetry_tests::{Home, Vendor, eventually};

fn config(url: &str) -> String {
    format!(
        "[tool]\nid = \"com.example.greet\"\nsend_from_debug_builds = true\n\n\
         [backend]\nuse = \"http\"\n\n\
         [endpoints.receiver]\nurl = \"{url}/events\"\nallow = [\"http\", \"loopback\"]\n\
         [endpoints.gdpr]\nurl = \"{url}/erase\"\nallow = [\"http\", \"loopback\"]\n\
         [erasure]\nendpoint = \"gdpr\"\n\n\
         [delivery]\ninterval = 0\n"
    )
}

/// The system calls of `greet hello Ada`, all its threads and children included; none, with the test's
/// name, where nothing can be traced.
fn calls(test: &str, home: &Home, variables: &[(&str, &str)]) -> Option<Vec<String>> {
    let tracing = Command::new("strace").args(["-f", "true"]).stderr(Stdio::null()).status();
    if !tracing.is_ok_and(|status| status.success()) {
        let required = std::env::var_os("OFFICIAL").is_some_and(|value| value == "required");
        assert!(!required, "{test} needs strace: run .ci/tools");
        println!("skipped: {test} needs strace");
        return None;
    }
    let log = home.path("trace");
    let greet = home.greet(&["hello", "Ada"]);
    let mut command = Command::new("strace");
    command.args(["-f", "-o"]).arg(&log).arg(greet.get_program()).args(greet.get_args()).env_clear();
    for (name, value) in greet.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let output = command.envs(variables.iter().copied()).output().expect("strace runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "Hello, Ada!\n");
    let log = std::fs::read_to_string(log).expect("a trace");
    Some(
        log.lines()
            .map(|line| line.split_once(' ').map_or(line, |(_, call)| call.trim()).to_owned())
            .collect(),
    )
}

/// No child, no socket, nothing opened for writing, and of the user's files only the decision is opened, once
/// at most.
fn assert_quiet(home: &Home, calls: &[String]) {
    let state = home.path("user").display().to_string();
    let mut opened = Vec::new();
    for call in calls {
        let name = call.split('(').next().unwrap_or_default();
        let forbidden =
            ["socket", "connect", "fork", "vfork", "clone", "clone3", "mkdir", "mkdirat", "unlink", "rename"];
        assert!(!forbidden.contains(&name), "{call}");
        if name.starts_with("open") {
            let writes = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND"];
            assert!(!writes.iter().any(|flag| call.contains(flag)) || call.contains("/dev/"), "{call}");
            opened.extend(call.contains(&state).then_some(call));
        }
    }
    assert!(opened.len() <= 1 && opened.iter().all(|call| call.contains("/consent\"")), "{opened:#?}");
}

#[test]
fn an_undecided_run_of_a_tool_is_quiet() {
    let home = Home::new(&config("http://127.0.0.1:9"));
    let Some(calls) = calls("an_undecided_run_of_a_tool_is_quiet", &home, &[]) else { return };
    assert_quiet(&home, &calls);
    assert_eq!(home.created().len(), 0);
    let looks = |at: &str| calls.iter().any(|call| call.contains(at));
    assert!(looks("/consent\"") && !looks("/erasure"), "an undecided run looks for no lane");
}

#[test]
fn a_denied_run_of_a_tool_is_quiet_also_after_an_erasure_has_ended() {
    let test = "a_denied_run_of_a_tool_is_quiet_also_after_an_erasure_has_ended";
    let vendor = Vendor::start();
    let home = Home::new(&config(&vendor.url()));
    assert_eq!(home.run(&["telemetry", "disable"]).code, Some(0));
    let Some(denied) = calls(test, &home, &[]) else { return };
    assert_quiet(&home, &denied);

    assert_eq!(home.run(&["telemetry", "enable"]).code, Some(0));
    assert_eq!(home.run(&["hello", "Ada"]).code, Some(0));
    let _ = vendor.wait_for(1);
    eventually("the erasure is accepted", || home.run(&["telemetry", "reset"]).stdout.contains("accepted"));
    let Some(erased) = calls(test, &home, &[]) else { return };
    assert_quiet(&home, &erased);
}

#[test]
fn a_lane_costs_nothing_under_do_not_track() {
    let test = "a_lane_costs_nothing_under_do_not_track";
    let vendor = Vendor::start();
    let home = Home::new(&config(&vendor.url()));
    assert_eq!(home.run(&["telemetry", "enable"]).code, Some(0));
    assert_eq!(home.run(&["hello", "Ada"]).code, Some(0));
    let _ = vendor.wait_for(1);
    let reset = home.greet(&["telemetry", "reset"]).env("DO_NOT_TRACK", "1").output();
    assert!(reset.is_ok_and(|output| output.status.success()));
    assert!(home.state().join("com.example.greet/erasure").exists());
    let Some(calls) = calls(test, &home, &[("DO_NOT_TRACK", "1")]) else { return };
    assert_quiet(&home, &calls);
    assert!(!calls.iter().any(|call| call.contains("/erasure")));
}
