//! `telemetry-kit`: what the author of a tool, or of a backend, has at hand.
//!
//! Each subcommand answers with the exit code 0, with 1 where what it looked at is not as it should
//! be, and with 2 where it was called wrongly. Results go to stdout, the rest to stderr.

mod batches;
mod check;
mod commands;
mod component;
mod configuration;
mod decode;
mod demo;
mod events;
mod project;
mod receiver;
mod recognise;
mod show;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

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
    /// Say what a component is, what it imports and what it asks for
    Inspect(commands::inspect::Args),
    /// Run a backend in the real host against a loopback vendor, and say which promises it breaks
    Check(check::Args),
    /// Make a project for a new backend, which builds and passes `check` as it stands
    New(commands::new::Args),
    /// Build a backend, run it against a receiver, show what happens, and again on each change
    Dev(commands::dev::Args),
    /// Send events from a file through a component, to where telemetry.toml grants
    Send(commands::send::Args),
    /// Listen on the loopback interface, decode what arrives and print it
    Receive(commands::receive::Args),
    /// Write the bundled components as files
    Export(commands::export::Args),
    /// Compile a component ahead of time, for a tool without a compiler
    Precompile(commands::precompile::Args),
    /// Print a script that completes this program's arguments in a shell
    Completions {
        /// Whose script
        shell: clap_complete::Shell,
    },
}

fn main() -> ExitCode {
    // The demo runs this program again as the tool whose telemetry it shows.
    if let Some(config) = std::env::var_os(demo::tool::CONFIG) {
        return demo::tool::main(config.into());
    }
    let ran = match Cli::parse().command {
        Command::Demo => Ok(demo::run()),
        Command::Inspect(args) => commands::inspect::run(&args),
        Command::Check(args) => check::run(&args),
        Command::New(args) => commands::new::run(&args),
        Command::Dev(args) => commands::dev::run(&args),
        Command::Send(args) => commands::send::run(&args),
        Command::Receive(args) => commands::receive::run(&args),
        Command::Export(args) => commands::export::run(&args),
        Command::Precompile(args) => commands::precompile::run(&args),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "telemetry-kit", &mut script);
            show::raw(&script)
        }
    };
    ran.unwrap_or_else(|reason| {
        show::bad(&reason);
        ExitCode::FAILURE
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }
}
