//! The one notice that a process gets when somebody calls `process::exit`: a handler of the C library.
//!
//! No destructor runs then. On glibc the handler is told the exit code (`on_exit`), elsewhere it is
//! not (`atexit`). On Windows `process::exit` runs no handler at all. `_exit`, `abort` and signals run
//! none anywhere.
#![cfg_attr(unix, allow(unsafe_code, reason = "the C library's exit handlers have no safe door"))]

use std::sync::OnceLock;

type Handler = fn(Option<i32>);

/// What is called, and the process that asked for it: a forked child has the same handlers, and exits
/// without having anything to say.
static HANDLER: OnceLock<(Handler, u32)> = OnceLock::new();

/// Calls this once when the process exits, with the code where the platform tells. The first caller
/// counts. The handler must not panic.
pub(crate) fn at_exit(handler: Handler) {
    if HANDLER.set((handler, std::process::id())).is_ok() {
        imp::register();
    }
}

#[cfg_attr(not(unix), allow(dead_code, reason = "nobody calls it there"))]
fn exiting(code: Option<i32>) {
    if let Some((handler, owner)) = HANDLER.get()
        && *owner == std::process::id()
    {
        handler(code);
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod imp {
    use std::ffi::{c_int, c_void};

    unsafe extern "C" {
        fn on_exit(handler: extern "C" fn(c_int, *mut c_void), argument: *mut c_void) -> c_int;
    }

    extern "C" fn called(code: c_int, _: *mut c_void) {
        super::exiting(Some(code));
    }

    pub(super) fn register() {
        // SAFETY: the signature is glibc's (on_exit(3)). `called` is a function of this program, which
        // lives as long as the process does, and it does not use the argument.
        unsafe { on_exit(called, std::ptr::null_mut()) };
    }
}

#[cfg(all(unix, not(all(target_os = "linux", target_env = "gnu"))))]
mod imp {
    use std::ffi::c_int;

    unsafe extern "C" {
        fn atexit(handler: extern "C" fn()) -> c_int;
    }

    extern "C" fn called() {
        super::exiting(None);
    }

    pub(super) fn register() {
        // SAFETY: the signature is C's. `called` is a function of this program, which lives as long
        // as the process does.
        unsafe { atexit(called) };
    }
}

#[cfg(not(unix))]
mod imp {
    pub(super) fn register() {}
}
