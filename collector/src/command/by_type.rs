//! Reading a returned value by what its type happens to implement, without asking for a bound.
//!
//! Method lookup goes from the receiver with the most references to the one with the fewest. So of
//! several traits with the same method, each for one reference more, the call takes the one with the
//! most whose bounds the type meets. In a generic function the bounds that the author wrote decide,
//! and a type that is still being inferred is not constrained. The methods have names that nobody else
//! gives: a method of the author's that every type has is found with any number of references.

use std::convert::Infallible;
use std::fmt::Display;

pub use std::result::Result::{Err, Ok};

pub use super::future::Command;
pub use super::guard::Guard;
pub use super::outcome::Report;

use super::outcome::{Failure, Outcome, type_kind};
use crate::recorder;

/// What is looked at.
pub struct Probe<'a, T: ?Sized>(pub &'a T);

/// A `Result` in its parts.
pub trait ResultParts<'a> {
    /// What is inside of `Ok`.
    type Value;
    /// What is inside of `Err`.
    type Error;
    /// Both, borrowed.
    fn __telemetry_parts(&self) -> Result<&'a Self::Value, &'a Self::Error>;
}

impl<'a, T, E> ResultParts<'a> for Probe<'a, Result<T, E>> {
    type Value = T;
    type Error = E;

    #[inline]
    fn __telemetry_parts(&self) -> Result<&'a T, &'a E> {
        self.0.as_ref()
    }
}

/// Anything else: a value, and no error. Found second, because it borrows once more.
pub trait ValueParts<'a, T> {
    /// The value.
    fn __telemetry_parts(&self) -> Result<&'a T, &'a Infallible>;
}

impl<'a, T> ValueParts<'a, T> for &Probe<'a, T> {
    #[inline]
    fn __telemetry_parts(&self) -> Result<&'a T, &'a Infallible> {
        Ok(self.0)
    }
}

macro_rules! levels {
    ($method:ident: $($(#[$about:meta])* $name:ident for $probe:ty, $({$($bounds:tt)*})? |$it:ident| $report:expr;)*) => {$(
        $(#[$about])*
        pub trait $name {
            /// How the command ended.
            fn $method(&self) -> Report;
        }

        impl<T: $($($bounds)* +)? ?Sized> $name for $probe {
            fn $method(&self) -> Report {
                let $it = self.0;
                $report
            }
        }
    )*};
}

levels! { __telemetry_value:
    /// A value that says how it ended.
    OutcomeValue for &&Probe<'_, T>, {Outcome} |it| it.report();
    /// Any value: success.
    AnyValue for Probe<'_, T>, |_it| Report::success();
}

levels! { __telemetry_error:
    /// An error that says what it is, and in words.
    FailureInWords for &&&Probe<'_, T>, {Failure + Display} |it| failure(it, words(it));
    /// An error that says what it is.
    FailureOnly for &&Probe<'_, T>, {Failure} |it| failure(it, None);
    /// An error in words.
    WordsOnly for &Probe<'_, T>, {Display} |it| unknown::<T>(words(it));
    /// Any error: its type's name.
    AnyError for Probe<'_, T>, |_it| unknown::<T>(None);
}

/// A `Result` inside of an `Ok`, whose error says nothing: found before [`AnyValue`].
pub trait ResultValue {
    /// How the command ended.
    fn __telemetry_value(&self) -> Report;
}

impl<T, E> ResultValue for &Probe<'_, Result<T, E>> {
    fn __telemetry_value(&self) -> Report {
        if self.0.is_ok() { Report::success() } else { unknown::<E>(None) }
    }
}

/// Something in words.
pub trait InWords {
    /// What it says.
    fn __telemetry_words(&self) -> Option<String>;
}

impl<T: Display + ?Sized> InWords for &Probe<'_, T> {
    fn __telemetry_words(&self) -> Option<String> {
        Some(self.0.to_string())
    }
}

/// Anything else.
pub trait WithoutWords {
    /// Nothing.
    fn __telemetry_words(&self) -> Option<String>;
}

impl<T: ?Sized> WithoutWords for Probe<'_, T> {
    fn __telemetry_words(&self) -> Option<String> {
        None
    }
}

fn failure<E: Failure + ?Sized>(error: &E, words: Option<String>) -> Report {
    Report { exit_code: Some(error.exit_code()), error_kind: Some(error.kind()), error: words }
}

fn unknown<E: ?Sized>(words: Option<String>) -> Report {
    Report { error: words, ..Report::failure(type_kind::<E>()) }
}

/// An error's message, where it may be recorded at all.
fn words<E: Display + ?Sized>(error: &E) -> Option<String> {
    recorder::extended().then(|| error.to_string())
}
