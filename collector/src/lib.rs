//! Usage telemetry for command-line tools: consent first, nothing lost, nobody waiting.
//!
//! ```no_run
//! #[telemetry::command]
//! fn hello(name: &str) {
//!     println!("Hello, {name}!");
//! }
//!
//! # const TOML: &str = "[tool]\nid = \"com.example.greet\"";
//! fn main() {
//!     // In a tool: `telemetry::start!()`, which reads the `telemetry.toml` beside `Cargo.toml`.
//!     let _telemetry = telemetry::start(telemetry::Tool::from_toml("1.0.0", TOML));
//!     hello("Ada");
//! }
//! ```
//!
//! [`start!`] reads the author's `telemetry.toml` ([`Config`](tool::Config) explains every key),
//! [`macro@command`] measures a function, and `commands` (feature `clap`) is the subcommand with which the
//! tool's user decides. Nothing is recorded before a yes.
//!
//! | feature | default | what |
//! | --- | --- | --- |
//! | `components` | on | backends that are WebAssembly components; implies `sender` |
//! | `compiler`, `pulley` | on | compile a component when the tool runs, also for an interpreter |
//! | `bundled`, `bundled-*` | on | the project's own backends, embedded: all, or one |
//! | `precompiled` | off | the embedded ones compiled when the tool is built |
//! | `wasi-http`, `coding-br`, `coding-zstd` | off | what some components ask of the host |
//! | `sender` | on | the tool sends: also through a backend of its own ([`Tool::backend`]) |
//! | `config-file` | on | a configuration that is read when the tool runs: [`Tool::config_file`], [`Tool::from_toml`] |
//! | `commands` | on | what the user's subcommand does, as functions ([`commands`]) |
//! | `clap` | on | the subcommand for clap; without `commands` it hands its arguments to the helper |
//! | `mail` | on | open the user's mail program on a request to erase |
//! | `prompt` | off | ask the user at a terminal |
//! | `tracing` | off | diagnostics to the tool's `tracing` subscriber |
//!
//! Without any of them the library records, and the program `<tool>-telemetry` beside the tool sends: see
//! [`helper()`].
//!
//! Whoever builds a tool and wants none of this in it (a distribution, say) builds it with
//! `RUSTFLAGS="--cfg telemetry_off"`: every call is then nothing, no schema is registered, nothing is opened,
//! and the subcommand says that the program was built without telemetry.
//!
//! This library never prints (outside the subcommand), never panics, and never changes a tool's exit code.
//! What it has to say goes to the hook that [`Tool::logger`] sets.
#![deny(unsafe_code)]
// A tool never panics because of this.
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable, clippy::todo)
)]
// What only a sender or the subcommand calls lies beside what it belongs to. Without those features nothing leads
// there, and the linker leaves it out: that is all that they have to switch.
#![cfg_attr(
    not(all(feature = "sender", feature = "commands", feature = "clap")),
    allow(dead_code, unused_imports)
)]

// The attributes write `::telemetry`: so that they work in this crate's own tests too.
extern crate self as telemetry;

pub mod backend;
pub mod command;
pub mod commands;
pub mod consent;
mod declared;
#[doc(hidden)]
pub mod delivery;
pub mod diagnostics;
mod erasure;
pub mod event;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod identity;
#[doc(hidden)]
pub mod journal;
mod json;
mod platform;
mod recorder;
pub mod redact;
pub mod schema;
mod scratch;
mod session;
mod sum;
pub mod tool;

pub use command::begin;
#[doc(hidden)]
pub use command::private as __private;
pub use declared::Declared;
pub use platform::ci::{UNKNOWN as UNKNOWN_CI_SYSTEM, ci_system};
pub use platform::container::container;
pub use recorder::{capture, capture_all};
#[cfg(feature = "sender")]
pub use session::helper;
pub use session::{NoSession, Telemetry, before_exec, exit, start, track};
/// Declares an event: see [`Declared`].
pub use telemetry_macros::Event;
/// Gives an error a kind: see [`command::Failure`].
pub use telemetry_macros::Failure;
/// Makes an enum safe to record: see [`command::Recordable`].
pub use telemetry_macros::Recordable;
#[doc = include_str!("command_attribute.md")]
pub use telemetry_macros::command;
#[doc = include_str!("main_attribute.md")]
pub use telemetry_macros::main;
pub use tool::Tool;

/// The tool as the `telemetry.toml` beside its `Cargo.toml` declares it, embedded when the tool is
/// compiled. Another file is named relative to the directory of `Cargo.toml`.
///
/// The file is checked by the compiler: an unknown key, a wrong type or a missing `id` is an error that
/// names its line.
#[macro_export]
macro_rules! tool {
    () => {
        $crate::tool!("telemetry.toml")
    };
    ($path:literal) => {
        $crate::Tool::embedded(::core::env!("CARGO_PKG_VERSION"), $crate::__private::configuration!([$crate] $path))
            .debug_build(::core::cfg!(debug_assertions))
    };
}

/// Starts telemetry: the first thing in `main`. Keep what it returns until the end of `main`.
///
/// `start!()` takes the `telemetry.toml` beside `Cargo.toml`, `start!("path")` another file, as
/// [`tool!`] does; `start!(tool)` takes a [`Tool`].
#[macro_export]
macro_rules! start {
    () => {
        $crate::start($crate::tool!())
    };
    ($path:literal) => {
        $crate::start($crate::tool!($path))
    };
    ($tool:expr) => {
        $crate::start($tool)
    };
}

/// The whole `main` of a tool's helper: see [`helper()`]. Needs the feature `sender`. Takes what [`start!`] takes, as a rule the path of
/// the tool's own `telemetry.toml`, relative to the directory of `Cargo.toml`.
#[cfg(feature = "sender")]
#[macro_export]
macro_rules! helper {
    () => {
        $crate::helper($crate::tool!())
    };
    ($path:literal) => {
        $crate::helper($crate::tool!($path))
    };
    ($tool:expr) => {
        $crate::helper($tool)
    };
}

/// How a command ended by what it returned, as [`#[telemetry::command]`](macro@crate::command) reads it:
/// for [`Guard::end`](command::Guard::end). It takes a reference to a value of any type.
///
/// ```
/// #[derive(Debug)]
/// struct Unusable;
///
/// # let ((), events) = telemetry::capture(false, || {
/// let mut command = telemetry::begin("build");
/// let returned: Result<[u8; 4], Unusable> = Err(Unusable);
/// command.end(telemetry::report!(&returned));
/// # });
/// # assert!(events[0].error_kind.as_deref().unwrap().ends_with("Unusable"));
/// ```
#[macro_export]
macro_rules! report {
    ($returned:expr) => {{
        use $crate::__private::by_type::*;
        match (&Probe($returned)).__telemetry_parts() {
            $crate::__private::Ok(__telemetry_value) => (&&&Probe(__telemetry_value)).__telemetry_value(),
            $crate::__private::Err(__telemetry_error) => (&&&&Probe(__telemetry_error)).__telemetry_error(),
        }
    }};
}

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

/// What registers an entry of the schema where nothing is to be registered.
#[cfg(telemetry_off)]
#[doc(hidden)]
#[macro_export]
macro_rules! __submit_nothing {
    ($($entry:tt)*) => {};
}
