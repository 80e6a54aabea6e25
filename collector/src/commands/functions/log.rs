//! What was recorded and what was sent, as far as it is still here.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use serde::Serialize;

use super::CommandError;
use crate::backend::json::Line;
use crate::backend::{Origin, rotated};
use crate::delivery::{Delivery, ledger, recorded};
use crate::journal;
use crate::platform::private;
use crate::session::LOCAL;

/// The local log is read from its end, so much of it at most.
const TAIL: u64 = 1024 * 1024;

/// What was recorded and what was sent, the newest last.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Log {
    /// The last events, as they were recorded.
    pub events: Vec<Recorded>,
    /// The last deliveries.
    pub deliveries: Vec<Delivery>,
}

/// An event as it was recorded.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[non_exhaustive]
pub struct Recorded {
    /// Where it is.
    pub state: State,
    /// The event as JSON.
    #[serde(serialize_with = "as_json")]
    pub json: String,
}

/// Where an event is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum State {
    /// In the journal: it is to be sent.
    Pending,
    /// On this machine only.
    Local,
}

impl State {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Local => "local",
        }
    }
}

/// The last events, `most` at most, and the last deliveries. Events that were delivered are not kept.
///
/// # Errors
/// Where telemetry was not started or its configuration cannot be used.
pub fn log(most: usize) -> Result<Log, CommandError> {
    let session = super::begin()?;
    let log = session.local_log();
    let mut local = tail(&log, most);
    if local.len() < most {
        let mut older = tail(&rotated(&log), most - local.len());
        older.append(&mut local);
        local = older;
    }
    let mut events: Vec<Recorded> =
        local.into_iter().map(|json| Recorded { state: State::Local, json }).collect();
    for (label, record) in journal::read_all(&session.journal_directory(), most) {
        let Some(event) = recorded::event(&record) else { continue };
        let origin = serde_json::from_slice::<Origin>(&label.origin).ok();
        let Ok(json) = serde_json::to_string(&Line::new(&event, origin.as_ref())) else { continue };
        let state = if label.destination == LOCAL { State::Local } else { State::Pending };
        events.push(Recorded { state, json });
    }
    events.drain(..events.len().saturating_sub(most));
    let mut deliveries = ledger::read(session.place.directory());
    deliveries.drain(..deliveries.len().saturating_sub(most));
    Ok(Log { events, deliveries })
}

/// The last lines of a file, oldest first.
fn tail(path: &Path, most: usize) -> Vec<String> {
    let read = || -> std::io::Result<Vec<u8>> {
        let Ok((mut file, about)) = private::open(path, false) else { return Ok(Vec::new()) };
        let from = about.len().saturating_sub(TAIL);
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(TAIL).read_to_end(&mut bytes)?;
        if from > 0 {
            let line = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1);
            bytes.drain(..line);
        }
        Ok(bytes)
    };
    let bytes = read().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    // Only what is JSON is shown: a control character in a damaged line is no event.
    let is_json = |line: &&str| serde_json::from_slice::<serde::de::IgnoredAny>(line.as_bytes()).is_ok();
    let lines: Vec<&str> = text.lines().filter(is_json).collect();
    lines[lines.len().saturating_sub(most)..].iter().map(|line| (*line).to_owned()).collect()
}

fn as_json<S: serde::Serializer>(json: &str, to: S) -> Result<S::Ok, S::Error> {
    serde_json::from_slice::<serde_json::Value>(json.as_bytes()).unwrap_or_default().serialize(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_of_a_log_is_bounded_and_whole_lines_of_json() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("events.ndjson");
        assert!(tail(&path, 5).is_empty());
        std::fs::write(&path, "{\"n\":1}\n\u{1b}[31mnot json\n{\"n\":2}\n{\"n\":3}\n{\"n\"").unwrap();
        assert_eq!(tail(&path, 2), ["{\"n\":2}", "{\"n\":3}"]);
        let long = format!("{{\"n\":\"{}\"}}\n", "x".repeat(1_000)).repeat(3_000);
        std::fs::write(&path, long).unwrap();
        assert_eq!(tail(&path, 9).len(), 9);
        assert!(tail(&path, usize::MAX).len() < 1_100);
    }
}
