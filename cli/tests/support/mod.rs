//! The kit as an author runs it.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::path::Path;
use std::process::Command;

/// What a run left.
pub struct Ran {
    pub stdout: String,
    pub stderr: String,
    pub code: Option<i32>,
    pub ok: bool,
}

/// The program.
pub fn kit() -> &'static str {
    env!("CARGO_BIN_EXE_telemetry-kit")
}

/// Runs the kit in a directory.
pub fn run(directory: &Path, arguments: &[&str]) -> Ran {
    ran(Command::new(kit()).args(arguments).current_dir(directory))
}

/// Runs a command to its end.
pub fn ran(command: &mut Command) -> Ran {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    Ran {
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        code: output.status.code(),
        ok: output.status.success(),
    }
}

/// Writes the bundled components into a directory.
pub fn export(directory: &Path) {
    let done = run(directory, &["export", "."]);
    assert!(done.ok && directory.join("http.wasm").is_file(), "{}", done.stderr);
}
