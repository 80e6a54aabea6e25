//! The two small files of delivery: the schedule, which only the sender writes, and the starts, which
//! every run may write.
//!
//! Both are replaced by renaming, so a reader sees the old or the new. They are not synced: what a power
//! cut takes is noticed (they carry checksums) and costs one wait.

use std::io;
use std::path::Path;

use super::Unreadable;
use super::schedule::Schedule;
use super::starts::Starts;
use crate::journal::Span;
use crate::platform::private;

/// Neither grows beyond this.
const MAX: usize = 1024 * 1024;

const SCHEDULE: &str = "schedule";
const STARTS: &str = "starts";

/// The schedule; the default where there is none.
pub(crate) fn read_schedule(directory: &Path) -> Result<Schedule<Span>, Unreadable> {
    match read(&directory.join(SCHEDULE)) {
        Some(bytes) => Schedule::read(&bytes),
        None => Ok(Schedule::default()),
    }
}

/// Writes the schedule.
pub(crate) fn write_schedule(directory: &Path, schedule: &Schedule<Span>) -> io::Result<()> {
    private::replace_unsynced(&directory.join(SCHEDULE), &schedule.write())
}

/// The starts; none where the file was written by a newer version. Damage reads as no start at all.
pub(crate) fn read_starts(directory: &Path) -> Option<Starts> {
    match read(&directory.join(STARTS)).map(|bytes| Starts::read(&bytes)) {
        None | Some(Err(Unreadable::Damaged)) => Some(Starts::default()),
        Some(Ok(starts)) => Some(starts),
        Some(Err(Unreadable::Newer { .. })) => None,
    }
}

/// Writes the starts.
pub(crate) fn write_starts(directory: &Path, starts: &Starts) -> io::Result<()> {
    private::replace_unsynced(&directory.join(STARTS), &starts.write())
}

/// Forgets both, with what they say of past deliveries.
pub(crate) fn remove(directory: &Path) -> io::Result<()> {
    private::remove(&directory.join(SCHEDULE))?;
    private::remove(&directory.join(STARTS)).map(|_| ())
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
