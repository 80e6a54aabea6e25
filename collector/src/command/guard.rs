//! The guard behind the attribute, for functions that are no futures.

use std::borrow::Cow;
use std::marker::PhantomData;

use super::frame::Frame;
use super::outcome::{Outcome, Report};
use super::stack::{self, Held};
use super::value::Metadata;
use crate::event::{Attribute, Ended};
use crate::recorder;

/// A command that runs on this thread.
///
/// Its event is recorded once: by [`finish`](Self::finish), or when the guard is dropped, as a success
/// or, while the thread unwinds, as a panic. Commands that begin meanwhile on the same thread are its
/// children. It does nothing at all where nothing may be recorded.
///
/// ```
/// fn build(target: &str) -> Result<(), std::io::Error> {
///     let mut command = telemetry::begin("build");
///     command.metadata("release", &true);
///     let result = compile(target);
///     command.finish(&result);
///     result
/// }
/// # fn compile(_: &str) -> Result<(), std::io::Error> { Ok(()) }
/// # build("all").unwrap();
/// ```
#[must_use = "the command ends when its guard is dropped"]
pub struct Guard {
    held: Held,
    /// The frame lies on this thread's stack.
    _this_thread: PhantomData<*const ()>,
}

/// Begins a command on this thread. See [`Guard`].
///
/// The name is what the user typed, in words joined by slashes: `remote/add`. A name that no
/// attribute and no [`declare!`](crate::declare) registers is missing from the tool's schema.
#[inline]
pub fn begin(name: impl Into<Cow<'static, str>>) -> Guard {
    if recorder::enabled() { Guard::start(name.into(), Vec::new()) } else { Guard::off() }
}

impl Guard {
    #[inline]
    pub(super) const fn off() -> Self {
        Self { held: Held::Off, _this_thread: PhantomData }
    }

    #[cold]
    pub(super) fn start(name: Cow<'static, str>, attributes: Vec<Attribute<'static>>) -> Self {
        let mut frame = Frame::ready(name, attributes);
        frame.start();
        Self { held: Held::by_stack(frame), _this_thread: PhantomData }
    }

    /// Whether anything will be recorded.
    #[must_use]
    #[inline]
    pub const fn is_on(&self) -> bool {
        self.held.is_on()
    }

    /// Adds a fact. `None` adds nothing. The last one of a key counts.
    pub fn metadata<T: Metadata + ?Sized>(&mut self, key: &'static str, value: &T) {
        if !self.is_on() {
            return;
        }
        let Some(value) = value.metadata() else { return };
        let add = move |frame: &mut Frame| {
            frame.attributes.retain(|it| it.key != key);
            frame.attributes.push(Attribute { key: Cow::Borrowed(key), value });
        };
        match &mut self.held {
            Held::Off => {}
            Held::Stack(place) => stack::change(*place, add),
            Held::Own(frame) => add(frame),
        }
    }

    /// Ends the command by what it returned, as the attribute would. What does not say by itself how it
    /// ended is not taken: see [`Outcome`].
    pub fn finish<R: Outcome + ?Sized>(mut self, returned: &R) {
        if self.is_on() {
            self.end(returned.report());
        }
    }

    /// Ends the command, as [`report!`](crate::report!) or the tool itself says that it ended.
    #[inline]
    pub fn end(&mut self, report: Report) {
        ended(self.take(), report);
    }

    #[inline]
    const fn take(&mut self) -> Held {
        std::mem::replace(&mut self.held, Held::Off)
    }
}

// By value, so that the guard itself may stay in registers.
#[cold]
fn ended(held: Held, report: Report) {
    if let Some(frame) = held.take() {
        frame.end(Ended::Finished, report);
    }
}

#[cold]
fn dropped(held: Held) {
    if let Some(frame) = held.take() {
        frame.end_dropped();
    }
}

impl Drop for Guard {
    #[inline]
    fn drop(&mut self) {
        if self.is_on() {
            dropped(self.take());
        }
    }
}
