//! A tool that has its author's component embedded, under a name that no bundled one has.

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
    // An author writes `include_bytes!("../acme.wasm")`.
    let component = telemetry_backends::get("http").map(|it| it.wasm).unwrap_or_default();
    let tool = telemetry::Tool::from_toml("1.0.0", "").config_file(config).component("acme", component);
    let _telemetry = telemetry::start!(tool);
    match Cli::parse().command {
        Command::Work => work(),
        Command::Telemetry(args) => return args.run(),
    }
    ExitCode::SUCCESS
}
