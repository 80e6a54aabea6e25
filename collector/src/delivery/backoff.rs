//! How long to wait after a failure: full-jitter exponential backoff.
//!
//! The window doubles with each failure in a row, and the wait is anywhere inside it. Machines that
//! failed together therefore do not come back together, which plain doubling would make them do.

use std::time::Duration;

/// The random numbers that a decision may use: from 0 to 1. What is not such a number counts as 1, the
/// longest wait.
pub type Random<'a> = &'a mut dyn FnMut() -> f64;

/// The window of the first failure and the widest one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Backoff {
    /// The window after one failure.
    pub base: Duration,
    /// No window is wider.
    pub max: Duration,
}

impl Backoff {
    /// The window after this many failures in a row.
    #[must_use]
    pub fn window(&self, failures: u32) -> Duration {
        let doubled = 1u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        self.base.saturating_mul(doubled).min(self.max)
    }

    /// A wait inside the window.
    #[must_use]
    pub fn wait(&self, failures: u32, random: Random<'_>) -> Duration {
        part(self.window(failures), random)
    }
}

/// A random part of a duration.
pub(super) fn part(whole: Duration, random: Random<'_>) -> Duration {
    let share = random();
    let share = if (0.0..=1.0).contains(&share) { share } else { 1.0 };
    // `mul_f64` panics beyond `Duration::MAX`; milliseconds as a double do not.
    Duration::from_millis((whole.as_millis() as f64 * share) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn the_window_doubles_up_to_the_widest() {
        let it = Backoff { base: MINUTE, max: 60 * MINUTE };
        let minutes = |failures| it.window(failures).as_secs() / 60;
        assert_eq!(
            [0, 1, 2, 3, 6, 7, 8, 31, 32, 33, u32::MAX].map(minutes),
            [1, 1, 2, 4, 32, 60, 60, 60, 60, 60, 60]
        );
    }

    #[test]
    fn a_wait_is_anywhere_inside_its_window() {
        let it = Backoff { base: MINUTE, max: 60 * MINUTE };
        for (share, seconds) in [(0.0, 0), (0.25, 30), (1.0, 120)] {
            assert_eq!(it.wait(2, &mut || share), Duration::from_secs(seconds));
        }
    }

    #[test]
    fn a_broken_source_of_randomness_gives_the_longest_wait() {
        let it = Backoff { base: MINUTE, max: 60 * MINUTE };
        for share in [f64::NAN, -0.1, 1.1, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(it.wait(1, &mut || share), MINUTE);
        }
        let endless = Backoff { base: Duration::MAX, max: Duration::MAX };
        assert!(endless.wait(9, &mut || 1.0) > Duration::from_secs(1 << 40));
    }
}
