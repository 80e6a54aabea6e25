//! How commands end where no destructor runs, seen from outside: real processes, and what they left.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

#[path = "probe/home.rs"]
mod home;

use home::{Home, eventually, program};

/// The same program, built so that a panic aborts: as a package of its own, because that is a choice for
/// a whole build, with only what it needs.
fn aborting_program() -> PathBuf {
    let library = Path::new(env!("CARGO_MANIFEST_DIR"));
    let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join("panic-abort");
    std::fs::create_dir_all(package.join("src")).unwrap();
    let manifest = format!(
        "[package]\nname = \"probe\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n\
         cli-telemetry = {{ path = {library:?}, default-features = false, features = [\"commands\", \
         \"config-file\", \"sender\"] }}\nlibc = \"0.2\"\nserde_json = \"1\"\n\
         rustix = {{ version = \"1.1\", features = [\"process\"] }}\n\n\
         [profile.dev]\npanic = \"abort\"\ndebug = false\n\n[workspace]\n"
    );
    std::fs::write(package.join("Cargo.toml"), manifest).unwrap();
    std::fs::copy(library.join("../Cargo.lock"), package.join("Cargo.lock")).unwrap();
    std::fs::copy(library.join("tests/probe/tool.rs"), package.join("src/main.rs")).unwrap();
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--manifest-path"])
        .arg(package.join("Cargo.toml"))
        .env("CARGO_TARGET_DIR", package.join("target"))
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .status()
        .unwrap();
    assert!(built.success());
    package.join("target/debug/probe")
}

/// Every event that was delivered, as `name ended code`, in the order of their names; after a run that
/// records nothing itself and delivers what is there.
fn ends(home: &Home) -> Vec<String> {
    assert!(home.run(&program(), "nothing").success());
    let text = std::fs::read_to_string(home.path("events.ndjson")).unwrap_or_default();
    let mut ends: Vec<_> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|event| {
            let word = |key: &str| event[key].as_str().unwrap_or("-").to_owned();
            format!("{} {} {}", word("name"), word("ended"), event["exit_code"])
        })
        .collect();
    ends.sort();
    ends
}

/// What a run in this way leaves, and its exit code.
fn left(program: &Path, way: &str) -> (Option<i32>, Vec<String>) {
    let home = Home::new();
    let code = home.run(program, way).code();
    (code, ends(&home))
}

#[test]
fn a_command_that_calls_exit_has_exited_with_that_code_and_is_no_crash() {
    for (way, code) in [("exit", 3), ("our-exit", 4), ("exit-of-another-thread", 5)] {
        let expected = vec![format!("inner exited {code}"), format!("outer exited {code}")];
        assert_eq!(left(&program(), way), (Some(code), expected), "{way}");
    }
    assert_eq!(left(&program(), "future"), (Some(6), vec!["waiting exited 6".into()]));
}

#[test]
fn an_exit_delivers_as_the_end_of_main_does() {
    let home = Home::new();
    home.run(&program(), "exit");
    assert!(home.path("events.ndjson").exists(), "delivered by the run that exited");
}

#[test]
fn an_ordinary_end_is_reported_once() {
    let expected = vec!["inner finished 0".to_owned(), "outer finished 0".to_owned()];
    assert_eq!(left(&program(), "returns"), (Some(0), expected.clone()));
    assert_eq!(left(&program(), "fork"), (Some(0), expected), "a forked child's exit ends nothing");
}

#[test]
fn a_command_whose_program_is_replaced_says_so_if_that_was_announced() {
    let replaced = vec!["inner replaced null".to_owned(), "outer replaced null".to_owned()];
    assert_eq!(left(&program(), "announced-exec"), (Some(0), replaced));
    let interrupted = vec!["inner interrupted null".to_owned(), "outer interrupted null".to_owned()];
    assert_eq!(left(&program(), "exec"), (Some(0), interrupted));
}

#[test]
fn a_killed_command_was_interrupted_and_that_is_reported_once() {
    let home = Home::new();
    assert_eq!(home.run(&program(), "kill").code(), None);
    let expected = vec!["inner interrupted null".to_owned(), "outer interrupted null".to_owned()];
    assert_eq!(ends(&home), expected);
    assert_eq!(ends(&home), expected);
}

#[test]
fn a_panic_is_recorded_whether_it_unwinds_or_aborts() {
    let expected = vec!["inner panicked 101".to_owned(), "outer panicked 101".to_owned()];
    assert_eq!(left(&program(), "panic"), (Some(101), expected.clone()));
    assert_eq!(left(&aborting_program(), "panic"), (None, expected));
}

#[test]
fn a_long_running_tool_sends_while_it_runs_and_has_no_children() {
    for mode in ["detached", "overlapped"] {
        let home = Home::new();
        let sent = home.path("sent");
        let count = || {
            std::fs::read_to_string(&sent)
                .unwrap_or_default()
                .lines()
                .filter(|line| line.starts_with("served "))
                .count()
        };
        let mut tool = home
            .command(&program(), "serve")
            .env("PROBE_VENDOR", &sent)
            .env("PROBE_DELIVERY", format!("mode = \"{mode}\"\ninterval = \"0s\""))
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = tool.stdin.take().unwrap();
        for round in 1..=3 {
            input.write_all(b"x").unwrap();
            eventually("an event is sent while the tool runs", || count() == round);
            let children = format!("/proc/{0}/task/{0}/children", tool.id());
            eventually("the tool has no child, and so no zombie", || {
                std::fs::read_to_string(&children).is_ok_and(|children| children.trim().is_empty())
            });
        }
        drop(input);
        assert!(tool.wait().unwrap().success());
        assert_eq!(count(), 3, "{mode}");
    }
}
