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
    state: State,
}

enum State {
    /// Nothing to record, or recorded.
    Off,
    /// Never polled.
    Ready(Cow<'static, str>, Vec<Attribute<'static>>),
    /// Polled. Boxed so that a future is not larger by it where nothing is recorded.
    Running(Box<Frame>),
}

impl Command {
    #[inline]
    pub(super) const fn off() -> Self {
        Self { state: State::Off }
    }

    #[cold]
    pub(super) fn ready(name: Cow<'static, str>, attributes: Vec<Attribute<'static>>) -> Self {
        Self { state: State::Ready(name, attributes) }
    }

    /// Whether anything will be recorded.
    #[must_use]
    #[inline]
    pub const fn is_on(&self) -> bool {
        !matches!(self.state, State::Off)
    }

    /// Ends the command.
    #[cold]
    pub fn end(&mut self, report: Report) {
        if let State::Running(frame) = std::mem::replace(&mut self.state, State::Off) {
            frame.end(Ended::Finished, report);
        }
    }

    /// Polls inside the command.
    #[cold]
    fn polled<R>(&mut self, poll: impl FnOnce() -> Poll<R>) -> Poll<R> {
        let frame = match std::mem::replace(&mut self.state, State::Off) {
            State::Off => return poll(),
            State::Ready(name, attributes) => Box::new(Frame::start(name, stack::current(), attributes)),
            State::Running(frame) => frame,
        };
        let id = frame.id;
        let mut inside = Inside { command: self, id, own: stack::push(*frame).err() };
        let answer = poll();
        inside.leave();
        answer
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
        if let Some(frame) = self.own.take().or_else(|| stack::take(self.id)) {
            self.command.state = State::Running(Box::new(frame));
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
        if let State::Running(_) = self.state
            && let State::Running(frame) = std::mem::replace(&mut self.state, State::Off)
        {
            frame.end_abandoned();
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
