//! Whether a directory can be written, found out without writing.

use std::path::Path;

/// Why nothing could be written into this directory, or made at its place if it does not exist; none where
/// nothing speaks against it. Quotas and failing disks only show when something is written.
#[cfg(unix)]
pub(crate) fn problem(directory: &Path) -> Option<String> {
    use rustix::fs::{Access, access, statvfs};
    let exists = directory.ancestors().find(|it| it.symlink_metadata().is_ok())?;
    if exists.metadata().is_ok_and(|about| !about.is_dir()) {
        return Some(format!("{} is no directory", exists.display()));
    }
    // The system answers for the real user: a setuid program may be told of a problem that it has not.
    if let Err(error) = access(exists, Access::WRITE_OK | Access::EXEC_OK) {
        return Some(std::io::Error::from(error).to_string());
    }
    let system = statvfs(exists).ok()?;
    // A file system that does not count its files says that it has none at all.
    let full = system.f_bavail == 0 && system.f_blocks > 0;
    let no_files = system.f_favail == 0 && system.f_files > 0;
    (full || no_files).then(|| "the disk is full".to_owned())
}

/// Why nothing could be written into this directory.
#[cfg(not(unix))]
pub(crate) fn problem(directory: &Path) -> Option<String> {
    let exists = directory.ancestors().find(|it| it.symlink_metadata().is_ok())?;
    let is_file = exists.metadata().is_ok_and(|about| !about.is_dir());
    is_file.then(|| format!("{} is no directory", exists.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_is_there_or_can_be_made_is_no_problem() {
        let temp = tempfile::tempdir().unwrap();
        assert_eq!(problem(temp.path()), None);
        assert_eq!(problem(&temp.path().join("state/journal")), None);
    }

    #[test]
    fn a_file_in_the_way_is_named() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("state");
        std::fs::write(&file, "").unwrap();
        assert_eq!(problem(&file.join("journal")), Some(format!("{} is no directory", file.display())));
    }
}
