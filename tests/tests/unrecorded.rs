//! The `telemetry` subcommand is never recorded, whatever its author measures around it, and its arguments
//! are not either, under extended collection.

use std::process::{Command, Stdio};

use telemetry_tests::{Answer, Home, Ran, Vendor, eventually};

/// Extended collection, and a sender only where `flush` is it.
fn config(url: &str) -> String {
    format!(
        "[tool]\nid = \"com.example.greet\"\nextended = true\nsend_from_debug_builds = true\n\n\
         [backend]\nuse = \"http\"\n\n\
         [endpoints.receiver]\nurl = \"{url}/events\"\nallow = [\"http\", \"loopback\"]\n\n\
         [delivery]\nmode = \"never\"\n"
    )
}

fn run(mut command: Command) -> Ran {
    command.output().expect("it runs").into()
}

/// The names and arguments of the events that wait.
fn recorded(home: &Home) -> Vec<(String, String)> {
    let log = home.run(&["telemetry", "log", "--json"]);
    let log: serde_json::Value = serde_json::from_str(&log.stdout).expect("the log is JSON");
    let events = log["events"].as_array().expect("events");
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let one = |it: &serde_json::Value| (text(&it["json"]["name"]), it["json"]["args"].to_string());
    events.iter().map(one).collect()
}

fn worked() -> Vec<(String, String)> {
    let arguments = "[\"work\"]".to_owned();
    ["work", "dispatch", "whole", "by-hand"]
        .map(|name| {
            (
                name.to_owned(),
                if matches!(name, "work" | "dispatch") { "null".into() } else { arguments.clone() },
            )
        })
        .to_vec()
}

/// A home in which one command was recorded, with the commands around it.
fn home(url: &str) -> Home {
    let home = Home::new(&config(url));
    assert_eq!(home.run(&["telemetry", "enable"]).code, Some(0));
    assert_eq!(run(home.dispatched(&["work"])).code, Some(0));
    assert_eq!(recorded(&home), worked(), "what is no subcommand is recorded as its author says");
    home
}

#[test]
fn no_word_of_the_subcommand_is_recorded_though_its_dispatcher_is_measured_and_arguments_are_collected() {
    let vendor = Vendor::start();
    let home = home(&vendor.url());
    for words in [
        &["status"][..],
        &["status", "--json"],
        &["preview"],
        &["log", "-n", "17"],
        &["doctor"],
        &["schema"],
        &["on"],
        &["enable", "--local"],
        &["enable"],
    ] {
        let all = [&["telemetry"], words].concat();
        assert_eq!(run(home.dispatched(&all)).code, Some(0), "{all:?}");
        assert_eq!(recorded(&home), worked(), "after {all:?}");
    }
    let flushed = run(home.dispatched(&["telemetry", "flush"]));
    assert!(flushed.stdout.contains("4 events delivered"), "{flushed:?}");
    assert_eq!(recorded(&home), []);
    let sent = vendor.wait_for(1);
    assert!(!String::from_utf8_lossy(&sent[0].decoded()).contains("flush"), "{sent:?}");
    for last in ["off", "reset"] {
        assert_eq!(run(home.dispatched(&["telemetry", last])).code, Some(0));
        assert_eq!(recorded(&home), []);
    }
    assert_eq!(vendor.requests().len(), 1);
}

#[test]
fn a_command_that_calls_a_plain_function_is_taken_back_and_one_that_runs_the_subcommand_on_a_thread_too() {
    let vendor = Vendor::start();
    let home = home(&vendor.url());
    let decision = run(home.dispatched(&["decision"]));
    assert_eq!(decision.stdout, "on\n");
    assert_eq!(recorded(&home), worked());
    assert_eq!(run(home.dispatched(&["aside"])).code, Some(0));
    assert_eq!(recorded(&home), worked());
    // The next command is recorded as before.
    assert_eq!(run(home.dispatched(&["work"])).code, Some(0));
    assert_eq!(recorded(&home), [worked(), worked()].concat());
}

#[test]
fn a_subcommand_that_is_killed_is_no_interrupted_command() {
    let vendor = Vendor::start();
    vendor.otherwise(Answer::Hang);
    let home = home(&vendor.url());
    let mut flush =
        home.dispatched(&["telemetry", "flush"]).stdout(Stdio::null()).spawn().expect("it starts");
    let _ = vendor.wait_for(1);
    flush.kill().expect("it is killed");
    flush.wait().expect("it has ended");
    vendor.otherwise(Answer::status(200));
    eventually("the next flush sends what waits", || {
        home.run(&["telemetry", "flush"]).stdout.contains("4 events delivered")
    });
    assert!(vendor.requests().iter().all(|it| it.json().as_array().is_some_and(|all| all.len() == 4)));
}
