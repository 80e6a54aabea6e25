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
