//! The commands that run on a thread, innermost last.
//!
//! A command's frame lives here, not in its guard, so that a panic that aborts and an exit in the
//! middle of a command still find what it has to say. The room is fixed and has no destructor: it
//! can be used while the thread or the process ends. A command for which there is no room keeps its
//! frame itself; it is recorded all the same, only not on an early exit.

use std::cell::RefCell;
use std::mem::ManuallyDrop;

use super::frame::{Frame, panicked};
use super::outcome::Report;
use crate::event::{Ended, EventId};
use crate::recorder;

/// Nesting that is kept here. Tools nest two or three commands; recursion goes beyond and loses only
/// what the module's text says.
const ROOM: usize = 8;

struct Stack {
    /// What is beyond `len` is empty. Below, a guard that ended before a later one leaves a hole.
    frames: [Option<Frame>; ROOM],
    len: usize,
}

thread_local! {
    /// Frames leave with their guards, so not dropping the room itself leaks nothing.
    static STACK: RefCell<ManuallyDrop<Stack>> =
        const { RefCell::new(ManuallyDrop::new(Stack { frames: [const { None }; ROOM], len: 0 })) };
}

fn with<R>(act: impl FnOnce(&mut Stack) -> R) -> Option<R> {
    STACK.try_with(|stack| stack.try_borrow_mut().ok().map(|mut stack| act(&mut stack))).ok().flatten()
}

/// The innermost command of this thread.
pub(super) fn current() -> Option<EventId> {
    with(|stack| stack.frames.get(..stack.len)?.iter().rev().flatten().next().map(|it| it.id)).flatten()
}

/// Puts a frame on top, or gives it back where there is no room.
pub(super) fn push(frame: Frame) -> Result<(), Frame> {
    let mut frame = Some(frame);
    with(|stack| {
        if let Some(place) = stack.frames.get_mut(stack.len) {
            *place = frame.take();
            stack.len += 1;
        }
    });
    frame.map_or(Ok(()), Err)
}

/// Takes the frame of this command, if it is on this thread and has not ended.
pub(super) fn take(id: EventId) -> Option<Frame> {
    with(|stack| {
        let place = stack.frames.iter_mut().rev().find(|it| it.as_ref().is_some_and(|it| it.id == id))?;
        let frame = place.take();
        while stack.len > 0 && stack.frames.get(stack.len - 1).is_none_or(Option::is_none) {
            stack.len -= 1;
        }
        frame
    })
    .flatten()
}

/// Acts on the frame of this command where it lies.
pub(super) fn change(id: EventId, act: impl FnOnce(&mut Frame)) {
    with(|stack| stack.frames.iter_mut().flatten().find(|it| it.id == id).map(act));
}

/// Ends every command of this thread, innermost first: the process is about to exit, to be replaced,
/// or to abort because of a panic. Their guards then find nothing left to record.
pub(crate) fn end_all(ended: Ended, exit_code: Option<i32>) {
    while let Some(frame) = current().and_then(take) {
        let report = match ended {
            Ended::Panicked => panicked(),
            _ => Report { exit_code, ..Report::default() },
        };
        frame.end(ended, report);
    }
}

/// Takes every command of this thread back, as if it had never begun: the one that runs is the user's
/// subcommand, which is never recorded, and so neither is the dispatcher around it. Their guards then
/// find nothing left to record.
pub(crate) fn withdraw_all() {
    while let Some(frame) = current().and_then(take) {
        recorder::withdraw(frame.id);
    }
}

/// Where a panic ends the process at once, no guard sees it: so its commands are ended by a hook, after
/// the message was printed. Elsewhere the guards do it, and only if the panic is not caught inside.
pub(crate) fn end_all_on_abort() {
    #[cfg(panic = "abort")]
    {
        let next = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            next(panic);
            end_all(Ended::Panicked, None);
        }));
    }
}
