//! Events as pretty JSON, for development.

use std::io::{self, Write};

use super::json::Line;
use super::{Backend, Batch, Outcome, SendContext};

/// Writes each event as pretty JSON to any [`Write`]; by default to standard output. For
/// development: it is the one backend whose events a tool's user sees between the tool's own lines.
pub struct Stdout<W: Write + Send = io::Stdout>(W);

impl Default for Stdout {
    fn default() -> Self {
        Self(io::stdout())
    }
}

impl<W: Write + Send> Stdout<W> {
    /// Writes to this.
    pub fn new(to: W) -> Self {
        Self(to)
    }
}

impl<W: Write + Send> Backend for Stdout<W> {
    fn send(&mut self, batch: &Batch, _: &SendContext) -> Outcome {
        let mut text = Vec::new();
        for event in &batch.events {
            if serde_json::to_writer_pretty(&mut text, &Line::new(event, Some(&batch.origin))).is_err() {
                return Outcome::Rejected("an event cannot be written as JSON".into());
            }
            text.push(b'\n');
        }
        match self.0.write_all(&text).and_then(|()| self.0.flush()) {
            Ok(()) => Outcome::Delivered,
            Err(error) => {
                Outcome::Retry { reason: format!("cannot write to standard output: {error}"), after: None }
            }
        }
    }
}
