//! The smallest tool: it says hello, records that it did, and leaves what is sent and the user's subcommand to the
//! program beside it. An author builds it with `default-features = false`; no parser of arguments is needed.

use std::process::ExitCode;

/// Says hello.
#[telemetry::command]
fn hello() {
    println!("Hello, world!");
}

fn main() -> ExitCode {
    let _telemetry = telemetry::start!(telemetry::tool!("examples/greet.toml"));
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|word| word == "telemetry") {
        return telemetry::commands::hand_over(arguments, "telemetry");
    }
    hello();
    ExitCode::SUCCESS
}
