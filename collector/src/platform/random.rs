//! Random bytes from the system.

/// Fills the buffer.
///
/// On Linux by the system call itself: the crate that knows every system first looks for a function of the C
/// library and tries it, which takes longer than all else that an event's first id needs.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), getrandom::Error> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if rustix::rand::getrandom(&mut *bytes, rustix::rand::GetRandomFlags::empty()) == Ok(bytes.len()) {
        return Ok(());
    }
    getrandom::fill(bytes)
}

/// A number from 0 to 1, as a share of a wait. Where the system has no randomness every wait is as long as it can be.
pub(crate) fn share() -> f64 {
    let mut bytes = [0; 8];
    match fill(&mut bytes) {
        Ok(()) => (u64::from_le_bytes(bytes) >> 11) as f64 / (1u64 << 53) as f64,
        Err(_) => 1.0,
    }
}
