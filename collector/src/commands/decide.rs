//! Yes and no.

use serde::Serialize;

use super::CommandError;
use crate::consent::{self, May, SystemWait};
use crate::delivery::files;
use crate::event::Timestamp;
use crate::journal;
use crate::session;

/// What a yes did.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Enabled {
    /// Where events go from now on: what was agreed to.
    pub destination: String,
    /// Whether they stay on this machine.
    pub local: bool,
    /// What outranks the yes, so that it is without effect for now; as in `DO_NOT_TRACK is set`.
    pub overruled: Option<String>,
}

/// Stores the user's yes: to recording and sending, or, if `local`, to recording for the user's own eyes.
///
/// # Errors
/// Where it cannot be stored; telemetry then stays off.
pub fn enable(local: bool) -> Result<Enabled, CommandError> {
    let session = session::current()?;
    let destination = &session.selected.destination;
    let policy = session.config.consent.policy;
    consent::allow(&session.place, !local, policy, destination, Timestamp::now())
        .map_err(|error| CommandError::NotStored { path: session.place.directory().to_path_buf(), error })?;
    let verdict = session.verdict();
    let wanted = if local { May::Local } else { May::Send };
    Ok(Enabled {
        destination: destination.clone(),
        local,
        overruled: (verdict.may < wanted).then(|| verdict.reason()),
    })
}

/// What a no did.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Disabled {
    /// Events that were pending and are gone.
    pub discarded: u64,
    /// What is still on even so, as in `the author of this tool has switched it on without asking`.
    pub overruled: Option<String>,
    /// What could not be done, in words: as a rule that a request which began before the no may still be
    /// under way. No new one begins in any case.
    pub warnings: Vec<String>,
}

/// Stores the user's no, waits until no request is under way, ends a sender that does not let go, and
/// discards everything pending. Nothing is sent.
///
/// # Errors
/// Where the no cannot be stored, or pending events cannot be removed.
pub fn disable() -> Result<Disabled, CommandError> {
    let session = session::current()?;
    let place = &session.place;
    let wait = SystemWait::default();
    let mut denial = consent::deny(place, session.config.consent.policy, Timestamp::now(), &wait)?;
    crate::recorder::stop();
    let mut warnings: Vec<String> = denial.left_behind.iter().cloned().collect();
    if !denial.is_complete() {
        for holder in denial.holders() {
            if let Err(error) = holder.end() {
                warnings.push(format!("a request may still be under way: {error}"));
            }
        }
        denial = denial.wait(std::time::Duration::from_millis(500), &wait);
        if !denial.is_complete() && warnings.is_empty() {
            warnings.push("a request of another process may still be under way".into());
        }
    }
    if let Some(error) = denial.unknown() {
        warnings.push(format!("it is not known whether a request is under way: {error}"));
    }
    let discarded = journal::survey(&session.journal_directory()).events;
    journal::purge(&session.journal_directory()).map_err(CommandError::NotPurged)?;
    files::remove(place.directory()).map_err(CommandError::NotPurged)?;
    let verdict = session.verdict();
    let overruled = (verdict.may != May::Off).then(|| verdict.reason());
    Ok(Disabled { discarded, overruled, warnings })
}
