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

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn each_event_is_pretty_json_on_lines_of_its_own() {
        let mut out = Vec::new();
        assert_eq!(Stdout::new(&mut out).send(&sample::batch(2), &sample::context()), Outcome::Delivered);
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("{\n  \"id\": ") && text.ends_with("\n}\n"), "{text}");
        let mut events = serde_json::Deserializer::from_str(&text).into_iter::<serde_json::Value>();
        for name in ["event-0", "event-1"] {
            let event = events.next().unwrap().unwrap();
            assert_eq!((&event["name"], &event["origin"]["tool"]), (&name.into(), &"greet".into()));
        }
        assert!(events.next().is_none());
    }

    #[test]
    fn an_output_that_is_gone_is_tried_again() {
        struct Gone;
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let outcome = Stdout::new(Gone).send(&sample::batch(1), &sample::context());
        assert!(matches!(outcome, Outcome::Retry { after: None, .. }), "{outcome:?}");
    }
}
