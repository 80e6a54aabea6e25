//! The mounted subcommand, for clap: it takes every argument as it is.

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::OnceLock;

use clap::error::Error;
use clap::{Arg, ArgMatches, Command, FromArgMatches};

const ARGUMENTS: &str = "telemetry_arguments";

/// What the subcommand is called; clap tells it here only.
static MOUNTED: OnceLock<String> = OnceLock::new();

/// Manage opt-in pseudonymous usage telemetry.
///
/// Without the feature `commands` the tool does not link what this does: it hands its arguments to the program
/// `<tool>-telemetry` beside it (see [`helper`](crate::helper())), waits for it, and ends with its exit code. What
/// the user sees and gets is the same, help included; where that program is missing, [`run`](Self::run) says which
/// file to ship. Where `start!` was not called, or telemetry was built out, it says that instead, whatever was asked.
///
/// ```
/// use clap::{Parser, Subcommand};
///
/// #[derive(Parser)]
/// struct Cli {
///     #[command(subcommand)]
///     command: Command,
/// }
///
/// #[derive(Subcommand)]
/// enum Command {
///     /// Manage opt-in pseudonymous usage telemetry
///     Telemetry(telemetry::commands::Args),
/// }
///
/// assert!(Cli::try_parse_from(["greet", "telemetry", "enable", "--local"]).is_ok());
/// ```
#[derive(Debug, Clone)]
pub struct Args {
    arguments: Vec<OsString>,
}

impl Args {
    /// Has it done, and gives the exit code.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        let mounted = MOUNTED.get().map_or("telemetry", String::as_str);
        super::hand_over(self.arguments.iter().cloned(), mounted)
    }
}

impl FromArgMatches for Args {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let arguments = matches.get_many::<OsString>(ARGUMENTS).into_iter().flatten().cloned().collect();
        Ok(Self { arguments })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl clap::Args for Args {
    fn augment_args(command: Command) -> Command {
        let _ = MOUNTED.set(command.get_name().to_owned());
        let arguments = Arg::new(ARGUMENTS)
            .value_name("ARGUMENTS")
            .help("What to do; `--help` lists it")
            .num_args(0..)
            .trailing_var_arg(true)
            .allow_hyphen_values(true)
            .value_parser(clap::value_parser!(OsString));
        // The flags are the helper's to answer.
        command
            .about("Manage opt-in pseudonymous usage telemetry")
            .disable_help_flag(true)
            .disable_version_flag(true)
            .arg(arguments)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Args as _;

    fn handed(arguments: &[&str]) -> Vec<OsString> {
        let tool = Command::new("greet").subcommand(Args::augment_args(Command::new("telemetry")));
        let matches = tool.try_get_matches_from([&["greet", "telemetry"], arguments].concat()).unwrap();
        Args::from_arg_matches(matches.subcommand().unwrap().1).unwrap().arguments
    }

    #[test]
    fn every_argument_is_handed_on_as_it_is() {
        for arguments in [
            &[][..],
            &["--help"],
            &["-h"],
            &["--version"],
            &["help", "status"],
            &["status", "--json", "-n", "3", "--help"],
            &["log", "-n", "3", "--", "--x"],
            &["", "sideways"],
        ] {
            assert_eq!(handed(arguments), arguments, "{arguments:?}");
        }
    }
}
