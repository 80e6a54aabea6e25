//! What becomes of a store into a mapped file that is not there any more: SIGBUS, which kills by default.
//!
//! Somebody may cut our file while it is mapped, or its disk may fail. The tool must not die of that. So
//! the addresses of each mapping are in a table here, and a handler that finds the address of a fault in
//! it puts anonymous memory there, from the page of the fault to the mapping's end, and notes where that
//! begins. The store is repeated and goes nowhere; whoever stored asks [`Guard::kept`] afterwards and
//! learns that it did. To look at the file before each store instead would double an append's cost, and
//! somebody could still cut it in between.
//!
//! Every other SIGBUS goes to whoever handled the signal before, or does what it does by default. A
//! program that takes the signal for itself after us gets no mapping any more. The handler is installed
//! with the first mapping, so a tool that records little never has it; it does nothing but atomic loads
//! and stores and three system calls, all of which a handler may do.

#![allow(unsafe_code, reason = "a signal handler, and memory in the place of what is gone")]

use std::io;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};

/// Mappings of one process at a time: up to three for each journal that records much.
const MOST: usize = 64;

/// A place that is neither free nor in use yet.
const CLAIMED: usize = 1;

struct Entry {
    /// The first address; 0 where the entry is free.
    start: AtomicUsize,
    /// Behind the last address.
    end: AtomicUsize,
    /// Whose mapping it is: a forked child has the table and not the mappings.
    pid: AtomicUsize,
    /// Bytes from `start` that are still the file's.
    kept: AtomicUsize,
}

static TABLE: [Entry; MOST] = [const {
    Entry {
        start: AtomicUsize::new(0),
        end: AtomicUsize::new(0),
        pid: AtomicUsize::new(0),
        kept: AtomicUsize::new(0),
    }
}; MOST];

/// What handled the signal before; none where ours could not be installed.
static BEFORE: OnceLock<Option<libc::sigaction>> = OnceLock::new();

/// Read once: the handler asks nobody.
static PAGE: AtomicUsize = AtomicUsize::new(4096);

/// A mapping that is watched as long as this lives.
#[derive(Debug)]
pub(crate) struct Guard(usize);

impl Guard {
    /// Watches the mapping of `length` bytes at `start`.
    ///
    /// # Errors
    /// Where the signal is somebody else's, or too many mappings are watched.
    pub(crate) fn new(start: usize, length: usize) -> io::Result<Self> {
        if !installed() {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "the program handles SIGBUS itself"));
        }
        for (at, entry) in TABLE.iter().enumerate() {
            if entry.start.compare_exchange(0, CLAIMED, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
                entry.pid.store(std::process::id() as usize, Ordering::Relaxed);
                entry.kept.store(usize::MAX, Ordering::Relaxed);
                entry.end.store(start + length, Ordering::Relaxed);
                entry.start.store(start, Ordering::Release);
                return Ok(Self(at));
            }
        }
        Err(io::Error::new(io::ErrorKind::Unsupported, "too many mappings"))
    }

    /// How many of the mapping's first bytes are the file's. What this thread stored before it asks, and
    /// before this place, is in the file; what it stored behind is nowhere.
    #[inline]
    pub(crate) fn kept(&self) -> usize {
        // The handler ran in this thread, between two of its instructions.
        std::sync::atomic::compiler_fence(Ordering::SeqCst);
        TABLE.get(self.0).map_or(0, |entry| entry.kept.load(Ordering::Relaxed))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(entry) = TABLE.get(self.0) {
            entry.end.store(0, Ordering::Relaxed);
            entry.start.store(0, Ordering::Release);
        }
    }
}

/// Installs the handler once; says whether it is the one that the system calls.
fn installed() -> bool {
    let before = BEFORE.get_or_init(|| {
        PAGE.store(rustix::param::page_size(), Ordering::Relaxed);
        current()
    });
    let (Some(before), Some(now)) = (before, current()) else { return false };
    if now.sa_sigaction == handler() {
        return true;
    }
    // It was ours and is not any more, or it was changed between the two looks.
    if now.sa_sigaction != before.sa_sigaction {
        return false;
    }
    let mut ours: libc::sigaction = *before;
    ours.sa_sigaction = handler();
    // On the stack that a handler of overflows has, where there is one.
    ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    // SAFETY: `ours` is a whole action (a copy of the one before it) whose handler has the form that its
    // flags say; nothing is asked back.
    unsafe { libc::sigaction(libc::SIGBUS, &raw const ours, ptr::null_mut()) == 0 }
}

fn handler() -> usize {
    on_bus_error as extern "C" fn(_, _, _) as usize
}

fn current() -> Option<libc::sigaction> {
    let mut action = MaybeUninit::uninit();
    // SAFETY: nothing is changed; the call fills `action` where it returns 0.
    unsafe {
        (libc::sigaction(libc::SIGBUS, ptr::null(), action.as_mut_ptr()) == 0).then(|| action.assume_init())
    }
}

extern "C" fn on_bus_error(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: with SA_SIGINFO the system hands over a whole `siginfo_t`; of a fault it holds an address.
    let fault = unsafe { ((*info).si_code > 0).then(|| (*info).si_addr() as usize) };
    if !fault.is_some_and(replace) {
        pass_on(signal, fault.is_some(), info, context);
    }
}

/// Puts memory where the file is gone; `false` if the address is in no mapping of ours.
fn replace(address: usize) -> bool {
    let pid = rustix::process::getpid().as_raw_nonzero().get() as usize;
    let page = address & !(PAGE.load(Ordering::Relaxed) - 1);
    for entry in &TABLE {
        let start = entry.start.load(Ordering::Acquire);
        let end = entry.end.load(Ordering::Relaxed);
        if start <= CLAIMED || !(start..end).contains(&address) || entry.pid.load(Ordering::Relaxed) != pid {
            continue;
        }
        // First said, then done: whoever stores into the new memory reads that it is new.
        entry.kept.fetch_min(page - start, Ordering::SeqCst);
        let (access, how) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE | MapFlags::FIXED);
        // SAFETY: the pages from here to the end are a mapping of our own, which is watched and therefore
        // not unmapped; it stays mapped at the same place, writable, and is only ever used as atomic words.
        return unsafe { mmap_anonymous(page as *mut _, end - page, access, how) }.is_ok();
    }
    false
}

/// Lets those handle it who did before.
fn pass_on(signal: libc::c_int, fault: bool, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let before = BEFORE.get().copied().flatten();
    let Some(before) = before.filter(|it| ![libc::SIG_DFL, libc::SIG_IGN].contains(&it.sa_sigaction)) else {
        if before.is_some_and(|it| it.sa_sigaction == libc::SIG_IGN) && !fault {
            return;
        }
        // SAFETY: both may be called in a handler. The signal's own action follows when this returns: the
        // instruction faults again, or what was raised here is no longer blocked.
        unsafe {
            libc::signal(signal, libc::SIG_DFL);
            if !fault {
                libc::raise(signal);
            }
        }
        return;
    };
    // SAFETY: the system gave us this address as the signal's handler, of the form that its flags say.
    unsafe {
        if before.sa_flags & libc::SA_SIGINFO != 0 {
            let handle: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) =
                std::mem::transmute(before.sa_sigaction);
            handle(signal, info, context);
        } else {
            let handle: extern "C" fn(libc::c_int) = std::mem::transmute(before.sa_sigaction);
            handle(signal);
        }
    }
}
