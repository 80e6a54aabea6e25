//! A home for the tool that process-level tests run.
#![allow(dead_code, reason = "each test takes what it needs")]

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The tool, as this build made it.
pub fn program() -> PathBuf {
    let me = std::env::current_exe().unwrap();
    let program = me.ancestors().nth(2).unwrap().join("examples/probe");
    assert!(
        program.exists(),
        "{} is missing: run `cargo build --workspace --all-targets`",
        program.display()
    );
    program
}

pub struct Home(pub tempfile::TempDir);

impl Home {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A run in this way; its state is in the home.
    pub fn command(&self, program: &Path, way: &str) -> Command {
        let mut command = Command::new(program);
        command.arg(way).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("PROBE", self.0.path()).stdin(Stdio::null()).stderr(Stdio::null());
        command
    }

    pub fn run(&self, program: &Path, way: &str) -> ExitStatus {
        self.command(program, way).status().unwrap()
    }
}

/// Waits for something that must happen; only a failing test waits long.
pub fn eventually(what: &str, mut is_true: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_true() {
        assert!(Instant::now() < deadline, "did not happen: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
