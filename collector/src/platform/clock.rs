//! The time of day as an event needs it, and to a few milliseconds, which is what a record's age needs; and a
//! time that nobody sets, which is what the age of a process needs.

use std::time::SystemTime;

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

/// The time of day exactly, at its least cost: seconds since 1970, and nanoseconds.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn exactly() -> (i64, u32) {
    parts(rustix::time::ClockId::Realtime)
}

/// The same to a few milliseconds.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn roughly() -> (i64, u32) {
    parts(rustix::time::ClockId::RealtimeCoarse)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
#[inline]
fn parts(clock: rustix::time::ClockId) -> (i64, u32) {
    let time = rustix::time::clock_gettime(clock);
    (time.tv_sec, u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// The time of day: seconds since 1970, and nanoseconds.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn exactly() -> (i64, u32) {
    let time = crate::event::Timestamp::now();
    (time.seconds, time.nanos)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) use exactly as roughly;

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
