//! What a test needs that not every machine has. Without it the test is skipped, with its name; where
//! `OFFICIAL=required` says that this machine has everything, it fails.
#![allow(dead_code, reason = "each test takes what it needs")]

use std::process::{Command, Stdio};

/// Says that a test is skipped, and why.
pub fn skip(test: &str, why: &str) {
    let required = std::env::var_os("OFFICIAL").is_some_and(|it| it == "required");
    assert!(!required, "{test} is skipped, and nothing may be here: {why}");
    eprintln!("skipped, {why}: {test}");
}

/// Whether `strace` can be used.
pub fn strace(test: &str) -> bool {
    let mut command = Command::new("strace");
    let status = command.args(["-f", "-qq", "-o", "/dev/null", "true"]).stderr(Stdio::null()).status();
    let works = status.is_ok_and(|status| status.success());
    if !works {
        skip(test, "there is no strace, or it may not trace");
    }
    works
}

/// Whether a program answers to this argument.
pub fn program(name: &str, argument: &str, test: &str) -> bool {
    let mut command = Command::new(name);
    let status = command.arg(argument).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let works = status.is_ok_and(|status| status.success());
    if !works {
        skip(test, &format!("there is no {name}"));
    }
    works
}
