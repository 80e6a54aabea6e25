//! Everything gone: here at once, and at the vendor on request.

use serde::Serialize;

use super::{CommandError, disable};
use crate::backend;
use crate::consent::DecidedBy;
use crate::delivery::{files, ledger};
use crate::erasure::{self, Progress};
use crate::identity;
use crate::journal;
use crate::platform::private;
use crate::session::Session;
use crate::tool::IdentityKind;

/// What a reset did.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Reset {
    /// Events that were pending and are gone.
    pub discarded: u64,
    /// Whether telemetry is off now.
    pub disabled: bool,
    /// What is still on even so, as in `on: the author of this tool has switched it on without asking`.
    pub overruled: Option<String>,
    /// Whether the next machine id, if there ever is one, will be another one.
    pub new_id: bool,
    /// What came of the request to erase what was sent.
    pub erasure: Progress,
    /// What could not be done, in words.
    pub warnings: Vec<String>,
}

/// Removes everything that is kept on this machine, the local log included, says no, forgets the machine id, and
/// asks for everything that was ever sent to be erased. Where the author has switched telemetry on without
/// asking, it stays on, under a new id.
///
/// The request waits for the answer; where there is none, later runs carry it on.
///
/// # Errors
/// Where the no cannot be stored, or something cannot be removed.
pub fn reset() -> Result<Reset, CommandError> {
    let session = super::begin()?;
    let directory = session.place.directory();
    let not_cleared = |error| CommandError::NotCleared { directory: directory.to_path_buf(), error };
    let forced = session.verdict().decided_by == DecidedBy::Forced;
    let (discarded, overruled, warnings) = if forced {
        let discarded = clear(&session).map_err(not_cleared)?;
        (discarded, Some(session.verdict().reason()), Vec::new())
    } else {
        let disabled = disable()?;
        (disabled.discarded, disabled.overruled, disabled.warnings)
    };
    let log = session.local_log();
    for path in [&backend::rotated(&log), &log, &session.place.asked(), &ledger::path(directory)] {
        private::remove(path).map_err(not_cleared)?;
    }
    #[cfg(feature = "compiler")]
    forget_compiled(&session).map_err(not_cleared)?;
    let erasure = erasure::begin(&session).map_err(CommandError::NoErasure)?;
    Ok(Reset {
        discarded,
        disabled: overruled.is_none(),
        overruled,
        new_id: !matches!(session.config.identity.kind, IdentityKind::Unkeyed | IdentityKind::None),
        erasure,
        warnings,
    })
}

/// Compiled code says nothing of the user, but that telemetry was at work. The directory may have a use of the tool's own.
#[cfg(feature = "compiler")]
fn forget_compiled(session: &Session) -> std::io::Result<()> {
    let Some(cache) = crate::platform::directory::cache_directory(&session.config.tool.id) else {
        return Ok(());
    };
    telemetry_host::clear_cache(&cache)?;
    // Only if nothing else is in it.
    let _ = std::fs::remove_dir(cache);
    Ok(())
}

/// What `disable` removes, without a no: the author's word stands above the user's here.
fn clear(session: &Session) -> std::io::Result<u64> {
    crate::recorder::stop();
    let directory = session.place.directory();
    let journal = session.journal_directory();
    let discarded = journal::survey(&journal).events;
    identity::forget(directory)?;
    journal::purge(&journal)?;
    // What is being sent under the old id is let finish, so that the request comes after it.
    erasure::nothing_is_being_sent(session);
    journal::purge(&journal)?;
    files::remove(directory)?;
    Ok(discarded)
}
