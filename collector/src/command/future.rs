//! A command that is a future.
//!
//! It begins at its first poll, as an `async fn` does, and its frame is on the thread's stack only
//! while it is polled: wherever that happens, and whatever else is polled in between, a command that
//! begins inside of it is its child and one outside is not.

use std::borrow::Cow;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::frame::Frame;
use super::outcome::{Outcome, Report};
use super::stack;
use crate::event::{Attribute, Ended, EventId};
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

    /// Puts the frame on the thread's stack, until what is returned is dropped.
    #[inline]
    fn enter(&mut self) -> Option<Inside<'_>> {
        if self.is_on() { self.enter_recorded() } else { None }
    }

    #[cold]
    fn enter_recorded(&mut self) -> Option<Inside<'_>> {
        let state = self.state.as_deref_mut()?;
        let frame = match std::mem::replace(state, State::Away) {
            State::Ready(name, attributes) => Frame::start(name, stack::current(), attributes),
            State::Running(frame) => frame,
            State::Away => return None,
        };
        let id = frame.id;
        let own = stack::push(frame).err().map(Box::new);
        Some(Inside { command: self, id, own })
    }

    #[cold]
    fn abandoned(&mut self) {
        if let Some(State::Running(frame)) = self.state.take().map(|it| *it) {
            frame.end_abandoned();
        }
    }
}

/// A poll that is going on. Dropped after it or by a panic, it takes the frame back from the stack.
struct Inside<'a> {
    command: &'a mut Command,
    id: EventId,
    own: Option<Box<Frame>>,
}

impl Drop for Inside<'_> {
    #[cold]
    fn drop(&mut self) {
        if let Some(frame) = self.own.take().map(|it| *it).or_else(|| stack::take(self.id))
            && let Some(state) = self.command.state.as_deref_mut()
        {
            *state = State::Running(frame);
        }
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
        // One place that polls, recorded or not: so the compiler makes one function of both.
        let _inside = command.enter();
        future.as_mut().poll(context)
    }
}

pin_project_lite::pin_project! {
    /// A future that is a command. It holds what it polls where that is, so that a chain of such futures
    /// grows by the same step with every link: an `async` block around a future that was already made
    /// would hold it twice, once as what it captured and once as what it awaits.
    pub struct Measured<F, R> {
        // For the compiler, which follows fields in their order and to a certain depth only: once at the
        // top of a chain, what is inside of a command is not looked at again at the bottom of it.
        looked_at: PhantomData<Command>,
        // Before the command: what it runs ends first when both are dropped.
        #[pin]
        future: F,
        command: Command,
        report: Option<R>,
    }
}

impl<F, R> Future for Measured<F, R>
where
    F: Future,
    R: FnOnce(&F::Output) -> Report,
{
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let inside = this.command.enter();
        let answer = this.future.poll(context);
        drop(inside);
        if this.command.is_on()
            && let Poll::Ready(out) = &answer
            && let Some(report) = this.report.take()
        {
            this.command.end(report(out));
        }
        answer
    }
}

/// A future as this command, and how it ended by what it resolved to.
#[inline]
pub fn measured<F, R>(command: Command, future: F, report: R) -> Measured<F, R>
where
    F: Future,
    R: FnOnce(&F::Output) -> Report,
{
    Measured { looked_at: PhantomData, future, command, report: Some(report) }
}

/// Records a future as a command, from its first poll to its end.
///
/// Dropped before it is done, it is recorded as cancelled; never polled, not at all. It is `Send`
/// where the future is.
///
/// ```
/// async fn sync(all: bool) -> Result<(), std::io::Error> {
///     telemetry::command::future("sync", async move {
///         if all { Ok(()) } else { Err(std::io::ErrorKind::NotFound.into()) }
///     })
///     .await
/// }
/// # let _ = sync(true);
/// ```
pub fn future<N, F>(name: N, future: F) -> impl Future<Output = F::Output> + use<N, F>
where
    N: Into<Cow<'static, str>>,
    F: Future,
    F::Output: Outcome,
{
    let command = if recorder::enabled() { Command::ready(name.into(), Vec::new()) } else { Command::off() };
    measured(command, future, |out: &F::Output| out.report())
}
