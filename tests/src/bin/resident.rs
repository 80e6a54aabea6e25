//! A tool that runs until its input ends, and records an event for each line of it.

use std::io::Write;
use std::process::ExitCode;

#[telemetry::command]
fn work() {}

fn main() -> ExitCode {
    let Some(config) = std::env::var_os("GREET_CONFIG") else { return ExitCode::FAILURE };
    let _telemetry = telemetry::start!(telemetry::Tool::from_toml("1.0.0", "").config_file(config));
    let mut answers = std::io::stdout();
    let mut say = |word: &str| drop(writeln!(answers, "{word}").and_then(|()| answers.flush()));
    say("ready");
    for _ in std::io::stdin().lines().map_while(Result::ok) {
        work();
        say("worked");
    }
    ExitCode::SUCCESS
}
