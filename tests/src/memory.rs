//! A system that refuses executable memory, as hardened services and some containers are run.

use std::os::unix::process::CommandExt;
use std::process::Command;

/// Refuses the program, and whatever it starts, all memory that becomes executable: what systemd's
/// `MemoryDenyWriteExecute=` does. Starting it fails where the kernel cannot (before Linux 6.3).
#[allow(unsafe_code)]
pub fn refuse_executable_memory(command: &mut Command) {
    const PR_MDWE_REFUSE_EXEC_GAIN: libc::c_ulong = 1;
    let refuse = || {
        // SAFETY: `prctl` with these arguments changes a flag of this process and touches no memory of it.
        match unsafe { libc::prctl(libc::PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) } {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        }
    };
    // SAFETY: between fork and exec the closure makes one system call and allocates nothing.
    unsafe { command.pre_exec(refuse) };
}
