//! What tells one state of a file from the next without reading it.

use std::fs::Metadata;
use std::path::Path;

/// A file's identity and last change; equal stamps mean that nobody wrote, replaced or removed it in
/// between.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stamp {
    /// There is no such file, or it cannot be looked at.
    Absent,
    /// What the file system says.
    Present([u64; 5]),
}

impl Stamp {
    /// The stamp of what is at this path now. No link is followed.
    pub(crate) fn of(path: &Path) -> Self {
        std::fs::symlink_metadata(path).map_or(Self::Absent, |about| Self::from(&about))
    }
}

#[cfg(unix)]
impl From<&Metadata> for Stamp {
    fn from(about: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        let time = |seconds: i64, nanos: i64| (seconds.cast_unsigned() << 30) ^ nanos.cast_unsigned();
        Self::Present([
            about.dev(),
            about.ino(),
            about.size(),
            time(about.mtime(), about.mtime_nsec()),
            time(about.ctime(), about.ctime_nsec()),
        ])
    }
}

#[cfg(windows)]
impl From<&Metadata> for Stamp {
    fn from(about: &Metadata) -> Self {
        use std::os::windows::fs::MetadataExt;
        // A replacement has another creation time; the index of a file needs a handle to be told.
        let attributes = u64::from(about.file_attributes());
        Self::Present([attributes, about.creation_time(), about.file_size(), about.last_write_time(), 0])
    }
}
