//! A file mapped into memory, written by this process only.
//!
//! The risk of every mapping: if somebody cuts the file, or the disk fails under it, a store raises
//! SIGBUS. So only blocks that are really allocated are touched, only our own leased file is mapped, and
//! only on file systems known to preallocate truly. Where it happens all the same the tool lives on, and
//! [`Mapping::keeps`] says which stores went nowhere (see `bus_error`).

#![allow(unsafe_code, reason = "a shared file mapping: measured at a fifth of the cost of a write")]

use std::fs::File;
use std::io;
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// A mapped file. Words beyond what is allocated are never touched.
#[derive(Debug)]
pub(crate) struct Mapping {
    map: ManuallyDrop<memmap2::MmapRaw>,
    /// Words that the file has.
    allocated: AtomicUsize,
    /// Bytes that held something when it was mapped.
    used: u64,
    /// Bytes that the file has on disk, of which some may not be allocated here yet.
    reserved: AtomicUsize,
    pid: u32,
    #[cfg(any(target_os = "linux", target_os = "android"))]
    guard: super::bus_error::Guard,
}

impl Mapping {
    /// Maps the first `length` bytes of a file that may be shorter, of which `used` hold something and `ready`
    /// were preallocated and written; none of them is allocated here yet. A forked child does not have the mapping.
    pub(crate) fn new(file: &File, length: usize, used: u64, ready: u64) -> io::Result<Self> {
        let map = memmap2::MmapOptions::new().len(length).map_raw(file)?;
        #[cfg(any(target_os = "linux", target_os = "android"))]
        map.advise(memmap2::Advice::DontFork)?;
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let guard = super::bus_error::Guard::new(map.as_ptr() as usize, length)?;
        Ok(Self {
            map: ManuallyDrop::new(map),
            allocated: AtomicUsize::new(0),
            used: used.max(ready),
            reserved: AtomicUsize::new(usize::try_from(ready).unwrap_or(0)),
            pid: super::fork::pid(),
            #[cfg(any(target_os = "linux", target_os = "android"))]
            guard,
        })
    }

    /// Allocates the file's first `length` bytes, on disk too, and on disk `ahead` bytes where that is more: it
    /// costs as much as a few of them.
    pub(crate) fn allocate(&self, file: &File, length: usize, ahead: usize) -> io::Result<()> {
        let from = self.words() * 8;
        let length = length.min(self.map.len());
        if length <= from {
            return Ok(());
        }
        let (reserved, ahead) = (self.reserved.load(Ordering::Relaxed), ahead.clamp(length, self.map.len()));
        let most = if length > reserved { ahead } else { length };
        if most as u64 > super::host::file_size_limit() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        if length > reserved {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            rustix::fs::fallocate(
                file,
                rustix::fs::FallocateFlags::empty(),
                reserved as u64,
                (ahead - reserved) as u64,
            )?;
            self.reserved.store(ahead, Ordering::Relaxed);
        }
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        return Err(io::Error::new(io::ErrorKind::Unsupported, "no true preallocation here"));
        #[cfg(any(target_os = "linux", target_os = "android"))]
        {
            // What is preallocated and was never written is read page by page before the first store into
            // it. Written zeros are in memory already, in large pieces: measured at a quarter of that.
            write_zeros(file, self.used.max(from as u64), length as u64)?;
            // Threads whose stores meet in a page that has no memory yet sleep until one of them has given it
            // some: measured at half of what a record cost two. An older system gives it at the first store.
            let _ = self.map.advise_range(memmap2::Advice::PopulateWrite, from, length - from);
            self.allocated.store(length / 8, Ordering::Release);
            Ok(())
        }
    }

    /// How many words may be touched.
    pub(crate) fn words(&self) -> usize {
        self.allocated.load(Ordering::Acquire)
    }

    /// Whether what this thread stored before byte `end` went into the file, as far as the system knows:
    /// a file that was cut inside of a page says so only when it is looked at.
    #[inline]
    pub(crate) fn keeps(&self, end: u64) -> bool {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        return end <= self.guard.kept() as u64;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        return end <= self.map.len() as u64;
    }

    /// `count` words from `at`, if they are allocated.
    pub(crate) fn get(&self, at: usize, count: usize) -> Option<&[AtomicU64]> {
        if at.checked_add(count)? > self.words() {
            return None;
        }
        // SAFETY: the mapping lives as long as `self` and is at least `words` long (`allocate` bounds
        // that by its length); it is aligned to a page, so each word is aligned; every bit pattern is
        // a valid `AtomicU64`; other threads touch it through this function, so atomically; other
        // processes only read it or, against all agreement, write it, which an atomic tolerates.
        Some(unsafe { std::slice::from_raw_parts(self.map.as_ptr().cast::<AtomicU64>().add(at), count) })
    }
}

/// Writes zeros from `at` to `end`, where a file is preallocated and holds nothing yet.
///
/// The size of a write is measured: larger and smaller ones were slower. It is one page many times over, so that
/// no memory is needed for it.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn write_zeros(file: &File, mut at: u64, end: u64) -> io::Result<()> {
    const PAGE: usize = 4 << 10;
    const PAGES: usize = 32;
    const PIECE: u64 = (PAGE * PAGES) as u64;
    let page = [0; PAGE];
    let pages = [io::IoSlice::new(&page); PAGES];
    let mut interrupted = 0;
    while at < end {
        // Pieces end where large pages of memory do.
        let count = ((at / PIECE + 1) * PIECE).min(end) - at;
        let (whole, rest) = (count as usize / PAGE, count as usize % PAGE);
        let wrote = if whole > 0 {
            rustix::io::pwritev(file, &pages[..whole], at)
        } else {
            rustix::io::pwrite(file, &page[..rest], at)
        };
        match wrote {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(wrote) => at += wrote as u64,
            // A system that interrupts a call for ever must not hold a tool for ever.
            Err(rustix::io::Errno::INTR) if interrupted < 100 => interrupted += 1,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // A forked child does not have the mapping, and may have something else at its address.
        if self.pid == std::process::id() {
            // SAFETY: dropped once, here; nobody can use it afterwards.
            unsafe { ManuallyDrop::drop(&mut self.map) };
        }
    }
}
