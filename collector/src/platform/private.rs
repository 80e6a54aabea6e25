//! Small private files: who may have written one, and how one is replaced.
//!
//! What this promises, and why:
//!
//! - **Reading never trusts what another user may have written.** A file counts only if it is a
//!   regular one, is owned by the effective user, and nobody else may write it. No symbolic link is
//!   followed at its last step, and opening never waits (a FIFO in its place would).
//! - **Replacing is atomic and durable.** A reader sees the old bytes or the new ones; after a
//!   return the new ones survive a power cut: the data is synced before the rename and the
//!   directory after it.
//! - **Nothing here is read without a bound.**
//!
//! On Windows the directory's inherited access list does what owner and mode do elsewhere.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::file;

/// Why a file's bytes do not count.
#[derive(Debug)]
#[cfg_attr(windows, expect(dead_code, reason = "owner and mode are Unix's"))]
pub(crate) enum Unusable {
    /// There is none.
    Missing,
    /// A symbolic link.
    Symlink,
    /// Not a regular file.
    NotAFile,
    /// Another user owns it.
    Foreign {
        /// The owner's user id.
        owner: u32,
    },
    /// Others may write it.
    Shared,
    /// Longer than anything that was ever written there.
    TooLong,
    /// The system refused.
    Io(io::Error),
}

/// Opens a private file for reading, or for reading and writing in place.
pub(crate) fn open(path: &Path, writable: bool) -> Result<(File, Metadata), Unusable> {
    let mut options = OpenOptions::new();
    options.read(true).write(writable);
    harden(&mut options);
    let file = match options.open(path) {
        Ok(file) => file,
        Err(error) => return Err(why_not_opened(path, error)),
    };
    let about = file.metadata().map_err(Unusable::Io)?;
    if !about.is_file() {
        return Err(if about.is_symlink() { Unusable::Symlink } else { Unusable::NotAFile });
    }
    owned(&about)?;
    Ok((file, about))
}

/// The bytes of a file that [`open`] opened, at most `limit` of them.
pub(crate) fn read_open(file: &File, about: &Metadata, limit: usize) -> Result<Vec<u8>, Unusable> {
    if about.len() > limit as u64 {
        return Err(Unusable::TooLong);
    }
    let mut bytes = Vec::with_capacity(about.len() as usize + 1);
    // The length may have changed since: the bound holds for what is read, not for what was said.
    file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(Unusable::Io)?;
    if bytes.len() > limit { Err(Unusable::TooLong) } else { Ok(bytes) }
}

/// Opens a private file to add to its end, making it if there is none.
pub(crate) fn open_to_append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    harden(&mut options);
    private(options.open(path)?, path)
}

/// Replaces a private file, or makes it, atomically and durably.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = beside(path);
    let outcome = write_new(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    if outcome.is_err() {
        let _ = fs::remove_file(&temporary);
        return outcome;
    }
    sync_directory_of(path)
}

/// Replaces a private file, or makes it, atomically but not durably: after a power cut it may be
/// missing, old or damaged. For what carries a checksum and costs little when it is lost.
pub(crate) fn replace_unsynced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = beside(path);
    let outcome = write_unsynced(&temporary, bytes).and_then(|_| fs::rename(&temporary, path));
    if outcome.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    outcome
}

/// Makes a private file where there is none, under its name from the beginning and not durably: a reader may see
/// a part of it. For what the missing file and a damaged one say the same of.
pub(crate) fn create_unsynced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_unsynced(path, bytes).map(drop)
}

/// Makes a private file if there is none; says whether it made it. Never replaces one.
pub(crate) fn create(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    let temporary = beside(path);
    let outcome = write_new(&temporary, bytes).and_then(|()| match fs::hard_link(&temporary, path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        // Some file systems have no second names. Only there may two first runs race, and then
        // the later one's file stays: both are whole.
        Err(_) if !path.exists() => fs::rename(&temporary, path).map(|()| true),
        Err(error) => Err(error),
    });
    let _ = fs::remove_file(&temporary);
    if matches!(outcome, Ok(true)) {
        sync_directory_of(path)?;
    }
    outcome
}

/// Overwrites an existing private file where it stands, without asking the file system for a new
/// file: what works in a directory that cannot be written and mostly on a full disk. A crash in the
/// middle leaves neither the old bytes nor the new ones, so only a file that counts for nothing
/// when damaged may be written so.
pub(crate) fn overwrite(path: &Path, bytes: &[u8]) -> Result<(), Unusable> {
    let (mut file, _) = open(path, true)?;
    file::fits(bytes.len() as u64).map_err(Unusable::Io)?;
    file.write_all(bytes).map_err(Unusable::Io)?;
    file.set_len(bytes.len() as u64).map_err(Unusable::Io)?;
    file.sync_all().map_err(Unusable::Io)
}

/// Removes a file durably; says whether there was one.
pub(crate) fn remove(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => sync_directory_of(path).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Opens a file that is never replaced (a lock, a list), making it if there is none.
pub(crate) fn open_stable(path: &Path) -> io::Result<File> {
    open_stable_with(path, true, true)
}

/// Opens a file that is never replaced, if there is one.
pub(crate) fn open_stable_existing(path: &Path) -> io::Result<Option<File>> {
    use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied, ReadOnlyFilesystem};
    let opened = open_stable_with(path, false, true).or_else(|error| match error.kind() {
        // Most systems lock a file that was opened for reading, too.
        PermissionDenied | ReadOnlyFilesystem => open_stable_with(path, false, false),
        _ => Err(error),
    });
    match opened {
        Ok(file) => Ok(Some(file)),
        Err(error) if matches!(error.kind(), NotFound | NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}

fn open_stable_with(path: &Path, create: bool, write: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(write).create(create).truncate(false);
    harden(&mut options);
    private(options.open(path)?, path)
}

fn private(file: File, path: &Path) -> io::Result<File> {
    let about = file.metadata()?;
    match owned(&about) {
        Ok(()) if about.is_file() => Ok(file),
        _ => Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!("{} is not a private file of this user", path.display()),
        )),
    }
}

/// Makes a directory and its parents, private to the user where they did not exist.
pub(crate) fn make_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_unsynced(path, bytes)?.sync_all()
}

fn write_unsynced(path: &Path, bytes: &[u8]) -> io::Result<File> {
    file::fits(bytes.len() as u64)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    harden(&mut options);
    let mut file = options.open(path)?;
    #[cfg(unix)]
    {
        // A user's umask may have taken away even the owner's bits.
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    file.write_all(bytes)?;
    Ok(file)
}

/// A name beside `path` that no other process and no other thread uses.
fn beside(path: &Path) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let mut random = [0; 4];
    // Without randomness the process id and the counter still tell names apart, and the file is
    // only ever created anew.
    let _ = super::random::fill(&mut random);
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(
        ".{}-{}-{:08x}.tmp",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed),
        u32::from_ne_bytes(random)
    ));
    path.with_file_name(name)
}

#[cfg(unix)]
fn harden(options: &mut OpenOptions) {
    use rustix::fs::OFlags;
    use std::os::unix::fs::OpenOptionsExt;
    let flags = OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    options.mode(0o600).custom_flags(flags.bits() as i32);
}

#[cfg(windows)]
fn harden(options: &mut OpenOptions) {
    use std::os::windows::fs::OpenOptionsExt;
    /// `FILE_FLAG_OPEN_REPARSE_POINT`: open a link itself, so that it shows as one.
    const OPEN_REPARSE_POINT: u32 = 0x0020_0000;
    options.custom_flags(OPEN_REPARSE_POINT);
}

#[cfg(unix)]
fn owned(about: &Metadata) -> Result<(), Unusable> {
    use std::os::unix::fs::MetadataExt;
    let owner = about.uid();
    if owner != rustix::process::geteuid().as_raw() {
        Err(Unusable::Foreign { owner })
    } else if about.mode() & 0o022 != 0 {
        Err(Unusable::Shared)
    } else {
        Ok(())
    }
}

#[cfg(windows)]
fn owned(_: &Metadata) -> Result<(), Unusable> {
    Ok(())
}

fn why_not_opened(path: &Path, error: io::Error) -> Unusable {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Unusable::Missing,
        // Opening a link without following it fails with another code on each system.
        _ if fs::symlink_metadata(path).is_ok_and(|about| about.is_symlink()) => Unusable::Symlink,
        _ if fs::symlink_metadata(path).is_ok_and(|about| !about.is_file()) => Unusable::NotAFile,
        _ => Unusable::Io(error),
    }
}

#[cfg(unix)]
fn sync_directory_of(path: &Path) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    match File::open(directory)?.sync_all() {
        // Some file systems cannot sync a directory. The rename has happened all the same.
        Err(error) if matches!(error.raw_os_error(), Some(code) if cannot_sync(code)) => Ok(()),
        other => other,
    }
}

#[cfg(unix)]
fn cannot_sync(code: i32) -> bool {
    [rustix::io::Errno::INVAL, rustix::io::Errno::NOTSUP].iter().any(|errno| errno.raw_os_error() == code)
}

#[cfg(windows)]
fn sync_directory_of(_: &Path) -> io::Result<()> {
    Ok(())
}
