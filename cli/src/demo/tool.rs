//! The tool whose telemetry the demo shows: this program, run again with a configuration.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The environment variable that makes this program the demo's tool.
pub(crate) const CONFIG: &str = "TELEMETRY_KIT_DEMO_CONFIG";

#[derive(Parser)]
#[command(name = "greet", about = "Greets people")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print a greeting
    Hello { name: String },
    /// Manage opt-in pseudonymous usage telemetry
    Telemetry(telemetry::commands::Args),
}

#[telemetry::command(metadata(language = "en"))]
fn hello(name: &str) {
    println!("Hello, {name}!");
}

/// The whole tool.
pub(crate) fn main(config: PathBuf) -> ExitCode {
    let _telemetry = telemetry::start!(telemetry::Tool::from_toml("1.0.0", "").config_file(config));
    match Cli::parse().command {
        Command::Hello { name } => hello(&name),
        Command::Telemetry(args) => return args.run(),
    }
    ExitCode::SUCCESS
}
