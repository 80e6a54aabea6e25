//! Starting the tool again as a process that nobody waits for, and becoming one.
//!
//! Hazards, each met where it is named:
//! - a `pre_exec` hook makes the standard library fork for real, which costs a large process 9 to
//!   34 ms where `posix_spawn` costs 0.3 ms. So the child itself leaves its parent's session;
//! - a descriptor that the child inherits keeps its parent's `flock` (cron's `flock 9`), its pipes
//!   (`$(tool)`) and make's jobserver in use. So the child gives up all but the standard ones, which
//!   are null, before anything else. On Linux it puts null in their place and does not close them: a hook of the
//!   author's that opened a file before `start!` would else write into whatever gets that number next;
//! - the path of the executable may by now be another program, which would take the hidden argument
//!   for its own. So the file is compared with the one that is running;
//! - a setuid program must not start programs from paths that its caller may influence. So it does
//!   not start any.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use super::child::{Child, Program, Streams};

/// The first argument of the hidden mode. It is asked for together with [`VARIABLE`], so that neither
/// a user's argument nor an inherited environment makes a tool a sender by accident.
const ARGUMENT: &str = "__telemetry_sender";

/// The second argument where the child only starts the sender and ends, so that the sender is nobody's
/// child: a program that goes on would otherwise have to wait for it, or keep a zombie.
const BETWEEN: &str = "between";

/// The second argument where the user asked: the waits of the schedule are lifted.
const NOW: &str = "now";

/// Holds the tool's id in the hidden mode.
const VARIABLE: &str = "TELEMETRY_SENDER";

/// `ECHILD`.
const NO_CHILD: i32 = 10;

/// The program that is running, as the file that it was started from.
#[derive(Clone, Debug)]
pub(crate) struct Executable {
    path: PathBuf,
    file: FileId,
}

#[cfg(unix)]
type FileId = (u64, u64);
#[cfg(not(unix))]
type FileId = (u64, Option<std::time::SystemTime>);

#[cfg(unix)]
fn file_id(path: &Path) -> io::Result<FileId> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).map(|meta| (meta.dev(), meta.ino()))
}

#[cfg(not(unix))]
fn file_id(path: &Path) -> io::Result<FileId> {
    std::fs::metadata(path).map(|meta| (meta.len(), meta.modified().ok()))
}

impl Executable {
    /// The running program.
    pub(crate) fn current() -> io::Result<Self> {
        let path = std::env::current_exe()?;
        // On Linux this is the running file itself, whatever its path now names.
        let running = if cfg!(target_os = "linux") { PathBuf::from("/proc/self/exe") } else { path.clone() };
        Ok(Self { file: file_id(&running)?, path })
    }

    /// Whether the path still names the file that is running.
    pub(crate) fn is_unchanged(&self) -> bool {
        file_id(&self.path).is_ok_and(|file| file == self.file)
    }

    /// Starts it again in the hidden mode, for a process that is about to end. The child's streams are
    /// null, and nobody waits for it.
    pub(crate) fn start_sender(&self, tool_id: &str) -> io::Result<()> {
        self.start(tool_id, &[ARGUMENT]).map(drop)
    }

    /// The same for a process that goes on: the sender is not its child. Waits for the child between
    /// them, which needs some milliseconds.
    pub(crate) fn start_orphan(&self, tool_id: &str) -> io::Result<()> {
        ended(&mut self.start(tool_id, &[ARGUMENT, BETWEEN])?)
    }

    fn start(&self, tool_id: &str, arguments: &[&str]) -> io::Result<Child> {
        if !self.is_unchanged() {
            return Err(io::Error::other(format!(
                "{} is no longer the program that is running",
                self.path.display()
            )));
        }
        launch(&self.path, tool_id, arguments)
    }
}

/// Starts a tool's helper, as a tool that goes on or that is about to end starts itself.
pub(crate) fn start_helper(program: &Path, tool_id: &str, ends: bool) -> io::Result<()> {
    if ends {
        launch(program, tool_id, &[ARGUMENT]).map(drop)
    } else {
        ended(&mut launch(program, tool_id, &[ARGUMENT, BETWEEN])?)
    }
}

/// Starts a tool's helper because the user asked for delivery, and waits for it.
pub(crate) fn start_helper_now(program: &Path, tool_id: &str) -> io::Result<Child> {
    launch(program, tool_id, &[ARGUMENT, NOW])
}

/// Waits for a process that only starts another one.
fn ended(between: &mut Child) -> io::Result<()> {
    match between.wait() {
        Ok(0) => Ok(()),
        Ok(code) => Err(io::Error::other(format!("the process that starts it ended with {code}"))),
        // The tool waits for any child, and this one was among them.
        Err(error) if error.raw_os_error() == Some(NO_CHILD) => Ok(()),
        Err(error) => Err(error),
    }
}

fn launch(program: &Path, tool_id: &str, arguments: &[&str]) -> io::Result<Child> {
    Program {
        path: program,
        arguments: arguments.iter().map(OsString::from).collect(),
        variable: Some((VARIABLE, tool_id)),
        streams: Streams::Null,
    }
    .start()
}

/// Whether this process was started as this tool's sender.
pub(crate) fn is_sender(tool_id: &str) -> bool {
    asks_for_sender(std::env::args_os().nth(1), std::env::var_os(VARIABLE), tool_id)
}

/// Whether this process, in the hidden mode, is only to start the sender.
pub(crate) fn is_between() -> bool {
    std::env::args_os().nth(2).as_deref() == Some(OsStr::new(BETWEEN))
}

/// Whether this process, in the hidden mode, is to send at once.
pub(crate) fn is_urgent() -> bool {
    std::env::args_os().nth(2).as_deref() == Some(OsStr::new(NOW))
}

fn asks_for_sender(argument: Option<OsString>, variable: Option<OsString>, tool_id: &str) -> bool {
    argument.as_deref() == Some(OsStr::new(ARGUMENT)) && variable.as_deref() == Some(OsStr::new(tool_id))
}

/// Whether this process, or the one that waits for it, is the first of its container or session, so
/// that a child would end with it.
pub(crate) fn children_die_with_us() -> bool {
    #[cfg(unix)]
    {
        rustix::process::getpid().is_init()
            || rustix::process::getppid().is_none_or(rustix::process::Pid::is_init)
    }
    #[cfg(not(unix))]
    false
}

/// First thing in the hidden mode: gives up the parent's session, directory and descriptors.
pub(crate) fn leave_parent() {
    #[cfg(unix)]
    {
        // Fails only for a process that leads a group already, which a fresh child never does.
        let _ = rustix::process::setsid();
        #[cfg(target_os = "linux")]
        if silence_inherited().is_err() {
            close_inherited();
        }
        #[cfg(not(target_os = "linux"))]
        close_inherited();
    }
    // A sender must not keep a file system from being unmounted.
    let _ = std::env::set_current_dir(if cfg!(windows) { "C:\\" } else { "/" });
}

/// Lets every descriptor but the standard ones go, and keeps its number taken.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn silence_inherited() -> io::Result<()> {
    use std::mem::ManuallyDrop;
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

    let null = std::fs::File::options().read(true).write(true).open("/dev/null")?;
    let mut open = Vec::new();
    for entry in std::fs::read_dir("/proc/self/fd")? {
        open.extend(entry?.file_name().to_str().and_then(|name| name.parse::<i32>().ok()));
    }
    // One of these is the listing's own, which is closed by now: it gets to be null as well.
    for number in open.into_iter().filter(|it| *it > 2 && *it != null.as_raw_fd()) {
        // SAFETY: the number is nobody's, or it stays a descriptor that is open, and this one is never dropped: what its
        // owner reads from now on ends at once, and what it writes goes nowhere. That is meant: this process is in the
        // hidden mode, whose hooks of the author's are all that may still use it.
        let mut owned = ManuallyDrop::new(unsafe { OwnedFd::from_raw_fd(number) });
        rustix::io::dup3(&null, &mut owned, rustix::io::DupFlags::CLOEXEC)?;
    }
    Ok(())
}

#[cfg(unix)]
#[allow(unsafe_code)]
fn close_inherited() {
    // SAFETY: closing a descriptor that somebody owns would let a later file take its number. This
    // process is in the hidden mode: it never returns to the tool's code, and the library has opened nothing yet;
    // that hooks of the author's must open what they need themselves is documented at `Tool::logger`. Without it a
    // sender would hold its parent's locks and pipes for as long as it lives.
    unsafe { close_fds::close_open_fds(3, &[]) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hidden_mode_takes_both_the_argument_and_the_variable_of_this_tool() {
        let os = |text: &str| Some(OsString::from(text));
        assert!(asks_for_sender(os(ARGUMENT), os("com.example.greet"), "com.example.greet"));
        assert!(!asks_for_sender(os(ARGUMENT), None, "com.example.greet"));
        assert!(!asks_for_sender(None, os("com.example.greet"), "com.example.greet"));
        assert!(!asks_for_sender(os("hello"), os("com.example.greet"), "com.example.greet"));
        assert!(!asks_for_sender(os(ARGUMENT), os("com.example.other"), "com.example.greet"));
    }

    #[test]
    fn the_running_program_is_recognised_as_unchanged() {
        assert!(Executable::current().unwrap().is_unchanged());
    }

    #[test]
    fn a_program_that_was_replaced_is_not_started() {
        let mut executable = Executable::current().unwrap();
        executable.path = PathBuf::from("/dev/null");
        let error = executable.start_sender("com.example.greet").unwrap_err();
        assert!(error.to_string().contains("no longer the program"), "{error}");
    }
}
