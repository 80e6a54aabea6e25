//! A library crate with commands of a tool, to which cli-telemetry is `usage`: each attribute and derive is
//! told so, and nothing in here is called `telemetry`.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, clippy::all, clippy::pedantic)]

use std::fmt;
use std::future::Future;

use usage::Declared as _;
use usage::schema::{Entry, Field};

/// A choice.
#[derive(Clone, Copy, Debug, usage::Recordable)]
#[recordable(crate = usage)]
pub enum Format {
    /// One.
    Json,
    /// Another.
    PlainText,
}

/// An error.
#[derive(Debug, usage::Failure)]
#[failure(crate = usage)]
pub enum Problem {
    /// One.
    #[failure(code = 4)]
    Refused,
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("refused")
    }
}

/// An event.
#[derive(Debug, usage::Event)]
#[event(crate = usage, purpose = "To test.")]
struct Happened {
    /// How.
    #[field(purpose = "To test.", class = "usage")]
    format: Format,
    /// Where.
    #[field(purpose = "To test.", class = "content", text, extended)]
    place: String,
}

usage::declare!(Entry::command("by-hand", "Begun by hand.", "To test.", &[Field::metadata("fast", "true")]));

/// Writes a report.
///
/// # Errors
/// Where it is asked for as JSON.
#[usage::command(crate = usage, name = "report/export", record(format), metadata(length = name.len()))]
pub fn export(format: Format, name: &str) -> Result<usize, Problem> {
    Happened { format, place: name.to_owned() }.record();
    match format {
        Format::Json => Err(Problem::Refused),
        Format::PlainText => Ok(name.len()),
    }
}

/// Waits.
#[usage::command(crate = ::usage)]
pub async fn wait(n: u8) -> u8 {
    std::future::ready(n).await
}

/// Waits, too.
#[usage::command(crate = usage)]
pub fn later(n: u8) -> impl Future<Output = u8> {
    async move { wait(n).await }
}

/// Runs a command by hand.
pub fn by_hand() {
    let mut command = usage::begin("by-hand");
    command.metadata("fast", &true);
    let returned: Result<(), Problem> = Err(Problem::Refused);
    command.end(usage::report!(&returned));
}
