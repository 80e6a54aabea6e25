//! Usage telemetry for command-line tools: consent first, nothing lost, nobody waiting.
#![deny(unsafe_code)]

pub mod event;
#[doc(hidden)]
pub mod journal;
mod platform;
