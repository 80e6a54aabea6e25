//! A file in memory that nobody can change any more: not another process, nor this one.
//!
//! What was checked while it was written here is what is there when it is mapped. Nothing is left on disk, and a
//! mapping cannot lose its end, as one of an ordinary file does when somebody cuts that short.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::PathBuf;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

/// A file that is being written.
pub(crate) struct Draft(File);

/// One that is complete. It is there as long as this value, and as what has mapped it.
pub(crate) struct Sealed(File);

impl Draft {
    /// None where the system has no such files.
    pub(crate) fn new() -> Option<Self> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        // Linux before 6.3 does not know the first; some later ones are set up to insist on it.
        let file = memfd_create(c"telemetry-code", flags | MemfdFlags::NOEXEC_SEAL)
            .or_else(|_| memfd_create(c"telemetry-code", flags));
        Some(Self(file.ok()?.into()))
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Option<()> {
        self.0.write_all(bytes).ok()
    }

    pub(crate) fn seal(self) -> Option<Sealed> {
        let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL;
        fcntl_add_seals(&self.0, seals).ok()?;
        Some(Sealed(self.0))
    }
}

impl Sealed {
    /// Where this process finds it.
    pub(crate) fn path(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.0.as_raw_fd()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_is_read_as_it_was_written_and_cannot_be_changed() {
        let mut draft = Draft::new().unwrap();
        draft.write(b"checked").unwrap();
        let sealed = draft.seal().unwrap();
        assert_eq!(std::fs::read(sealed.path()).unwrap(), b"checked");
        assert!((&sealed.0).write_all(b"other").is_err());
        assert!(sealed.0.set_len(0).is_err());
        assert!(sealed.0.set_len(1 << 20).is_err());
        let mut again = File::options().read(true).write(true).open(sealed.path()).unwrap();
        assert!(again.write_all(b"other").is_err());
        assert_eq!(std::fs::read(sealed.path()).unwrap(), b"checked");
    }
}
