//! `telemetry-kit`: what the author of a tool, or of a backend, has at hand.

mod decode;
mod demo;
mod receiver;
mod show;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// For authors of tools and backends that use cli-telemetry.
#[derive(Parser)]
#[command(name = "telemetry-kit", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Watch one event of an annotated command travel to each bundled backend's request
    Demo,
}

fn main() -> ExitCode {
    // The demo runs this program again as the tool whose telemetry it shows.
    if let Some(config) = std::env::var_os(demo::tool::CONFIG) {
        return demo::tool::main(config.into());
    }
    match Cli::parse().command {
        Command::Demo => demo::run(),
    }
}
