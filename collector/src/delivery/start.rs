//! The ways a sender is started, and which one a run takes.
//!
//! | way | when it is chosen by itself |
//! | --- | --- |
//! | detached | the tool may start itself again: it is still the same file, it has no other user's powers, and the last child that was started so left its mark |
//! | overlapped | a child would end with its parent (in CI, as a container's first process), or detaching did not work here |
//! | helper | the tool cannot send by itself (built without `components`) and `<tool>-telemetry` lies beside it; that holds whatever way its author chose, except never |
//! | bounded, never | only where the author says so |
//!
//! Hazards: two runs that end at once may both start a sender, and the second finds the journal's lock
//! taken and ends. A sender that never comes up (the tool calls `start!` too late, or something kills it)
//! leaves no mark, and none is started so for a week.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::schedule::Schedule;
use super::sender::{self, Urgency};
use super::starts::{Start, Starts, may_start};
use super::{files, helper};
use crate::backend::select::Choice;
use crate::consent::May;
use crate::diagnostics::Severity;
use crate::event::Timestamp;
use crate::platform::{ci, detach};
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

/// How long the backends that touch no network may take at exit. They need a millisecond.
const INLINE: Duration = Duration::from_secs(1);

/// The way that a run of this tool takes now.
pub(crate) fn choose(session: &Session) -> Way {
    if matches!(session.selected.choice, Choice::Stdout | Choice::File) {
        return Way::Inline;
    }
    let helped = || helper::find(session).map_or(Way::Never, Way::Helper);
    match session.config.delivery.mode {
        Mode::Never => Way::Never,
        Mode::Helper => helped(),
        // The tool and its helper share a configuration: what it says of how the tool sends itself is
        // without meaning where it cannot.
        _ if !sender::can_send(session) => helped(),
        Mode::Detached => Way::Detached,
        Mode::Overlapped => Way::Overlapped,
        Mode::Bounded => Way::Bounded(session.config.delivery.wait),
        Mode::Auto if may_detach(session) => Way::Detached,
        Mode::Auto => Way::Overlapped,
    }
}

fn may_detach(session: &Session) -> bool {
    let unchanged = session.executable.as_ref().is_some_and(detach::Executable::is_unchanged);
    if !unchanged || !detach::may_start() || detach::children_die_with_us() || ci::current().is_some() {
        return false;
    }
    let directory = session.place.directory();
    let proof = files::read_schedule(directory).ok().and_then(|schedule| schedule.proof());
    files::read_starts(directory).is_none_or(|starts| starts.may_detach(proof, Timestamp::now()))
}

/// At the start of a run: the overlapped way begins here.
pub(crate) fn at_start(session: &Arc<Session>) {
    // What earlier runs left is all that there is to send.
    if !session.journal_directory().is_dir()
        || choose(session) != Way::Overlapped
        || !take_turn(session, false)
    {
        return;
    }
    let session = Arc::clone(session);
    let deadline = Instant::now() + session.config.delivery.lifetime;
    let thread = std::thread::Builder::new().name("telemetry-sender".into());
    // Nobody joins it: the process may end at any of its instructions, as by SIGKILL.
    let _ = thread.spawn(move || sender::run(&session, Urgency::Due, deadline, true));
}

/// Starts a sender where one is due: at the end of a run, or from time to time in a long one.
pub(crate) fn if_due(session: &Session, may: May, leaving: Leaving) {
    if may == May::Off || !session.journal_directory().is_dir() {
        return;
    }
    if may == May::Local {
        // This run may have been `enable`: what is to be sent then waits for a run that exits without it.
        if session.verdict().may != May::Local {
            return;
        }
        sender::run(session, Urgency::Now, Instant::now() + INLINE, true);
        return;
    }
    match (choose(session), leaving) {
        (Way::Inline, _) => {
            sender::run(session, Urgency::Now, Instant::now() + INLINE, true);
        }
        (Way::Bounded(_) | Way::Overlapped, Leaving::Stay) => {
            if take_turn(session, false) {
                let deadline = Instant::now() + session.config.delivery.lifetime;
                sender::run(session, Urgency::Due, deadline, true);
            }
        }
        (Way::Bounded(wait), Leaving::Exit | Leaving::Exec) => bounded(session, wait),
        (Way::Detached, leaving) => {
            if take_turn(session, true) {
                tell(session, detached(session, leaving));
            }
        }
        (Way::Helper(program), leaving) => {
            if take_turn(session, false) {
                tell(session, helper::start(session, &program, leaving));
            }
        }
        (Way::Overlapped, Leaving::Exit | Leaving::Exec) | (Way::Never, _) => {}
    }
}

/// Exit waits for the sender, but not longer than the author said: a request that hangs is left behind.
fn bounded(session: &Session, wait: Duration) {
    if !take_turn(session, false) {
        return;
    }
    let deadline = Instant::now() + wait;
    let (done, ended) = std::sync::mpsc::channel::<()>();
    let Ok(again) = Session::new(session.tool.clone()) else { return };
    let thread = std::thread::Builder::new().name("telemetry-sender".into());
    let sending = thread.spawn(move || {
        sender::run(&again, Urgency::Due, deadline, true);
        drop(done);
    });
    if sending.is_ok() {
        let _ = ended.recv_timeout(wait);
    }
}

/// A sender for a request to erase, in a run that records nothing: the ways and the throttle are those
/// of events.
pub(crate) fn for_erasure(session: &Arc<Session>) {
    let seed = crate::erasure::seed(session);
    match choose(session) {
        Way::Detached => {
            if turn(session, true, || seed) {
                tell(session, detached(session, Leaving::Exit));
            }
        }
        Way::Helper(program) => {
            if turn(session, false, || seed) {
                tell(session, helper::start(session, &program, Leaving::Exit));
            }
        }
        Way::Overlapped | Way::Bounded(_) | Way::Inline => {
            if turn(session, false, || seed) {
                let session = Arc::clone(session);
                let thread = std::thread::Builder::new().name("telemetry-sender".into());
                let _ = thread.spawn(move || {
                    crate::erasure::carry_on(&session, crate::erasure::By::Sender);
                });
            }
        }
        Way::Never => {}
    }
}

fn detached(session: &Session, leaving: Leaving) -> std::io::Result<()> {
    let id = &session.config.tool.id;
    match (&session.executable, leaving) {
        (Some(executable), Leaving::Exit) => executable.start_sender(id),
        (Some(executable), Leaving::Exec | Leaving::Stay) => executable.start_orphan(id),
        (None, _) => Err(std::io::Error::other("the running program cannot be found")),
    }
}

/// Whether a sender may be started now; if so, that is written down first.
fn take_turn(session: &Session, detached: bool) -> bool {
    turn(session, detached, || session.seed())
}

pub(super) fn turn(session: &Session, detached: bool, seed: impl FnOnce() -> u64) -> bool {
    let Some(mut starts) = due(session, seed) else { return false };
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
    let schedule = files::read_schedule(directory);
    // Where none was ever started, one is due by every rule: nobody waits at exit until those are put together.
    if starts == Starts::default() && schedule.as_ref().is_ok_and(|it| *it == Schedule::default()) {
        return Some(starts);
    }
    let now = Timestamp::now();
    let rules = sender::rules(session);
    (may_start(schedule.as_ref(), &starts, now, &rules, seed()) == Start::Due).then_some(starts)
}

fn tell(session: &Session, started: std::io::Result<()>) {
    if let Err(error) = started {
        session.logger.log(Severity::Warning, format!("no sender was started: {error}"));
    }
}

/// This process is a sender: it leaves its mark, drains the journal, and ends.
pub(crate) fn as_sender(session: &Session) {
    // After a no there is no journal, and so no drain that would leave the mark.
    let directory = session.place.directory();
    if !session.journal_directory().is_dir()
        && let Some(start) = files::read_starts(directory).and_then(|starts| starts.detached())
        && let Ok(mut schedule) = files::read_schedule(directory)
    {
        schedule.prove(start);
        let _ = files::write_schedule(directory, &schedule);
    }
    drain(session, Urgency::Due);
}

/// This process is nothing but a sender.
pub(super) fn drain(session: &Session, urgency: Urgency) {
    end_by_itself(session.config.delivery.lifetime.saturating_add(sender::GRACE));
    let deadline = Instant::now() + session.config.delivery.lifetime;
    sender::run(session, urgency, deadline, false);
}

/// Ends this process after that time, whatever it hangs in: where no later run comes to end it, nobody else
/// would. Every instruction is one that a sender may end at.
fn end_by_itself(after: Duration) {
    let watch = std::thread::Builder::new().name("telemetry-lifetime".to_owned());
    // Without the thread a later run is still there to do it.
    let _ = watch.spawn(move || {
        std::thread::sleep(after);
        std::process::exit(0);
    });
}
