//! Usage telemetry for command-line tools: consent first, nothing lost, nobody waiting.
#![deny(unsafe_code)]

// The attributes write `::telemetry`: so that they work in this crate's own tests too.
extern crate self as telemetry;

pub mod command;
mod declared;
pub mod event;
mod recorder;
pub mod schema;

pub use command::begin;
#[doc(hidden)]
pub use command::private as __private;
#[doc(hidden)]
pub use recorder::capture;

pub use declared::Declared;
/// Declares an event: see [`Declared`].
pub use telemetry_macros::Event;
/// Gives an error a kind: see [`command::Failure`].
pub use telemetry_macros::Failure;
/// Makes an enum safe to record: see [`command::Recordable`].
pub use telemetry_macros::Recordable;
#[doc = include_str!("command_attribute.md")]
pub use telemetry_macros::command;
/// Starts the library, first thing in `main`: what `telemetry::start!` does, written as an attribute.
///
/// It goes above any other attribute of the function, and above a runtime's:
///
/// ```text
/// #[telemetry::main]
/// #[tokio::main]
/// async fn main() -> ExitCode { .. }
/// ```
///
/// The library then starts before the runtime does, and ends after it. `config = "path"` names the
/// configuration as `start!("path")` does, `crate = path` the library under another name. A
/// [`command`](macro@command) on the same function begins after the library has started.
pub use telemetry_macros::main;

/// Registers what is recorded without an attribute or a derive, so that the tool's schema lists it.
///
/// ```
/// use telemetry::schema::{Entry, Field};
///
/// telemetry::declare!(Entry::command(
///     "build",
///     "Builds the project.",
///     "To learn how long builds take.",
///     &[Field::metadata("release", "release")],
/// ));
///
/// telemetry::schema::check_recorded(|| {
///     let mut command = telemetry::begin("build");
///     command.metadata("release", &true);
/// })
/// .unwrap();
/// ```
#[macro_export]
macro_rules! declare {
    ($entry:expr) => {
        $crate::__private::submit! { $entry }
    };
}
