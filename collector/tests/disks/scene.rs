//! A tool in a home, with a fault in its way or without.

use crate::home::{Home, program};
use crate::vendor::Vendor;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Nothing is sent but by who is started to send; and then not more often than every 15 minutes.
const DELIVERY: &str = "mode = \"never\"\ninterval = \"15m\"";

/// How the tool under test is set up.
pub(crate) struct Scene {
    _home: Home,
    pub(crate) vendor: Vendor,
    pub(crate) delivery: String,
    /// Where the tool keeps its state: the home, or a disk that is mounted in it.
    pub(crate) state: PathBuf,
}

impl Scene {
    pub(crate) fn new(map: bool) -> Self {
        Self::with(&format!("{DELIVERY}\n[journal]\nmap = {map}"))
    }

    pub(crate) fn at_most_once() -> Self {
        Self::with(&format!("{DELIVERY}\nsemantics = \"at-most-once\""))
    }

    /// One whose events go to a file of the user's, in the tool's own process at its end.
    pub(crate) fn local() -> Self {
        Self::with("interval = \"0s\"")
    }

    fn with(delivery: &str) -> Self {
        let home = Home::new();
        let state = home.path("state");
        std::fs::create_dir(&state).unwrap();
        Self { _home: home, vendor: Vendor::open(), delivery: delivery.to_owned(), state }
    }

    /// A run of the tool, behind these words if there are any.
    pub(crate) fn command(&self, wrapper: &[&str], way: &str) -> Command {
        let mut command = match wrapper {
            [] => Command::new(program()),
            [first, rest @ ..] => {
                let mut command = Command::new(first);
                command.args(rest).arg(program());
                command
            }
        };
        command.arg(way).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("PROBE", &self.state).env("PROBE_DELIVERY", &self.delivery);
        command.env("PROBE_VENDOR", self.vendor.address.to_string());
        if way == "__telemetry_sender" {
            command.env("TELEMETRY_SENDER", "com.example.probe");
        }
        command
    }

    pub(crate) fn run(&self, wrapper: &[&str], way: &str) -> Output {
        self.command(wrapper, way).output().unwrap()
    }

    /// A run that records and speaks: whatever is in its way, nobody notices.
    pub(crate) fn speak(&self, wrapper: &[&str], when: &str) {
        assert_unaffected(&self.run(wrapper, "speak"), when);
    }

    /// The sender as a process of its own.
    pub(crate) fn send(&self, wrapper: &[&str]) -> Output {
        self.run(wrapper, "__telemetry_sender")
    }

    /// Whether the last fault came to pass: not every run makes every call so often.
    pub(crate) fn was_hit(&self) -> bool {
        std::fs::read_to_string(self.state.join("faults")).is_ok_and(|log| log.contains("INJECTED"))
    }

    /// What `status` shows.
    pub(crate) fn status(&self) -> serde_json::Value {
        let output = self.run(&[], "status");
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub(crate) fn pending(&self) -> u64 {
        self.status()["pending_events"].as_u64().unwrap()
    }

    /// Events that `status` counts as lost.
    pub(crate) fn lost(&self) -> u64 {
        let status = self.status();
        let losses = status["losses"].as_array().unwrap();
        losses.iter().map(|loss| loss[1].as_u64().unwrap()).sum()
    }

    /// The file in which deliveries of the only segment are acknowledged.
    pub(crate) fn acknowledgements(&self) -> PathBuf {
        let journal = self.state.join("journal");
        let segment = std::fs::read_dir(&journal)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| path.extension().is_some_and(|it| it == "open1"))
            .unwrap();
        let header = std::fs::read(segment).unwrap();
        let id = u64::from_le_bytes(header[16..24].try_into().unwrap());
        journal.join(format!("{id:016x}.ack1"))
    }
}

pub(crate) fn assert_unaffected(output: &Output, when: &str) {
    assert_eq!(output.status.code(), Some(3), "{when}: {output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "said\n", "{when}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "complained\n", "{when}");
}

/// strace's words for a fault at a system call, of one file only if there is one.
pub(crate) fn fault(call: &str, fault: &str, only: Option<&Path>) -> Vec<String> {
    let state = only.and_then(|only| only.ancestors().find(|path| path.ends_with("state")));
    let log = state.map_or("/dev/null".into(), |state| state.join("faults"));
    let mut words: Vec<String> =
        ["strace", "-f", "-qq", "-o", log.to_str().unwrap()].map(str::to_owned).to_vec();
    if let Some(only) = only {
        // A file in an open directory is named by its name alone.
        let name = only.file_name().unwrap().to_str().unwrap();
        words.extend(["-P", only.to_str().unwrap(), "-P", name].map(str::to_owned));
    }
    words.extend([
        "-e".to_owned(),
        format!("trace={call}"),
        "-e".to_owned(),
        format!("inject={call}:{fault}"),
    ]);
    words
}

pub(crate) fn words(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

pub(crate) use crate::needs::strace;
