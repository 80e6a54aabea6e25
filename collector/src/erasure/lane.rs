//! The lane: what is still to be erased, in the file `erasure`, which outlives the user's no.
//!
//! It holds ids, times and the reason of the last failure, and no event. This file does no more I/O
//! than reading and replacing it, reads no clock and draws no randomness: what happened and the time
//! come in, what to do next comes out.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::delivery::backoff::{Backoff, Random};
use crate::delivery::{Unreadable, codec};
use crate::event::Timestamp;
use crate::platform::private;

const NAME: &str = "telemetry-erasure";
const VERSION: u32 = 1;
/// Sixteen ids and a sentence stay far below.
const MOST_BYTES: usize = 64 * 1024;
/// Longest reason that is kept, in characters.
const LONGEST_REASON: usize = 300;
/// Longest text that is kept of the end: with sixteen ids to name.
const LONGEST_END: usize = 2_000;
/// A moment further ahead than any wait was written under another clock.
const LONGEST_WAIT: Duration = Duration::from_secs(2 * 24 * 3600);

/// What is still to be erased.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Lane {
    /// Every id that something was sent under and that has no receipt.
    pub(crate) ids: Vec<String>,
    /// When the user asked, in milliseconds since 1970.
    since: i64,
    /// How often it was tried.
    pub(crate) attempts: u32,
    /// No attempt before.
    not_before: Option<i64>,
    /// What kept the last attempt from a receipt.
    pub(crate) reason: String,
}

/// How a lane ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Ended {
    pub(crate) at: i64,
    pub(crate) how: How,
    /// The receipt, or what to do instead.
    pub(crate) text: String,
}

/// How a lane ended, in a word.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum How {
    /// With a receipt.
    Receipt,
    /// It is not possible from here.
    Unsupported,
    /// By an e-mail that the user was to send.
    Mail,
    /// Nobody ever answered.
    Unconfirmed,
}

/// What a run may do about a lane now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Due {
    /// Try.
    Now,
    /// Not before this moment.
    NotBefore(Timestamp),
    /// It is over: nobody confirmed in time.
    TooLate,
}

impl Lane {
    /// A new request, by a user who asked now. What an older one still waits for goes with it.
    pub(crate) fn new(ids: Vec<String>, now: Timestamp) -> Self {
        Self { ids, since: ms(now), attempts: 0, not_before: None, reason: String::new() }
    }

    /// What may be done now. `asked`: the user waits, so the schedule does not count.
    pub(crate) fn due(&self, now: Timestamp, give_up: Duration, asked: bool) -> Due {
        let now = ms(now);
        if now.saturating_sub(self.since) > millis(give_up) {
            return Due::TooLate;
        }
        match self.not_before {
            Some(moment) if !asked && moment > now && moment - now <= millis(LONGEST_WAIT) => {
                Due::NotBefore(from_ms(moment))
            }
            _ => Due::Now,
        }
    }

    /// An attempt failed; another comes after a growing, random wait, or when the vendor said.
    pub(crate) fn failed(
        &mut self,
        reason: &str,
        after: Option<Duration>,
        now: Timestamp,
        backoff: &Backoff,
        random: Random<'_>,
    ) {
        self.attempts = self.attempts.saturating_add(1);
        let wait = backoff.wait(self.attempts, random).max(after.unwrap_or_default()).min(LONGEST_WAIT);
        self.not_before = Some(ms(now).saturating_add(millis(wait)));
        self.reason = tidy(reason, LONGEST_REASON);
    }

    /// When the next attempt may be made, if that is known.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.not_before.map(from_ms)
    }

    /// The moment of the user's request.
    pub(crate) fn since(&self) -> Timestamp {
        from_ms(self.since)
    }
}

impl Ended {
    pub(crate) fn new(how: How, text: &str, now: Timestamp) -> Self {
        Self { at: ms(now), how, text: tidy(text, LONGEST_END) }
    }

    pub(crate) fn at(&self) -> Timestamp {
        from_ms(self.at)
    }
}

pub(super) fn path(directory: &Path) -> PathBuf {
    directory.join("erasure")
}

fn ended_path(directory: &Path) -> PathBuf {
    directory.join("erasure.last")
}

/// The lane, if there is one.
///
/// # Errors
/// [`Unreadable::Damaged`]: it is made anew from the ids that were sent under. [`Unreadable::Newer`]: it
/// is left alone.
pub(crate) fn read(directory: &Path) -> Result<Option<Lane>, Unreadable> {
    bytes(&path(directory)).map(|bytes| codec::read(NAME, VERSION, &bytes)).transpose()
}

/// Stores the lane, durably: the user was told that it goes on.
pub(crate) fn write(directory: &Path, lane: &Lane) -> io::Result<()> {
    private::make_directory(directory)?;
    private::replace(&path(directory), &codec::write(NAME, VERSION, lane))
}

/// Ends the lane, and keeps how for `status`.
pub(crate) fn end(directory: &Path, ended: &Ended) -> io::Result<()> {
    // If this cannot be kept, the lane still ends: `status` then says less.
    let _ = private::replace_unsynced(&ended_path(directory), &codec::write(NAME, VERSION, ended));
    private::remove(&path(directory)).map(|_| ())
}

/// How the last lane ended.
pub(crate) fn ended(directory: &Path) -> Option<Ended> {
    codec::read(NAME, VERSION, &bytes(&ended_path(directory))?).ok()
}

fn bytes(path: &Path) -> Option<Vec<u8>> {
    let read =
        private::open(path, false).and_then(|(file, about)| private::read_open(&file, &about, MOST_BYTES));
    match read {
        Ok(bytes) => Some(bytes),
        Err(private::Unusable::Missing) => None,
        // Whatever else is in the way is no file of ours: no bytes are damage to the reader.
        Err(_) => Some(Vec::new()),
    }
}

fn tidy(reason: &str, longest: usize) -> String {
    let clean = crate::redact::redact(reason);
    clean.chars().map(|c| if c.is_control() { ' ' } else { c }).take(longest).collect()
}

fn ms(time: Timestamp) -> i64 {
    time.seconds.saturating_mul(1_000).saturating_add(i64::from(time.nanos / 1_000_000))
}

fn from_ms(ms: i64) -> Timestamp {
    Timestamp { seconds: ms.div_euclid(1_000), nanos: (ms.rem_euclid(1_000) * 1_000_000) as u32 }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 3600);
    const BACKOFF: Backoff = Backoff { base: Duration::from_secs(900), max: Duration::from_secs(12 * 3600) };

    fn at(seconds: u64) -> Timestamp {
        Timestamp { seconds: 1_785_585_600 + seconds as i64, nanos: 0 }
    }

    fn lane() -> Lane {
        Lane::new(vec!["0123456789abcdef".into()], at(0))
    }

    #[test]
    fn waits_grow_and_end_after_the_stated_time() {
        let (mut lane, mut now, mut attempts) = (lane(), 0, 0);
        loop {
            match lane.due(at(now), 30 * DAY, false) {
                Due::Now => {
                    attempts += 1;
                    lane.failed("status 503", None, at(now), &BACKOFF, &mut || 1.0);
                }
                Due::NotBefore(moment) => now = (moment.seconds - 1_785_585_600) as u64,
                Due::TooLate => break,
            }
        }
        assert!(now > 30 * DAY.as_secs() && now < 31 * DAY.as_secs(), "{now}");
        // 15, 30 … 480 minutes, then every 12 hours.
        assert_eq!(attempts, 65);
    }

    #[test]
    fn a_vendor_that_names_a_time_is_obeyed_within_reason() {
        let mut it = lane();
        it.failed("status 429", Some(Duration::from_secs(3_600)), at(0), &BACKOFF, &mut || 0.0);
        assert_eq!(it.due(at(3_599), 30 * DAY, false), Due::NotBefore(at(3_600)));
        assert_eq!(it.due(at(3_600), 30 * DAY, false), Due::Now);
        it.failed("status 429", Some(1_000 * DAY), at(0), &BACKOFF, &mut || 0.0);
        assert_eq!(it.next(), Some(at(2 * DAY.as_secs())));
    }

    #[test]
    fn a_user_who_asks_again_waits_for_nothing() {
        let mut it = lane();
        it.failed("status 503", None, at(0), &BACKOFF, &mut || 1.0);
        assert_eq!(it.due(at(1), 30 * DAY, true), Due::Now);
    }

    #[test]
    fn a_clock_that_was_years_ahead_does_not_stop_a_lane() {
        let mut it = lane();
        it.failed("status 503", None, at(10 * 365 * DAY.as_secs()), &BACKOFF, &mut || 1.0);
        assert_eq!(it.due(at(60), 30 * DAY, false), Due::Now);
    }

    #[test]
    fn a_lane_is_stored_and_ends_with_what_came_of_it() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("greet");
        assert_eq!(read(&place), Ok(None));
        write(&place, &lane()).unwrap();
        assert_eq!(read(&place), Ok(Some(lane())));
        let over = Ended::new(How::Receipt, "accepted as\nticket 7", at(9));
        end(&place, &over).unwrap();
        assert_eq!(read(&place), Ok(None));
        let kept = ended(&place).unwrap();
        assert_eq!((kept.how, kept.text.as_str(), kept.at()), (How::Receipt, "accepted as ticket 7", at(9)));
    }

    #[test]
    fn damage_is_told_from_a_newer_versions_lane() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), &lane()).unwrap();
        let good = std::fs::read(path(directory.path())).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 4;
            std::fs::write(path(directory.path()), bad).unwrap();
            assert_eq!(read(directory.path()), Err(Unreadable::Damaged), "{at}");
        }
        private::replace(&path(directory.path()), &codec::write(NAME, 2, &"new")).unwrap();
        assert_eq!(read(directory.path()), Err(Unreadable::Newer { version: 2, known: 1 }));
    }

    #[test]
    fn a_secret_in_a_vendors_answer_is_not_kept() {
        let mut it = lane();
        let secret = format!("ghp_{}", "a1B2".repeat(9));
        it.failed(&format!("refused {secret}"), None, at(0), &BACKOFF, &mut || 1.0);
        assert!(!it.reason.contains(&secret), "{}", it.reason);
    }
}
