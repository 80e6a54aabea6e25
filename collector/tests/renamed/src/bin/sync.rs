//! A whole tool whose `main` is a command.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use telemetry_renamed::{Format, export};

/// The tool.
#[usage::main(crate = usage)]
#[usage::command(crate = usage, name = "whole")]
fn main() -> ExitCode {
    let _ = export(Format::PlainText, "name");
    ExitCode::from(3)
}
