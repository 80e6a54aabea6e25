//! Everything gone at once: `disable` and `reset`.
//!
//! Nobody is waited for. A running recorder goes on writing into files that have no name; it notices
//! at its next record and begins anew. One that has its segment mapped notices when it next looks: after
//! 256 records, or after a tenth of a second. A recorder or drain that is just moving records from one file
//! to another looks afterwards whether the old one still has its name, so it is enough to remove
//! until a look at the directory finds nothing.

use super::names::{self, Name};
use crate::platform::folder::{Folder, How};
use std::io;
use std::path::Path;

/// What a purge did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Purged {
    /// Files removed.
    pub files: u64,
    /// Files of ours that could not be removed, or were not ours to remove.
    pub left: u64,
    /// Whether a drain was running. Its lock file stays, empty of anything recorded.
    pub draining: bool,
}

/// Recorders that keep making new files cannot keep a purge busy for ever.
const MOST_PASSES: u32 = 100;

/// Removes all that a journal holds. On a file system that machines share, what the others hold of it too: a no
/// is the user's, not a machine's.
///
/// # Errors
/// What the system says about the directory. A directory that does not exist is purged.
pub fn purge(directory: &Path) -> io::Result<Purged> {
    let mut purged = match Folder::open(directory) {
        Ok(folder) => purge_here(&folder)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Purged::default(),
        Err(error) => return Err(error),
    };
    // Their locks cannot be seen from here, so those keep their names.
    for folder in Folder::of_other_machines(directory) {
        let (files, left) = empty(&folder)?;
        purged.files += files;
        purged.left += left;
    }
    Ok(purged)
}

fn purge_here(folder: &Folder) -> io::Result<Purged> {
    let (files, left) = empty(folder)?;
    let mut purged = Purged { files, left, draining: false };
    // A lock that somebody holds must keep its name, or the next drain would make another.
    if let Ok(lock) = folder.open_file(names::LOCK, How::Write) {
        if lock.try_lock().is_ok() {
            purged.files += u64::from(folder.remove(names::LOCK).is_ok());
        } else {
            purged.draining = true;
        }
    }
    let _ = folder.sync();
    if purged.left == 0 && !purged.draining {
        // Only if it is empty; the next recorder makes it again.
        folder.remove_if_empty();
    }
    Ok(purged)
}

/// Removes everything but the lock; says how many files it removed and how many it had to leave.
pub(super) fn empty(folder: &Folder) -> io::Result<(u64, u64)> {
    let (mut files, mut left) = (0, 0);
    for _ in 0..MOST_PASSES {
        let mut removed = 0;
        left = 0;
        for name in folder.names()? {
            match names::parse(&name) {
                Name::Foreign => left += 1,
                Name::Own if name == names::LOCK => {}
                _ => match folder.remove(&name) {
                    Ok(()) => removed += 1,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(_) => left += 1,
                },
            }
        }
        files += removed;
        if removed == 0 {
            break;
        }
    }
    Ok((files, left))
}
