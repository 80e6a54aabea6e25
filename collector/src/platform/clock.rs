//! The time of day as an event needs it, and to a few milliseconds, which is what a record's age needs; and a
//! time that nobody sets, which is what the age of a process needs.

use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(any(target_os = "linux", target_os = "android"))]
use nix::time::ClockId;

/// The time of day exactly: seconds since 1970, and nanoseconds.
#[cfg(all(any(target_os = "linux", target_os = "android"), target_pointer_width = "64"))]
#[inline]
pub(crate) fn exactly() -> (i64, u32) {
    parts(ClockId::CLOCK_REALTIME)
}

/// The time of day exactly: seconds since 1970, and nanoseconds. With 32 bits the C library's own seconds end in 2038.
#[cfg(not(all(any(target_os = "linux", target_os = "android"), target_pointer_width = "64")))]
pub(crate) fn exactly() -> (i64, u32) {
    let time = crate::event::Timestamp::now();
    (time.seconds, time.nanos)
}

/// The same to a few milliseconds, at a third of the cost.
#[cfg(all(any(target_os = "linux", target_os = "android"), target_pointer_width = "64"))]
pub(crate) fn roughly() -> (i64, u32) {
    parts(ClockId::CLOCK_REALTIME_COARSE)
}

#[cfg(not(all(any(target_os = "linux", target_os = "android"), target_pointer_width = "64")))]
pub(crate) use exactly as roughly;

/// The C library has found the kernel's clock when the process began; the standard library's way to it compares
/// and subtracts besides, which takes half as long as the reading.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[inline]
#[allow(clippy::unnecessary_cast, reason = "with 32 bits it is none")]
fn parts(clock: ClockId) -> (i64, u32) {
    // Each of these clocks is there on every Linux.
    clock.now().map_or((0, 0), |time| (time.tv_sec() as i64, u32::try_from(time.tv_nsec()).unwrap_or(0)))
}

/// Nanoseconds on a clock that nobody sets, exactly.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn ticking() -> u64 {
    nanos(parts(ClockId::CLOCK_MONOTONIC))
}

/// Nanoseconds on a clock that nobody sets, exactly.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn ticking() -> u64 {
    static FIRST: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    u64::try_from(FIRST.get_or_init(std::time::Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// The time of day at a moment that [`ticking`] has just told.
///
/// The distance between the two clocks is kept for some milliseconds: so one reading of a clock tells both, and a
/// clock that somebody sets, or a machine that slept, is noticed as soon as that.
pub(crate) fn time_at(moment: u64) -> (i64, u32) {
    const KEPT: u64 = 10_000_000;
    static DISTANCE: AtomicU64 = AtomicU64::new(0);
    static TAKEN: AtomicU64 = AtomicU64::new(u64::MAX);
    if moment.abs_diff(TAKEN.load(Ordering::Acquire)) >= KEPT {
        let time = exactly();
        let now = ticking();
        // A process that was stopped between its looks learns the time, and nothing about the distance.
        if now.saturating_sub(moment) < KEPT / 10 {
            DISTANCE.store(nanos(time).wrapping_sub(now), Ordering::Relaxed);
            TAKEN.store(now, Ordering::Release);
        }
        return time;
    }
    let time = moment.wrapping_add(DISTANCE.load(Ordering::Relaxed));
    (i64::try_from(time / SECOND).unwrap_or(i64::MAX), (time % SECOND) as u32)
}

const SECOND: u64 = 1_000_000_000;

/// Since 1970, until the year 2554.
#[inline]
fn nanos((seconds, nanos): (i64, u32)) -> u64 {
    (seconds as u64).wrapping_mul(SECOND).wrapping_add(u64::from(nanos))
}

/// Seconds on a clock that nobody sets, that stands still while the machine sleeps, and that all processes
/// of a machine share; `None` where there is none such.
pub(crate) fn steady() -> Option<i64> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        Some(parts(ClockId::CLOCK_MONOTONIC).0)
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_moment_is_the_time_of_day() {
        for _ in 0..1_000 {
            let before = nanos(exactly());
            let time = nanos(time_at(ticking()));
            let after = nanos(exactly());
            assert!(time + 10_000_000 >= before && time <= after + 10_000_000, "{before} {time} {after}");
        }
    }
}
