//! How much a batch may hold.

use super::clock::{millis, ms};
use super::rules::REMEMBER_SIZE;
use super::schedule::Schedule;
use crate::event::Timestamp;

/// What one batch may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchLimits {
    /// Most events.
    pub events: u32,
    /// Most bytes.
    pub bytes: u64,
    /// Most bytes of one event. A bigger one is set aside.
    pub event_bytes: u64,
}

impl<S> Schedule<S> {
    /// The limits for the next fresh batch: the backend's, or what is left of them after the vendor called
    /// a batch too large not long ago.
    #[must_use]
    pub fn limits(&self, described: BatchLimits, now: Timestamp) -> BatchLimits {
        let now = ms(now);
        let fresh = |at: i64| now.saturating_sub(at) < millis(REMEMBER_SIZE);
        match self.smaller.as_ref().filter(|smaller| fresh(smaller.at)) {
            None => described,
            Some(smaller) => BatchLimits {
                // Never less than an event can have: no memory stops delivery.
                events: described.events.min(smaller.events).max(1),
                bytes: described.bytes.min(smaller.bytes).max(1),
                ..described
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::policy::{Act, Happened};
    use crate::delivery::rules::Rules;
    use crate::journal::LossCause;

    const AT: Timestamp = Timestamp { seconds: 1_785_585_600, nanos: 0 };
    const LIMITS: BatchLimits = BatchLimits { events: 1_000, bytes: 1_000_000, event_bytes: 50_000 };

    fn too_large(schedule: &mut Schedule<()>, events: u32, bytes: u64) -> Act {
        let (rules, id) = (Rules::default(), schedule.begin(()));
        schedule.attempt(id, events, bytes, AT, &rules);
        schedule.after_attempt(id, Happened::TooLarge, AT, &rules, &mut || 0.5).act
    }

    #[test]
    fn what_was_too_large_makes_the_next_batches_smaller_for_a_day() {
        let mut schedule = Schedule::default();
        assert_eq!(schedule.limits(LIMITS, AT), LIMITS);
        assert_eq!(too_large(&mut schedule, 600, 800_000), Act::Split { at: 300 });
        let smaller = BatchLimits { events: 300, bytes: 400_000, ..LIMITS };
        assert_eq!(schedule.limits(LIMITS, AT), smaller);
        let tighter = BatchLimits { events: 10, ..LIMITS };
        assert_eq!(schedule.limits(tighter, AT).events, 10);
        let tomorrow = Timestamp { seconds: AT.seconds + 86_400, ..AT };
        assert_eq!(schedule.limits(LIMITS, tomorrow), LIMITS);
    }

    #[test]
    fn a_single_event_that_is_too_large_says_nothing_about_batches() {
        let mut schedule = Schedule::default();
        too_large(&mut schedule, 600, 800_000);
        let reason = "the vendor called the request too large".to_owned();
        assert_eq!(too_large(&mut schedule, 1, 400_000), Act::SetAside(LossCause::Rejected, reason));
        assert_eq!(schedule.limits(LIMITS, AT), LIMITS);
    }
}
