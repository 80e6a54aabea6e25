//! The commands of the example tool, without the library: how much of it is clap.

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
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Hello { name } => println!("Hello, {name}!"),
        Command::Fail => {
            eprintln!("greet: this command always fails");
            return ExitCode::from(3);
        }
    }
    ExitCode::SUCCESS
}
