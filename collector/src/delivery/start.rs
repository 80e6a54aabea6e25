//! The ways a sender is started, and which one a run takes.
//!
//! | way | when it is chosen by itself |
//! | --- | --- |
//! | detached | the tool may start itself again: it is still the same file, it has no other user's powers, and the last child that was started so left its mark |
//! | overlapped | a child would end with its parent (in CI, as a container's first process), or detaching did not work here |
//! | helper | the tool cannot send by itself (built without `components` or `sender`) and `<tool>-telemetry` lies beside it; that holds whatever way its author chose, except never |
//! | bounded, never | only where the author says so |
//!
//! Those in which the tool itself sends are in `own`; without the feature `sender` nothing leads there, and it is not linked.
//!
//! Hazards: two runs that end at once may both start a sender, and the second finds the journal's lock
//! taken and ends. A sender that never comes up (the tool calls `start!` too late, or something kills it)
//! leaves no mark, and none is started so for a week.

mod own;

use super::schedule::Schedule;
pub(crate) use own::as_sender;
pub(super) use own::drain;
#[cfg(test)]
pub(super) use own::leave_mark;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::configured::{rules, throttle, tool_sends};
use super::starts::{Start, Starts, may_start};
use super::{files, helper, sender};
use crate::backend::select::Choice;
use crate::consent::May;
use crate::diagnostics::Severity;
use crate::event::Timestamp;
use crate::recorder;
use crate::session::Session;
use crate::tool::Mode;

/// A way to start a sender.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    /// The tool again, in its hidden mode.
    Detached,
    /// This program.
    Helper(PathBuf),
    /// A thread from the next start on.
    Overlapped,
    /// At exit, for so long at most.
    Bounded(Duration),
    /// At exit, because it touches no network.
    Inline,
    /// Not by itself.
    Never,
}

/// What becomes of this process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Leaving {
    /// It ends.
    Exit,
    /// Another program takes its place, or it goes on at once.
    Exec,
    /// It goes on: this is a thread of ours in a long-running tool.
    Stay,
}

/// The way that a run of this tool takes now.
pub(crate) fn choose(session: &Session) -> Way {
    if is_inline(session) {
        return Way::Inline;
    }
    if session.selected.choice == Choice::Stdout {
        // A helper's output is nobody's.
        return Way::Never;
    }
    let helped = || helper::find(session).map_or(Way::Never, Way::Helper);
    match session.config.delivery.mode {
        Mode::Never => Way::Never,
        Mode::Helper => helped(),
        // The tool and its helper share a configuration: what it says of how the tool sends itself is
        // without meaning where it cannot.
        _ if !tool_sends(session) => helped(),
        mode => own::choose(session, mode),
    }
}

/// Whether the backend touches no network and is this process's own: then each exit writes what there is.
fn is_inline(session: &Session) -> bool {
    matches!(session.selected.choice, Choice::Stdout | Choice::File) && tool_sends(session)
}

/// At the start of a run: what earlier runs left is sent from here on, if that is the way.
pub(crate) fn at_start(session: &Arc<Session>) {
    if cfg!(feature = "sender") {
        own::at_start(session);
    }
}

/// Starts a sender where one is due: at the end of a run, or from time to time in a long one.
pub(crate) fn if_due(session: &Session, may: May, leaving: Leaving) {
    if may == May::Off || !session.journal_directory().is_dir() {
        return;
    }
    // A no since then, of this run or of another process: one `stat`.
    if recorder::look() == Some(May::Off) {
        return;
    }
    // This run may have been `enable`: what is to be sent then waits for a run that exits without it.
    if may == May::Local && session.verdict().may != May::Local {
        return;
    }
    if may == May::Local && cfg!(feature = "sender") {
        return own::write_local(session);
    }
    // Which way it would be takes more looks than whether it is time.
    if !is_inline(session) && (session.config.delivery.mode == Mode::Never || !is_due(session)) {
        return;
    }
    match choose(session) {
        Way::Helper(program) => by_helper(session, &program, leaving, take_turn(session, false)),
        way if cfg!(feature = "sender") => own::start(session, &way, leaving),
        _ => {}
    }
}

/// A sender for a request to erase, in a run that records nothing: the ways and the throttle are those
/// of events.
pub(crate) fn for_erasure(session: &Arc<Session>) {
    let seed = crate::erasure::seed(session);
    match choose(session) {
        Way::Helper(program) => by_helper(session, &program, Leaving::Exit, turn(session, false, || seed)),
        way if cfg!(feature = "sender") => own::for_erasure(session, &way, seed),
        _ => {}
    }
}

fn by_helper(session: &Session, program: &Path, leaving: Leaving, has_turn: bool) {
    if has_turn {
        tell(session, helper::start(session, program, leaving));
    }
}

/// Whether a sender of events may be started now; if so, that is written down first, and taken back where the user
/// said no meanwhile. A no is stored before anything is removed: either its removal finds what is written here, or
/// the look afterwards finds the no.
pub(super) fn take_turn(session: &Session, detached: bool) -> bool {
    if !turn(session, detached, || session.seed()) {
        return false;
    }
    let may = recorder::look().unwrap_or_else(|| session.verdict().may);
    if may == May::Off {
        let _ = files::take_starts_back(session.place.directory());
    }
    may != May::Off
}

/// The same for whatever sender, the user's no or not: a request to erase is carried on after it.
pub(super) fn turn(session: &Session, detached: bool, seed: impl FnOnce() -> u64) -> bool {
    let Some(mut starts) = due(session, seed) else { return false };
    // A child that finds another sender at work ends without its mark, and would be taken for one that never arrived.
    if sender::is_at_work(session) {
        return false;
    }
    starts.started(Timestamp::now(), detached);
    files::write_starts(session.place.directory(), &starts).is_ok()
}

/// Whether a sender would be started now.
pub(crate) fn is_due(session: &Session) -> bool {
    due(session, || session.seed()).is_some()
}

fn due(session: &Session, seed: impl FnOnce() -> u64) -> Option<Starts> {
    let directory = session.place.directory();
    let starts = files::read_starts(directory)?;
    let now = Timestamp::now();
    // So most runs read nothing more.
    if starts.is_recent(now, &throttle(session)) {
        return None;
    }
    if !cfg!(feature = "sender") {
        // What the last sender left in the schedule is for the helper to read: where that says to wait, it ends.
        let due = starts == Starts::default() || starts.due(now, &throttle(session), seed()) == Start::Due;
        return due.then_some(starts);
    }
    let schedule = files::read_schedule(directory);
    // Where none was ever started, one is due by every rule: nobody waits at exit until those are put together.
    if starts == Starts::default() && schedule.as_ref().is_ok_and(|it| *it == Schedule::default()) {
        return Some(starts);
    }
    let rules = rules(session);
    (may_start(schedule.as_ref(), &starts, now, &rules, seed()) == Start::Due).then_some(starts)
}

fn tell(session: &Session, started: std::io::Result<()>) {
    if let Err(error) = started {
        session.logger.log(Severity::Warning, format!("no sender was started: {error}"));
    }
}
