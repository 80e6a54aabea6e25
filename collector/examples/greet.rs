//! A whole tool: a few annotated commands, the mounted `telemetry` subcommand, and `greet.toml`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Greets people.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print a greeting
    Hello { name: String },
    /// Fail with exit code 3
    Fail,
    /// Set greet up
    Init(telemetry::commands::InitArgs),
    /// Manage opt-in pseudonymous usage telemetry
    Telemetry(telemetry::commands::Args),
}

/// Prints a greeting.
#[telemetry::command]
fn hello(name: &str) {
    println!("Hello, {name}!");
}

/// Fails with exit code 3.
#[telemetry::command]
fn fail() -> ExitCode {
    eprintln!("greet: this command always fails");
    ExitCode::from(3)
}

/// Where a tool sets itself up is a good place to ask.
fn set_up(init: &telemetry::commands::InitArgs) -> ExitCode {
    #[cfg(feature = "prompt")]
    if let Err(error) = init.ask(&mut telemetry::consent::Terminal) {
        eprintln!("greet: {error}");
    }
    let _ = init;
    println!("greet is ready.");
    ExitCode::SUCCESS
}

fn main() -> ExitCode {
    #[cfg_attr(
        not(feature = "config-file"),
        allow(unused_mut, reason = "only a file that is read replaces it")
    )]
    let mut tool = telemetry::tool!("examples/greet.toml");
    // This example's own choice, for its tests: a shipped tool takes no configuration from its
    // user's environment.
    #[cfg(feature = "config-file")]
    if let Some(path) = std::env::var_os("GREET_CONFIG") {
        tool = tool.config_file(path);
    }
    let _telemetry = telemetry::start!(tool);

    match Cli::parse().command {
        Command::Hello { name } => hello(&name),
        Command::Fail => return fail(),
        Command::Init(init) => return set_up(&init),
        Command::Telemetry(args) => return args.run(),
    }
    ExitCode::SUCCESS
}
