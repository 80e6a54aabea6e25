//! A command that is a future.
//!
//! It begins at its first poll, as an `async fn` does, and its frame is on the thread's stack only
//! while it is polled: wherever that happens, and whatever else is polled in between, a command that
//! begins inside of it is its child and one outside is not.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::frame::Frame;
use super::outcome::{Outcome, Report};
use super::stack;
use crate::event::{Attribute, Ended};
use crate::recorder;

/// A command that is a future, and what is known of it between two polls.
pub struct Command {
    /// None where there is nothing to record, or it is recorded. One pointer, so that a future costs next
    /// to nothing by it where nothing is recorded.
    state: Option<Box<State>>,
}

enum State {
    /// Never polled.
    Ready(Cow<'static, str>, Vec<Attribute<'static>>),
    /// Polled.
    Running(Frame),
    /// Being polled: the frame is on the thread's stack, or with [`Inside`].
    Away,
}

impl Command {
    #[inline]
    pub(super) const fn off() -> Self {
        Self { state: None }
    }

    #[cold]
    pub(super) fn ready(name: Cow<'static, str>, attributes: Vec<Attribute<'static>>) -> Self {
        Self { state: Some(Box::new(State::Ready(name, attributes))) }
    }

    /// Whether anything will be recorded.
    #[must_use]
    #[inline]
    pub const fn is_on(&self) -> bool {
        self.state.is_some()
    }

    /// Ends the command.
    #[cold]
    pub fn end(&mut self, report: Report) {
        if let Some(State::Running(frame)) = self.state.take().map(|it| *it) {
            frame.end(Ended::Finished, report);
        }
    }

    /// Polls inside the command.
    #[cold]
    fn polled<R>(&mut self, poll: impl FnOnce() -> Poll<R>) -> Poll<R> {
        let Some(state) = self.state.as_deref_mut() else { return poll() };
        let frame = match std::mem::replace(state, State::Away) {
            State::Ready(name, attributes) => Frame::start(name, stack::current(), attributes),
            State::Running(frame) => frame,
            State::Away => return poll(),
        };
        let id = frame.id;
        let mut inside = Inside { command: self, id, own: stack::push(frame).err() };
        let answer = poll();
        inside.leave();
        answer
    }

    #[cold]
    fn abandoned(&mut self) {
        if let Some(State::Running(frame)) = self.state.take().map(|it| *it) {
            frame.end_abandoned();
        }
    }
}

/// A poll that is going on. Dropped by a panic, it still takes the frame back from the stack.
struct Inside<'a> {
    command: &'a mut Command,
    id: crate::event::EventId,
    own: Option<Frame>,
}

impl Inside<'_> {
    fn leave(&mut self) {
        if let Some(frame) = self.own.take().or_else(|| stack::take(self.id))
            && let Some(state) = self.command.state.as_deref_mut()
        {
            *state = State::Running(frame);
        }
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Drop for Command {
    #[inline]
    fn drop(&mut self) {
        if self.state.is_some() {
            self.abandoned();
        }
    }
}

/// A future being polled inside a command. Both are borrowed, so that nothing is moved or projected.
pub(super) struct Polled<'a, F> {
    pub(super) command: &'a mut Command,
    pub(super) future: Pin<&'a mut F>,
}

impl<F: Future> Future for Polled<'_, F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Self { command, future } = self.get_mut();
        if command.is_on() {
            command.polled(|| future.as_mut().poll(context))
        } else {
            future.as_mut().poll(context)
        }
    }
}

/// Records a future as a command, from its first poll to its end.
///
/// Dropped before it is done, it is recorded as cancelled; never polled, not at all. It is `Send`
/// where the future is.
///
/// ```
/// async fn sync(all: bool) -> Result<u32, std::io::Error> {
///     telemetry::command::future("sync", async move {
///         Ok(if all { 2 } else { 1 })
///     })
///     .await
/// }
/// # let _ = sync(true);
/// ```
pub async fn future<F>(name: impl Into<Cow<'static, str>>, future: F) -> F::Output
where
    F: Future,
    F::Output: Outcome,
{
    let mut command =
        if recorder::enabled() { Command::ready(name.into(), Vec::new()) } else { Command::off() };
    let out = Polled { command: &mut command, future: std::pin::pin!(future) }.await;
    if command.is_on() {
        command.end(out.report());
    }
    out
}
