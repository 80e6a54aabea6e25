//! A command that is a future.
//!
//! It begins at its first poll, as an `async fn` does, and its frame is on the thread's stack only
//! while it is polled: wherever that happens, and whatever else is polled in between, a command that
//! begins inside of it is its child and one outside is not.

use std::borrow::Cow;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::frame::Frame;
use super::outcome::{Outcome, Report};
use super::stack::Held;
use crate::event::{Attribute, Ended};
use crate::recorder;

/// A command that is a future, and what is known of it between two polls.
pub struct Command {
    /// None where there is nothing to record, or it is recorded, and while it is polled: then the frame
    /// is on the thread's stack, or with [`Inside`]. One pointer, so that a future costs next to nothing by
    /// it where nothing is recorded. Our own `drop` empties it; the compiler's after that would be a call
    /// for each future.
    frame: ManuallyDrop<Option<Box<Frame>>>,
}

impl Command {
    #[inline]
    pub(super) const fn off() -> Self {
        Self { frame: ManuallyDrop::new(None) }
    }

    #[cold]
    pub(super) fn ready(name: Cow<'static, str>, attributes: Vec<Attribute<'static>>) -> Self {
        Self { frame: ManuallyDrop::new(Some(Frame::ready(name, attributes))) }
    }

    /// Whether anything will be recorded.
    #[must_use]
    #[inline]
    pub fn is_on(&self) -> bool {
        self.frame.is_some()
    }

    /// Ends the command.
    #[inline]
    pub fn end(&mut self, report: Report) {
        if self.is_on() {
            ended(self, report);
        }
    }

    /// Puts the frame on the thread's stack, until what is returned is dropped.
    #[inline]
    fn enter(&mut self) -> Inside<'_> {
        let held = if self.is_on() { entered(self) } else { Held::Off };
        Inside { command: self, held: ManuallyDrop::new(held) }
    }
}

impl Drop for Command {
    #[inline]
    fn drop(&mut self) {
        if self.is_on() {
            abandoned(self);
        }
    }
}

#[cold]
fn ended(command: &mut Command, report: Report) {
    if let Some(frame) = command.frame.take() {
        frame.end(Ended::Finished, report);
    }
}

#[cold]
fn abandoned(command: &mut Command) {
    if let Some(frame) = command.frame.take() {
        frame.end_abandoned();
    }
}

#[cold]
fn entered(command: &mut Command) -> Held {
    let Some(mut frame) = command.frame.take() else { return Held::Off };
    if !frame.is_running() {
        frame.start();
    }
    Held::by_stack(frame)
}

#[cold]
fn left(command: &mut Command, held: Held) {
    *command.frame = held.take();
}

/// A poll that is going on. Dropped after it or by a panic, it takes the frame back from the stack.
struct Inside<'a> {
    command: &'a mut Command,
    /// Emptied by our own `drop`, as in [`Command`].
    held: ManuallyDrop<Held>,
}

impl Drop for Inside<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.held.is_on() {
            left(self.command, std::mem::replace(&mut *self.held, Held::Off));
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
