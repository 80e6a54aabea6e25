//! Usage telemetry for command-line tools: consent first, nothing lost, nobody waiting.
#![deny(unsafe_code)]

pub mod consent;
pub mod event;
pub mod identity;
mod platform;

pub use platform::ci::{UNKNOWN as UNKNOWN_CI_SYSTEM, ci_system};
pub use platform::container::container;
