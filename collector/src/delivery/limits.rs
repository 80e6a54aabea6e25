//! How much a batch may hold, and how much a run may record.

use std::sync::atomic::{AtomicU32, Ordering};

use super::clock::{millis, ms};
use super::rules::REMEMBER_SIZE;
use super::schedule::Schedule;
use crate::event::{Event, Timestamp, Value};

/// What one batch may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchLimits {
    /// Most events; 0 counts as 1.
    pub events: u32,
    /// Most bytes, by [`json_size`].
    pub bytes: u64,
    /// Most bytes of one event, by [`json_size`]. A bigger one is set aside.
    pub event_bytes: u64,
}

impl<S> Schedule<S> {
    /// The limits for the next fresh batch: the backend's, or what is left after the vendor called a batch
    /// too large not long ago.
    #[must_use]
    pub fn limits(&self, described: BatchLimits, now: Timestamp) -> BatchLimits {
        let now = ms(now);
        let fresh = |at: i64| now.saturating_sub(at) < millis(REMEMBER_SIZE);
        match self.smaller.as_ref().filter(|smaller| fresh(smaller.at)) {
            None => described,
            Some(smaller) => BatchLimits {
                events: described.events.min(smaller.events),
                bytes: described.bytes.min(smaller.bytes),
                ..described
            },
        }
    }
}

/// What becomes of the next event when a batch is cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fit {
    /// It is in.
    In,
    /// It begins the next batch.
    Full,
    /// No batch may hold it: set it aside.
    TooBig,
}

/// Cuts one batch.
///
/// ```
/// use telemetry::delivery::limits::{BatchLimits, Cut, Fit};
/// let mut cut = Cut::new(BatchLimits { events: 100, bytes: 1_000, event_bytes: 800 });
/// assert_eq!(cut.take(700), Fit::In);
/// assert_eq!(cut.take(900), Fit::TooBig);
/// assert_eq!(cut.take(400), Fit::Full);
/// assert_eq!((cut.events(), cut.bytes()), (1, 700));
/// ```
#[derive(Clone, Debug)]
pub struct Cut {
    limits: BatchLimits,
    events: u32,
    bytes: u64,
}

impl Cut {
    /// An empty batch under these limits.
    #[must_use]
    pub fn new(limits: BatchLimits) -> Self {
        Self { limits, events: 0, bytes: 0 }
    }

    /// Offers the next event, by its size. The first one that is not too big by itself is always in, so
    /// that no limit stops delivery.
    pub fn take(&mut self, bytes: u64) -> Fit {
        if bytes > self.limits.event_bytes {
            return Fit::TooBig;
        }
        let sum = self.bytes.saturating_add(bytes);
        if self.events > 0 && (self.events >= self.limits.events || sum > self.limits.bytes) {
            return Fit::Full;
        }
        self.events += 1;
        self.bytes = sum;
        Fit::In
    }

    /// Events that are in.
    #[must_use]
    pub fn events(&self) -> u32 {
        self.events
    }

    /// Their size.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// An event's fields' names, numbers and punctuation, and what a vendor's form adds to them.
const FRAME: u64 = 512;

/// The size of an event's JSON form, in bytes, without the origin. An estimate that is seldom under the
/// truth: a backend's limit should still leave some room.
#[must_use]
pub fn json_size(event: &Event<'_>) -> u64 {
    let optional = |text: &Option<_>| text.as_deref().map_or(0, text_size);
    let args: u64 = event.args.iter().map(|arg| text_size(arg) + 1).sum();
    let attributes: u64 = event
        .attributes
        .iter()
        .map(|attribute| {
            let value = match &attribute.value {
                Value::Text(text) => text_size(text),
                Value::Integer(_) | Value::Number(_) => 24,
                Value::Boolean(_) => 5,
            };
            text_size(&attribute.key) + value + 2
        })
        .sum();
    FRAME
        + text_size(&event.kind)
        + text_size(&event.name)
        + optional(&event.error_kind)
        + optional(&event.error)
        + args
        + attributes
}

/// A JSON string's size, quotes included.
fn text_size(text: &str) -> u64 {
    let escapes: usize = text
        .bytes()
        .map(|byte| match byte {
            b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 1,
            0..=0x1f => 5,
            _ => 0,
        })
        .sum();
    (text.len() + escapes + 2) as u64
}

/// The most events that one run records. What is beyond it is counted, not recorded.
#[derive(Debug)]
pub struct RunCeiling {
    most: Option<u32>,
    asked: AtomicU32,
}

impl RunCeiling {
    /// At most so many; none for no ceiling.
    #[must_use]
    pub fn new(most: Option<u32>) -> Self {
        Self { most, asked: AtomicU32::new(0) }
    }

    /// Whether one more may be recorded.
    pub fn admit(&self) -> bool {
        let Some(most) = self.most else { return true };
        // The counter stops at its end instead of beginning again.
        let before = self.asked.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_add(1));
        before.is_ok_and(|before| before < most)
    }

    /// The ceiling.
    #[must_use]
    pub fn most(&self) -> Option<u32> {
        self.most
    }

    /// How many were refused.
    #[must_use]
    pub fn refused(&self) -> u32 {
        self.most.map_or(0, |most| self.asked.load(Ordering::Relaxed).saturating_sub(most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Attribute, Ended, kind};
    use proptest::prelude::*;
    use std::borrow::Cow;

    proptest! {
        #[test]
        fn a_cut_batch_never_exceeds_its_limits_and_every_event_is_somewhere(
            sizes in proptest::collection::vec(0u64..300, 0..200),
            events in 1u32..20, bytes in 200u64..1_000, event_bytes in 1u64..200,
        ) {
            let limits = BatchLimits { events, bytes, event_bytes };
            let (mut at, mut placed, mut aside) = (0, 0, 0);
            while at < sizes.len() {
                let mut cut = Cut::new(limits);
                while at < sizes.len() {
                    match cut.take(sizes[at]) {
                        Fit::In => placed += 1,
                        Fit::TooBig => aside += 1,
                        Fit::Full => break,
                    }
                    at += 1;
                }
                prop_assert!(cut.events() <= events && cut.bytes() <= bytes);
                prop_assert!(cut.events() > 0 || at == sizes.len());
            }
            prop_assert_eq!(placed + aside, sizes.len());
            prop_assert_eq!(aside, sizes.iter().filter(|size| **size > event_bytes).count());
        }

        #[test]
        fn the_size_of_a_text_is_what_a_json_writer_makes_of_it(text in any::<String>()) {
            prop_assert_eq!(text_size(&text), serde_json::to_string(&text).unwrap().len() as u64);
        }

        #[test]
        fn the_estimate_is_not_under_the_truth(
            text in any::<String>(), key in any::<String>(), number in any::<f64>(), integer in any::<i64>(),
            args in proptest::collection::vec(any::<String>(), 0..8),
        ) {
            let mut event = Event::new(kind::COMMAND_ERROR, text.as_str());
            event.error = Some(Cow::Borrowed(&text));
            event.error_kind = Some(Cow::Borrowed(&key));
            event.ended = Some(Ended::Interrupted);
            event.duration = Some(std::time::Duration::MAX);
            event.args = args.iter().map(|arg| Cow::Borrowed(arg.as_str())).collect();
            event.attributes = Cow::Owned(vec![
                Attribute::new(format!("{key}1"), number),
                Attribute::new(format!("{key}2"), integer),
                Attribute::new(format!("{key}3"), text.as_str()),
                Attribute::new(format!("{key}4"), true),
            ]);
            let attributes: serde_json::Map<_, _> = [
                (format!("{key}1"), number.into()), (format!("{key}2"), integer.into()),
                (format!("{key}3"), text.as_str().into()), (format!("{key}4"), true.into()),
            ].into_iter().collect();
            let json = serde_json::json!({
                "id": event.id.to_string(), "type": event.kind, "name": event.name,
                "timestamp": event.time.rfc3339(), "duration_ms": f64::MAX, "exit_code": i32::MIN,
                "ended": "interrupted", "error_kind": key, "error": text, "args": args,
                "attributes": attributes,
            }).to_string();
            prop_assert!(json_size(&event) >= json.len() as u64, "{} for {json}", json_size(&event));
        }
    }

    #[test]
    fn a_limit_of_nothing_still_lets_one_event_through_at_a_time() {
        let mut cut = Cut::new(BatchLimits { events: 0, bytes: 0, event_bytes: 10 });
        assert_eq!([cut.take(10), cut.take(1)], [Fit::In, Fit::Full]);
    }

    #[test]
    fn a_run_records_up_to_its_ceiling_and_counts_the_rest() {
        let ceiling = RunCeiling::new(Some(3));
        let admitted = (0..10).filter(|_| ceiling.admit()).count();
        assert_eq!((admitted, ceiling.refused()), (3, 7));
        let open = RunCeiling::new(None);
        assert!((0..10).all(|_| open.admit()));
        assert_eq!(open.refused(), 0);
    }

    #[test]
    fn a_ceiling_holds_when_the_counter_is_full() {
        let ceiling = RunCeiling { most: Some(3), asked: AtomicU32::new(u32::MAX) };
        assert!(!ceiling.admit() && !ceiling.admit());
    }
}
