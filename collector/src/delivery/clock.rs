//! Moments as whole milliseconds since 1970, which is how they are written down and compared here.
//!
//! Nothing overflows: a moment beyond what 64 bits hold is the last or first one that they do hold.

use std::time::Duration;

use crate::event::Timestamp;

pub(super) fn ms(time: Timestamp) -> i64 {
    time.seconds.saturating_mul(1_000).saturating_add(i64::from(time.nanos / 1_000_000))
}

pub(super) fn timestamp(ms: i64) -> Timestamp {
    Timestamp { seconds: ms.div_euclid(1_000), nanos: ms.rem_euclid(1_000) as u32 * 1_000_000 }
}

pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// How far a written moment may lie ahead of now before the clock is taken to have been set back.
/// Smaller steps are ordinary corrections by NTP.
pub(super) const TOLERANCE_MS: i64 = 5 * 60 * 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_survives_the_way_through_milliseconds() {
        for ms_in in [0, 1, -1, 999, -999, 1_785_585_600_123, -62_135_596_800_000] {
            assert_eq!(ms(timestamp(ms_in)), ms_in);
        }
    }

    #[test]
    fn the_ends_of_time_do_not_overflow() {
        assert_eq!(ms(Timestamp { seconds: i64::MAX, nanos: 999_999_999 }), i64::MAX);
        assert_eq!(ms(Timestamp { seconds: i64::MIN, nanos: 0 }), i64::MIN);
        let _ = (timestamp(i64::MAX), timestamp(i64::MIN));
        assert_eq!(millis(Duration::MAX), i64::MAX);
    }
}
