//! Reading and writing a file at a place, without a cursor, and what one look at a file tells.

use std::fs::File;
use std::io;

/// A system that interrupts a call for ever must not hold a tool for ever.
const MOST_INTERRUPTIONS: u32 = 100;

/// What the system says about an open file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// Its length in bytes.
    pub(crate) size: u64,
    /// How many names it has: 0 after somebody removed it.
    pub(crate) names: u64,
    regular: bool,
    #[cfg(unix)]
    owner: u32,
    /// Seconds since 1970 of its last change.
    pub(crate) changed: i64,
    /// What tells it from another file of the same name.
    pub(crate) identity: (u64, u64),
}

/// Looks at an open file.
#[cfg(unix)]
pub(crate) fn look(file: &File) -> io::Result<Look> {
    Ok(Look::from_stat(&rustix::fs::fstat(file)?))
}

/// Looks at an open file.
#[cfg(not(unix))]
pub(crate) fn look(file: &File) -> io::Result<Look> {
    Look::from_metadata(&file.metadata()?)
}

impl Look {
    /// Whether it is a regular file that this user owns.
    pub(crate) fn is_ours(&self) -> bool {
        #[cfg(unix)]
        return self.is_of(rustix::process::geteuid().as_raw());
        #[cfg(not(unix))]
        return self.regular;
    }

    /// The same for a user whose number is known.
    #[cfg(unix)]
    pub(crate) fn is_of(&self, owner: u32) -> bool {
        self.regular && self.owner == owner
    }

    #[cfg(unix)]
    #[allow(clippy::unnecessary_cast, reason = "the fields' types differ between systems")]
    pub(crate) fn from_stat(stat: &rustix::fs::Stat) -> Self {
        let regular = rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::RegularFile;
        Self {
            size: u64::try_from(stat.st_size).unwrap_or(0),
            names: stat.st_nlink as u64,
            regular,
            owner: stat.st_uid,
            changed: stat.st_mtime as i64,
            identity: (stat.st_dev as u64, stat.st_ino as u64),
        }
    }

    #[cfg(not(unix))]
    pub(crate) fn from_metadata(metadata: &std::fs::Metadata) -> io::Result<Self> {
        let changed = metadata
            .modified()
            .ok()
            .and_then(|time| time.duration_since(std::time::SystemTime::UNIX_EPOCH).ok())
            .map_or(0, |time| i64::try_from(time.as_secs()).unwrap_or(i64::MAX));
        // A name cannot be given to another file while ours is open for writing there.
        Ok(Self { size: metadata.len(), names: 1, regular: metadata.is_file(), changed, identity: (0, 0) })
    }
}

/// Reads until `buffer` is full or the file ends; says how much it read.
pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let (mut done, mut interrupted) = (0, 0);
    while done < buffer.len() {
        #[cfg(unix)]
        let step = std::os::unix::fs::FileExt::read_at(file, &mut buffer[done..], offset + done as u64);
        #[cfg(windows)]
        let step = std::os::windows::fs::FileExt::seek_read(file, &mut buffer[done..], offset + done as u64);
        match step {
            Ok(0) => break,
            Ok(read) => done += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted && interrupted < MOST_INTERRUPTIONS => {
                interrupted += 1;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// Whether a file may be written up to here: whoever writes past the process's limit gets a signal that
/// kills, so it is refused before.
pub(crate) fn fits(end: u64) -> io::Result<()> {
    within(end, super::host::file_size_limit())
}

fn within(end: u64, limit: u64) -> io::Result<()> {
    if end > limit { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(()) }
}

/// Writes all of `bytes`.
pub(crate) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    write_within(file, bytes, offset, super::host::file_size_limit())
}

/// The same for who has just asked how large a file may be.
pub(crate) fn write_within(file: &File, bytes: &[u8], offset: u64, limit: u64) -> io::Result<()> {
    within(offset + bytes.len() as u64, limit)?;
    let (mut done, mut interrupted) = (0, 0);
    while done < bytes.len() {
        #[cfg(unix)]
        let step = std::os::unix::fs::FileExt::write_at(file, &bytes[done..], offset + done as u64);
        #[cfg(windows)]
        let step = std::os::windows::fs::FileExt::seek_write(file, &bytes[done..], offset + done as u64);
        match step {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => done += written,
            Err(error) if error.kind() == io::ErrorKind::Interrupted && interrupted < MOST_INTERRUPTIONS => {
                interrupted += 1;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads the whole file, or its first `limit` bytes.
pub(crate) fn read_all(file: &File, limit: u64) -> io::Result<Vec<u8>> {
    let size = look(file)?.size.min(limit);
    let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
    let read = read_at(file, &mut bytes, 0)?;
    bytes.truncate(read);
    Ok(bytes)
}
