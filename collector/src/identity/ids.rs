//! The ids that were sent under, in the file `ids`: what an erasure has to name.
//!
//! One id a line, at most [`MOST`]; beyond that the oldest goes. The list outlives a no, because the
//! data that was sent outlives it, and an id leaves it only when an erasure has its receipt. It is
//! written in place under the system's lock on the file itself, which is never replaced.

use crate::platform::private;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// How many ids are kept.
pub const MOST: usize = 16;
/// No id is longer.
const LONGEST: usize = 200;

fn path(directory: &Path) -> PathBuf {
    directory.join("ids")
}

/// Remembers, durably, that something is about to be sent under this id. A sender calls it before its
/// first request, and sends nothing where it fails: what could not be erased must not be sent.
///
/// # Errors
/// What the system refused, or that the id is no id.
pub fn remember(directory: &Path, id: &str) -> io::Result<()> {
    if id.is_empty() || id.len() > LONGEST || id.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{id:?} is no machine id")));
    }
    change(directory, |ids| {
        if ids.iter().any(|known| known == id) {
            return false;
        }
        ids.push(id.to_owned());
        let surplus = ids.len().saturating_sub(MOST);
        ids.drain(..surplus);
        true
    })
}

/// The ids that were sent under and are not erased, oldest first.
///
/// # Errors
/// What the system refused.
pub fn sent_under(directory: &Path) -> io::Result<Vec<String>> {
    match private::open_stable_existing(&path(directory))? {
        None => Ok(Vec::new()),
        Some(mut file) => {
            file.lock_shared()?;
            read(&mut file)
        }
    }
}

/// Takes ids from the list: their erasure has its receipt.
///
/// # Errors
/// What the system refused; the ids then stay.
pub fn erased(directory: &Path, ids: &[String]) -> io::Result<()> {
    if private::open_stable_existing(&path(directory))?.is_none() {
        return Ok(());
    }
    change(directory, |known| {
        let before = known.len();
        known.retain(|id| !ids.contains(id));
        known.len() != before
    })
}

/// Changes the list under the lock, which is held for a write at most.
fn change(directory: &Path, change: impl FnOnce(&mut Vec<String>) -> bool) -> io::Result<()> {
    private::make_directory(directory)?;
    let mut file = private::open_stable(&path(directory))?;
    file.lock()?;
    let mut ids = read(&mut file)?;
    if !change(&mut ids) {
        return Ok(());
    }
    let mut text = ids.join("\n");
    text.push('\n');
    crate::platform::file::fits(text.len() as u64)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(text.as_bytes())?;
    file.set_len(text.len() as u64)?;
    file.sync_all()
}

fn read(file: &mut File) -> io::Result<Vec<String>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take((2 * MOST * (LONGEST + 1)) as u64).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.lines().filter(|line| !line.is_empty() && line.len() <= LONGEST).map(str::to_owned).collect())
}
