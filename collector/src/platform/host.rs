//! Facts about the machine and the process that files depend on: whose files are ours, how large
//! the system lets a file be, which kind of file system a directory is on.

use crate::sum::sum;

/// What a file system can be trusted with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FileSystem {
    /// Local, and `fallocate` reserves blocks that a later store cannot lack: a mapping is safe
    /// from a full disk.
    Preallocating,
    /// Local, or unknown: plain writes.
    Plain,
    /// Shared between machines, or served by a program: plain writes, and a directory for each
    /// machine, because a lock taken on one may not be seen on another.
    Shared,
}

/// The largest file that this process may write. Writing past it raises SIGXFSZ, which kills a
/// process that did not ask for it, so whoever grows a file asks here first.
#[cfg(unix)]
pub(crate) fn file_size_limit() -> u64 {
    rustix::process::getrlimit(rustix::process::Resource::Fsize).current.unwrap_or(u64::MAX)
}

/// The largest file that this process may write.
#[cfg(not(unix))]
pub(crate) fn file_size_limit() -> u64 {
    u64::MAX
}

/// The name of the directory that keeps this machine's files apart on a shared file system.
pub(crate) fn directory() -> String {
    format!("host-{:08x}", machine())
}

/// Whether a directory of this name is some machine's.
pub(crate) fn is_directory(name: &str) -> bool {
    name.strip_prefix("host-").is_some_and(|digits| {
        digits.len() == 8 && digits.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// The kind of file system that a directory is on; [`FileSystem::Plain`] where there is no such directory.
pub(crate) fn file_system_at(directory: &std::path::Path) -> FileSystem {
    #[cfg(test)]
    if let Some((injected, _)) = injected::get() {
        return injected;
    }
    #[cfg(unix)]
    {
        use rustix::fs::{Mode, OFlags};
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::open(directory, flags, Mode::empty()).map_or(FileSystem::Plain, file_system)
    }
    #[cfg(windows)]
    {
        use std::path::{Component, Prefix};
        let shared = matches!(directory.components().next(), Some(Component::Prefix(prefix))
            if matches!(prefix.kind(), Prefix::UNC(..) | Prefix::VerbatimUNC(..)));
        if shared { FileSystem::Shared } else { FileSystem::Plain }
    }
}

/// A short name for this machine, for the directory that keeps machines apart on a shared file
/// system. Only its stability matters.
#[cfg(unix)]
fn machine() -> u32 {
    #[cfg(test)]
    if let Some((_, number)) = injected::get() {
        return number;
    }
    sum(0, rustix::system::uname().nodename().to_bytes())
}

/// A short name for this machine.
#[cfg(not(unix))]
fn machine() -> u32 {
    #[cfg(test)]
    if let Some((_, number)) = injected::get() {
        return number;
    }
    sum(0, std::env::var_os("COMPUTERNAME").unwrap_or_default().as_encoded_bytes())
}

/// The kind of file system that an open directory is on.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn file_system(directory: impl std::os::fd::AsFd) -> FileSystem {
    #[cfg(test)]
    if let Some((injected, _)) = injected::get() {
        return injected;
    }
    // Numbers from <linux/magic.h> and the file systems' own headers.
    const SHARED: [u32; 16] = [
        0x6969,      // NFS
        0x517B,      // SMB
        0xFF53_4D42, // CIFS
        0xFE53_4D42, // SMB2
        0x6573_5546, // FUSE, virtiofs
        0x0102_1997, // 9P
        0x5346_414F, // AFS
        0x6B41_4653, // kAFS
        0x7375_7245, // Coda
        0x00C3_6400, // Ceph
        0x0BD0_0BD0, // Lustre
        0x4750_4653, // GPFS
        0x7461_636F, // OCFS2
        0x0116_1970, // GFS2
        0x786F_4256, // VirtualBox shared folders
        0xBACB_ACBC, // VMware shared folders
    ];
    // ext4 (ext2 and ext3 share its number and refuse `fallocate`), XFS, tmpfs. Not btrfs: a
    // snapshot makes it copy on write even into preallocated blocks.
    const PREALLOCATING: [u32; 3] = [0xEF53, 0x5846_5342, 0x0102_1994];
    let Ok(stat) = rustix::fs::fstatfs(directory) else {
        return FileSystem::Plain;
    };
    // The field's width and sign differ between architectures; the numbers have 32 bits.
    let kind = stat.f_type as u32;
    if SHARED.contains(&kind) {
        FileSystem::Shared
    } else if PREALLOCATING.contains(&kind) {
        FileSystem::Preallocating
    } else {
        FileSystem::Plain
    }
}

/// The kind of file system that an open directory is on.
#[cfg(target_vendor = "apple")]
pub(crate) fn file_system(directory: impl std::os::fd::AsFd) -> FileSystem {
    #[cfg(test)]
    if let Some((injected, _)) = injected::get() {
        return injected;
    }
    let Ok(stat) = rustix::fs::fstatfs(directory) else {
        return FileSystem::Plain;
    };
    let name: Vec<u8> =
        stat.f_fstypename.iter().map(|byte| *byte as u8).take_while(|byte| *byte != 0).collect();
    match name.as_slice() {
        b"nfs" | b"smbfs" | b"afpfs" | b"webdav" | b"macfuse" | b"osxfuse" | b"fusefs" => FileSystem::Shared,
        _ => FileSystem::Plain,
    }
}

/// The kind of file system that an open directory is on.
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android", target_vendor = "apple"))))]
pub(crate) fn file_system(_directory: impl std::os::fd::AsFd) -> FileSystem {
    FileSystem::Plain
}

/// For tests: a thread that is on another machine, with its home on another file system.
#[cfg(test)]
pub(crate) mod injected {
    use super::FileSystem;
    use std::cell::Cell;

    thread_local! {
        static HERE: Cell<Option<(FileSystem, u32)>> = const { Cell::new(None) };
    }

    pub(crate) fn get() -> Option<(FileSystem, u32)> {
        HERE.get()
    }

    /// Runs this as machine `number` with all directories on such a file system.
    pub(crate) fn on<R>(file_system: FileSystem, number: u32, act: impl FnOnce() -> R) -> R {
        HERE.set(Some((file_system, number)));
        let done = act();
        HERE.set(None);
        done
    }
}
