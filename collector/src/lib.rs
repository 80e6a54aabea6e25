//! Usage telemetry for command-line tools: consent first, nothing lost, nobody waiting.
#![deny(unsafe_code)]

// The attributes write `::telemetry`: so that they work in this crate's own tests too.
extern crate self as telemetry;

pub mod command;
pub mod event;
mod recorder;
pub mod schema;

pub use command::begin;
#[doc(hidden)]
pub use command::private as __private;
#[doc(hidden)]
pub use recorder::capture;
pub use telemetry_macros::command;
