//! The subcommand for clap, mountable in any derive or builder CLI, and its output.
//!
//! Exit codes: 0 done; 1 it could not be done, with the reason on standard error. `flush` exits with 1
//! where events are left.

use std::io::{self, Write};
use std::process::ExitCode;

use super::{CommandError, Status};

/// Manage opt-in pseudonymous usage telemetry.
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
#[derive(Debug, Clone, clap::Args)]
#[command(about = "Manage opt-in pseudonymous usage telemetry")]
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
    },
    /// Say no: nothing is recorded or sent, and everything pending is discarded
    #[command(visible_alias = "off")]
    Disable,
    /// Show what is decided and by whom, and what is pending
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Send what is pending now, and wait for it
    Flush,
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
        let mut text = Vec::new();
        let code = match self.write(&mut text) {
            Ok(code) => code,
            Err(error) => {
                // `status` is asked in order to learn of just such things.
                if matches!(self.action, Action::Status { .. }) {
                    let _ = writeln!(text, "Telemetry:      off: {error}");
                } else {
                    let _ = writeln!(io::stderr(), "telemetry: {error}");
                }
                ExitCode::FAILURE
            }
        };
        // A reader that has gone away (`| head`) is not an error of ours.
        let _ = io::stdout().write_all(&text);
        code
    }

    fn write(&self, to: &mut Vec<u8>) -> Result<ExitCode, CommandError> {
        let written = match &self.action {
            Action::Enable { local } => enabled(&super::enable(*local)?, to),
            Action::Disable => disabled(&super::disable()?, to),
            Action::Status { json: true } => {
                let status = super::status()?;
                serde_json::to_writer_pretty(&mut *to, &status)
                    .map_err(io::Error::other)
                    .and_then(|()| writeln!(to))
            }
            Action::Status { json: false } => shown(&super::status()?, to),
            Action::Schema { json, markdown } => {
                let schema = crate::schema::Schema::gather();
                match (json, markdown) {
                    (true, _) => writeln!(to, "{}", schema.json()),
                    (_, true) => write!(to, "{}", schema.markdown()),
                    _ => write!(to, "{schema}"),
                }
            }
            Action::Flush => {
                let flushed = super::flush()?;
                let code = if flushed.left.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
                let _ = writeln!(to, "{} delivered.", events(flushed.delivered));
                if let Some(left) = flushed.left {
                    let _ = writeln!(to, "Events are left: {left}");
                }
                return Ok(code);
            }
        };
        // Writing into memory does not fail.
        let _ = written;
        Ok(ExitCode::SUCCESS)
    }
}

fn enabled(enabled: &super::Enabled, to: &mut Vec<u8>) -> io::Result<()> {
    if enabled.local {
        writeln!(to, "Telemetry enabled, local only. Nothing leaves this machine.")?;
    } else {
        writeln!(to, "Telemetry enabled. Pseudonymous usage events go to {}.", enabled.destination)?;
    }
    if let Some(overruled) = &enabled.overruled {
        writeln!(to, "For now it is {overruled}.")?;
    }
    Ok(())
}

fn disabled(disabled: &super::Disabled, to: &mut Vec<u8>) -> io::Result<()> {
    writeln!(
        to,
        "Telemetry disabled. All pending events have been discarded ({}).",
        events(disabled.discarded)
    )?;
    if let Some(overruled) = &disabled.overruled {
        writeln!(to, "It is still {overruled}.")?;
    }
    disabled.warnings.iter().try_for_each(|warning| writeln!(to, "Note: {warning}"))
}

fn shown(status: &Status, to: &mut Vec<u8>) -> io::Result<()> {
    let mut line = |name: &str, value: &str| writeln!(to, "{name:<15} {value}");
    line("Telemetry:", &format!("{}: {}", status.telemetry, status.decided_by))?;
    line("Decision:", &status.decision)?;
    line("To change it:", &status.advice)?;
    line("Sends to:", &status.destination)?;
    if let Some(id) = &status.machine_id {
        line("Machine ID:", id)?;
    }
    if status.extended {
        line("Extended:", "arguments and error texts are recorded too, redacted")?;
    }
    line("Pending:", &format!("{}, {} bytes", events(status.pending_events), status.pending_bytes))?;
    line(
        "Delivered:",
        &format!("{}, last {}", events(status.delivered), status.last_delivery.as_deref().unwrap_or("never")),
    )?;
    for (name, value) in [
        ("Held:", &status.held),
        ("Last attempt:", &status.last_attempt),
        ("Next attempt:", &status.next_attempt),
    ] {
        if let Some(value) = value {
            line(name, value)?;
        }
    }
    for (cause, count) in &status.losses {
        line("Lost:", &format!("{}: {cause}", events(*count)))?;
    }
    line("Sender:", &format!("{}{}", status.sender, if status.sending { " (running)" } else { "" }))?;
    line("Kept in:", &status.directory)?;
    status.warnings.iter().try_for_each(|warning| line("Note:", warning))
}

fn events(count: u64) -> String {
    if count == 1 { "1 event".into() } else { format!("{count} events") }
}
