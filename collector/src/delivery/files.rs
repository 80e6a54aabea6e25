//! The two small files of delivery: the schedule, which only the sender writes, and the starts, which
//! every run may write.
//!
//! Where machines share the home, each has its own two, as it has its own journal: a lock taken on one machine
//! may not be seen on another, so two senders would overwrite each other's, and what one has in flight is
//! none of the other's.
//!
//! Both are replaced by renaming, so a reader sees the old or the new; only the first starts are written where
//! they stay. They are not synced: what a power
//! cut takes is noticed (they carry checksums) and costs one wait.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use super::Unreadable;
use super::schedule::Schedule;
use super::starts::Starts;
use crate::journal::Span;
use crate::platform::folder::Folder;
use crate::platform::host::{self, FileSystem};
use crate::platform::private;

/// Neither grows beyond this.
const MAX: usize = 1024 * 1024;

const SCHEDULE: &str = "schedule";
const STARTS: &str = "starts";

/// The schedule; the default where there is none.
pub(crate) fn read_schedule(directory: &Path) -> Result<Schedule<Span>, Unreadable> {
    match read(&here(directory).join(SCHEDULE)) {
        Some(bytes) => Schedule::read(&bytes),
        None => Ok(Schedule::default()),
    }
}

/// Writes the schedule.
pub(crate) fn write_schedule(directory: &Path, schedule: &Schedule<Span>) -> io::Result<()> {
    replace(directory, SCHEDULE, &schedule.write())
}

/// The starts; none where the file was written by a newer version. Damage reads as no start at all.
pub(crate) fn read_starts(directory: &Path) -> Option<Starts> {
    match read(&here(directory).join(STARTS)).map(|bytes| Starts::read(&bytes)) {
        None | Some(Err(Unreadable::Damaged)) => Some(Starts::default()),
        Some(Ok(starts)) => Some(starts),
        Some(Err(Unreadable::Newer { .. })) => None,
    }
}

/// Writes the starts.
pub(crate) fn write_starts(directory: &Path, starts: &Starts) -> io::Result<()> {
    let bytes = starts.write();
    // The first one needs no other name before its own, which costs as much again as the file: until it is whole
    // it is damaged to a reader, which says the same as none.
    match private::create_unsynced(&here(directory).join(STARTS), &bytes) {
        Ok(()) => Ok(()),
        Err(_) => replace(directory, STARTS, &bytes),
    }
}

/// Forgets both, with what they say of past deliveries, of every machine.
pub(crate) fn remove(directory: &Path) -> io::Result<()> {
    let mut places = vec![directory.to_path_buf()];
    if host::file_system_at(directory) == FileSystem::Shared {
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            places.extend(entry.file_name().to_str().is_some_and(host::is_directory).then(|| entry.path()));
        }
    }
    for place in places {
        // In this order: whoever writes a schedule that counts only beside the starts looks for them afterwards.
        private::remove(&place.join(STARTS))?;
        private::remove(&place.join(SCHEDULE))?;
    }
    Ok(())
}

/// Forgets both of machines that have not been here for so long, as the journal does with their events. What cannot be
/// removed stays.
pub(crate) fn forget_others(directory: &Path, longest: Duration) {
    let changed = |name: &str| std::fs::symlink_metadata(here(directory).join(name)).ok()?.modified().ok();
    // By the clock that marks the others' files, too.
    let Some(now) = changed(SCHEDULE).or_else(|| changed(STARTS)) else { return };
    let now = now.duration_since(UNIX_EPOCH).map_or(0, |now| i64::try_from(now.as_secs()).unwrap_or(0));
    for folder in Folder::of_other_machines(directory) {
        if folder.is_unchanged_for(longest, now) {
            let _ = (folder.remove(STARTS), folder.remove(SCHEDULE));
            folder.remove_if_empty();
        }
    }
}

/// Takes back the starts that this machine just wrote.
pub(crate) fn take_starts_back(directory: &Path) -> io::Result<()> {
    private::remove(&here(directory).join(STARTS)).map(drop)
}

/// Takes back the schedule that this machine just wrote.
pub(crate) fn take_schedule_back(directory: &Path) -> io::Result<()> {
    private::remove(&here(directory).join(SCHEDULE)).map(drop)
}

/// Whether this machine's starts are there.
pub(crate) fn has_starts(directory: &Path) -> bool {
    std::fs::symlink_metadata(here(directory).join(STARTS)).is_ok()
}

/// Where this machine's two are.
fn here(directory: &Path) -> PathBuf {
    match host::file_system_at(directory) {
        FileSystem::Shared => directory.join(host::directory()),
        FileSystem::Plain | FileSystem::Preallocating => directory.to_path_buf(),
    }
}

fn replace(directory: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let here = here(directory);
    if here != directory {
        private::make_directory(&here)?;
    }
    private::replace_unsynced(&here.join(name), bytes)
}

fn read(path: &Path) -> Option<Vec<u8>> {
    let read = private::open(path, false).and_then(|(file, about)| private::read_open(&file, &about, MAX));
    match read {
        Ok(bytes) => Some(bytes),
        Err(private::Unusable::Missing) => None,
        // Whatever else is in the way is no file of ours: no bytes are damage to both readers.
        Err(_) => Some(Vec::new()),
    }
}
