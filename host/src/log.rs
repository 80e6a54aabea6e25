//! What a component writes: its log, and its captured standard output and error. Bounded per call,
//! tidied, and given to whoever asks; nothing is printed.

use std::sync::{Arc, Mutex, PoisonError};

use crate::text::tidy;

/// A line costs a little even when empty, so that a million empty lines are bounded too.
const LINE_COST: usize = 32;

/// How much a line of log matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For the component's developer.
    Debug,
    /// Worth knowing.
    Info,
    /// Something may be wrong.
    Warn,
    /// Something is wrong.
    Error,
}

/// Where a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// The contract's `log` interface.
    Log,
    /// The component's standard output.
    Stdout,
    /// The component's standard error.
    Stderr,
    /// The host, about the component.
    Host,
}

/// One line that a component wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// How much it matters.
    pub level: Level,
    /// Where it came from.
    pub stream: Stream,
    /// One line, bounded, without control characters.
    pub text: String,
}

/// The lines of one backend, shared by the store and its caller.
#[derive(Clone)]
pub(crate) struct LogBook(Arc<Mutex<Book>>);

struct Book {
    lines: Vec<LogLine>,
    bytes_left: usize,
    bytes_per_call: usize,
    line_bytes: usize,
    dropped: u64,
}

impl LogBook {
    pub(crate) fn new(bytes_per_call: usize, line_bytes: usize) -> Self {
        Self(Arc::new(Mutex::new(Book {
            lines: Vec::new(),
            bytes_left: bytes_per_call,
            bytes_per_call,
            line_bytes,
            dropped: 0,
        })))
    }

    fn with<R>(&self, act: impl FnOnce(&mut Book) -> R) -> R {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A new call has the whole allowance again, unless nobody took the lines of the last ones.
    pub(crate) fn begin_call(&self) {
        self.with(|book| {
            let held: usize = book.lines.iter().map(|line| line.text.len() + LINE_COST).sum();
            book.bytes_left = book.bytes_per_call.saturating_sub(held / 4);
        });
    }

    pub(crate) fn write(&self, level: Level, stream: Stream, text: &str) {
        self.with(|book| book.write(level, stream, text));
    }

    pub(crate) fn take(&self) -> Vec<LogLine> {
        self.with(|book| {
            let mut lines = std::mem::take(&mut book.lines);
            if book.dropped > 0 {
                let text = format!("{} more lines were dropped: the component wrote too much", book.dropped);
                lines.push(LogLine { level: Level::Warn, stream: Stream::Host, text });
                book.dropped = 0;
            }
            lines
        })
    }
}

impl Book {
    fn write(&mut self, level: Level, stream: Stream, text: &str) {
        let text = tidy(text, self.line_bytes);
        match self.bytes_left.checked_sub(text.len() + LINE_COST) {
            Some(left) => {
                self.bytes_left = left;
                self.lines.push(LogLine { level, stream, text });
            }
            None => {
                self.bytes_left = 0;
                self.dropped += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_cut_and_counted() {
        let book = LogBook::new(1_000, 100);
        for _ in 0..1_000_000 {
            book.write(Level::Info, Stream::Log, "");
        }
        let lines = book.take();
        assert_eq!(lines.len(), 1_000 / 32 + 1);
        assert_eq!(
            lines.last().unwrap().text,
            "999969 more lines were dropped: the component wrote too much"
        );
    }

    #[test]
    fn lines_that_nobody_takes_do_not_pile_up_over_many_calls() {
        let book = LogBook::new(1_000, 100);
        for _ in 0..1_000 {
            book.begin_call();
            book.write(Level::Info, Stream::Log, &"x".repeat(90));
            book.write(Level::Info, Stream::Log, &"x".repeat(90));
        }
        assert!(book.with(|b| b.lines.iter().map(|l| l.text.len()).sum::<usize>()) < 10_000);
    }
}
