//! Which process this is, cheaply: what was locked or mapped before a `fork` is not the child's.
//!
//! `getpid` is a system call. On Linux a page that the kernel empties in a forked child
//! (`MADV_WIPEONFORK`) holds the answer, so that asking is one load. `pthread_atfork` would run our
//! code inside every `fork` of the tool, also of those that never record, and it cannot be undone.

#![cfg_attr(
    any(target_os = "linux", target_os = "android"),
    allow(unsafe_code, reason = "a page with its own fork behaviour")
)]

/// This process's id.
pub(crate) fn pid() -> u32 {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Some(page) = page::get() {
        use std::sync::atomic::Ordering;
        // Relaxed: the value is this process's own id or 0, whoever stored it.
        let known = page.load(Ordering::Relaxed);
        if known != 0 {
            return known;
        }
        let pid = std::process::id();
        page.store(pid, Ordering::Relaxed);
        return pid;
    }
    std::process::id()
}

/// Makes [`pid`] cheap, where that is possible. It costs some microseconds once, so a process that
/// records little leaves it.
pub(crate) fn make_cheap() {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    page::make();
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod page {
    use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};
    use std::sync::OnceLock;
    use std::sync::atomic::AtomicU32;

    static PAGE: OnceLock<Option<&'static AtomicU32>> = OnceLock::new();

    pub(super) fn get() -> Option<&'static AtomicU32> {
        PAGE.get().copied().flatten()
    }

    pub(super) fn make() {
        PAGE.get_or_init(map);
    }

    fn map() -> Option<&'static AtomicU32> {
        const LENGTH: usize = 4096;
        let flags = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new anonymous mapping, at an address of the kernel's choice, aliases nothing.
        let page = unsafe { mmap_anonymous(std::ptr::null_mut(), LENGTH, flags, MapFlags::PRIVATE) }.ok()?;
        // SAFETY: `page` is the mapping made above, of this length; the advice changes only what a
        // child sees.
        if unsafe { madvise(page, LENGTH, Advice::LinuxWipeOnFork) }.is_err() {
            // SAFETY: as above, and nobody has a reference to it yet.
            let _ = unsafe { munmap(page, LENGTH) };
            return None;
        }
        // SAFETY: it is aligned to a page, zeroed (0 is a valid `AtomicU32`), never unmapped, and in
        // a child it exists too, zeroed again; all accesses are atomic.
        Some(unsafe { &*page.cast::<AtomicU32>() })
    }
}
