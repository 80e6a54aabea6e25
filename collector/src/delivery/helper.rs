//! The program `<tool>-telemetry` beside a tool that only records: how it is found and started, and what it
//! does when it runs.
//!
//! Hazards:
//! - it inherits what the tool inherited (cron's `flock 9`, a pipe, a jobserver), so it closes that before
//!   anything else, as a tool in the hidden mode does;
//! - somebody may run it by hand or from a timer. It then takes its turn like any run: the throttle holds
//!   for it too;
//! - a setuid tool must not start what lies beside it: whoever can link to the tool from a directory of his
//!   own chooses what that is.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::configured::tool_sends;
use super::sender::Urgency;
use super::start;
use super::start::Leaving;
use crate::backend::select::Choice;
use crate::consent::May;
use crate::platform::{detach, user};
use crate::session::Session;

/// How often the user's own run looks whether the helper is done.
const BUSY: Duration = Duration::from_millis(20);

/// What the helper of this tool is called.
pub(crate) fn name(session: &Session) -> String {
    named(session.config.name())
}

/// What the helper of the tool of this name is called.
pub(crate) fn named(tool: &str) -> String {
    format!("{tool}-telemetry{}", std::env::consts::EXE_SUFFIX)
}

/// The helper, where there is one that this process may start.
pub(super) fn find(session: &Session) -> Option<PathBuf> {
    if user::is_elevated() {
        return None;
    }
    let beside = std::env::current_exe().ok()?.with_file_name(name(session));
    beside.is_file().then_some(beside)
}

/// Why nothing is ever sent: this tool only records, and nobody does the rest. None where that is not so.
pub(crate) fn missing(session: &Session) -> Option<String> {
    if tool_sends(session) {
        return None;
    }
    if session.selected.choice == Choice::Stdout {
        return Some(
            "this tool records only, and a program beside it has no terminal to write to".to_owned(),
        );
    }
    if find(session).is_some() {
        return None;
    }
    Some(if user::is_elevated() {
        "this tool records only, and with another user's or group's rights it starts no program that would send: \
         run it without them"
            .to_owned()
    } else {
        format!(
            "this tool records only, and there is no `{}` beside it, which would send: ship it",
            name(session)
        )
    })
}

/// Starts it.
pub(super) fn start(session: &Session, program: &Path, leaving: Leaving) -> std::io::Result<()> {
    detach::start_helper(program, &session.config.tool.id, leaving == Leaving::Exit)
}

/// Delivery at once through the helper, because the user asked. Waits for its end, and no longer than it
/// may live.
///
/// # Errors
/// Why there is none, or why it cannot be started.
pub(crate) fn flush(session: &Session) -> Result<(), String> {
    let Some(program) = find(session) else { return Err(missing(session).unwrap_or_default()) };
    let started = detach::start_helper_now(&program, &session.config.tool.id);
    let mut child = started.map_err(|error| format!("{} cannot be started: {error}", program.display()))?;
    let until = Instant::now() + session.config.delivery.lifetime;
    // A tool that waits for any child has taken this one's end: then it has ended, too.
    while matches!(child.has_ended(), Ok(false)) && Instant::now() < until {
        std::thread::sleep(BUSY);
    }
    Ok(())
}

/// This process is a tool's helper.
pub(crate) fn serve(session: &Session) {
    detach::leave_parent();
    let id = &session.config.tool.id;
    let by_tool = detach::is_sender(id);
    if by_tool && detach::is_between() {
        if let Some(executable) = &session.executable {
            let _ = executable.start_sender(id);
        }
        return;
    }
    // Nobody sees what a helper writes to its standard output.
    if matches!(session.selected.choice, Choice::None | Choice::Stdout) {
        return;
    }
    // The helper of a tool that cannot write local events itself: they wait for no vendor.
    let local = session.verdict().may == May::Local;
    let urgency = if local || by_tool && detach::is_urgent() { Urgency::Now } else { Urgency::Due };
    // The tool has taken the turn for the helper that it starts.
    if by_tool || has_turn(session) {
        start::drain(session, urgency);
    }
}

fn has_turn(session: &Session) -> bool {
    if session.verdict().may != May::Off {
        return start::take_turn(session, false);
    }
    // Without a yes nothing is written, but for a request to erase.
    crate::erasure::waits(session) && start::turn(session, false, || crate::erasure::seed(session))
}
