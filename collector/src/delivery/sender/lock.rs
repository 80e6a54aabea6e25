//! The one sender of a journal: its lock, and the end of one that is stuck.

use std::time::Duration;

use crate::diagnostics::Severity;
use crate::event::Timestamp;
use crate::journal::{self, Drain};
use crate::session::Session;

/// Beyond a sender's lifetime, for its last request to end.
const GRACE: Duration = Duration::from_secs(60);

/// How long a sender may be at work.
pub(crate) fn longest(session: &Session) -> Duration {
    session.config.delivery.lifetime.saturating_add(GRACE)
}

/// Whether a sender is at work that may go on. One that has outlived its lifetime is for the next to end.
pub(crate) fn is_at_work(session: &Session) -> bool {
    let at_work = journal::draining(&session.journal_directory());
    at_work.is_some_and(|sender| !sender.is_stuck(now(), longest(session)))
}

fn now() -> u32 {
    u32::try_from(Timestamp::now().seconds).unwrap_or(0)
}

/// The journal's drain; none where another sender is at work. One that has outlived its lifetime (it was
/// stopped, or hangs where no timeout reaches) is ended, and this one takes its place.
pub(super) fn open_drain(session: &Session) -> std::io::Result<Option<Drain>> {
    let directory = session.journal_directory();
    let open = || Drain::try_open(&directory, session.journal_settings());
    if let Some(drain) = open()? {
        return Ok(Some(drain));
    }
    let stuck = journal::draining(&directory).map(|other| other.end_if_stuck(now(), longest(session)));
    match stuck {
        Some(Ok(true)) => {
            let why = "a sender that outlived its lifetime was ended";
            session.logger.log(Severity::Warning, why);
            // The system gives its lock back when it has taken the process down.
            for _ in 0..100 {
                if let Some(drain) = open()? {
                    return Ok(Some(drain));
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            Ok(None)
        }
        Some(Err(error)) => {
            let why = format!("a sender that outlived its lifetime cannot be ended: {error}");
            session.logger.log(Severity::Warning, why);
            Ok(None)
        }
        Some(Ok(false)) | None => Ok(None),
    }
}
