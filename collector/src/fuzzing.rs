//! Functions over bytes that somebody else wrote, for fuzzing and for the kept corpora.
//!
//! Each takes any bytes, and panics only where a promise is broken. Where a checksum stands before what is
//! read, the bytes are also tried as what an honest checksum vouches for: a fuzzer cannot guess one, and a
//! user of the machine can write one. Not part of the public interface.

use std::time::Duration;

use crate::consent::Record;
use crate::delivery::codec;
use crate::delivery::limits::BatchLimits;
use crate::delivery::retry_after::Clamp;
use crate::delivery::rules::Rules;
use crate::delivery::schedule::Schedule;
use crate::event::{Timestamp, codec as events};
use crate::tool::Config;

/// Takes any bytes.
pub type Target = fn(&[u8]);

/// Every function by its name, which is that of its corpus.
pub const TARGETS: [(&str, Target); 6] = [
    ("segment", crate::journal::fuzzing::segment),
    ("event", event),
    ("schedule", schedule),
    ("consent", consent),
    ("configuration", configuration),
    ("pause", pause),
];

const NOON: Timestamp = Timestamp { seconds: 1_785_585_600, nanos: 0 };

/// An event as it lies in a segment.
fn event(bytes: &[u8]) {
    if let Some(event) = events::decode(crate::event::EventId([1; 16]), bytes) {
        // What was read can be shown.
        assert!(!format!("{event:?}").is_empty() && event.time.nanos < 1_000_000_000);
    }
}

/// The schedule's file, and whatever JSON vouched for as one.
fn schedule(bytes: &[u8]) {
    if let Ok(read) = Schedule::<u32>::read(bytes) {
        goes_on(read);
    }
    if let Ok(json) = serde_json::from_slice::<serde_json::Value>(bytes)
        && let Ok(read) = Schedule::<u32>::read(&codec::write("telemetry-schedule", 1, &json))
    {
        goes_on(read);
    }
}

/// Whatever a schedule says, it can be gone on from: nothing waits longer than the rules can make it.
fn goes_on(mut it: Schedule<u32>) {
    assert_eq!(Schedule::read(&it.write()).as_ref(), Ok(&it));
    let rules = Rules::default();
    it.heal(NOON, &rules);
    let latest = NOON.seconds.saturating_add(rules.longest_wait().as_secs() as i64).saturating_add(1);
    assert!(it.not_before().is_none_or(|at| at.seconds <= latest));
    assert!(it.held(&rules).is_none_or(|(_, _, until)| until.seconds <= latest));
    let mut half = || 0.5;
    it.resume(NOON, &rules, &mut half);
    let _ = it.pick(NOON, &rules, true);
    let _ = it.limits(BatchLimits { events: 1_000, bytes: 1_000_000, event_bytes: 50_000 }, NOON);
    assert_eq!(Schedule::read(&it.write()).as_ref(), Ok(&it));
}

/// The decision's file, and whatever body vouched for as one.
fn consent(bytes: &[u8]) {
    let _ = Record::decode(bytes);
    let body = String::from_utf8_lossy(bytes);
    if let Ok(record) = Record::decode(&Record::vouched(&body)) {
        assert!(body.contains(record.decision.as_str()), "a decision that nobody wrote: {record:?}");
        assert_eq!(Record::decode(&record.encode()), Ok(record));
    }
}

/// `telemetry.toml`.
fn configuration(bytes: &[u8]) {
    match Config::parse(&String::from_utf8_lossy(bytes), "telemetry.toml") {
        Err(error) => assert!(error.to_string().starts_with("telemetry.toml")),
        Ok(config) => {
            assert!(config.tool.id.contains('.') && config.tool.id.len() <= 128);
            assert!(config.delivery.sample.values().all(|share| (0.0..=1.0).contains(share)));
            assert!(config.backend.name.is_none() || config.backend.path.is_none());
        }
    }
}

/// A vendor's wish for a pause: eight bytes of a number, eight of chance.
fn pause(bytes: &[u8]) {
    let number = |at: usize| {
        let mut word = [0; 8];
        let given = bytes.get(at..).unwrap_or_default();
        let length = given.len().min(8);
        word[..length].copy_from_slice(&given[..length]);
        u64::from_le_bytes(word)
    };
    let share = number(8) as f64 / 18_446_744_073_709_551_616.0;
    let clamp = Clamp { min: Duration::from_secs(1), max: Duration::from_secs(86_400) };
    if let Some(wait) = clamp.wait(Some(f64::from_bits(number(0))), &mut || share) {
        assert!(wait >= clamp.min && wait <= clamp.max * 3 / 2);
    }
}
