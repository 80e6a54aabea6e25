//! What a vendor's wish for a pause is worth here.
//!
//! The host has read the header, in seconds or as a date, and hands on milliseconds from now; a component
//! may also make up its own number. Whatever it is, it becomes a sane wait: never shorter than what the
//! vendor asked for within the clamp, and a little longer at random, so that a fleet told "at noon" does
//! not all come at noon.

use std::time::Duration;

use super::backoff::{Random, part};

/// The shortest and the longest pause that a vendor is granted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Clamp {
    /// A shorter wish is this long.
    pub min: Duration,
    /// A longer wish is this long.
    pub max: Duration,
}

impl Clamp {
    /// The wish in bounds. None where there is none: nothing said, or not a number.
    #[must_use]
    pub fn wish(&self, after_ms: Option<f64>) -> Option<Duration> {
        let ms = after_ms.filter(|ms| !ms.is_nan())?;
        // A cast from a float saturates; what is negative becomes 0.
        Some(Duration::from_millis(ms.ceil() as u64).max(self.min).min(self.max))
    }

    /// How long to wait then: the wish and up to half of it more.
    #[must_use]
    pub fn wait(&self, after_ms: Option<f64>, random: Random<'_>) -> Option<Duration> {
        let wish = self.wish(after_ms)?;
        Some(wish.saturating_add(part(wish / 2, random)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLAMP: Clamp = Clamp { min: Duration::from_secs(1), max: Duration::from_secs(86_400) };

    #[test]
    fn a_wish_is_obeyed_within_bounds() {
        for (ms, expected) in [
            (5_000.0, 5_000),
            (5_000.2, 5_001),
            (86_400_000.0, 86_400_000),
            (0.0, 1_000),
            (-0.0, 1_000),
            (-5.0, 1_000),
            (f64::MIN_POSITIVE, 1_000),
            (f64::NEG_INFINITY, 1_000),
            (86_400_001.0, 86_400_000),
            (1e300, 86_400_000),
            (f64::MAX, 86_400_000),
            (f64::INFINITY, 86_400_000),
        ] {
            assert_eq!(CLAMP.wish(Some(ms)), Some(Duration::from_millis(expected)), "{ms}");
        }
        assert_eq!(CLAMP.wish(Some(f64::NAN)), None);
        assert_eq!(CLAMP.wish(None), None);
    }

    #[test]
    fn nobody_comes_back_before_the_wish_and_a_fleet_not_at_once() {
        for (share, expected) in [(0.0, 60_000), (0.5, 75_000), (1.0, 90_000)] {
            assert_eq!(CLAMP.wait(Some(60_000.0), &mut || share), Some(Duration::from_millis(expected)));
        }
    }
}
