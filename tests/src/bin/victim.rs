//! A tool that is killed right after it has recorded one event.

use std::process::ExitCode;

#[telemetry::command]
fn work() {}

fn main() -> ExitCode {
    let Some(config) = std::env::var_os("GREET_CONFIG") else { return ExitCode::FAILURE };
    let _telemetry = telemetry::start!(telemetry::Tool::from_toml("1.0.0", "").config_file(config));
    work();
    let me = rustix::process::getpid();
    let _ = rustix::process::kill_process(me, rustix::process::Signal::KILL);
    ExitCode::FAILURE
}
