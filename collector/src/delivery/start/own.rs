//! The ways in which the tool itself sends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Leaving, Way, choose as chosen, is_due, is_inline, take_turn, tell, turn};
use crate::consent::May;
use crate::delivery::files;
use crate::delivery::sender::{self, Finished, Report, Urgency};
use crate::event::Timestamp;
use crate::platform::{ci, detach, user};
use crate::session::Session;
use crate::tool::Mode;

/// How long the backends that touch no network may take at exit. They need a millisecond.
const INLINE: Duration = Duration::from_secs(1);

/// The way of a tool that can send, in a mode that leaves it to the tool.
pub(super) fn choose(session: &Session, mode: Mode) -> Way {
    match mode {
        Mode::Detached => Way::Detached,
        Mode::Overlapped => Way::Overlapped,
        Mode::Bounded => Way::Bounded(session.config.delivery.wait),
        _ if may_detach(session) => Way::Detached,
        _ => Way::Overlapped,
    }
}

fn may_detach(session: &Session) -> bool {
    let unchanged = session.executable.as_ref().is_some_and(detach::Executable::is_unchanged);
    if !unchanged || user::is_elevated() || detach::children_die_with_us() || ci::current().is_some() {
        return false;
    }
    let directory = session.place.directory();
    let proof = files::read_schedule(directory).ok().and_then(|schedule| schedule.proof());
    files::read_starts(directory).is_none_or(|starts| starts.may_detach(proof, Timestamp::now()))
}

/// At the start of a run: the overlapped way begins here.
pub(super) fn at_start(session: &Arc<Session>) {
    // What earlier runs left is all that there is to send.
    if !matches!(session.config.delivery.mode, Mode::Auto | Mode::Overlapped)
        || is_inline(session)
        || !session.journal_directory().is_dir()
        || !is_due(session)
        || chosen(session) != Way::Overlapped
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

/// Writes what is for the user's own eyes into the user's own file.
pub(super) fn write_local(session: &Session) {
    sender::run(session, Urgency::Now, Instant::now() + INLINE, true);
}

/// Sends, or starts what does.
pub(super) fn start(session: &Session, way: &Way, leaving: Leaving) {
    match (way, leaving) {
        (Way::Inline, _) => {
            sender::run(session, Urgency::Now, Instant::now() + INLINE, true);
        }
        (Way::Bounded(_) | Way::Overlapped, Leaving::Stay) => {
            if take_turn(session, false) {
                let deadline = Instant::now() + session.config.delivery.lifetime;
                sender::run(session, Urgency::Due, deadline, true);
            }
        }
        (Way::Bounded(wait), Leaving::Exit | Leaving::Exec) => bounded(session, *wait),
        (Way::Detached, leaving) => {
            if take_turn(session, true) {
                tell(session, detached(session, leaving));
            }
        }
        (Way::Overlapped, Leaving::Exit | Leaving::Exec) | (Way::Helper(_) | Way::Never, _) => {}
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

/// Starts what carries a request to erase on, or does it.
pub(super) fn for_erasure(session: &Arc<Session>, way: &Way, seed: u64) {
    match way {
        Way::Detached => {
            if turn(session, true, || seed) {
                tell(session, detached(session, Leaving::Exit));
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
        Way::Helper(_) | Way::Never => {}
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

/// This process is a sender: it leaves its mark, drains the journal, and ends.
pub(crate) fn as_sender(session: &Arc<Session>) {
    leave_mark(session);
    if drain(session, Urgency::Due).finished == Finished::Empty {
        session.make_ready();
    }
}

/// Leaves the mark where no drain will: without a journal, and after a no, where a request to erase is carried on.
pub(in crate::delivery) fn leave_mark(session: &Session) {
    if session.journal_directory().is_dir() && session.verdict().may != May::Off {
        return;
    }
    let directory = session.place.directory();
    if let Some(start) = files::read_starts(directory).and_then(|starts| starts.detached())
        && let Ok(mut schedule) = files::read_schedule(directory)
    {
        schedule.prove(start);
        let _ = files::write_schedule(directory, &schedule);
        // A no that came meanwhile has removed the start that it proves.
        if !files::has_starts(directory) {
            let _ = files::take_schedule_back(directory);
        }
    }
}

/// This process is nothing but a sender.
pub(in crate::delivery) fn drain(session: &Session, urgency: Urgency) -> Report {
    end_by_itself(sender::longest(session));
    let deadline = Instant::now() + session.config.delivery.lifetime;
    sender::run(session, urgency, deadline, false)
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
