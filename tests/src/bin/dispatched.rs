//! A tool whose author measures everything, the dispatcher around the subcommand included, and some of it
//! by hand.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use telemetry::commands::{Action, Args};

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Does nothing, and is recorded
    Work,
    /// Shows what is decided, as a tool with a parser of its own does
    Decision,
    /// Runs the subcommand on another thread
    Aside,
    /// Manage opt-in pseudonymous usage telemetry
    Telemetry(Args),
}

#[telemetry::command]
fn work() {}

#[telemetry::command]
fn dispatch(command: Command) -> ExitCode {
    match command {
        Command::Work => work(),
        Command::Decision => match telemetry::commands::status() {
            Ok(status) => println!("{}", status.telemetry),
            Err(error) => eprintln!("{error}"),
        },
        Command::Aside => {
            let args = Args { action: Action::Status { json: false } };
            return std::thread::spawn(move || args.run()).join().unwrap_or(ExitCode::FAILURE);
        }
        Command::Telemetry(args) => return args.run(),
    }
    ExitCode::SUCCESS
}

fn main() -> ExitCode {
    let Some(config) = std::env::var_os("GREET_CONFIG") else { return ExitCode::FAILURE };
    let telemetry = telemetry::start!(telemetry::Tool::from_toml("1.0.0", "").config_file(config));
    let mut whole = telemetry::begin("whole");
    let command = Cli::parse().command;
    // Who calls the plain functions knows what not to measure.
    let by_hand = !matches!(command, Command::Decision);
    let code = dispatch(command);
    whole.metadata("seen", &true);
    whole.finish(&code);
    if by_hand {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        telemetry.track_command_extended("by-hand", &arguments, Duration::ZERO, 0, None, &[]);
    }
    code
}
