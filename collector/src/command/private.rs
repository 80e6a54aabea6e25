//! What the attributes' code calls. No part of it is public in meaning; it may change with any
//! version, together with the attributes.

pub use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::process::ExitCode;

pub use std::boxed::Box;
pub use std::option::Option::{self, Some};
pub use std::pin::pin;
pub use std::result::Result::{Err, Ok};
pub use std::string::String;
pub use std::vec::Vec;

/// Registers nothing: a program that is built without telemetry has no schema.
#[cfg(telemetry_off)]
pub use crate::__submit_nothing as submit;
#[cfg(not(telemetry_off))]
pub use inventory::submit;
pub use telemetry_macros::configuration;

pub use super::by_type;
pub use super::future::{Command, measured};
pub use super::guard::Guard;
pub use super::outcome::Report;

use super::future::Polled;
use super::outcome::number;
use super::value::{Metadata, Recordable, Text};
use crate::event::{Attribute, Value};
use crate::recorder::enabled;
pub use crate::schema::{Class, Entry, Field};
pub use crate::tool::found::{Found, Pair as FoundPair, Value as FoundValue};

/// Begins a command on this thread.
#[inline]
pub fn command(name: &'static str) -> Guard {
    if enabled() { Guard::start(Cow::Borrowed(name), Vec::new()) } else { Guard::off() }
}

/// [`command`], with what the author records of it, which is looked at only if it is recorded.
#[inline]
pub fn command_with<const N: usize>(
    name: &'static str,
    attributes: impl FnOnce() -> [Option<Attribute<'static>>; N],
) -> Guard {
    if enabled() { Guard::start(Cow::Borrowed(name), gathered(attributes())) } else { Guard::off() }
}

/// A command that begins when it is first polled.
#[inline]
pub fn task(name: &'static str) -> Command {
    if enabled() { Command::ready(Cow::Borrowed(name), Vec::new()) } else { Command::off() }
}

/// [`task`], with what the author records of it.
#[inline]
pub fn task_with<const N: usize>(
    name: &'static str,
    attributes: impl FnOnce() -> [Option<Attribute<'static>>; N],
) -> Command {
    if enabled() { Command::ready(Cow::Borrowed(name), gathered(attributes())) } else { Command::off() }
}

/// What is there of some attributes.
#[cold]
pub fn gathered<const N: usize>(attributes: [Option<Attribute<'static>>; N]) -> Vec<Attribute<'static>> {
    let mut all = Vec::with_capacity(N + 1);
    all.extend(attributes.into_iter().flatten());
    all
}

/// `key = expression`
pub fn metadata<T: Metadata + ?Sized>(key: &'static str, value: &T) -> Option<Attribute<'static>> {
    Some(Attribute { key: Cow::Borrowed(key), value: value.metadata()? })
}

/// A parameter that is safe to record.
pub fn recorded<T: Recordable + ?Sized>(key: &'static str, value: &T) -> Option<Attribute<'static>> {
    Some(Attribute { key: Cow::Borrowed(key), value: value.recorded()? })
}

/// A parameter whose text the author chose to record.
pub fn text<T: Text + ?Sized>(key: &'static str, value: &T) -> Option<Attribute<'static>> {
    Some(Attribute::new(key, value.text()?.into_owned()))
}

/// The case of an enum: a name that the author declared.
#[must_use]
pub fn case(name: &'static str) -> Option<Value<'static>> {
    Some(Value::Declared(name))
}

/// Text that lives as long as the program.
#[must_use]
pub const fn borrowed(text: &'static str) -> Cow<'static, str> {
    Cow::Borrowed(text)
}

/// Calls a body. The bound makes the closure one that is called once, so that it may return what it
/// borrows; calling it in place would make the compiler infer less.
#[inline(always)]
pub fn call<R>(body: impl FnOnce() -> R) -> R {
    body()
}

/// `None`, of the type that a future is going to return.
#[inline(always)]
pub const fn edge<R>() -> Option<R> {
    None
}

/// Polls a future to its end inside a command.
#[inline]
pub fn poll<'a, F: Future>(
    command: &'a mut Command,
    future: Pin<&'a mut F>,
) -> impl Future<Output = F::Output> + use<'a, F> {
    Polled { command, future }
}

/// A value that is an exit code where the author says so.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an exit code",
    label = "expected an integer or an `ExitCode`"
)]
pub trait AsExitCode {
    /// The exit code.
    fn as_exit_code(&self) -> i32;
}

macro_rules! exit_codes {
    ($($integer:ty),*) => {$(
        impl AsExitCode for $integer {
            fn as_exit_code(&self) -> i32 {
                i32::try_from(*self).unwrap_or(i32::MAX)
            }
        }
    )*};
}

exit_codes!(i8, i16, i32, i64, isize, u8, u16, u32, u64, usize);

impl AsExitCode for ExitCode {
    fn as_exit_code(&self) -> i32 {
        number(*self).unwrap_or(1)
    }
}

impl<T: AsExitCode + ?Sized> AsExitCode for &T {
    fn as_exit_code(&self) -> i32 {
        (**self).as_exit_code()
    }
}

/// `exit_code`
pub fn exit_code<T: AsExitCode + ?Sized>(value: &T) -> Report {
    Report::success().code(value.as_exit_code())
}

/// `error_code = |error| ..`
pub fn code_by<E: ?Sized, C: AsExitCode>(by: impl FnOnce(&E) -> C, error: &E) -> i32 {
    by(error).as_exit_code()
}

/// `error_code = 2` and `error_code = function`
pub fn code<E: ?Sized, By>(code: impl ErrorCode<E, By>, error: &E) -> i32 {
    code.error_code(error)
}

/// What may stand after `error_code =`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not give an exit code",
    label = "expected an integer, or a function from the error to one"
)]
pub trait ErrorCode<E: ?Sized, By> {
    /// The exit code of an error.
    fn error_code(self, error: &E) -> i32;
}

/// How an [`ErrorCode`] is given.
pub struct ByValue;
/// How an [`ErrorCode`] is given.
pub struct ByFunction<C>(C);

impl<E: ?Sized, C: AsExitCode> ErrorCode<E, ByValue> for C {
    fn error_code(self, _: &E) -> i32 {
        self.as_exit_code()
    }
}

impl<E: ?Sized, C: AsExitCode, F: FnOnce(&E) -> C> ErrorCode<E, ByFunction<C>> for F {
    fn error_code(self, error: &E) -> i32 {
        self(error).as_exit_code()
    }
}

/// What a command costs that is not the attribute's: a start mark and a record of the same event. For
/// the benchmark, which compares with it.
pub fn started_and_recorded(name: &'static str, attributes: &[Attribute<'_>]) {
    if enabled() {
        let mut event = crate::event::Event::new(crate::event::kind::COMMAND_INVOCATION, name);
        event.id = crate::recorder::started(name, None).0;
        event.duration = Some(std::time::Duration::from_nanos(1_000));
        event.exit_code = Some(0);
        event.attributes = Cow::Borrowed(attributes);
        event.ended = Some(crate::event::Ended::Finished);
        crate::recorder::record(&event);
    }
}
