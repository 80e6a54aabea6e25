//! A tool that runs for long: what it records leaves from time to time, not only when it ends.
//!
//! One thread, which sleeps. A process that is over in a second never has it. It ends with the session,
//! or when recording does; nobody joins it, and the process may end at any of its instructions.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::{Session, ending};
use crate::consent::May;
use crate::delivery::start::{self, Leaving};
use crate::diagnostics::Severity;
use crate::journal;
use crate::recorder;

/// A process that has run for less is no long-running one.
pub(super) const LONG: Duration = Duration::from_secs(60);

/// The thread looks this often within an interval, so that what is due waits for a part of one only.
const LOOKS: u32 = 5;
/// Between two looks.
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5 * 60);

/// The process that has the thread: a forked child has none.
static OWNER: AtomicU32 = AtomicU32::new(0);

/// Begins, unless this process has begun already.
pub(super) fn begin(session: &Arc<Session>) {
    let me = std::process::id();
    if OWNER.swap(me, Ordering::SeqCst) == me {
        return;
    }
    let mine = Arc::clone(session);
    let thread = std::thread::Builder::new().name("telemetry-periodic".into());
    if let Err(error) = thread.spawn(move || run(&mine)) {
        session.logger.log(Severity::Warning, format!("no thread for sending from time to time: {error}"));
    }
}

fn run(session: &Session) {
    let pause = (session.config.delivery.interval / LOOKS).clamp(SHORTEST, LONGEST);
    loop {
        std::thread::sleep(pause);
        let may = recorder::may_still();
        if ending::is_closed() || may == May::Off {
            return;
        }
        // What failed earlier is tried again, too.
        if (recorder::holds_events() || is_waiting(session)) && (may == May::Local || start::is_due(session))
        {
            recorder::seal();
            start::if_due(session, may, Leaving::Stay);
        }
    }
}

fn is_waiting(session: &Session) -> bool {
    if !cfg!(feature = "sender") {
        // A look at names, which a sender may find to be nothing: the survey is much code.
        return journal::has_sealed(&session.journal_directory());
    }
    let survey = journal::survey(&session.journal_directory());
    survey.events + survey.interrupted > 0
}
