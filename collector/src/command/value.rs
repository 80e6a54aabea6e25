//! What may become an attribute.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::num::NonZero;
use std::path::{Path, PathBuf};

use crate::event::Value;

/// A value that is safe to record whatever it is: it holds no text of the user's.
///
/// Booleans, numbers, and enums that derive it: an enum is recorded as its case's name, and nothing
/// inside of the case is looked at. Text is never recorded by this: see [`Text`].
///
/// ```
/// #[derive(telemetry::Recordable)]
/// enum Format {
///     Json,
///     PlainText,
/// }
///
/// #[telemetry::command(record(format, dry_run))]
/// fn export(format: Format, dry_run: bool, path: &str) {}
/// # export(Format::PlainText, true, "never recorded");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not safe to record",
    label = "only booleans, numbers and enums that derive `telemetry::Recordable` are",
    note = "for text that may be recorded, write `text(..)` around it",
    note = "for an enum of your own, `#[derive(telemetry::Recordable)]`"
)]
pub trait Recordable {
    /// The value; `None` is not recorded.
    fn recorded(&self) -> Option<Value<'static>>;
}

/// Text that the author chose to record by writing `text(..)` around it. It is redacted.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not text",
    label = "`text(..)` takes strings, paths and characters",
    note = "anything else is given as `metadata(key = expression)`"
)]
pub trait Text {
    /// The text, with what is not Unicode replaced; `None` is not recorded.
    fn text(&self) -> Option<Cow<'_, str>>;
}

/// The value of an expression that the author wrote: what is [`Recordable`], and strings, which are
/// redacted. An `Option` that is `None` adds nothing.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the value of an attribute",
    label = "expected a boolean, a number, a string, or an enum that derives `telemetry::Recordable`",
    note = "for anything that can be displayed, `.to_string()`"
)]
pub trait Metadata {
    /// The value; `None` is not recorded.
    fn metadata(&self) -> Option<Value<'static>>;
}

macro_rules! integers {
    ($($small:ty),*; $($large:ty),*) => {
        $(impl Recordable for $small {
            fn recorded(&self) -> Option<Value<'static>> {
                Some(Value::Integer(i64::from(*self)))
            }
        })*
        $(impl Recordable for $large {
            /// A number that is too large is recorded as the largest that fits.
            #[allow(unused_comparisons, reason = "one macro for signed and unsigned")]
            fn recorded(&self) -> Option<Value<'static>> {
                let nearest = if *self < 0 { i64::MIN } else { i64::MAX };
                Some(Value::Integer(i64::try_from(*self).unwrap_or(nearest)))
            }
        })*
        $(impl Recordable for NonZero<$small> {
            fn recorded(&self) -> Option<Value<'static>> {
                self.get().recorded()
            }
        })*
        $(impl Recordable for NonZero<$large> {
            fn recorded(&self) -> Option<Value<'static>> {
                self.get().recorded()
            }
        })*
    };
}

integers!(i8, i16, i32, i64, u8, u16, u32; u64, u128, i128, usize, isize);

impl Recordable for bool {
    fn recorded(&self) -> Option<Value<'static>> {
        Some(Value::Boolean(*self))
    }
}

impl Recordable for f32 {
    fn recorded(&self) -> Option<Value<'static>> {
        Some(Value::Number(f64::from(*self)))
    }
}

impl Recordable for f64 {
    fn recorded(&self) -> Option<Value<'static>> {
        Some(Value::Number(*self))
    }
}

impl<T: Recordable> Recordable for Option<T> {
    fn recorded(&self) -> Option<Value<'static>> {
        self.as_ref()?.recorded()
    }
}

impl<T: Recordable + ?Sized> Recordable for &T {
    fn recorded(&self) -> Option<Value<'static>> {
        (**self).recorded()
    }
}

impl<T: Recordable + ?Sized> Recordable for &mut T {
    fn recorded(&self) -> Option<Value<'static>> {
        (**self).recorded()
    }
}

impl<T: Recordable + ?Sized> Metadata for T {
    fn metadata(&self) -> Option<Value<'static>> {
        self.recorded()
    }
}

macro_rules! strings {
    ($($string:ty),*) => {$(
        impl Metadata for $string {
            fn metadata(&self) -> Option<Value<'static>> {
                let text: &str = self.as_ref();
                Some(Value::Text(Cow::Owned(text.to_owned())))
            }
        }

        impl Metadata for Option<$string> {
            fn metadata(&self) -> Option<Value<'static>> {
                self.as_ref().and_then(Metadata::metadata)
            }
        }
    )*};
}

strings!(&str, &&str, String, &String, &&String, Cow<'_, str>, &Cow<'_, str>, Box<str>, &Box<str>);

impl Metadata for str {
    fn metadata(&self) -> Option<Value<'static>> {
        Some(Value::Text(Cow::Owned(self.to_owned())))
    }
}

impl Text for str {
    fn text(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(self))
    }
}

impl Text for String {
    fn text(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(self))
    }
}

impl Text for Cow<'_, str> {
    fn text(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(self))
    }
}

impl Text for char {
    fn text(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Owned(self.to_string()))
    }
}

impl Text for OsStr {
    fn text(&self) -> Option<Cow<'_, str>> {
        Some(self.to_string_lossy())
    }
}

impl Text for OsString {
    fn text(&self) -> Option<Cow<'_, str>> {
        Some(self.to_string_lossy())
    }
}

impl Text for Path {
    fn text(&self) -> Option<Cow<'_, str>> {
        Some(self.to_string_lossy())
    }
}

impl Text for PathBuf {
    fn text(&self) -> Option<Cow<'_, str>> {
        Some(self.to_string_lossy())
    }
}

impl<T: Text> Text for Option<T> {
    fn text(&self) -> Option<Cow<'_, str>> {
        self.as_ref()?.text()
    }
}

impl<T: Text + ?Sized> Text for &T {
    fn text(&self) -> Option<Cow<'_, str>> {
        (**self).text()
    }
}

impl<T: Text + ?Sized> Text for &mut T {
    fn text(&self) -> Option<Cow<'_, str>> {
        (**self).text()
    }
}

impl<T: Text + ?Sized> Text for Box<T> {
    fn text(&self) -> Option<Cow<'_, str>> {
        (**self).text()
    }
}
