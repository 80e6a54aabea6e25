//! Usage telemetry for command-line tools: consent first, nothing lost, nobody waiting.
#![deny(unsafe_code)]

pub mod event;
pub mod redact;
