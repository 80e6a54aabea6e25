//! The machine's policy file can only forbid: while it does, nothing is recorded, no request leaves, and
//! a request to erase waits; once it is gone, all of it goes on.
#![cfg(target_os = "linux")]

use telemetry_tests::{Answer, Home, Machine, Ran, Vendor, eventually};

const EVERY_TOOL: &str = "policy";
const THIS_TOOL: &str = "com.example.greet.policy";
const ANOTHER_TOOL: &str = "com.example.other.policy";

/// A user of the example tool, on a machine with an administrator, and the tool's vendor.
struct User {
    machine: Machine,
    home: Home,
    vendor: Vendor,
}

impl User {
    /// None where the test is skipped.
    fn new(test: &str, tool: &str, delivery: &str) -> Option<Self> {
        let machine = Machine::start(test)?;
        let vendor = Vendor::start();
        let url = vendor.url();
        let home = Home::new(&format!(
            "[tool]\nid = \"com.example.greet\"\nsend_from_debug_builds = true\n{tool}\n\
             [backend]\nuse = \"http\"\n\n\
             [endpoints.receiver]\nurl = \"{url}/events\"\nallow = [\"http\", \"loopback\"]\n\n\
             [endpoints.gdpr]\nurl = \"{url}/erase\"\nallow = [\"http\", \"loopback\"]\n\n\
             [erasure]\nendpoint = \"gdpr\"\n\n\
             [delivery]\ninterval = 0\n{delivery}\n"
        ));
        Some(Self { machine, home, vendor })
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.machine.run(&self.home.greet(arguments))
    }

    /// A command of the tool, which works as if nothing were.
    fn hello(&self) {
        let expected = Ran { stdout: "Hello, Ada!\n".into(), stderr: String::new(), code: Some(0) };
        assert_eq!(self.run(&["hello", "Ada"]), expected);
    }

    fn enable(&self) {
        let ran = self.run(&["telemetry", "enable"]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }

    fn status(&self) -> serde_json::Value {
        let ran = self.run(&["telemetry", "status", "--json"]);
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
    }

    fn said(&self) -> String {
        self.run(&["telemetry", "status"]).stdout
    }

    fn requests(&self, path: &str) -> usize {
        let begin = format!("POST {path} ");
        self.vendor.requests().iter().filter(|request| request.line.starts_with(&begin)).count()
    }

    /// Sends an event, so that there is something to erase.
    fn send(&self) {
        let before = self.requests("/events");
        self.hello();
        let _ = self.vendor.wait_for(before + 1);
        self.wait_for_the_sender();
        assert_eq!(self.status()["pending_events"], 0);
    }

    fn wait_for_the_sender(&self) {
        eventually("the sender has ended", || self.status()["sending"] == false);
    }

    fn lane(&self) -> bool {
        self.home.state().join("com.example.greet/erasure").exists()
    }
}

#[test]
fn a_request_to_erase_waits_for_as_long_as_a_policy_forbids_and_goes_on_when_it_is_gone() {
    let test = "a_request_to_erase_waits_for_as_long_as_a_policy_forbids_and_goes_on_when_it_is_gone";
    for (name, word, reason) in [
        (EVERY_TOOL, "off", "policy forbids it"),
        (EVERY_TOOL, "local", "policy lets nothing leave"),
        (THIS_TOOL, "off", "com.example.greet.policy forbids it"),
        (THIS_TOOL, "local", "com.example.greet.policy lets nothing leave"),
        // What is not understood forbids too.
        (EVERY_TOOL, "on", "policy (it says neither `off` nor `local`) forbids it"),
    ] {
        let Some(user) = User::new(test, "", "") else { return };
        user.enable();
        user.send();

        user.machine.forbid(name, word);
        let reset = user.run(&["telemetry", "reset"]);
        assert_eq!(reset.code, Some(0), "{reset:?}");
        for part in ["Local telemetry data cleared", "not asked for yet", reason] {
            assert!(reset.stdout.contains(part), "{word}: {part}: {reset:?}");
        }
        // Neither a run, nor a user who asks again, nor one who wants it flushed gets past it.
        user.hello();
        let again = user.run(&["telemetry", "reset"]);
        assert!(again.stdout.contains(reason), "{again:?}");
        let _ = user.run(&["telemetry", "flush"]);
        user.wait_for_the_sender();
        assert!(
            user.said().contains("paused: this machine's policy file /etc/cli-telemetry/"),
            "{}",
            user.said()
        );
        assert!(user.said().contains(reason), "{}", user.said());
        assert_eq!(user.requests("/erase"), 0, "{word}");
        assert!(user.lane());

        user.machine.lift(name);
        eventually("a run without the policy asks", || {
            user.hello();
            !user.lane()
        });
        user.wait_for_the_sender();
        assert_eq!(user.requests("/erase"), 1, "{word}");
        assert_eq!(user.requests("/events"), 1, "the user said no: {word}");
        assert!(user.said().contains("accepted at"), "{}", user.said());
    }
}

#[test]
fn a_policy_for_another_tool_pauses_nothing() {
    let Some(user) = User::new("a_policy_for_another_tool_pauses_nothing", "", "") else { return };
    user.machine.forbid(ANOTHER_TOOL, "off");
    user.enable();
    user.send();
    let reset = user.run(&["telemetry", "reset"]);
    assert!(reset.stdout.contains("accepted"), "{reset:?}");
    assert_eq!(user.requests("/erase"), 1);
}

#[test]
fn what_was_recorded_before_a_policy_came_is_kept_and_sent_once_it_is_gone() {
    let test = "what_was_recorded_before_a_policy_came_is_kept_and_sent_once_it_is_gone";
    for (word, reason) in [("off", "policy forbids it"), ("local", "policy lets nothing leave")] {
        let Some(user) = User::new(test, "", "mode = \"never\"") else { return };
        user.enable();
        user.hello();

        user.machine.forbid(EVERY_TOOL, word);
        assert_eq!(user.run(&["fail"]).code, Some(3));
        let _ = user.run(&["telemetry", "flush"]);
        assert!(user.said().contains(reason), "{}", user.said());
        assert_eq!(user.vendor.requests().len(), 0, "{word}");
        let log = user.home.state().join("com.example.greet/events.ndjson");
        let kept_here = std::fs::read_to_string(log).unwrap_or_default();
        assert_eq!(kept_here.contains("\"name\":\"fail\""), word == "local", "{word}: {kept_here}");

        user.machine.lift(EVERY_TOOL);
        assert_eq!(user.run(&["telemetry", "flush"]).code, Some(0));
        let sent = user.vendor.wait_for(1);
        let names: Vec<_> =
            sent.iter().flat_map(|it| it.json().as_array().cloned().expect("events")).collect();
        let names: Vec<_> = names.iter().map(|it| it["name"].as_str().expect("a name")).collect();
        assert_eq!(names, ["hello"], "{word}");
    }
}

#[test]
fn a_policy_that_comes_while_a_sender_is_at_work_stops_its_next_request() {
    let test = "a_policy_that_comes_while_a_sender_is_at_work_stops_its_next_request";
    for word in ["off", "local"] {
        let Some(user) = User::new(test, "", "") else { return };
        user.enable();
        user.vendor.then(Answer::WhenReleased(503));
        user.hello();
        let _ = user.vendor.wait_for(1);
        user.machine.forbid(EVERY_TOOL, word);
        user.vendor.release();
        user.wait_for_the_sender();
        assert_eq!(user.vendor.requests().len(), 1, "{word}");

        user.machine.lift(EVERY_TOOL);
        assert_eq!(user.run(&["telemetry", "flush"]).code, Some(0));
        assert_eq!(user.vendor.requests().len(), 2, "{word}");
    }
}

#[test]
fn nothing_that_a_policy_says_is_a_yes_and_no_yes_is_stronger() {
    let test = "nothing_that_a_policy_says_is_a_yes_and_no_yes_is_stronger";
    for word in ["on", "force", "granted", ""] {
        let Some(user) = User::new(test, "", "") else { return };
        user.machine.forbid(EVERY_TOOL, word);
        user.hello();
        assert!(user.said().contains("off: this machine's policy file"), "{}", user.said());
        assert_eq!(user.home.created(), Vec::<std::path::PathBuf>::new(), "{word}");
    }
    let Some(user) = User::new(test, "force = true", "") else { return };
    user.machine.forbid(THIS_TOOL, "off");
    let insisting = user.machine.run(user.home.greet(&["hello", "Ada"]).env("TELEMETRY_ENABLED", "true"));
    assert_eq!(insisting.code, Some(0), "{insisting:?}");
    assert_eq!(user.home.created(), Vec::<std::path::PathBuf>::new());
    assert!(user.said().contains("com.example.greet.policy forbids it"), "{}", user.said());
    assert_eq!(user.vendor.requests().len(), 0);
    user.machine.lift(THIS_TOOL);
    user.send();
}
