//! The time of day to a few milliseconds, which is what a record's age needs; a moment to as much, which is what
//! the question whether to look again needs; and a time that nobody sets, which is what the age of a process
//! needs.

use std::time::{Instant, SystemTime};

/// The time of the kernel's last tick: a third of the cost of the exact time.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn now() -> SystemTime {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse);
    let (seconds, nanos) =
        (u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0));
    SystemTime::UNIX_EPOCH + std::time::Duration::new(seconds, nanos)
}

/// The time.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}

/// The moment of the kernel's last tick, or the first time that this was asked: a fifth of the cost of
/// [`Instant::now`].
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn lately() -> Instant {
    use std::sync::OnceLock;
    use std::time::Duration;
    static BEGAN: OnceLock<(Instant, Duration)> = OnceLock::new();
    let tick = || {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::MonotonicCoarse);
        Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
    };
    let (began, first) = BEGAN.get_or_init(|| (Instant::now(), tick()));
    *began + tick().saturating_sub(*first)
}

/// The moment.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn lately() -> Instant {
    Instant::now()
}

/// The time of day, exactly: seconds since 1970 and nanoseconds.
pub(crate) fn exactly() -> (i64, u32) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
        (time.tv_sec, u32::try_from(time.tv_nsec).unwrap_or(0))
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        let time = crate::event::Timestamp::from(SystemTime::now());
        (time.seconds, time.nanos)
    }
}

/// Seconds on a clock that nobody sets, that stands still while the machine sleeps, and that all processes
/// of a machine share; `None` where there is none such.
pub(crate) fn steady() -> Option<i64> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        Some(time.tv_sec)
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    None
}
