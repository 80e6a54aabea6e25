//! One directory of ours, held open, whose entries are reached by name only.
//!
//! Whoever may write above our directory could swap it, or one of our files, for a link to
//! something else. So the directory is opened once, refused if it is a symbolic link, and must
//! belong to this user; entries are opened relative to it and never through a link. It is 0700 and
//! its files are 0600.
//!
//! On a file system that machines share, the directory that is really used is one below it for
//! each machine: a lock taken here may not be seen there.

use super::file::Look;
use super::host::{self, FileSystem};
use std::cell::Cell;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

/// How to open an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum How {
    /// For reading.
    Read,
    /// For reading and writing; it must exist.
    Write,
    /// For reading and writing; made if it does not exist.
    Create,
    /// For reading and writing; emptied if it exists.
    Replace,
    /// For writing at its end; made if it does not exist.
    Append,
}

/// More entries than a directory of ours ever has: what listing it costs is bounded.
const MOST_ENTRIES: usize = 16_384;

/// A directory of ours.
#[derive(Debug)]
pub(crate) struct Folder {
    #[cfg(unix)]
    handle: std::os::fd::OwnedFd,
    path: PathBuf,
    file_system: FileSystem,
    /// Whose it is.
    #[cfg(unix)]
    owner: u32,
    /// It was made by this, and nobody has asked yet.
    new: Cell<bool>,
}

#[cfg(unix)]
mod unix {
    use super::*;
    use rustix::fs::{AtFlags, CWD, Mode, OFlags};
    use std::os::fd::{AsFd, OwnedFd};
    use std::os::unix::fs::DirBuilderExt;

    /// A file that was written since it was read last has its time of access written down at the next reading,
    /// which costs as much as the reading: each run reads how a segment begins that the run before it wrote to.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const NO_ACCESS_TIME: OFlags = OFlags::NOATIME;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const NO_ACCESS_TIME: OFlags = OFlags::empty();

    /// A directory is opened for the names below it only, which takes half the time, and opened again by who lists it.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const PLACE: OFlags = OFlags::PATH;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const PLACE: OFlags = OFlags::RDONLY;

    /// A tool may have closed its standard streams; a file of ours must never become one.
    fn above_standard(fd: OwnedFd) -> io::Result<OwnedFd> {
        use std::os::fd::AsRawFd;
        if fd.as_raw_fd() > 2 { Ok(fd) } else { Ok(rustix::io::fcntl_dupfd_cloexec(&fd, 3)?) }
    }

    /// The directory, and whose it is: this user's.
    fn open_directory(at: impl AsFd, path: impl rustix::path::Arg) -> io::Result<(OwnedFd, u32)> {
        let flags = PLACE | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = above_standard(rustix::fs::openat(at, path, flags, Mode::empty())?)?;
        let stat = rustix::fs::fstat(&fd)?;
        if stat.st_uid != rustix::process::geteuid().as_raw() {
            let owner = stat.st_uid;
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                format!("the directory belongs to user {owner}; remove it or choose another directory"),
            ));
        }
        if stat.st_mode & 0o077 != 0 {
            rustix::fs::chmodat(&fd, ".", Mode::RWXU, AtFlags::empty())?;
        }
        Ok((fd, stat.st_uid))
    }

    /// Makes a directory, and its parents if need be; says whether it did.
    fn make_directory(path: &Path) -> io::Result<bool> {
        match rustix::fs::mkdir(path, Mode::RWXU) {
            Ok(()) => Ok(true),
            // Somebody was faster, or the parents are missing.
            Err(_) => {
                std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
                Ok(false)
            }
        }
    }

    impl Folder {
        /// Opens a directory of ours.
        ///
        /// # Errors
        /// `NotFound` if it does not exist; `PermissionDenied` if it is somebody else's; what the
        /// system says otherwise.
        pub(crate) fn open(path: &Path) -> io::Result<Self> {
            Self::at(open_directory(CWD, path)?, path, false)
        }

        /// Opens it, making it and its parents if needed.
        pub(crate) fn create(path: &Path) -> io::Result<Self> {
            let mut new = false;
            let opened = match open_directory(CWD, path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    new = make_directory(path)?;
                    open_directory(CWD, path)?
                }
                other => other?,
            };
            let folder = Self::at(opened, path, true)?;
            // What is in another machine's part of it is not known.
            folder.new.set(new && folder.file_system != FileSystem::Shared);
            Ok(folder)
        }

        /// Whether this is a regular file of the one whose directory it is.
        pub(crate) fn owns(&self, look: &Look) -> bool {
            look.is_of(self.owner)
        }

        /// The directory itself, whatever it is on.
        pub(super) fn exactly(path: &Path) -> io::Result<Self> {
            Ok(Self::on(open_directory(CWD, path)?, path.to_path_buf(), FileSystem::Shared))
        }

        fn at(opened: (OwnedFd, u32), path: &Path, create: bool) -> io::Result<Self> {
            let file_system = host::file_system(&opened.0);
            if file_system != FileSystem::Shared {
                return Ok(Self::on(opened, path.to_path_buf(), file_system));
            }
            let name = host::directory();
            if create {
                match rustix::fs::mkdirat(&opened.0, name.as_str(), Mode::RWXU) {
                    Ok(()) | Err(rustix::io::Errno::EXIST) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(Self::on(open_directory(&opened.0, name.as_str())?, path.join(name), file_system))
        }

        fn on((handle, owner): (OwnedFd, u32), path: PathBuf, file_system: FileSystem) -> Self {
            Self { handle, path, file_system, owner, new: Cell::new(false) }
        }

        /// Opens an entry; never through a link, and only a regular file of this user's.
        pub(crate) fn open_file(&self, name: &str, how: How) -> io::Result<File> {
            #[cfg(test)]
            watched::tell_unless(how == How::Read);
            let flags = match how {
                How::Read => OFlags::RDONLY | OFlags::NONBLOCK,
                How::Write => OFlags::RDWR,
                How::Create => OFlags::RDWR | OFlags::CREATE,
                How::Replace => OFlags::RDWR | OFlags::CREATE | OFlags::TRUNC,
                How::Append => OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND | OFlags::NONBLOCK,
            };
            let open = |more| {
                let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC | more;
                rustix::fs::openat(&self.handle, name, flags, Mode::RUSR | Mode::WUSR)
            };
            let fd = match open(NO_ACCESS_TIME) {
                // Only an owner may ask for that; whoever is none finds out below that it is not theirs.
                Err(rustix::io::Errno::PERM) => open(OFlags::empty()),
                opened => opened,
            }?;
            Ok(File::from(above_standard(fd)?))
        }

        /// Looks at an entry without opening it.
        pub(crate) fn look(&self, name: &str) -> io::Result<Look> {
            Ok(Look::from_stat(&rustix::fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW)?))
        }

        /// Gives an entry another name, replacing what had it.
        pub(crate) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
            #[cfg(test)]
            watched::tell_unless(false);
            Ok(rustix::fs::renameat(&self.handle, from, &self.handle, to)?)
        }

        /// Removes an entry.
        pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
            #[cfg(test)]
            watched::tell_unless(false);
            Ok(rustix::fs::unlinkat(&self.handle, name, AtFlags::empty())?)
        }

        /// The entries' names, in no order; what is not UTF-8 is not ours.
        pub(crate) fn names(&self) -> io::Result<Vec<String>> {
            let mut names = Vec::new();
            for entry in rustix::fs::Dir::new(self.readable()?)?.take(MOST_ENTRIES) {
                if let Ok(name) = entry?.file_name().to_str()
                    && !matches!(name, "." | "..")
                {
                    names.push(name.to_owned());
                }
            }
            Ok(names)
        }

        fn readable(&self) -> io::Result<OwnedFd> {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            Ok(rustix::fs::openat(&self.handle, ".", flags, Mode::empty())?)
        }

        /// Makes names given and taken since then survive a loss of power.
        pub(crate) fn sync(&self) -> io::Result<()> {
            Ok(rustix::fs::fsync(self.readable()?)?)
        }
    }
}

#[cfg(windows)]
impl Folder {
    /// The directory itself, whatever it is on.
    fn exactly(path: &Path) -> io::Result<Self> {
        if !std::fs::symlink_metadata(path)?.is_dir() {
            return Err(io::Error::new(io::ErrorKind::NotADirectory, "not a directory; remove it"));
        }
        Ok(Self::on(path.to_path_buf(), FileSystem::Shared))
    }

    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let metadata = std::fs::symlink_metadata(path)?;
        if !metadata.is_dir() {
            return Err(io::Error::new(io::ErrorKind::NotADirectory, "not a directory; remove it"));
        }
        if host::file_system_at(path) == FileSystem::Shared {
            let path = path.join(host::directory());
            std::fs::symlink_metadata(&path)?;
            return Ok(Self::on(path, FileSystem::Shared));
        }
        Ok(Self::on(path.to_path_buf(), FileSystem::Plain))
    }

    fn on(path: PathBuf, file_system: FileSystem) -> Self {
        Self { path, file_system, new: Cell::new(false) }
    }

    pub(crate) fn owns(&self, look: &Look) -> bool {
        look.is_ours()
    }

    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        match Self::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                std::fs::create_dir_all(path)?;
                match Self::open(path) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        std::fs::create_dir_all(path.join(host::directory()))?;
                        Self::open(path)
                    }
                    other => other,
                }
            }
            other => other,
        }
    }

    pub(crate) fn open_file(&self, name: &str, how: How) -> io::Result<File> {
        use std::os::windows::fs::OpenOptionsExt;
        #[cfg(test)]
        watched::tell_unless(how == How::Read);
        // FILE_FLAG_OPEN_REPARSE_POINT: the link itself, never what it points to.
        let mut options = std::fs::OpenOptions::new();
        options.read(true).custom_flags(0x0020_0000);
        match how {
            How::Read => &mut options,
            How::Write => options.write(true),
            How::Create => options.write(true).create(true),
            How::Replace => options.write(true).create(true).truncate(true),
            How::Append => options.append(true).create(true),
        };
        options.open(self.path.join(name))
    }

    pub(crate) fn look(&self, name: &str) -> io::Result<Look> {
        Look::from_metadata(&std::fs::symlink_metadata(self.path.join(name))?)
    }

    pub(crate) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        #[cfg(test)]
        watched::tell_unless(false);
        std::fs::rename(self.path.join(from), self.path.join(to))
    }

    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        #[cfg(test)]
        watched::tell_unless(false);
        std::fs::remove_file(self.path.join(name))
    }

    pub(crate) fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path)?.take(MOST_ENTRIES) {
            names.extend(entry?.file_name().into_string());
        }
        Ok(names)
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

impl Folder {
    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it was made by this value and has held nothing of ours since: the first time it is asked.
    pub(crate) fn is_new(&self) -> bool {
        self.new.take()
    }

    /// Removes the directory itself, if nothing is in it.
    pub(crate) fn remove_if_empty(&self) {
        let _ = std::fs::remove_dir(&self.path);
    }

    /// What it is on.
    pub(crate) fn file_system(&self) -> FileSystem {
        self.file_system
    }

    /// Whether it is this machine's part of a directory that machines share.
    pub(crate) fn is_of_one_machine(&self) -> bool {
        self.file_system == FileSystem::Shared
    }

    /// Whether neither it nor one of its entries was changed for longer than this. `now` is in seconds since 1970, by
    /// the clock that marks files there. What cannot be looked at may have been.
    pub(crate) fn is_unchanged_for(&self, longest: Duration, now: i64) -> bool {
        let is_old = |at: i64| {
            let age = now.checked_sub(at).and_then(|age| u64::try_from(age).ok());
            age.is_some_and(|age| age > longest.as_secs())
        };
        let itself = std::fs::symlink_metadata(&self.path).and_then(|about| about.modified());
        let itself = itself.ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        itself.is_some_and(|at| i64::try_from(at.as_secs()).is_ok_and(is_old))
            && self.names().is_ok_and(|names| {
                names.iter().all(|name| self.look(name).is_ok_and(|look| is_old(look.changed)))
            })
    }

    /// On a shared file system: what the other machines have in this directory of ours.
    pub(crate) fn of_other_machines(directory: &Path) -> Vec<Self> {
        if host::file_system_at(directory) != FileSystem::Shared {
            return Vec::new();
        }
        let mine = host::directory();
        let all = std::fs::read_dir(directory).into_iter().flatten().take(MOST_ENTRIES).flatten();
        all.filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| host::is_directory(name) && *name != mine)
            .filter_map(|name| Self::exactly(&directory.join(name)).ok())
            .collect()
    }

    /// Whether `name` still names this open file: after a lock was got, somebody may have renamed
    /// or removed what was opened before it.
    pub(crate) fn still_names(&self, name: &str, look: &Look) -> bool {
        self.look(name).is_ok_and(|now| now.identity == look.identity)
    }
}

/// For tests of what a kill leaves: something is done before each change of a name, and before each file is opened
/// for writing, by this thread.
#[cfg(test)]
pub(crate) mod watched {
    use std::cell::RefCell;

    type Watch = Box<dyn FnMut()>;

    thread_local! {
        static WATCH: RefCell<Option<Watch>> = const { RefCell::new(None) };
    }

    /// Watches what `act` changes.
    pub(crate) fn during<T>(watch: impl FnMut() + 'static, act: impl FnOnce() -> T) -> T {
        WATCH.set(Some(Box::new(watch)));
        let done = act();
        WATCH.set(None);
        done
    }

    pub(super) fn tell_unless(only_read: bool) {
        // Taken out meanwhile: what the watch itself changes is nobody's business.
        if !only_read && let Some(mut watch) = WATCH.take() {
            watch();
            WATCH.set(Some(watch));
        }
    }
}
