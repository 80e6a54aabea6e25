//! The time of day to a few milliseconds, which is what a record's age needs.

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
