//! The subcommand of a tool that does not link its work: the program `<tool>-telemetry` beside the tool does it.
//!
//! The tool knows no word of the subcommand but hands on every argument, its streams, and the end of it; the
//! helper parses them as the tool would have, under the tool's name. Between the two, in this order: a hidden
//! argument, which is not the one that starts a sender; the tool's id, so that a helper of another tool does
//! nothing; what the user called; what the tool cannot be asked by its files; its directory,
//! so that a no is not stored where the tool never looks; and the user's own arguments.
//!
//! What a tool can record is known to the tool alone, so where that is asked for it is written to the helper's
//! standard input, which nothing else of it reads.
//!
//! Hazards: as for the helper that sends, nothing beside a tool with another user's powers is started.

#[cfg(all(feature = "clap", not(feature = "commands")))]
mod args;
pub(crate) mod declared;
mod given;
#[cfg(feature = "sender")]
pub(crate) mod taken;

#[cfg(all(feature = "clap", not(feature = "commands")))]
pub use args::Args;
pub use given::hand_over;

/// The helper's first argument.
const ARGUMENT: &str = "__telemetry_subcommand";
/// What the helper is told of the tool, with a `+` between: that it sends by itself,
const SENDS: &str = "sends";
/// or does not;
const RECORDS: &str = "records";
/// and that what it can record follows on the standard input.
const DECLARES: &str = "declares";
