//! A tool without the compiler, whose author's own component its build script compiled.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Does nothing, and is recorded
    Work,
    /// Manage opt-in pseudonymous usage telemetry
    Telemetry(telemetry::commands::Args),
}

#[telemetry::command]
fn work() {}

fn main() -> ExitCode {
    let config = std::env::var_os("GREET_CONFIG").unwrap_or_default();
    let acme = include_bytes!(concat!(env!("OUT_DIR"), "/acme.wasm.precompiled"));
    let tool = telemetry::Tool::from_toml("1.0.0", "").config_file(config).precompiled("acme", acme);
    let _telemetry = telemetry::start!(tool);
    match Cli::parse().command {
        Command::Work => work(),
        Command::Telemetry(args) => return args.run(),
    }
    ExitCode::SUCCESS
}
