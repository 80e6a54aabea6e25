//! A tool that only records and does not link the work of its subcommand: `greet telemetry` is the program
//! `greet-telemetry` beside it, and its user does not notice. The example pair, each built with features of its own,
//! and the same tool with everything linked to compare with. Without components: the backend is a file.
#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

#[path = "probe/install.rs"]
mod install;

use install::install;

const CONFIG: &str = "[tool]\nid = \"com.example.greet\"\nsend_from_debug_builds = true\n\
                      [backend]\nuse = \"file\"\n[delivery]\ninterval = 0\n";

/// Builds these examples as a package of their own: features are a choice for a whole build. What the packages have in
/// common is built once.
fn build(package: &str, features: &str, programs: &[&str]) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join("handed-over");
    let directory = all.join(package);
    for inner in ["src/bin", "examples"] {
        std::fs::create_dir_all(directory.join(inner)).unwrap();
    }
    let manifest = format!(
        "[package]\nname = \"{package}\"\nversion = \"1.0.0\"\nedition = \"2024\"\n\n[features]\nprompt = []\n\
         config-file = []\n\n[dependencies]\nclap = {{ version = \"4.6\", default-features = false, features = \
         [\"std\", \"derive\", \"help\", \"usage\", \"error-context\", \"suggestions\"] }}\n\
         cli-telemetry = {{ path = {root:?}, default-features = false, features = [{features}] }}\n\n\
         [profile.dev]\ndebug = false\nstrip = \"debuginfo\"\n\n[workspace]\n"
    );
    std::fs::write(directory.join("Cargo.toml"), manifest).unwrap();
    std::fs::write(directory.join("examples/greet.toml"), CONFIG).unwrap();
    // The same versions as everywhere here.
    if let Some(lock) = root.ancestors().map(|it| it.join("Cargo.lock")).find(|it| it.exists()) {
        std::fs::copy(lock, directory.join("Cargo.lock")).unwrap();
    }
    for program in programs {
        let source = root.join("examples").join(format!("{program}.rs"));
        std::fs::copy(source, directory.join("src/bin").join(format!("{program}.rs"))).unwrap();
    }
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--manifest-path"])
        .arg(directory.join("Cargo.toml"))
        .env("CARGO_TARGET_DIR", all.join("target"))
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .status()
        .unwrap();
    assert!(built.success(), "{package} is not built");
    // The next package's programs may have the same names.
    for program in programs {
        install(&all.join("target/debug").join(program), &directory.join(program));
    }
    directory
}

/// The tool that only records; one that does so without clap; and the tool with everything linked, beside which its
/// helper is built.
fn built() -> &'static [PathBuf; 3] {
    static BUILT: OnceLock<[PathBuf; 3]> = OnceLock::new();
    BUILT.get_or_init(|| {
        [
            build("recording", "\"clap\"", &["greet"]),
            build("smallest", "", &["hello"]),
            build("linked", "\"clap\", \"commands\", \"sender\"", &["greet", "greet-telemetry"]),
        ]
    })
}

/// A user's machine with the tool in `bin`, its helper beside it, and the whole tool in `whole`.
struct Machine(tempfile::TempDir);

impl Machine {
    fn new() -> Self {
        let it = Self(tempfile::tempdir().unwrap());
        let [recording, smallest, linked] = built();
        for (from, to) in [
            (recording.join("greet"), "bin/greet"),
            (linked.join("greet-telemetry"), "bin/greet-telemetry"),
            (smallest.join("hello"), "small/greet"),
            (linked.join("greet-telemetry"), "small/greet-telemetry"),
            (linked.join("greet"), "whole/greet"),
        ] {
            std::fs::create_dir_all(it.path(to).parent().unwrap()).unwrap();
            install(&from, &it.path(to));
        }
        it
    }

    fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        Command::new(self.path(program))
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path("home"))
            .env("XDG_STATE_HOME", self.path("state"))
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    fn greet(&self, arguments: &[&str]) -> Output {
        self.run("bin/greet", arguments)
    }

    fn json(&self, program: &str, arguments: &[&str]) -> serde_json::Value {
        let ran = self.run(program, &[&["telemetry"], arguments, &["--json"]].concat());
        serde_json::from_slice(&ran.stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {ran:?}"))
    }

    /// The names of the events that the helper has written into the user's file, once there are so many.
    fn delivered(&self, count: usize) -> Vec<String> {
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            let text = std::fs::read_to_string(self.path("state/com.example.greet/events.ndjson"));
            let text = text.unwrap_or_default();
            let names: Vec<String> = text
                .lines()
                .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
                .filter_map(|event| Some(event["name"].as_str()?.to_owned()))
                .collect();
            if names.len() >= count {
                return names;
            }
            assert!(Instant::now() < until, "only {names:?} in {:?}", self.files());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut directories = vec![self.path("state"), self.path("home")];
        while let Some(directory) = directories.pop() {
            for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => directories.push(entry.path()),
                    _ => found.push(entry.path()),
                }
            }
        }
        found
    }
}

fn said(ran: &Output) -> (String, String, Option<i32>) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&ran.stdout), text(&ran.stderr), ran.status.code())
}

#[test]
fn help_errors_and_exit_codes_are_those_of_a_tool_with_everything_linked() {
    let machine = Machine::new();
    for arguments in [
        &[][..],
        &["--help"],
        &["-h"],
        &["help"],
        &["help", "status"],
        &["status", "--help"],
        &["log", "-h"],
        &["sideways"],
        &["statsu"],
        &["status", "--nonsense"],
        &["log", "-n", "many"],
        &["schema", "--json", "--markdown"],
        &["--version"],
    ] {
        let arguments = [&["telemetry"], arguments].concat();
        let (handed, linked) = (machine.greet(&arguments), machine.run("whole/greet", &arguments));
        assert_eq!(said(&handed), said(&linked), "{arguments:?}");
        assert!(machine.files().is_empty(), "{arguments:?} leaves {:?}", machine.files());
    }
    let help = machine.greet(&["telemetry", "--help"]);
    assert!(String::from_utf8_lossy(&help.stdout).contains("Usage: greet telemetry <COMMAND>"), "{help:?}");
    assert_eq!(machine.greet(&["telemetry", "sideways"]).status.code(), Some(2));
}

#[test]
fn what_the_tool_can_record_is_shown_as_the_tool_itself_would() {
    let machine = Machine::new();
    for form in [&[][..], &["--json"], &["--markdown"]] {
        let arguments = [&["telemetry", "schema"], form].concat();
        let (handed, linked) = (machine.greet(&arguments), machine.run("whole/greet", &arguments));
        assert_eq!(said(&handed), said(&linked), "{arguments:?}");
        assert!(String::from_utf8_lossy(&handed.stdout).contains("Prints a greeting."), "{handed:?}");
    }
    let preview = machine.greet(&["telemetry", "preview"]);
    assert!(String::from_utf8_lossy(&preview.stdout).contains("\"name\":\"hello\""), "{preview:?}");
}

#[test]
fn status_is_the_same_but_for_who_sends() {
    let machine = Machine::new();
    let (mut handed, mut linked) =
        (machine.json("bin/greet", &["status"]), machine.json("whole/greet", &["status"]));
    let helper = machine.path("bin/greet-telemetry").display().to_string();
    assert_eq!(handed["sender"], helper);
    handed["sender"].take();
    linked["sender"].take();
    assert_eq!(handed, linked);
}

#[test]
fn a_yes_a_command_and_a_no_are_what_they_are_with_everything_linked() {
    let machine = Machine::new();
    let yes = machine.greet(&["telemetry", "enable"]);
    let expected = "Telemetry enabled. Pseudonymous usage events go to a file on this machine.\n";
    assert_eq!(said(&yes), (expected.to_owned(), String::new(), Some(0)));
    let hello = machine.greet(&["hello", "Ada"]);
    assert_eq!(said(&hello), ("Hello, Ada!\n".to_owned(), String::new(), Some(0)));
    assert_eq!(machine.greet(&["fail"]).status.code(), Some(3));
    // Where the helper was quicker than the second command, that waits for its next turn.
    machine.greet(&["telemetry", "flush"]);
    assert_eq!(machine.delivered(2), ["hello", "fail"]);
    let no = machine.greet(&["telemetry", "off"]);
    let expected = "Telemetry disabled. All pending events have been discarded (0 events).\n";
    assert_eq!(said(&no), (expected.to_owned(), String::new(), Some(0)));
    assert_eq!(machine.json("bin/greet", &["status"])["decision"], "denied");
}

#[test]
fn a_tool_without_a_parser_of_arguments_hands_its_subcommand_over_too() {
    let machine = Machine::new();
    for arguments in [&["telemetry"][..], &["telemetry", "enable", "--help"], &["telemetry", "sideways"]] {
        let (handed, linked) = (machine.run("small/greet", arguments), machine.run("whole/greet", arguments));
        assert_eq!(said(&handed), said(&linked), "{arguments:?}");
    }
    let hello = || said(&machine.run("small/greet", &[])).0;
    assert_eq!(hello(), "Hello, world!\n");
    assert!(machine.files().is_empty(), "nothing is kept before a yes");
    machine.run("small/greet", &["telemetry", "enable"]);
    assert_eq!(machine.json("small/greet", &["status"])["decision"], "granted");
    assert_eq!(hello(), "Hello, world!\n");
    machine.run("small/greet", &["telemetry", "flush"]);
    assert_eq!(machine.delivered(1), ["hello"]);
    machine.run("small/greet", &["telemetry", "disable"]);
    assert_eq!(machine.json("small/greet", &["status"])["decision"], "denied");
    std::fs::remove_file(machine.path("small/greet-telemetry")).unwrap();
    let (_, error, code) = said(&machine.run("small/greet", &["telemetry", "status"]));
    assert_eq!(code, Some(1));
    assert!(error.contains("`greet-telemetry`") && error.contains("ship it"), "{error}");
}

#[test]
fn the_subcommand_itself_is_never_recorded() {
    let machine = Machine::new();
    machine.greet(&["telemetry", "enable"]);
    for arguments in [&["status"][..], &["doctor"], &["log"], &["sideways"], &["flush"]] {
        machine.greet(&[&["telemetry"], arguments].concat());
    }
    machine.greet(&["hello", "Ada"]);
    machine.greet(&["telemetry", "flush"]);
    assert_eq!(machine.delivered(1), ["hello"]);
}

#[test]
fn local_events_are_written_by_the_helper() {
    let machine = Machine::new();
    machine.greet(&["telemetry", "enable", "--local"]);
    machine.greet(&["hello", "Ada"]);
    assert_eq!(machine.delivered(1), ["hello"]);
}

#[test]
fn without_its_helper_the_subcommand_names_the_file_to_ship_and_the_tool_does_its_work() {
    let machine = Machine::new();
    let helper = machine.path("bin/greet-telemetry");
    std::fs::remove_file(&helper).unwrap();
    for arguments in [&["status"][..], &["--help"], &[]] {
        let (out, error, code) = said(&machine.greet(&[&["telemetry"], arguments].concat()));
        assert_eq!((out.as_str(), code), ("", Some(1)), "{error}");
        assert!(error.starts_with("telemetry: ") && error.lines().count() == 1, "{error}");
        assert!(error.contains("`greet-telemetry`") && error.contains(&*helper.to_string_lossy()), "{error}");
        assert!(error.contains("ship it"), "{error}");
    }
    let hello = machine.greet(&["hello", "Ada"]);
    assert_eq!(said(&hello), ("Hello, Ada!\n".to_owned(), String::new(), Some(0)));
}

#[test]
fn a_helper_that_a_signal_ends_gives_the_code_that_a_shell_would() {
    let machine = Machine::new();
    let helper = machine.path("bin/greet-telemetry");
    std::fs::write(&helper, "#!/bin/sh\nkill -TERM $$\n").unwrap();
    assert_eq!(machine.greet(&["telemetry", "status"]).status.code(), Some(128 + 15));
    std::fs::write(&helper, "#!/bin/sh\nexit 77\n").unwrap();
    assert_eq!(machine.greet(&["telemetry", "preview"]).status.code(), Some(77));
}

#[test]
fn a_helper_does_nothing_for_a_tool_that_is_not_its_own() {
    let machine = Machine::new();
    let arguments =
        ["__telemetry_subcommand", "com.example.other", "other", "telemetry", "records", "", "enable"];
    let (out, error, code) = said(&machine.run("bin/greet-telemetry", &arguments));
    assert_eq!((out.as_str(), code), ("", Some(1)));
    assert!(error.contains("com.example.greet") && error.contains("com.example.other"), "{error}");
    assert!(machine.files().is_empty());
}

#[test]
fn a_helper_that_looks_in_another_directory_than_the_tool_stores_no_decision() {
    let machine = Machine::new();
    let elsewhere = machine.path("elsewhere");
    let directory = elsewhere.to_str().unwrap();
    let arguments =
        ["__telemetry_subcommand", "com.example.greet", "greet", "telemetry", "records", directory, "off"];
    let (out, error, code) = said(&machine.run("bin/greet-telemetry", &arguments));
    assert_eq!((out.as_str(), code), ("", Some(1)));
    assert!(error.contains(directory) && error.contains("data_directory"), "{error}");
    assert!(machine.files().is_empty());
}

#[test]
fn a_helper_that_is_run_by_hand_sends_and_says_nothing() {
    let machine = Machine::new();
    for arguments in [&[][..], &["status"], &["--help"]] {
        let ran = machine.run("bin/greet-telemetry", arguments);
        assert_eq!(said(&ran), (String::new(), String::new(), Some(0)), "{arguments:?}");
    }
}
