//! The ends of a process that no destructor sees: `process::exit`, a program that takes its place, and
//! a panic that aborts.
//!
//! A command that is running then has not been interrupted, and its event says how it ended. After the
//! first two, what was recorded is given up for a sender as at an ordinary end.
//!
//! Hazards: at `process::exit` the destructors of this thread's locals have run, and other threads go
//! on. So nothing here needs such a local or the end of another thread, and a panic goes no further.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Session, current};
use crate::command;
use crate::consent::May;
use crate::delivery::start::{self, Leaving};
use crate::event::Ended;
use crate::platform::exit;
use crate::recorder;

/// Whether this process has given up what it recorded.
static CLOSED: AtomicBool = AtomicBool::new(false);

/// From here on the ends of this process are noticed.
pub(super) fn watch() {
    exit::at_exit(exited);
    command::end_all_on_abort();
}

/// Gives up what was recorded and starts a sender where one is due. Once in a process.
pub(super) fn close(session: &Session, may: May, leaving: Leaving) {
    if !CLOSED.swap(true, Ordering::SeqCst) {
        recorder::end();
        start::if_due(session, may, leaving);
    }
}

/// Whether it has.
pub(super) fn is_closed() -> bool {
    CLOSED.load(Ordering::SeqCst)
}

fn exited(code: Option<i32>) {
    let _ = catch_unwind(AssertUnwindSafe(|| end(Ended::Exited, code, Leaving::Exit)));
}

/// Ends every command that is running in this process.
fn end(ended: Ended, code: Option<i32>, leaving: Leaving) {
    if !recorder::enabled() {
        return;
    }
    // Of this thread all is known. Others' commands are known by what they said at their start.
    command::end_all(ended, code);
    recorder::end_running(ended, code);
    if let (Ok(session), Some(may)) = (current(), recorder::may()) {
        close(&session, may, leaving);
    }
}

/// Ends the process with this exit code, as [`std::process::exit`] does, and records that the commands
/// that are running ended so.
///
/// On Unix `std::process::exit` does the same (with the code only on Linux with glibc). On Windows it
/// tells nobody: a command during which it is called is recorded as interrupted, unless this is called
/// in its place.
pub fn exit(code: i32) -> ! {
    exited(Some(code));
    std::process::exit(code)
}

/// Says that this program is about to be replaced by another (`exec`): the commands that are running
/// end as *replaced*, and a sender is started where one is due. Without it they would be recorded as
/// interrupted, because nothing of this program runs any more.
///
/// Call it last. Where the replacement then fails, what is recorded afterwards is recorded, but these
/// commands stay ended.
///
/// ```no_run
/// # #[cfg(unix)]
/// fn run(program: &str) -> std::io::Error {
///     use std::os::unix::process::CommandExt;
///     telemetry::before_exec();
///     std::process::Command::new(program).exec()
/// }
/// ```
pub fn before_exec() {
    let _ = catch_unwind(AssertUnwindSafe(|| end(Ended::Replaced, None, Leaving::Exec)));
}
