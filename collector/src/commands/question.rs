//! Asking the user, where the author calls for it: once at the start, or in the tool's `init`.

use super::CommandError;
use crate::consent::{Asked, Asker, Occasion, Question, Unasked};
use crate::delivery::files;
use crate::event::Timestamp;
use crate::journal;
use crate::session::{self, Session};

/// Puts the question once, at the start of a run that a person sees; a question that was skipped before is not
/// put again. `protocol` says that the tool speaks a protocol on stdio now (a language server, `--porcelain`).
/// It never asks in CI, in a test, in the background, or where stdin or stderr is no terminal. The answer is
/// for the next run.
///
/// ```no_run
/// # #[cfg(feature = "prompt")] {
/// let _telemetry = telemetry::start!(telemetry::Tool::from_toml("1.0.0", "[tool]\nid = \"com.example.greet\""));
/// let _ = telemetry::commands::ask_once(false, &mut telemetry::consent::Terminal);
/// # }
/// ```
///
/// # Errors
/// Where an answer cannot be stored; it is then as if nothing had been said.
pub fn ask_once(protocol: bool, asker: &mut dyn Asker) -> Result<Asked, CommandError> {
    ask(Occasion::here(protocol, false), asker)
}

/// Puts the question in the tool's `init` (or `setup`, or `login`): also where it was skipped before, and not
/// where `skip` says so. [`InitArgs`](super::InitArgs) gives clap tools the switch for it.
///
/// # Errors
/// As [`ask_once`].
pub fn ask_at_init(skip: bool, asker: &mut dyn Asker) -> Result<Asked, CommandError> {
    if skip {
        return Ok(Asked::Not(Unasked::SkippedNow));
    }
    ask(Occasion::here(false, true), asker)
}

/// Whether `--skip-telemetry` is taken as given where nobody gave it: in CI.
#[must_use]
pub fn skips_by_default() -> bool {
    crate::platform::ci::current().is_some()
}

fn ask(occasion: Occasion, asker: &mut dyn Asker) -> Result<Asked, CommandError> {
    let session = session::current()?;
    let asked = put(&session, occasion, asker)
        .map_err(|error| CommandError::NotStored { path: session.place.directory().to_path_buf(), error })?;
    if let Asked::Yes = &asked {
        session.make_ready();
    }
    if let Asked::No(_) = &asked {
        // Of an older yes, to another policy or destination.
        journal::purge(&session.journal_directory()).map_err(CommandError::NotPurged)?;
        files::remove(session.place.directory()).map_err(CommandError::NotPurged)?;
    }
    Ok(asked)
}

fn put(session: &Session, occasion: Occasion, asker: &mut dyn Asker) -> std::io::Result<Asked> {
    let consent = &session.config.consent;
    let selected = &session.selected;
    let host = selected.destination.split_once(" at ").map_or(&*selected.destination, |(_, hosts)| hosts);
    let command = super::command(session);
    let question = Question {
        tool: session.config.name(),
        vendor: consent.vendor.as_deref().unwrap_or(&selected.name),
        host,
        command: &command,
        text: consent.question.as_deref(),
    };
    session.question.ask(&session.place, &question, occasion, asker, Timestamp::now())
}
