//! How a command ended, by what it returned.

use std::borrow::Cow;
use std::convert::Infallible;
use std::path::PathBuf;
use std::process::{ExitCode, ExitStatus};

use crate::recorder;

/// What is recorded of a command's end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The exit code: 0 is success.
    pub exit_code: Option<i32>,
    /// The class of an error: the name of a type or of one of its cases, never a message.
    pub error_kind: Option<Cow<'static, str>>,
    /// An error's message. Recorded only under the author's extended collection, and redacted.
    pub error: Option<String>,
}

impl Report {
    /// Success: exit code 0.
    #[must_use]
    pub const fn success() -> Self {
        Self { exit_code: Some(0), error_kind: None, error: None }
    }

    /// An error of this kind, with exit code 1.
    #[must_use]
    pub fn failure(kind: impl Into<Cow<'static, str>>) -> Self {
        Self { exit_code: Some(1), error_kind: Some(kind.into()), error: None }
    }

    /// The same with another exit code.
    #[must_use]
    pub fn code(mut self, code: impl Into<i32>) -> Self {
        self.exit_code = Some(code.into());
        self
    }

    /// The same with an error's message.
    #[must_use]
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.error = Some(message.into());
        self
    }
}

/// A type that says how the command that returned it ended.
///
/// Implemented for `()`, `Result`, `Option`, [`ExitCode`] and [`ExitStatus`]. A function that returns
/// any other type ends in success, unless the type implements this:
///
/// ```
/// use telemetry::command::{Outcome, Report};
///
/// enum Verdict { Clean, Findings(u32) }
///
/// impl Outcome for Verdict {
///     fn report(&self) -> Report {
///         match self {
///             Self::Clean => Report::success(),
///             Self::Findings(_) => Report::failure("findings").code(2),
///         }
///     }
/// }
///
/// #[telemetry::command]
/// fn lint() -> Verdict {
///     Verdict::Findings(3)
/// }
/// # lint();
/// ```
///
/// A `Result` is read through: `Ok` by the type inside of it, `Err` by the error's [`Failure`]. An
/// `Option` ends in success, whichever it is: nothing found is an answer too.
///
/// The attribute and [`report!`](crate::report!) look at what a type implements and take any type: one
/// without an `Outcome` is a success, and an error without a `Failure` has the name of its type for a kind and
/// exit code 1. A function cannot look, so [`finish`](super::Guard::finish) and
/// [`future`](super::future()) take only what says by itself how it ended, which is then read as the
/// attribute reads it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say how a command ended",
    label = "this type has no `telemetry::command::Outcome`",
    note = "of a `Result` both sides have to say it: `Ok` by `Outcome`, `Err` by `Failure`, which can be derived",
    note = "for any other type, `command.end(telemetry::report!(&returned))` reads what can be read"
)]
pub trait Outcome {
    /// How the command ended.
    fn report(&self) -> Report;
}

impl Outcome for () {
    fn report(&self) -> Report {
        Report::success()
    }
}

impl Outcome for ExitCode {
    fn report(&self) -> Report {
        Report { exit_code: number(*self), ..Report::default() }
    }
}

impl Outcome for ExitStatus {
    fn report(&self) -> Report {
        Report { exit_code: self.code(), ..Report::default() }
    }
}

impl<T> Outcome for Option<T> {
    fn report(&self) -> Report {
        Report::success()
    }
}

impl<T: Outcome, E: Failure> Outcome for Result<T, E> {
    fn report(&self) -> Report {
        match self {
            Ok(value) => value.report(),
            Err(error) => Report {
                exit_code: Some(error.exit_code()),
                error_kind: Some(error.kind()),
                error: recorder::extended().then(|| error.message()).flatten(),
            },
        }
    }
}

impl Outcome for Infallible {
    fn report(&self) -> Report {
        match *self {}
    }
}

macro_rules! values {
    ($($value:ty),*) => {$(
        /// A value is a success, whatever it is.
        impl Outcome for $value {
            fn report(&self) -> Report {
                Report::success()
            }
        }
    )*};
}

values!(bool, char, str, String, PathBuf, f32, f64);
values!(i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize);

/// A value is a success, whatever it is.
impl<T> Outcome for Vec<T> {
    fn report(&self) -> Report {
        Report::success()
    }
}

impl<T: Outcome + ?Sized> Outcome for &T {
    fn report(&self) -> Report {
        (**self).report()
    }
}

impl<T: Outcome + ?Sized> Outcome for Box<T> {
    fn report(&self) -> Report {
        (**self).report()
    }
}

/// The number in an exit code, which the standard library only lets us compare with.
pub(super) fn number(code: ExitCode) -> Option<i32> {
    (0..=u8::MAX).find(|it| ExitCode::from(*it) == code).map(i32::from)
}

/// An error that says what sort it is.
///
/// Without it an error's kind is the name of its type. Derive it for an enum whose cases matter:
/// the kind is then the case's name, and nothing inside of it is looked at.
///
/// ```
/// #[derive(Debug, telemetry::Failure)]
/// enum Problem {
///     NotFound,
///     #[failure(code = 3)]
///     Refused { by: String },
/// }
/// use telemetry::command::Failure;
/// let problem = Problem::Refused { by: "the server".into() };
/// assert_eq!((&*problem.kind(), problem.exit_code()), ("refused", 3));
/// assert_eq!(Problem::NotFound.exit_code(), 1);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what sort of error it is",
    label = "this type has no `telemetry::command::Failure`",
    note = "for an error of your own, `#[derive(telemetry::Failure)]`",
    note = "for any other, `command.end(telemetry::report!(&returned))` reads what can be read"
)]
pub trait Failure {
    /// The class: a name from a small, fixed set. Never a message, a path or anything of the user's.
    fn kind(&self) -> Cow<'static, str>;

    /// The exit code that it leads to.
    fn exit_code(&self) -> i32 {
        1
    }

    /// What it says in words, for a command that is ended by hand. Recorded only under the author's extended
    /// collection, and redacted; the attribute takes what `Display` writes.
    fn message(&self) -> Option<String> {
        None
    }
}

impl Failure for std::io::Error {
    fn kind(&self) -> Cow<'static, str> {
        format!("io::{:?}", std::io::Error::kind(self)).into()
    }

    fn message(&self) -> Option<String> {
        Some(self.to_string())
    }
}

macro_rules! named {
    ($($error:ty),*) => {$(
        /// Of the kind that its type's name is.
        impl Failure for $error {
            fn kind(&self) -> Cow<'static, str> {
                Cow::Borrowed(type_kind::<Self>())
            }

            fn message(&self) -> Option<String> {
                Some(self.to_string())
            }
        }
    )*};
}

named!(str, String, Cow<'_, str>, std::fmt::Error, std::env::VarError);
named!(std::num::ParseIntError, std::num::ParseFloatError, std::str::ParseBoolError, std::str::Utf8Error);

macro_rules! boxed {
    ($($error:ty),*) => {$(
        impl Failure for Box<$error> {
            fn kind(&self) -> Cow<'static, str> {
                match self.downcast_ref::<std::io::Error>() {
                    Some(error) => Failure::kind(error),
                    None => Cow::Borrowed("dyn Error"),
                }
            }

            fn message(&self) -> Option<String> {
                Some(self.to_string())
            }
        }
    )*};
}

boxed!(dyn std::error::Error, dyn std::error::Error + Send, dyn std::error::Error + Send + Sync);

#[cfg(feature = "clap")]
impl Failure for clap::Error {
    fn kind(&self) -> Cow<'static, str> {
        format!("clap::{:?}", clap::Error::kind(self)).into()
    }

    fn exit_code(&self) -> i32 {
        clap::Error::exit_code(self)
    }

    fn message(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl<T: Failure + ?Sized> Failure for &T {
    fn kind(&self) -> Cow<'static, str> {
        (**self).kind()
    }

    fn exit_code(&self) -> i32 {
        (**self).exit_code()
    }

    fn message(&self) -> Option<String> {
        (**self).message()
    }
}

impl Failure for Infallible {
    fn kind(&self) -> Cow<'static, str> {
        match *self {}
    }
}

/// A type's name without its generic arguments, which could name a type of the user's data.
pub(super) fn type_kind<E: ?Sized>() -> &'static str {
    let name = std::any::type_name::<E>().trim_start_matches('&');
    name.split_once('<').map_or(name, |(outer, _)| outer)
}
