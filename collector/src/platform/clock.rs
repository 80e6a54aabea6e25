//! The time of day to a few milliseconds, which is what a record's age needs; and a time that nobody sets,
//! which is what the age of a process needs.

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
