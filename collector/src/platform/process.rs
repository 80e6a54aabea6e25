//! Other processes: which one it is, who started us, how to end one.
//!
//! A process id alone is not a process: ids are reused. Where the system tells when a process began
//! (Linux), the pair of both is what is remembered and compared.

use std::io;
use std::path::PathBuf;

/// How far up the ancestors are looked at: a test, a shell or two, and room.
#[cfg(any(target_os = "linux", target_os = "android"))]
const GENERATIONS: usize = 8;

/// The executables of the processes above this one, nearest first. Empty where the system does not
/// tell.
pub(crate) fn ancestors() -> Vec<PathBuf> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let mut found = Vec::new();
        let mut pid = std::os::unix::process::parent_id();
        for _ in 0..GENERATIONS {
            if pid <= 1 {
                break;
            }
            if let Ok(executable) = std::fs::read_link(format!("/proc/{pid}/exe")) {
                found.push(executable);
            }
            // The fields after the name: state, parent.
            match stat(pid, 1).and_then(|parent| parent.parse().ok()) {
                Some(parent) => pid = parent,
                None => break,
            }
        }
        found
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    Vec::new()
}

/// When a process began, in the system's own unit; `None` where it does not tell or there is none.
pub(crate) fn started(pid: u32) -> Option<u64> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        stat(pid, 19)?.parse().ok()
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        let _ = pid;
        None
    }
}

/// A field of `/proc/<pid>/stat`, counted from the one after the program's name.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn stat(pid: u32, field: usize) -> Option<String> {
    let text = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let text = String::from_utf8_lossy(&text);
    // The name may itself hold spaces and parentheses.
    let (_, rest) = text.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(field).map(str::to_owned)
}

/// Whether this process exists.
pub(crate) fn is_alive(pid: u32, began: Option<u64>) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        use rustix::process::{Pid, test_kill_process};
        let Some(id) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return false };
        match test_kill_process(id) {
            // It exists and is another user's.
            Ok(()) | Err(Errno::PERM) => began.is_none() || started(pid) == began,
            Err(_) => false,
        }
    }
    #[cfg(not(unix))]
    {
        let _ = (pid, began);
        true
    }
}

/// Ends a process at once, also one that is stopped. One that has ended already is no error.
///
/// # Errors
/// What the system refused.
pub(crate) fn end(pid: u32, began: Option<u64>) -> io::Result<()> {
    if pid == std::process::id() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a process does not end itself here"));
    }
    imp::end(pid, began)
}

#[cfg(target_os = "linux")]
mod imp {
    use super::*;
    use rustix::io::Errno;
    use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};

    pub(super) fn end(pid: u32, began: Option<u64>) -> io::Result<()> {
        let Some(id) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return Ok(()) };
        let outcome = match pidfd_open(id, PidfdFlags::empty()) {
            // With the descriptor held the id cannot be reused between the look and the signal.
            Ok(process) if is_alive(pid, began) => pidfd_send_signal(process, Signal::KILL),
            Ok(_) | Err(Errno::SRCH) => return Ok(()),
            Err(_) if is_alive(pid, began) => kill_process(id, Signal::KILL),
            Err(_) => return Ok(()),
        };
        match outcome {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }
}

#[cfg(all(unix, not(target_os = "linux")))]
mod imp {
    use super::*;
    use rustix::process::{Pid, Signal, kill_process};

    pub(super) fn end(pid: u32, began: Option<u64>) -> io::Result<()> {
        match i32::try_from(pid).ok().and_then(Pid::from_raw) {
            Some(id) if is_alive(pid, began) => kill_process(id, Signal::KILL).map_err(io::Error::from),
            _ => Ok(()),
        }
    }
}

#[cfg(windows)]
mod imp {
    use super::*;
    use std::process::{Command, Stdio};

    pub(super) fn end(pid: u32, _: Option<u64>) -> io::Result<()> {
        let status = Command::new("taskkill")
            .args(["/F", "/PID", &pid.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        if status.success() { Ok(()) } else { Err(io::Error::other(format!("taskkill ended with {status}"))) }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_one_with_its_id_from_another_time_is_not() {
        let pid = std::process::id();
        let began = started(pid);
        assert!(began.is_some());
        assert!(is_alive(pid, began));
        assert!(!is_alive(pid, began.map(|began| began + 1)));
        assert!(!is_alive(0, None));
        assert!(!is_alive(u32::MAX, None));
    }

    #[test]
    fn what_started_this_process_is_among_the_ancestors() {
        let parent = std::os::unix::process::parent_id();
        let expected = std::fs::read_link(format!("/proc/{parent}/exe")).unwrap();
        assert_eq!(ancestors().first(), Some(&expected));
    }

    #[test]
    fn a_stopped_child_is_ended_and_a_reused_id_is_spared() {
        use rustix::process::{Pid, Signal, kill_process};
        use std::os::unix::process::ExitStatusExt;
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let pid = child.id();
        kill_process(Pid::from_child(&child), Signal::STOP).unwrap();
        let began = started(pid);
        end(pid, began.map(|began| began + 1)).unwrap();
        assert!(child.try_wait().unwrap().is_none(), "another process of that id is not ours to end");
        end(pid, began).unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(9));
        end(pid, began).unwrap();
    }
}
