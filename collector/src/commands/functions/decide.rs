//! Yes and no.

use serde::Serialize;

use super::CommandError;
use crate::consent::{self, Denial, May, StoredHow, SystemWait};
use crate::delivery::files;
use crate::event::Timestamp;
use crate::{erasure, identity, journal};

/// What a yes did.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Enabled {
    /// Where events go from now on: what was agreed to.
    pub destination: String,
    /// Whether they stay on this machine.
    pub local: bool,
    /// Whether events are recorded from the next run on.
    pub enabled: bool,
    /// What telemetry is instead, where something outranks the yes for now; as in `off: DO_NOT_TRACK is set`.
    pub overruled: Option<String>,
    /// Whether the user's request to erase what was sent before still waits for its answer.
    pub erasing: bool,
}

/// Stores the user's yes: to recording and sending, or, if `local`, to recording for the user's own eyes.
///
/// # Errors
/// Where it cannot be stored; telemetry then stays off.
pub fn enable(local: bool) -> Result<Enabled, CommandError> {
    let session = super::begin()?;
    let destination = &session.selected.destination;
    let policy = session.config.consent.policy;
    consent::allow(&session.place, !local, policy, destination, Timestamp::now())
        .map_err(|error| CommandError::NotStored { path: session.place.directory().to_path_buf(), error })?;
    session.make_ready();
    let verdict = session.verdict();
    let wanted = if local { May::Local } else { May::Send };
    Ok(Enabled {
        destination: destination.clone(),
        local,
        enabled: verdict.may != May::Off,
        overruled: (verdict.may != wanted).then(|| verdict.reason()),
        erasing: erasure::waits(&session),
    })
}

/// What a no did.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Disabled {
    /// Events that were pending and are gone.
    pub discarded: u64,
    /// Whether the no is stored. Where it is not, no yes is stored either, and the question may be asked again.
    pub stored: bool,
    /// What is still on even so, as in `on: the author of this tool has switched it on without asking`.
    pub overruled: Option<String>,
    /// What could not be done, in words: that the no could not be stored, or that a request which began
    /// before the no may still be under way. Unless it is overruled, no new one begins in any case.
    pub warnings: Vec<String>,
}

/// Stores the user's no, waits until no request is under way, ends a sender that does not let go, and
/// discards everything pending, a second time where a sender was at work. Nothing is sent.
///
/// # Errors
/// Where the no cannot be stored, or pending events cannot be removed.
pub fn disable() -> Result<Disabled, CommandError> {
    let session = super::begin()?;
    let place = &session.place;
    let wait = SystemWait::default();
    let mut denial = consent::deny(place, session.config.consent.policy, Timestamp::now(), &wait)?;
    crate::recorder::stop();
    let mut warnings: Vec<String> = not_stored(&denial).into_iter().collect();
    warnings.extend(denial.left_behind.iter().cloned());
    if !denial.is_complete() {
        let before = warnings.len();
        for holder in denial.holders() {
            if let Err(error) = holder.end() {
                warnings.push(format!("a request may still be under way: {error}"));
            }
        }
        denial = denial.wait(std::time::Duration::from_millis(500), &wait);
        if !denial.is_complete() && warnings.len() == before {
            warnings.push("a request of another process may still be under way".into());
        }
    }
    if let Some(error) = denial.unknown() {
        warnings.push(format!("it is not known whether a request is under way: {error}"));
    }
    let discarded = journal::survey(&session.journal_directory()).events;
    journal::purge(&session.journal_directory()).map_err(CommandError::NotPurged)?;
    if denial.is_complete() {
        // A sender finds the no and ends; what it wrote until then goes, too. One whose request is still under way
        // takes back by itself what it writes after it.
        erasure::nothing_is_being_sent(&session);
        journal::purge(&session.journal_directory()).map_err(CommandError::NotPurged)?;
    }
    // A recorder that was making a salt may have finished. What could not be removed before is told already.
    let _ = identity::forget(place.directory());
    files::remove(place.directory()).map_err(CommandError::NotPurged)?;
    let verdict = session.verdict();
    let overruled = (verdict.may != May::Off).then(|| verdict.reason());
    Ok(Disabled { discarded, stored: denial.not_stored.is_none(), overruled, warnings })
}

/// That the no itself is not on disk, and what that means.
fn not_stored(denial: &Denial) -> Option<String> {
    let error = denial.not_stored.as_ref()?;
    let what = match denial.stored {
        StoredHow::GrantRemoved => "your yes is removed in its place",
        _ => "no yes is stored either",
    };
    Some(format!(
        "your no could not be stored ({error}); {what}, so telemetry stays off unless it is switched on again. \
         The question may be put again: to be spared it, run this again when {} can be written",
        denial.directory().display()
    ))
}
