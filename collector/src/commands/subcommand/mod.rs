//! The subcommand for clap, mountable in any derive or builder CLI.
//!
//! What a command found goes to standard output, as text or, with `--json`, as one JSON document. Text
//! has colour on a terminal only, and none where `NO_COLOR` is set.

mod style;
mod text;

use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;

use style::Style;

use super::CommandError;

/// Manage opt-in pseudonymous usage telemetry.
///
/// | exit code | when |
/// | --- | --- |
/// | 0 | it is done; for `doctor`: no check failed |
/// | 1 | it could not be done, with the reason on standard error; `flush`: events are left; `doctor`: a check failed |
/// | 2 | the arguments are wrong (clap's own) |
///
/// What a command found goes to standard output: as text, with colour only on a terminal and not where
/// `NO_COLOR` is set, or with `--json` as one JSON document whose names are those of the plain functions' types.
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
/// assert!(Cli::try_parse_from(["greet", "telemetry", "off", "--json"]).is_ok());
/// ```
///
/// In a CLI that clap's builder makes it is a subcommand like any other:
///
/// ```
/// use clap::{Args as _, Command, FromArgMatches as _};
/// use telemetry::commands::{Action, Args};
///
/// let cli = || Command::new("greet").subcommand(Args::augment_args(Command::new("telemetry")));
///
/// let matches = cli().try_get_matches_from(["greet", "telemetry", "enable", "--local"])?;
/// if let Some(("telemetry", matches)) = matches.subcommand() {
///     let args = Args::from_arg_matches(matches)?;
///     assert!(matches!(args.action, Action::Enable { local: true, .. }));
///     // std::process::exit is not needed: return `args.run()` from `main`.
/// }
/// assert!(cli().try_get_matches_from(["greet", "telemetry", "sideways"]).is_err());
/// # Ok::<(), clap::Error>(())
/// ```
#[derive(Debug, Clone, clap::Args)]
#[command(
    about = "Manage opt-in pseudonymous usage telemetry",
    long_about = None,
    after_help = "Exit codes: 0 done; 1 not done, events left (flush) or a check failed (doctor); 2 wrong arguments."
)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub action: Action,
}

/// What the user wants.
#[derive(Debug, Clone, clap::Subcommand)]
#[non_exhaustive]
pub enum Action {
    /// Say yes: record usage and send it
    #[command(visible_alias = "on")]
    Enable {
        /// Record for your own eyes and send nothing
        #[arg(long)]
        local: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Say no: nothing is recorded or sent, and everything pending is discarded
    #[command(visible_alias = "off")]
    Disable {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what is decided and by whom, and what is pending
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove everything kept here, say no, and ask for what was sent to be erased
    Reset {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show the request that would be sent now; nothing is sent
    Preview {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show the last events as recorded, and what was sent
    Log {
        /// At most so many of each
        #[arg(long, short = 'n', default_value_t = 20)]
        number: u16,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Send what is pending now, and wait for it
    Flush {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Check everything that must be right for an event to arrive; no event is sent
    Doctor {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show everything that this tool can record, and why
    Schema {
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// Print Markdown, as for the tool's `TELEMETRY.md`
        #[arg(long, conflicts_with = "json")]
        markdown: bool,
    },
}

impl Args {
    /// Does it, prints the result, and gives the exit code.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        ExitCode::from(self.done())
    }

    /// The same, with the code as a number.
    pub(crate) fn done(&self) -> u8 {
        crate::recorder::leave_commands_out();
        let mut output = Vec::new();
        let done = match self.write(&mut output, Style::of_stdout()) {
            Ok(done) => done,
            Err(error) => {
                match &self.action {
                    // `status` is asked in order to learn of just such things.
                    Action::Status { json } => text::no_status(&error.to_string(), *json, &mut output),
                    _ => {
                        let _ = writeln!(io::stderr(), "telemetry: {error}");
                    }
                }
                false
            }
        };
        match io::stdout().write_all(&output).and_then(|()| io::stdout().flush()) {
            Ok(()) => u8::from(!done),
            // A reader that has gone away (`| head`) is not an error of ours.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => u8::from(!done),
            Err(error) => {
                let _ = writeln!(io::stderr(), "telemetry: what there is to say cannot be written: {error}");
                1
            }
        }
    }

    /// Whether it is done, and nothing is left to do.
    fn write(&self, to: &mut Vec<u8>, style: Style) -> Result<bool, CommandError> {
        // Writing into memory does not fail.
        let mut failed = false;
        let _ = match &self.action {
            Action::Enable { local, json } => {
                let enabled = super::enable(*local)?;
                either(*json, &enabled, to, |to| text::enabled(&enabled, to))
            }
            Action::Disable { json } => {
                let disabled = super::disable()?;
                either(*json, &disabled, to, |to| text::disabled(&disabled, to))
            }
            Action::Status { json } => {
                let status = super::status()?;
                either(*json, &status, to, |to| text::status(&status, style, to))
            }
            Action::Reset { json } => {
                let reset = super::reset()?;
                either(*json, &reset, to, |to| text::reset(&reset, to))
            }
            Action::Preview { json } => {
                let preview = super::preview()?;
                either(*json, &preview, to, |to| text::preview(&preview, style, to))
            }
            Action::Log { number, json } => {
                let log = super::log(usize::from(*number))?;
                either(*json, &log, to, |to| text::log(&log, style, to))
            }
            Action::Flush { json } => {
                let flushed = super::flush()?;
                failed = flushed.left.is_some();
                either(*json, &flushed, to, |to| text::flushed(&flushed, to))
            }
            Action::Doctor { json } => {
                let diagnosis = super::doctor()?;
                failed = !diagnosis.is_healthy();
                either(*json, &diagnosis, to, |to| text::diagnosis(&diagnosis, style, to))
            }
            Action::Schema { json, markdown } => {
                let schema = crate::schema::Schema::gather();
                let schema = match crate::session::current() {
                    Ok(session) => schema.with(&session.tool),
                    Err(_) => schema,
                };
                match (json, markdown) {
                    (true, _) => write!(to, "{}", schema.json()),
                    (_, true) => write!(to, "{}", schema.markdown()),
                    _ => write!(to, "{schema}"),
                }
            }
        };
        Ok(!failed)
    }
}

/// As JSON, or as text.
fn either(
    json: bool,
    it: &impl Serialize,
    to: &mut Vec<u8>,
    text: impl FnOnce(&mut Vec<u8>) -> io::Result<()>,
) -> io::Result<()> {
    if !json {
        return text(to);
    }
    serde_json::to_writer_pretty(&mut *to, it).map_err(io::Error::other).and_then(|()| writeln!(to))
}
