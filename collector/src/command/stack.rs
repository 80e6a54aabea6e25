//! The commands that run on a thread, innermost last.
//!
//! A command's frame lives here, not in its guard, so that a panic that aborts and an exit in the
//! middle of a command still find what it has to say. The room has no destructor, so that it can be
//! used while the thread or the process ends; what recursion needs beyond it is given back as soon as
//! it is empty. A command that begins where the room cannot be had (inside of a change to it) keeps
//! its frame itself; it is recorded all the same, only not on an early exit.

use std::cell::RefCell;
use std::mem::ManuallyDrop;

use super::frame::{Frame, panicked};
use super::outcome::Report;
use crate::event::{Ended, EventId};
use crate::recorder;

/// Nesting that the room itself holds. Tools nest two or three commands; recursion goes beyond.
const ROOM: usize = 8;

/// Which frame of its thread's stack: no two that were ever on it have the same one. A number, because
/// that is kept and compared in a register, as an id of sixteen bytes is not.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(u64);

impl Place {
    /// On no stack yet.
    pub(super) const NONE: Self = Self(0);
}

/// Who has a command's frame while the command runs.
pub(super) enum Held {
    /// Nobody: there is nothing to record, or it is recorded.
    Off,
    /// The thread's stack.
    Stack(Place),
    /// Its guard: the room could not be had.
    Own(Box<Frame>),
}

impl Held {
    /// Puts a frame on top, if the room can be had.
    pub(super) fn by_stack(frame: Box<Frame>) -> Self {
        let mut frame = Some(frame);
        let place = with(|stack| frame.take().map(|frame| stack.push(frame))).flatten();
        match (place, frame) {
            (Some(place), _) => Self::Stack(place),
            (None, Some(frame)) => Self::Own(frame),
            (None, None) => Self::Off,
        }
    }

    /// Takes the frame back, unless the command was ended from elsewhere.
    pub(super) fn take(self) -> Option<Box<Frame>> {
        match self {
            Self::Off => None,
            Self::Stack(place) => take(place),
            Self::Own(frame) => Some(frame),
        }
    }

    #[inline]
    pub(super) const fn is_on(&self) -> bool {
        !matches!(self, Self::Off)
    }
}

/// What is beyond `len` is empty. Below, a guard that ended before a later one leaves a hole.
struct Stack {
    frames: [Option<Box<Frame>>; ROOM],
    /// What is nested deeper. Nobody drops it, so it holds no memory while it is empty.
    deeper: Vec<Option<Box<Frame>>>,
    len: usize,
    last: Place,
}

impl Stack {
    const EMPTY: Self =
        Self { frames: [const { None }; ROOM], deeper: Vec::new(), len: 0, last: Place::NONE };

    /// The places in use, innermost first.
    fn places(&mut self) -> impl Iterator<Item = &mut Option<Box<Frame>>> {
        let near = self.len.min(ROOM);
        self.deeper.iter_mut().rev().chain(self.frames.iter_mut().take(near).rev())
    }

    fn push(&mut self, mut frame: Box<Frame>) -> Place {
        self.last.0 += 1;
        frame.place = self.last;
        match self.frames.get_mut(self.len) {
            Some(place) => *place = Some(frame),
            None => self.deeper.push(Some(frame)),
        }
        self.len += 1;
        self.last
    }

    /// The innermost place in use: nearly always the one that is looked for.
    fn top(&mut self) -> Option<&mut Option<Box<Frame>>> {
        let at = self.len.checked_sub(1)?;
        match at.checked_sub(ROOM) {
            None => self.frames.get_mut(at),
            Some(deeper) => self.deeper.get_mut(deeper),
        }
    }

    /// Gives up the empty places on top.
    fn settle(&mut self) {
        while self.top().is_some_and(|it| it.is_none()) {
            self.len -= 1;
            if self.deeper.pop().is_some() && self.deeper.is_empty() {
                self.deeper = Vec::new();
            }
        }
    }
}

thread_local! {
    /// Frames leave with their guards, so not dropping the room itself leaks nothing.
    static STACK: RefCell<ManuallyDrop<Stack>> =
        const { RefCell::new(ManuallyDrop::new(Stack::EMPTY)) };
}

fn with<R>(act: impl FnOnce(&mut Stack) -> R) -> Option<R> {
    STACK.try_with(|stack| stack.try_borrow_mut().ok().map(|mut stack| act(&mut stack))).ok().flatten()
}

/// The innermost command of this thread.
pub(super) fn current() -> Option<EventId> {
    // What is on top is never empty: see `settle`.
    with(|stack| stack.top()?.as_ref().map(|it| it.id)).flatten()
}

/// Takes this frame, if the command has not ended.
fn take(place: Place) -> Option<Box<Frame>> {
    with(|stack| {
        let is_it = |it: &Option<Box<Frame>>| it.as_ref().is_some_and(|it| it.place == place);
        let frame = match stack.top().is_some_and(|it| is_it(it)) {
            true => stack.top()?.take(),
            false => stack.places().find(|it| is_it(it))?.take(),
        };
        stack.settle();
        frame
    })
    .flatten()
}

/// Takes the innermost command of this thread.
fn pop() -> Option<Box<Frame>> {
    with(|stack| {
        let frame = stack.top()?.take();
        stack.settle();
        frame
    })
    .flatten()
}

/// Acts on this frame where it lies.
pub(super) fn change(place: Place, act: impl FnOnce(&mut Frame)) {
    with(|stack| stack.places().flatten().find(|it| it.place == place).map(|it| act(it)));
}

/// Ends every command of this thread, innermost first: the process is about to exit, to be replaced,
/// or to abort because of a panic. Their guards then find nothing left to record.
pub(crate) fn end_all(ended: Ended, exit_code: Option<i32>) {
    while let Some(frame) = pop() {
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
    while let Some(frame) = pop() {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_whose_command_was_ended_takes_none_that_began_later() {
        let ((), events) = crate::capture(false, || {
            let first = crate::begin("first");
            end_all(Ended::Exited, Some(3));
            let second = crate::begin("second");
            drop(first);
            second.finish(&());
        });
        let ends: Vec<_> = events.iter().map(|it| (&*it.name, it.ended, it.exit_code)).collect();
        assert_eq!(
            ends,
            [("first", Some(Ended::Exited), Some(3)), ("second", Some(Ended::Finished), Some(0))]
        );
    }
}
