//! What was sent, for the user's eyes: the last deliveries, one line each, in the file `deliveries`.
//!
//! It holds no event, only when, how many, how much, to whom, and what became of it. It is bounded, and
//! written by senders alone; what is lost of it in a crash is a line.

use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::policy::{Happened, Verdict};
use crate::platform::private;

/// So many deliveries are kept.
const KEPT: usize = 50;
/// No file of this many lines is longer.
const MOST_BYTES: usize = 64 * 1024;
/// Longest outcome that is kept, in characters.
const LONGEST: usize = 200;

/// One request's worth of events, and what became of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Delivery {
    /// When it was sent.
    pub time: String,
    /// Events in it.
    pub events: u64,
    /// Bytes of the requests' bodies as they left; an estimate where the backend does not count them.
    pub bytes: u64,
    /// Where it went.
    pub destination: String,
    /// What became of it.
    pub outcome: String,
}

/// How an attempt ended, for a person.
pub(super) fn in_words(happened: &Happened) -> String {
    match happened {
        Happened::Delivered => "delivered".to_owned(),
        Happened::Partial(verdicts) => {
            let taken = verdicts.iter().filter(|it| **it == Verdict::Delivered).count();
            format!("{taken} of {} delivered", verdicts.len())
        }
        Happened::Retry { reason, .. } => format!("to be sent again: {reason}"),
        Happened::TooLarge => "too large: to be sent in parts".to_owned(),
        Happened::Rejected(reason) => format!("rejected: {reason}"),
        Happened::Crashed(reason) => format!("the backend failed: {reason}"),
        Happened::Held(reason) => format!("held: {reason}"),
        Happened::Denied => "not sent: consent was withdrawn".to_owned(),
    }
}

pub(crate) fn path(directory: &Path) -> PathBuf {
    directory.join("deliveries")
}

/// The last deliveries, oldest first. What cannot be read is left out.
pub(crate) fn read(directory: &Path) -> Vec<Delivery> {
    let bytes = private::open(&path(directory), false)
        .and_then(|(file, about)| private::read_open(&file, &about, MOST_BYTES))
        .unwrap_or_default();
    bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

/// Adds a delivery to those that are noted, where any are. It makes no file: where the last one was removed
/// meanwhile, this goes with it.
pub(crate) fn add(directory: &Path, delivery: Delivery) -> io::Result<()> {
    let Ok((mut file, _)) = private::open(&path(directory), true) else { return Ok(()) };
    let line = format!("{}\n", serde_json::to_string(&clean(delivery))?);
    let end = file.seek(io::SeekFrom::End(0))?;
    crate::platform::file::fits(end + line.len() as u64)?;
    file.write_all(line.as_bytes())
}

fn clean(mut delivery: Delivery) -> Delivery {
    let clean = crate::redact::redact(&delivery.outcome);
    delivery.outcome = clean.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    delivery
}

/// Notes a delivery. Only the sender calls it, under the drain's lock.
pub(crate) fn note(directory: &Path, delivery: Delivery) -> io::Result<()> {
    let mut all = read(directory);
    all.push(clean(delivery));
    let surplus = all.len().saturating_sub(KEPT);
    let mut text = String::new();
    for delivery in &all[surplus..] {
        text.push_str(&serde_json::to_string(delivery)?);
        text.push('\n');
    }
    private::replace_unsynced(&path(directory), text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(events: u64, outcome: &str) -> Delivery {
        Delivery {
            time: "2026-08-01T12:00:00Z".into(),
            events,
            bytes: 1_000,
            destination: "http at example.com".into(),
            outcome: outcome.into(),
        }
    }

    #[test]
    fn the_last_fifty_are_kept_in_their_order() {
        let directory = tempfile::tempdir().unwrap();
        for events in 0..120 {
            note(directory.path(), delivery(events, "delivered")).unwrap();
        }
        let kept: Vec<u64> = read(directory.path()).iter().map(|it| it.events).collect();
        assert_eq!(kept, (70..120).collect::<Vec<_>>());
    }

    #[test]
    fn the_longest_lines_fit_the_file() {
        let directory = tempfile::tempdir().unwrap();
        for events in 0..KEPT as u64 {
            note(directory.path(), delivery(events, &"é".repeat(9_999))).unwrap();
        }
        assert_eq!(read(directory.path()).len(), KEPT);
    }

    #[test]
    fn damage_costs_a_line_and_a_secret_is_not_kept() {
        let directory = tempfile::tempdir().unwrap();
        let secret = format!("ghp_{}", "a1B2".repeat(9));
        note(directory.path(), delivery(1, &format!("refused {secret}\n"))).unwrap();
        let mut text = std::fs::read_to_string(path(directory.path())).unwrap();
        assert!(!text.contains(&secret), "{text}");
        text.push_str("{nonsense\n");
        std::fs::write(path(directory.path()), text).unwrap();
        note(directory.path(), delivery(2, "delivered")).unwrap();
        assert_eq!(read(directory.path()).iter().map(|it| it.events).collect::<Vec<_>>(), [1, 2]);
    }
}
